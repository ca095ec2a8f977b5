"""Commissions: earned once, payable after delivery, paid once, taken back on a refund."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.commerce.ach import Account, Originator
from pw_pipelines.commerce.agents import find_referral, register, statement
from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.commission_batch import MonthPaid, pay_month
from pw_pipelines.commerce.commissions import earn, make_payable
from pw_pipelines.commerce.discounts import Referral
from pw_pipelines.commerce.orders import (
    BundleDetails,
    CanadaCrtcDetails,
    OrderError,
    change,
    hold,
    release,
)
from pw_pipelines.commerce.payouts import Payouts
from pw_pipelines.commerce.reference import load_commerce
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.resources.objects import Objects
from tests.commerce.making import COMPANY, FORMATION, NOW, agent, delivered, ordered, pay, walk

COMPLETE = Basket("formation", (BasketItem("formation_complete", for_state="WY"),))
CRTC = Basket("canada_crtc", (BasketItem("canada_crtc", agreed_price=Decimal(3000)),))
PAYABLE = NOW + timedelta(days=14)
NEXT_MONTH = datetime(2027, 1, 4, 15, tzinfo=UTC)
ADA = Account(reference="ada", holder="Ada", routing="011401533", number="1111", kind="checking", is_company=False)
PAYOUTS = Payouts(
    originator=Originator(
        bank_name="First Example Bank", bank_routing="021000021", company_name="Example Firm", company_id="1234567890"
    ),
    accounts=(ADA,),
)


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects((tmp_path / "objects").as_uri())


def ledger(db: Database) -> list[tuple[Any, ...]]:
    with db.connect() as connection:
        rows = connection.execute("select reason, kind, amount, state from pw.commission_ledger order by entry_id")
        return [(row["reason"], row["kind"], row["amount"], row["state"]) for row in rows]


def payable(db: Database, code: str = "REF-AB123", payout: str | None = "ada") -> int:
    """A delivered formation whose commission may be paid; the order's id."""
    with db.connect() as connection:
        order_id = delivered(connection, agent(connection, code, payout=payout))
        assert make_payable(connection, now=PAYABLE) == 1
    return order_id


@pytest.mark.parametrize(
    ("basket", "details", "earned"),
    [
        (FORMATION, COMPANY, [("formation_basic", "earned", 50, "pending")]),
        (COMPLETE, COMPANY, []),
        (CRTC, CanadaCrtcDetails("Acme Canada"), [("canada_crtc", "earned", 300, "pending")]),
        (Basket("bundle", bundle="starter"), BundleDetails("WY"), [("bundle", "earned", 100, "pending")]),
    ],
)
def test_an_agent_earns_a_flat_amount_when_the_order_is_paid(
    db: Database, basket: Basket, details: Any, earned: list[Any]
) -> None:
    load_commerce(db)
    with db.connect() as connection:
        order_id = ordered(connection, basket, details, referral=agent(connection), by="staff").order_id
    assert ledger(db) == []
    with db.connect() as connection:
        pay(connection, order_id)
        earn(connection, order_id, now=NOW)
    assert ledger(db) == earned


def test_an_order_nobody_referred_earns_nobody_anything(db: Database) -> None:
    with db.connect() as connection:
        pay(connection, ordered(connection, FORMATION, COMPANY).order_id)
    assert ledger(db) == []


def test_a_price_a_person_agreed_is_placed_by_a_person(db: Database) -> None:
    with db.connect() as connection, pytest.raises(OrderError, match="by a person of the firm"):
        ordered(connection, CRTC, CanadaCrtcDetails("Acme Canada"))


def test_commissions_are_payable_fourteen_days_after_delivery_and_not_while_the_order_is_held(db: Database) -> None:
    with db.connect() as connection:
        order_id = delivered(connection, agent(connection))
        assert make_payable(connection, now=PAYABLE - timedelta(seconds=1)) == 0
        hold(connection, order_id, by="stripe", why="disputed", now=NOW)
        assert make_payable(connection, now=PAYABLE) == 0
        release(connection, order_id, by="ops", why="dispute won", now=NOW)
        assert [make_payable(connection, now=PAYABLE) for _ in range(2)] == [1, 0]
    assert ledger(db) == [("formation_basic", "earned", 50, "payable")]


def dispute(db: Database, order_id: int, state: str = "disputed") -> None:
    with db.connect() as connection:
        connection.execute("update pw.payments set state = %s where order_id = %s", (state, order_id))


def test_a_commission_is_not_payable_while_the_payment_of_its_delivered_order_is_disputed(db: Database) -> None:
    with db.connect() as connection:
        order_id = delivered(connection, agent(connection))
    dispute(db, order_id)
    with db.connect() as connection:
        assert make_payable(connection, now=PAYABLE) == 0
    dispute(db, order_id, "paid")
    with db.connect() as connection:
        assert make_payable(connection, now=PAYABLE) == 1


def test_what_is_disputed_or_held_after_it_became_payable_is_not_paid_but_waits(db: Database, objects: Objects) -> None:
    disputed, held = payable(db), payable(db, "REF-HELD1")
    dispute(db, disputed)
    with db.connect() as connection:
        hold(connection, held, by="ops", why="in doubt", now=NOW)
    assert pay_month(db, objects, PAYOUTS, now=NEXT_MONTH).digest is None
    dispute(db, disputed, "paid")
    with db.connect() as connection:
        release(connection, held, by="ops", why="settled", now=NOW)
    assert pay_month(db, objects, PAYOUTS, now=NEXT_MONTH).total == 100


def test_a_refund_before_payment_strikes_the_commission_out(db: Database, objects: Objects) -> None:
    order_id = payable(db)
    with db.connect() as connection:
        walk(connection, order_id, "refunded")
    assert ledger(db) == [("formation_basic", "earned", 50, "reversed")]
    assert pay_month(db, objects, PAYOUTS, now=NEXT_MONTH).digest is None


def test_a_month_is_paid_by_one_file_kept_under_its_digest(db: Database, objects: Objects) -> None:
    payable(db)
    first = pay_month(db, objects, PAYOUTS, now=NEXT_MONTH)
    again = pay_month(db, objects, PAYOUTS, now=NEXT_MONTH + timedelta(days=3))
    assert (first.month, first.total, first.is_new) == (date(2027, 1, 1), 50, True)
    assert (again.digest, again.total, again.is_new) == (first.digest, 50, False)
    assert first.digest is not None
    with objects.open(first.digest) as file:
        text = file.read().decode("ascii")
    assert "0000005000AGENT" in text
    assert "270105" in text  # the next banking day
    assert ledger(db) == [("formation_basic", "earned", 50, "paid")]


def test_what_became_payable_within_the_month_waits_for_the_next(db: Database, objects: Objects) -> None:
    payable(db)
    assert pay_month(db, objects, PAYOUTS, now=PAYABLE + timedelta(days=1)).digest is None
    assert pay_month(db, objects, PAYOUTS, now=NEXT_MONTH).total == 50


@pytest.mark.parametrize(
    ("payout", "payouts", "why"),
    [
        (None, PAYOUTS, "no payout reference"),
        ("bob", PAYOUTS, "no account under the payout reference 'bob'"),
        ("ada", None, "PW_PAYOUTS_FILE names no file"),
    ],
)
def test_who_has_no_bank_data_is_held_and_named_and_nobody_else_waits(
    db: Database, objects: Objects, payout: str | None, payouts: Payouts | None, why: str
) -> None:
    payable(db, "REF-HELD1", payout)
    payable(db, "REF-PAID1", "ada")
    found = pay_month(db, objects, payouts, now=NEXT_MONTH)
    held = next(share for share in found.held if share.name == "Agent REF-HELD1")
    assert (held.amount, why in (held.why or "")) == (50, True)
    assert [share.name for share in found.paid] == (["Agent REF-PAID1"] if payouts else [])
    assert (found.digest is not None) == (payouts is not None)
    assert ledger(db)[0][3] == "payable"


def test_a_refund_after_payment_is_taken_off_the_next_months_payment(db: Database, objects: Objects) -> None:
    with db.connect() as connection:
        referral = agent(connection, payout="ada")
        first = delivered(connection, referral)
        make_payable(connection, now=PAYABLE)
    pay_month(db, objects, PAYOUTS, now=NEXT_MONTH)
    with db.connect() as connection:
        walk(connection, first, "refunded")
        hold(connection, first, by="stripe", why="more money", now=NOW)
        walk(connection, first, "refunded")  # a second time: nothing more is taken back
    february = NEXT_MONTH + timedelta(days=31)
    owed = pay_month(db, objects, PAYOUTS, now=february)
    assert (owed.digest, [(share.amount, "carried forward" in (share.why or "")) for share in owed.held]) == (
        None, [(-50, True)],
    )  # fmt: skip
    with db.connect() as connection:
        for _ in range(3):
            delivered(connection, referral)
        make_payable(connection, now=PAYABLE)
    assert pay_month(db, objects, PAYOUTS, now=february).total == 100
    with db.connect() as connection:
        assert statement(connection, referral.agent_id).paid == 150
    assert ledger(db)[:2] == [("formation_basic", "earned", 50, "paid"), ("formation_basic", "reversal", -50, "paid")]


def test_many_payers_at_once_write_one_batch(db: Database, objects: Objects) -> None:
    payable(db)
    with ThreadPoolExecutor(8) as pool:
        found: list[MonthPaid] = list(pool.map(lambda _: pay_month(db, objects, PAYOUTS, now=NEXT_MONTH), range(8)))
    assert sum(one.is_new for one in found) == 1
    assert len({one.digest for one in found}) == 1


SCRIPT = """
import sys
from pw_pipelines.commerce.commission_batch import pay_month
from pw_pipelines.db.connection import Database
from pw_pipelines.resources.objects import Objects
from tests.commerce.test_commissions import NEXT_MONTH, PAYOUTS
pay_month(Database(sys.argv[1]), Objects(sys.argv[2]), PAYOUTS, now=NEXT_MONTH)
"""


@pytest.mark.parametrize("point", ["commissions.batch.stored", "commissions.batch.before_commit"])
def test_a_payer_killed_in_the_middle_pays_nothing_and_the_next_one_pays_once(
    db: Database, objects: Objects, point: str
) -> None:
    payable(db)
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, db.url, objects.url],
        check=False,
        env={**os.environ, "PW_FAULT": f"{point}:kill"},
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    assert ledger(db) == [("formation_basic", "earned", 50, "payable")]
    assert pay_month(db, objects, PAYOUTS, now=NEXT_MONTH).is_new
    assert not pay_month(db, objects, PAYOUTS, now=NEXT_MONTH).is_new
    assert ledger(db) == [("formation_basic", "earned", 50, "paid")]


def test_a_refund_during_the_payment_is_never_lost(db: Database, objects: Objects) -> None:
    order_id = payable(db)

    def refund() -> None:
        with db.connect() as connection:
            change(connection, order_id, "refunded", by="stripe", why="refund", now=NOW)

    with ThreadPoolExecutor(2) as pool:
        paying = pool.submit(pay_month, db, objects, PAYOUTS, now=NEXT_MONTH)
        refunding = pool.submit(refund)
        paid = paying.result().digest is not None
        refunding.result()
    assert ledger(db) == (
        [("formation_basic", "earned", 50, "paid"), ("formation_basic", "reversal", -50, "payable")]
        if paid
        else [("formation_basic", "earned", 50, "reversed")]
    )


def test_an_agent_has_a_code_of_their_own_that_customers_can_give(db: Database) -> None:
    with db.connect() as connection:
        found = register(connection, name="Ada", email="Ada@Example.com", now=NOW)
        assert find_referral(connection, found.referral_code.lower()) == Referral(found.referral_code, found.agent_id)
        with pytest.raises(UsageError, match="is an agent already"):
            register(connection, name="Ada", email="ada@example.com", now=NOW)
        with pytest.raises(UsageError, match="no referral code"):
            find_referral(connection, "REF-00000")
        connection.execute("update pw.sales_agents set is_active = false")
        with pytest.raises(UsageError, match="no longer stands"):
            find_referral(connection, found.referral_code)
        with pytest.raises(UsageError, match="does not stand"):
            ordered(connection, FORMATION, COMPANY, referral=Referral(found.referral_code, found.agent_id))


def test_agents_do_not_refer_themselves(db: Database) -> None:
    with db.connect() as connection, pytest.raises(UsageError, match="refer themselves"):
        ordered(connection, FORMATION, COMPANY, referral=agent(connection), email="REF-AB123@example.com")

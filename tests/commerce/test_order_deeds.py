"""What people do to an order as a whole: release, cancel, end after its refund; and where its life forbids it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pw_pipelines.commerce import orders
from pw_pipelines.commerce.discounts import Discount, find_discount, make_discount
from pw_pipelines.commerce.orders import PlacedOrder
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import items, order_deeds
from pw_pipelines.sandbox.payments import messages as say
from tests.commerce.making import COMPANY, CPNI, FORMATION, NOW, agent, ordered, pay, walk
from tests.desk.making import paid_order
from tests.payments.conftest import TOTAL, Till, open_till, paypal_folder, till, till_settings

__all__ = ["open_till", "paypal_folder", "till", "till_settings"]
OMAR: dict[str, Any] = {"by": "omar", "now": NOW}


def status(db: Database, number: str) -> tuple[str, str | None]:
    with db.connect() as connection:
        row = connection.execute("select status, held_from from pw.orders where number = %s", (number,)).fetchone()
    assert row is not None
    return str(row["status"]), row["held_from"]  # type: ignore[return-value]


def done(db: Database, number: str) -> list[tuple[str, str, str]]:
    """The deeds of people on an order, as the log and the order's own history have them."""
    with db.connect() as connection:
        logged = connection.execute(
            """select a.what, a."by", a.detail ->> 'why' as why from pw.staff_actions a join pw.orders using (order_id)
               where number = %s order by action_id""",
            (number,),
        ).fetchall()
        history = connection.execute(
            """select e."by", e.why from pw.order_events e join pw.orders using (order_id)
               where number = %s and e."by" = 'omar' and what = 'status' order by event_id""",
            (number,),
        ).fetchall()
    found = [(str(row["what"]), str(row["by"]), str(row["why"])) for row in logged]
    assert [one[1:] for one in found] == [(row["by"], row["why"]) for row in history]
    return found


def do(db: Database, deed: Any, number: str, why: str = "Ada rang up.", **more: Any) -> str:
    with db.connect() as connection:
        return str(deed(connection, number, why=why, **{**OMAR, **more}))


def refused(db: Database, deed: Any, number: str, says: str, **more: Any) -> None:
    before = status(db, number), done(db, number)
    with pytest.raises(UsageError, match=says):
        do(db, deed, number, **more)
    assert (status(db, number), done(db, number)) == before


def paid(till: Till) -> tuple[PlacedOrder, str]:
    order = till.order()
    session = say.stripe_session(order.number, TOTAL)
    till.tell("stripe", say.stripe_event("checkout.session.completed", session, NOW))
    return order, str(session["payment_intent"])


def refund(till: Till, order: PlacedOrder, intent: str, cents: int) -> None:
    charge = say.stripe_charge(order.number, TOTAL, intent, refunded=cents)
    till.tell("stripe", say.stripe_event("charge.refunded", charge, NOW))


# -- with money that the providers told of -----------------------------------------------------------------------


def test_an_order_held_by_a_refund_of_a_part_goes_on_when_a_person_says_so(till: Till) -> None:
    order, intent = paid(till)
    refund(till, order, intent, 5_000)
    assert status(till.db, order.number) == ("held", "processing")
    assert do(till.db, order_deeds.release, order.number, "A goodwill refund; the work goes on.") == "processing"
    assert done(till.db, order.number) == [("order_released", "omar", "A goodwill refund; the work goes on.")]
    refund(till, order, intent, TOTAL)
    assert status(till.db, order.number) == ("refunded", None), "the rest ends it, as ever"


def test_a_refund_of_all_while_something_is_filed_is_ended_by_a_person_and_never_released(till: Till) -> None:
    order, intent = paid(till)
    with till.db.connect() as connection:
        walk(connection, order.order_id, "submitted")
    refund(till, order, intent, TOTAL)
    assert status(till.db, order.number) == ("held", "submitted")
    refused(till.db, order_deeds.release, order.number, "All of the money .* went back")
    refused(
        till.db, order_deeds.cancel, order.number, "refund it at the provider first; the refund then ends the order"
    )
    assert do(till.db, order_deeds.end, order.number) == "refunded"
    assert done(till.db, order.number) == [("order_ended", "omar", "Ada rang up.")]


def test_a_disputed_order_is_released_only_once_the_dispute_is_won(till: Till) -> None:
    order, intent = paid(till)
    dispute = say.stripe_dispute(TOTAL, intent)
    till.tell("stripe", say.stripe_event("charge.dispute.created", dispute, NOW))
    refused(till.db, order_deeds.release, order.number, "is disputed")
    refused(till.db, order_deeds.end, order.number, "not been refunded whole")
    till.tell("stripe", say.stripe_event("charge.dispute.closed", {**dispute, "status": "won"}, NOW))
    assert do(till.db, order_deeds.release, order.number) == "processing"


def test_an_order_held_for_its_payment_is_neither_released_nor_cancelled_before_that_is_settled(till: Till) -> None:
    order = till.order()
    session = say.stripe_session(order.number, TOTAL - 100)
    event = till.tell("stripe", say.stripe_event("checkout.session.completed", session, NOW))
    assert status(till.db, order.number) == ("held", "received")
    for deed in (order_deeds.release, order_deeds.cancel):
        refused(till.db, deed, order.number, rf"payment event {event['event_id']}\): settle it first")


def test_money_that_came_and_did_not_pay_goes_back_before_its_order_is_cancelled(till: Till) -> None:
    order = till.order()
    session = say.stripe_session(order.number, TOTAL - 100)
    till.tell("stripe", say.stripe_event("checkout.session.completed", session, NOW))
    with till.db.connect() as connection:
        connection.execute("update pw.payment_events set state = 'ignored'")
    refused(till.db, order_deeds.cancel, order.number, "198.00 came .* refund it at the provider first")
    charge = say.stripe_charge(order.number, TOTAL - 100, str(session["payment_intent"]), refunded=TOTAL - 100)
    till.tell("stripe", say.stripe_event("charge.refunded", charge, NOW))
    assert do(till.db, order_deeds.cancel, order.number) == "cancelled"


def test_an_order_whose_money_is_on_its_way_is_not_cancelled_before_it_failed(till: Till) -> None:
    order = till.order()
    begun = say.stripe_session(order.number, TOTAL, payment_status="unpaid")
    till.tell("stripe", say.stripe_event("checkout.session.completed", begun, NOW))
    refused(till.db, order_deeds.cancel, order.number, "Money may be on its way")
    till.tell("stripe", say.stripe_event("checkout.session.async_payment_failed", begun, NOW))
    assert do(till.db, order_deeds.cancel, order.number) == "cancelled"


# -- lives of orders ---------------------------------------------------------------------------------------------


def test_an_unpaid_order_is_cancelled_once_and_gives_its_discount_code_back(db: Database) -> None:
    code = Discount("ONCE", "percent", Decimal(10))
    with db.connect() as connection:
        make_discount(connection, code, usage_limit=1, by="test", now=NOW)
        number = ordered(connection, CPNI, discount=code).number
    assert do(db, order_deeds.cancel, number) == "cancelled"
    assert do(db, order_deeds.cancel, number) == "cancelled", "the button pressed twice"
    assert done(db, number) == [("order_cancelled", "omar", "Ada rang up.")]
    refused(db, order_deeds.cancel, number, "has ended already", why="Again.")
    with db.connect() as connection:
        assert find_discount(connection, "ONCE", now=NOW).code == "ONCE"


@pytest.mark.parametrize("way", [(), ("submitted",), ("submitted", "filed"), ("submitted", "filed", "delivered")])
def test_a_paid_order_is_never_cancelled_and_never_ended_while_its_money_is_here(
    db: Database, way: tuple[str, ...]
) -> None:
    with db.connect() as connection:
        order = ordered(connection, FORMATION, COMPANY, referral=agent(connection))
        pay(connection, order.order_id)
        walk(connection, order.order_id, *way)
    for _ in range(2):
        refused(db, order_deeds.cancel, order.number, "refund it at the provider first; the refund then ends the order")
        refused(db, order_deeds.end, order.number, "refund it at the provider first; the refund then ends the order")
        with db.connect() as connection:
            if status(db, order.number)[0] != "held":
                orders.hold(connection, order.order_id, by="payments", why="doubt", now=NOW)
    assert do(db, order_deeds.release, order.number) == (way[-1] if way else "processing")


def test_an_end_after_the_refund_takes_the_commission_back(db: Database) -> None:
    with db.connect() as connection:
        order = ordered(connection, FORMATION, COMPANY, referral=agent(connection))
        pay(connection, order.order_id)
        walk(connection, order.order_id, "submitted")
        orders.hold(connection, order.order_id, by="payments", why="It went back.", now=NOW)
        connection.execute("update pw.payments set state = 'refunded'")
    do(db, order_deeds.end, order.number)
    with db.connect() as connection:
        entries = connection.execute("select state from pw.commission_ledger").fetchall()
    assert [row["state"] for row in entries] == ["reversed"]


def test_a_release_pressed_twice_is_done_once_and_only_what_was_looked_at_is_released(db: Database) -> None:
    with db.connect() as connection:
        order, (item,) = paid_order(connection)
        orders.hold(connection, order.order_id, by="payments", why="doubt", now=NOW)
        seen = order_deeds.ways(connection, order.order_id).seen
    for _ in range(2):
        assert do(db, order_deeds.release, order.number, seen=seen) == "processing"
    assert len(done(db, order.number)) == 1
    refused(db, order_deeds.release, order.number, "not held: there is nothing to release", why="Other words.")
    with db.connect() as connection:
        orders.hold(connection, order.order_id, by="payments", why="a new doubt", now=NOW)
    refused(db, order_deeds.release, order.number, "changed since you looked", seen=seen)
    with db.connect() as connection:
        assert items.read_item(connection, item).order_status == "held"


def test_a_deed_needs_a_reason_and_an_order(db: Database) -> None:
    with db.connect() as connection:
        number = ordered(connection).number
    refused(db, order_deeds.cancel, number, "Say why", why=" \n")
    refused(db, order_deeds.end, number, "not paid; cancel it instead")
    refused(db, order_deeds.release, number, "received, not held")
    for nobody in ("PW-2026-999999", "'; drop", ""):
        with pytest.raises(UsageError, match="There is no order"):
            do(db, order_deeds.cancel, nobody)


def test_what_was_filed_is_said_whatever_became_of_the_order(db: Database) -> None:
    with db.connect() as connection:
        order, (item,) = paid_order(connection)
        assert order_deeds.ways(connection, order.order_id).filed == []
        connection.execute(
            "insert into pw.effects (key, item_id, kind, payload_digest, state, intended_at, deadline_at, done_at, "
            "reference, detail) values ('filing:1', %s, 'filing', %s, 'done', %s, %s, %s, '2026-7', '{}')",
            (item, "ab" * 32, NOW, NOW, NOW),
        )
        (filed,) = order_deeds.ways(connection, order.order_id).filed
    assert (filed["item_id"], filed["state"], filed["reference"]) == (item, "done", "2026-7")

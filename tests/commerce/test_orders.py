"""Placing an order and walking it through its life."""

from __future__ import annotations

import hashlib

import psycopg
import pytest

from pw_pipelines.commerce.order_life import STATUSES, followers
from pw_pipelines.commerce.orders import (
    BundleDetails,
    FormationDetails,
    OrderError,
    cancel,
    change,
    hold,
    read,
    read_by_token,
    release,
)
from pw_pipelines.commerce.quote import Basket, BasketItem
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from tests.commerce.making import CPNI, NOW, ordered, pay, walk


def test_an_order_is_kept_as_it_was_quoted(db: Database) -> None:
    with db.connect() as connection:
        placed = ordered(connection)
    with db.connect() as connection:
        found = read(connection, placed.number)
        stored = connection.execute("select token_hash from pw.orders").fetchone()
    assert placed.number == "PW-2026-000001"
    assert (found.status, found.total, found.currency, found.email) == ("received", 199, "USD", "ada@example.com")
    assert [(item.service, item.unit_price, item.frn) for item in found.items] == [
        ("cpni_certification", 199, "0012345678")
    ]
    assert sum(line.amount for line in found.lines) == found.total
    assert [(event.before, event.after, event.by) for event in found.events] == [(None, "received", "customer")]
    assert found.details["frn"] == "0012345678"
    assert stored == {"token_hash": hashlib.sha256(placed.token.encode()).hexdigest()}


def test_the_link_shows_the_order_and_its_number_does_not_open_it(db: Database) -> None:
    with db.connect() as connection:
        placed = ordered(connection)
        assert len(placed.token) >= 43
        assert read_by_token(connection, placed.token).number == placed.number
        with pytest.raises(UsageError, match="no order behind this link"):
            read_by_token(connection, placed.number)


def test_an_order_walks_from_payment_to_delivery_and_every_step_is_recorded(db: Database) -> None:
    with db.connect() as connection:
        placed = ordered(connection)
        pay(connection, placed.order_id)
        walk(connection, placed.order_id, "submitted", "filed", "delivered")
    with db.connect() as connection:
        found = read(connection, placed.number)
    assert [event.after for event in found.events] == ["received", "processing", "submitted", "filed", "delivered"]
    assert (found.paid_at, found.delivered_at) == (NOW, NOW)


@pytest.mark.parametrize("to", ["submitted", "filed", "delivered", "refunded", "received"])
def test_an_unpaid_order_is_neither_worked_nor_refunded(db: Database, to: str) -> None:
    with db.connect() as connection:
        placed = ordered(connection)
        with pytest.raises(OrderError, match="not paid"):
            change(connection, placed.order_id, to, by="test", why="too early", now=NOW)  # type: ignore[arg-type]


def test_a_paid_order_is_refunded_never_cancelled(db: Database) -> None:
    with db.connect() as connection:
        placed = ordered(connection)
        pay(connection, placed.order_id)
        hold(connection, placed.order_id, by="test", why="doubt", now=NOW)
        with pytest.raises(OrderError, match="only what is not paid is cancelled"):
            cancel(connection, placed.order_id, by="test", why="no", now=NOW)
        walk(connection, placed.order_id, "refunded")
        assert read(connection, placed.number).closed_at == NOW


def test_a_held_order_goes_back_to_where_it_was(db: Database) -> None:
    with db.connect() as connection:
        placed = ordered(connection)
        pay(connection, placed.order_id)
        walk(connection, placed.order_id, "submitted")
        hold(connection, placed.order_id, by="ops", why="the carrier asked", now=NOW, flag="payment")
        hold(connection, placed.order_id, by="ops", why="and again", now=NOW)
        assert read(connection, placed.number).held_from == "submitted"
        release(connection, placed.order_id, by="ops", why="settled", now=NOW)
        with pytest.raises(OrderError, match="nothing to release"):
            release(connection, placed.order_id, by="ops", why="settled", now=NOW)
    with db.connect() as connection:
        found = read(connection, placed.number)
        flags = connection.execute("select kind, text, raised_by from pw.conversation_flags").fetchall()
    assert (found.status, found.held_from) == ("submitted", None)
    assert [event.what for event in found.events] == ["status"] * 4 + ["note", "status"]
    assert flags == [{"kind": "payment", "text": "the carrier asked", "raised_by": "ops"}]


def test_money_for_a_cancelled_order_holds_it_until_a_person_lets_it_be_worked(db: Database) -> None:
    with db.connect() as connection:
        placed = ordered(connection)
        cancel(connection, placed.order_id, by="customer", why="changed my mind", now=NOW)
        hold(connection, placed.order_id, by="stripe", why="money came after all", now=NOW)
    with db.connect() as connection:
        pay(connection, placed.order_id)
        assert read(connection, placed.number).status == "processing"


def test_an_order_without_a_payment_cannot_be_called_paid(db: Database) -> None:
    with db.connect() as connection:
        placed = ordered(connection)
    with pytest.raises(psycopg.errors.CheckViolation, match="no payment pays it"), db.connect() as connection:
        change(connection, placed.order_id, "processing", by="test", why="believe me", now=NOW)
    with db.connect() as connection:
        assert read(connection, placed.number).status == "received"


def test_an_unknown_order_is_said_to_be_unknown(db: Database) -> None:
    with db.connect() as connection:
        with pytest.raises(OrderError, match="no order with the id 7"):
            change(connection, 7, "held", by="test", why="?", now=NOW)
        with pytest.raises(UsageError, match="no order PW-2026-000007"):
            read(connection, "pw-2026-000007")


def test_every_status_has_followers_of_which_the_database_knows_too() -> None:
    assert set(STATUSES) == {status for one in STATUSES for status in followers(one, "received")}


def test_what_has_no_price_is_not_ordered_online(db: Database) -> None:
    with db.connect() as connection, pytest.raises(UsageError, match="499-Q, quarterly has no published price"):
        ordered(connection, Basket("compliance", (BasketItem("form_499q"),)))


def test_what_is_free_needs_no_order(db: Database) -> None:
    with db.connect() as connection, pytest.raises(UsageError, match="nothing to pay"):
        ordered(connection, Basket("compliance", (BasketItem("fcc_compliance_check"),)))


def test_a_formation_is_placed_for_the_state_it_was_priced_in(db: Database) -> None:
    basket = Basket("formation", (BasketItem("formation_basic", for_state="WY"),))
    with db.connect() as connection:
        with pytest.raises(UsageError, match="state DE, and the price is of WY"):
            ordered(connection, basket, FormationDetails("DE", "llc", "Acme LLC"))
        with pytest.raises(UsageError, match="form corporation, and the price is of llc"):
            ordered(connection, basket, FormationDetails("WY", "corporation", "Acme Inc"))
        placed = ordered(connection, basket, FormationDetails("wy", "llc", "Acme LLC", ("Acme Two LLC",)))
        found = read(connection, placed.number)
    assert (found.fees, found.details["state"], found.details["company_name"]) == (100, "WY", "Acme LLC")
    assert found.details["alternative_names"] == ["Acme Two LLC"]


def test_the_details_of_another_kind_of_order_are_refused(db: Database) -> None:
    with (
        db.connect() as connection,
        pytest.raises(UsageError, match="of kind bundle, the basket is of kind compliance"),
    ):
        ordered(connection, CPNI, BundleDetails())


def test_a_known_customer_is_one_customer_and_not_renamed_by_whoever_types_the_address(db: Database) -> None:
    with db.connect() as connection:
        ordered(connection, email="Ada@Example.com")
        ordered(connection, email=" ada@example.COM")
        assert connection.execute("select email, name from pw.customers").fetchall() == [
            {"email": "ada@example.com", "name": "Ada"}
        ]

"""Money that was held, and what a person says of it: it pays an order, it was refunded by hand, nothing follows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pw_pipelines.commerce import ledger_agree, orders
from pw_pipelines.commerce.orders import PlacedOrder
from pw_pipelines.commerce.payments import settling
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.errors import UsageError
from pw_pipelines.sandbox.payments import messages as say
from tests.payments.conftest import NOW, TOTAL, Till

PAID = Decimal("199.00")


def came(till: Till, number: str, cents: int = TOTAL, **changed: Any) -> int:
    """Money told for this order number; the event, which is held."""
    event = till.tell(
        "stripe", say.stripe_event("checkout.session.completed", say.stripe_session(number, cents, **changed), NOW)
    )
    assert event["state"] == "held"
    return int(event["event_id"])


def settle(till: Till, deed: Callable[..., str], event: int, *more: str, **named: str) -> str:
    with till.db.connect() as connection:
        said = {"why": "Seen on the provider's page.", "by": "omar", **named}
        return deed(connection, event, *more, ground=ground_of(till.settings), now=NOW, **said)


def whole(till: Till) -> bool:
    """Whether ledger and events agree to the cent."""
    with till.db.connect() as connection:
        return ledger_agree.compare(connection, ground_of(till.settings)).is_whole


def event_of(till: Till, event: int) -> dict[str, Any]:
    [row] = till.rows("select state, outcome, order_number from pw.payment_events where event_id = %s", event)
    return row


def test_money_for_an_unknown_number_pays_the_order_a_person_names_once(till: Till) -> None:
    order = till.order()
    event = came(till, "PW-2020-000001")
    said = settle(till, settling.pays, event, order.number.lower())
    assert (till.status(order), till.payments(order), till.ledger(order)) == (
        "processing", [("paid", PAID)], [("payment", PAID)],
    )  # fmt: skip
    assert event_of(till, event) == {"state": "done", "outcome": said, "order_number": "PW-2020-000001"}
    [action] = till.rows("select * from pw.staff_actions")
    assert (action["by"], action["what"], action["detail"]["event"]) == ("omar", "payment_pays", event)
    assert "Seen on the provider's page." in action["detail"]["why"]
    assert till.rows("select 1 from pw.book_entries where order_id = %s", order.order_id)
    assert till.rows("select closed_by from pw.conversation_flags where kind = 'payment'")[0]["closed_by"] == "omar"
    with pytest.raises(UsageError, match="not held"):
        settle(till, settling.pays, event, order.number)
    assert whole(till)


def test_money_that_paid_the_wrong_order_twice_pays_the_right_one(till: Till) -> None:
    first, second = till.order(), till.order()
    till.tell("stripe", say.stripe_event("checkout.session.completed", say.stripe_session(first.number, TOTAL), NOW))
    event = came(till, first.number)
    assert till.payments(first) == [("paid", PAID), ("surplus", PAID)]
    settle(till, settling.pays, event, second.number)
    assert (till.payments(first), till.payments(second)) == ([("paid", PAID)], [("paid", PAID)])
    assert (till.status(second), whole(till)) == ("processing", True)


def test_what_does_not_do_is_refused_with_the_reason_and_nothing_is_booked(till: Till) -> None:
    order, paid = till.order(), till.order()
    till.tell("stripe", say.stripe_event("checkout.session.completed", say.stripe_session(paid.number, TOTAL), NOW))
    short, cad = came(till, "PW-2020-000001", TOTAL - 1), came(till, "PW-2020-000002", currency="cad")
    enough = came(till, "PW-2020-000003")
    for event, number, why, match in (
        (short, order.number, "x", "0.01 are missing"),
        (cad, order.number, "x", "is in USD"),
        (enough, paid.number, "x", "paid already"),
        (enough, "PW-2020-000099", "x", "no order"),
        (enough, "", "x", "no order"),
        (enough, order.number, " \n", "Say why"),
        (9_999, order.number, "x", "no payment event"),
    ):
        with pytest.raises(UsageError, match=match):
            settle(till, settling.pays, event, number, why=why)
    assert (till.payments(order), till.status(order), till.rows("select 1 from pw.staff_actions")) == (
        [],
        "received",
        [],
    )
    assert event_of(till, enough)["state"] == "held" and whole(till)


def test_more_than_the_total_pays_and_the_rest_is_flagged(till: Till) -> None:
    order = till.order()
    settle(till, settling.pays, came(till, order.number, TOTAL + 100), order.number)
    assert (till.status(order), till.payments(order)) == ("processing", [("paid", Decimal("200.00"))])
    assert any("1.00 USD more than the total" in flag for flag in till.flags(order)) and whole(till)


def test_an_order_held_for_another_reason_is_paid_and_stays_held(till: Till) -> None:
    order = till.order()
    with till.db.connect() as connection:
        orders.hold(connection, order.order_id, by="ann", why="A question.", now=NOW)
    settle(till, settling.pays, came(till, "PW-2020-000001"), order.number)
    row = till.row(order)
    assert (row["status"], row["held_from"], row["paid_at"] is not None) == ("held", "processing", True)


@pytest.mark.parametrize("deed", [settling.refunded_by_hand, settling.ignore])
def test_what_went_back_or_is_nothing_lets_the_order_wait_for_its_payment_again(
    till: Till, deed: Callable[..., str]
) -> None:
    order = till.order()
    event = came(till, order.number, TOTAL - 1)
    assert till.status(order) == "held"
    more = {"reference": "re_123"} if deed is settling.refunded_by_hand else {}
    said = settle(till, deed, event, **more)
    assert (till.status(order), event_of(till, event)["outcome"]) == ("received", said)
    assert till.payments(order) == [("surplus", Decimal("198.99"))], "where the money is stands in the books"
    assert whole(till)
    with pytest.raises(UsageError, match="not held"):
        settle(till, deed, event, **more)


def test_an_order_with_another_doubt_stays_held(till: Till) -> None:
    order = till.order()
    first, _ = came(till, order.number, TOTAL - 1), came(till, order.number, TOTAL - 2)
    settle(till, settling.ignore, first)
    assert till.status(order) == "held"


def test_a_refund_by_hand_needs_its_number(till: Till) -> None:
    event = came(till, "PW-2020-000001")
    with pytest.raises(UsageError, match="number of the refund"):
        settle(till, settling.refunded_by_hand, event, reference=" ")
    assert event_of(till, event)["state"] == "held"


def test_two_people_at_once_settle_it_once(till: Till) -> None:
    one, two = till.order(), till.order()
    event = came(till, "PW-2020-000001")
    outcomes: list[str] = []

    def pay(order: PlacedOrder) -> None:
        try:
            settle(till, settling.pays, event, order.number)
            outcomes.append("paid")
        except UsageError:
            outcomes.append("refused")

    threads = [threading.Thread(target=pay, args=(order,)) for order in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["paid", "refused"]
    assert len(till.payments(one) + till.payments(two)) == 1 and whole(till)

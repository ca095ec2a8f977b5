"""Stripe: paid is what a checkout session calls paid, whatever its event is called.

`payment_intent.succeeded` is the same money seen from the other side and pays nothing. Refunds are taken from the
charge, whose `amount_refunded` is a running total, so their order does not matter; `refund.*` only stops the work.
Source: docs.stripe.com/checkout/fulfillment, /refunds, /disputes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pw_pipelines.commerce.payments.reading.said import Ground, Said, minor, part, unreadable
from pw_pipelines.commerce.payments.verify.parts import json_object, text
from pw_pipelines.commerce.payments.verify.stripe import order_number

_PAID = frozenset({"paid", "no_payment_required"})


def read(raw: bytes, _key: str, ground: Ground) -> Said:
    """What a Stripe event says."""
    body = json_object(raw)
    if body is None:
        return unreadable("it is no JSON object")
    event, obj = text(body.get("type")) or "", part(part(body, "data"), "object")
    said = _said(event, obj)
    if body.get("livemode") is not ground.stripe_live:
        mode = {True: "live mode", False: "test mode"}
        given = mode.get(body.get("livemode"), "neither mode")  # type: ignore[arg-type]  # anything may stand there
        said = replace(said, doubts=(f"Stripe's event is of {given}, ours is {mode[ground.stripe_live]}",))
    return said


def _said(event: str, obj: Mapping[str, Any]) -> Said:  # noqa: PLR0911  # one answer per kind of event
    if event.startswith("checkout.session."):
        return _session(event, obj)
    if event == "charge.refunded":
        return Said(
            "refund",
            "Stripe: refunded.",
            order_number(obj),
            _intent(obj) or text(obj.get("id")),
            minor(obj.get("amount_refunded"), obj.get("currency")),
            movement=f"{text(obj.get('id'))}:{text(obj.get('amount_refunded'))}",
            is_running_total=True,
        )
    if event.startswith("charge.dispute."):
        return _dispute(event, obj)
    if event in {"refund.created", "refund.updated", "charge.refund.updated", "refund.failed"}:
        return _refund(obj)
    if event == "payment_intent.succeeded":
        return Said("nothing", "The same money is told by its checkout session.", order_number(obj), _id(obj))
    if event in {"payment_intent.processing", "payment_intent.payment_failed", "payment_intent.created"}:
        return Said("nothing", f"{event} is informative.", order_number(obj), _id(obj))
    return Said("nothing", f"Nothing hangs on {event or 'an event without a type'}.", order_number(obj))


def _session(event: str, obj: Mapping[str, Any]) -> Said:
    status = text(obj.get("payment_status"))
    money = minor(obj.get("amount_total"), obj.get("currency"))
    order, session = order_number(obj), _id(obj)
    reference = _intent(obj) or session
    if event == "checkout.session.expired":
        return Said("expired", "Stripe: the session expired unpaid.", order, session=session)
    if event == "checkout.session.async_payment_failed":
        return Said("failed", "Stripe: the bank did not pay.", order, reference, session=session)
    if event == "checkout.session.async_payment_succeeded" or (
        event == "checkout.session.completed" and status in _PAID
    ):
        if money is None or reference is None:
            return unreadable("the session has no amount or no id")
        return Said("paid", f"Stripe: {status or 'paid'}.", order, reference, money, session=session)
    if event == "checkout.session.completed":
        return Said("wait", f"Stripe: ordered, and {status or 'not paid'} yet.", order, reference, session=session)
    return Said("nothing", f"Nothing hangs on {event}.", order, session=session)


def _refund(obj: Mapping[str, Any]) -> Said:
    """A refund by itself. The money is counted by `charge.refunded`; here the work is stopped in time."""
    status, reference = text(obj.get("status")) or "", _intent(obj) or text(obj.get("charge"))
    if status in {"failed", "canceled"}:
        return Said("person", f"Stripe: a refund {status}; the money is still ours.", order_number(obj), reference)
    return Said("stop", f"Stripe: a refund is {status or 'under way'}.", order_number(obj), reference)


def _dispute(event: str, obj: Mapping[str, Any]) -> Said:
    order, reference, status = order_number(obj), _intent(obj) or text(obj.get("charge")), text(obj.get("status"))
    money, movement = minor(obj.get("amount"), obj.get("currency")), _id(obj)
    if event in {"charge.dispute.created", "charge.dispute.funds_withdrawn"}:
        if event.endswith("created") and status in {"warning_needs_response", "warning_under_review"}:
            return Said("stop", "Stripe: the bank asks about the payment.", order, reference)
        return Said("dispute", "Stripe: the customer disputes the payment.", order, reference, money, movement)
    if event == "charge.dispute.funds_reinstated" or (event == "charge.dispute.closed" and status == "won"):
        return Said("dispute_won", "Stripe: the dispute was won.", order, reference, money, movement)
    return Said("nothing", f"{event} changes no money that is not counted.", order, reference)


def _id(obj: Mapping[str, Any]) -> str | None:
    return text(obj.get("id"))


def _intent(obj: Mapping[str, Any]) -> str | None:
    """The payment intent, as an id or expanded."""
    found = obj.get("payment_intent")
    return text(found.get("id")) if isinstance(found, dict) else text(found)

"""PayPal: paid is a completed capture. An approved order holds no money yet: it must be captured.

A reversal takes money back (dispute); a customer's dispute alone only stops the work.
Source: developer.paypal.com/api/webhooks/event-names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pw_pipelines.commerce.payments.reading.said import Amount, Ground, Said, decimal_text, part, parts, unreadable
from pw_pipelines.commerce.payments.verify.parts import json_object, text
from pw_pipelines.commerce.payments.verify.paypal import order_number


def read(raw: bytes, _key: str, ground: Ground) -> Said:
    """What a PayPal event says."""
    body = json_object(raw)
    if body is None:
        return unreadable("it is no JSON object")
    event, resource = text(body.get("event_type")) or "", part(body, "resource")
    said = _said(event, resource)
    payees = {text(part(one, "payee").get("merchant_id")) for one in (resource, *parts(resource, "purchase_units"))}
    others = {payee for payee in payees if payee is not None and payee != ground.paypal_merchant_id}
    if ground.paypal_merchant_id is not None and others:
        said = replace(said, doubts=("the money went to another PayPal merchant",))
    return said


def _said(event: str, resource: Mapping[str, Any]) -> Said:  # noqa: PLR0911  # one answer per kind of event
    order, identity, money = order_number(resource), text(resource.get("id")), _money(resource)
    if event == "CHECKOUT.ORDER.APPROVED":
        units = parts(resource, "purchase_units")
        asked = _money(units[0]) if len(units) == 1 else None
        if asked is None or identity is None:
            return unreadable("the approved order has no single amount")
        return Said("approved", "PayPal: the customer approved; not paid yet.", order, None, asked, session=identity)
    if event == "PAYMENT.CAPTURE.COMPLETED":
        if money is None or identity is None:
            return unreadable("the capture has no amount or no id")
        return Said("paid", "PayPal: captured.", order, identity, money, session=_session(resource))
    if event == "PAYMENT.CAPTURE.PENDING":
        return Said("wait", "PayPal: the capture is pending.", order, identity, session=_session(resource))
    if event in {"PAYMENT.CAPTURE.DENIED", "PAYMENT.CAPTURE.DECLINED"}:
        return Said("failed", "PayPal: the capture was declined.", order, identity, session=_session(resource))
    if event == "PAYMENT.CAPTURE.REFUNDED":
        return Said("refund", "PayPal: refunded.", order, _capture(resource) or identity, money, movement=identity)
    if event == "PAYMENT.CAPTURE.REVERSED":
        return Said("dispute", "PayPal: reversed.", order, _capture(resource) or identity, money, movement=identity)
    if event == "CUSTOMER.DISPUTE.CREATED":
        return Said("stop", "PayPal: the customer opened a dispute.", order, _disputed(resource))
    if event == "CUSTOMER.DISPUTE.RESOLVED":
        return Said("person", "PayPal: a dispute was closed; look there how.", order, _disputed(resource))
    return Said("nothing", f"Nothing hangs on {event or 'an event without a type'}.", order)


def _money(holder: Mapping[str, Any]) -> Amount | None:
    amount = part(holder, "amount")
    return decimal_text(amount.get("value", amount.get("total")), amount.get("currency_code", amount.get("currency")))


def _session(resource: Mapping[str, Any]) -> str | None:
    """The PayPal order a capture is of."""
    return text(part(part(resource, "supplementary_data"), "related_ids").get("order_id"))


def _capture(resource: Mapping[str, Any]) -> str | None:
    """The capture a refund is of: the link called `up`."""
    for link in parts(resource, "links"):
        before, _, capture = urlsplit(str(link.get("href", ""))).path.rpartition("/")
        if link.get("rel") == "up" and before.endswith("/captures"):
            return text(capture)
    return None


def _disputed(resource: Mapping[str, Any]) -> str | None:
    disputed = parts(resource, "disputed_transactions")
    return text(disputed[0].get("seller_transaction_id")) if len(disputed) == 1 else None

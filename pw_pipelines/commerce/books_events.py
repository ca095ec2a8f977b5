"""What ERPNext tells by webhook, worked: our own documents are known, anybody else's money is for a person.

A webhook of Frappe's has neither a time nor an event id and may be replayed, so it only says where to look: the
document is read again. ERPNext never pays an order by itself: what it booked by hand is shown to a person.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from pw_pipelines.db.connection import Database
from pw_pipelines.resources.erpnext import CANCELLED, Document, Erpnext, ErpnextDenied, ErpnextMissing

Connection = psycopg.Connection[dict[str, Any]]

ORDER_CREATED, PAYMENT_CONFIRMED = "order.created", "payment.confirmed"
_TYPES = {ORDER_CREATED: "Sales Order", PAYMENT_CONFIRMED: "Payment Entry"}
MOST = 200


@dataclass(frozen=True)
class _Verdict:
    """ignored, or held for a person; `order_id` where the flag belongs."""

    state: str
    outcome: str
    order_id: int | None = None


def work_events(db: Database, erpnext: Erpnext, now: datetime) -> dict[str, int]:
    """Works what ERPNext told and nobody has worked yet; how many were ignored and held.

    Raises ErpnextUnavailable or ErpnextForbidden; what could not be looked up then waits.
    """
    worked: Counter[str] = Counter()
    for _ in range(MOST):
        with db.connect(application="pw-books") as connection:
            event = connection.execute(
                """select event_id, event_type, order_number, raw from pw.payment_events
                   where provider = 'erpnext' and state = 'received' order by event_id
                   limit 1 for update skip locked"""
            ).fetchone()
            if event is None:
                break
            verdict = _verdict(connection, erpnext, event)
            connection.execute(
                """update pw.payment_events set state = %s, outcome = %s, worked_at = %s, attempts = attempts + 1
                   where event_id = %s""",
                (verdict.state, verdict.outcome, now, event["event_id"]),
            )
            if verdict.state == "held":
                connection.execute(
                    """insert into pw.conversation_flags (order_id, kind, text, raised_at, raised_by)
                       values (%s, 'payment', %s, %s, 'books')""",
                    (verdict.order_id, verdict.outcome, now),
                )
        worked[verdict.state] += 1
    return dict(worked)


def _verdict(connection: Connection, erpnext: Erpnext, event: Mapping[str, Any]) -> _Verdict:
    doctype, name = _TYPES.get(event["event_type"]), _named(event["raw"])
    if doctype is None or name is None:
        return _Verdict("ignored", f"ERPNext told of {event['event_type']!r}; there is nothing to do for it.")
    try:
        document = erpnext.get(doctype, name)
    except ErpnextMissing:
        return _Verdict("ignored", f"{doctype} {name} is not in ERPNext any more.")
    except ErpnextDenied as denied:
        return _Verdict("held", str(denied))
    if int(document.get("docstatus") or 0) == CANCELLED:
        return _Verdict("ignored", f"{doctype} {name} has been cancelled since.")
    if event["event_type"] == ORDER_CREATED:
        return _order_created(connection, document)
    return _payment_confirmed(connection, document, event["order_number"])


def _order_created(connection: Connection, document: Document) -> _Verdict:
    number = document.get("custom_order_id")
    if not number:
        return _Verdict("ignored", f"Sales Order {document['name']} was made in ERPNext for no order of ours.")
    order_id = _order_id(connection, str(number))
    if order_id is None:
        return _Verdict("held", f"Sales Order {document['name']} names order {number}, which is not ours.")
    return _Verdict("ignored", f"Sales Order {document['name']} is our own, of {number}.")


def _payment_confirmed(connection: Connection, document: Document, number: str | None) -> _Verdict:
    """Our own entries carry the reference of a payment of ours; any other is money that somebody booked by hand."""
    provider, _, reference = str(document.get("custom_payment_ref") or "").partition(":")
    known = connection.execute(
        "select 1 as yes from pw.payments where provider = %s and reference = %s", (provider, reference)
    ).fetchone()
    if known is not None:
        return _Verdict("ignored", f"Payment Entry {document['name']} is our own, of {provider} {reference}.")
    what = (
        f"ERPNext has booked {document.get('paid_amount')} {document.get('paid_from_account_currency') or ''}".strip()
    )
    if number and (order_id := _order_id(connection, number)) is not None:
        words = f"{what} as {document['name']} for order {number}. It was not counted as the order's payment; look."
        return _Verdict("held", words, order_id)
    return _Verdict("held", f"{what} as {document['name']}, for no order that we know; look.")


def _order_id(connection: Connection, number: str) -> int | None:
    row = connection.execute("select order_id from pw.orders where number = %s", (number,)).fetchone()
    return int(row["order_id"]) if row else None


def _named(raw: bytes) -> str | None:
    """The document's name, where the body is a JSON object that has one."""
    try:
        body = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        return None
    name = body.get("name") if isinstance(body, dict) else None
    return name if isinstance(name, str) and name else None

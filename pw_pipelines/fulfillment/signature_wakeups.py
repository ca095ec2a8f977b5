"""Which items at the gate `signature` a run should look at again, though nobody opened their gate.

A reminder is due, a link has run out, or the request is settled already: a signer may sign in the moment between the
run's last look and its setting of the gate. The stage does what is due; here nothing is sent.
"""

from __future__ import annotations

from datetime import datetime

from pw_pipelines.documents.signing import requests
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.fulfillment.stages.signature import reminders_due

BY = "signature_reminders"


def wake(connection: Connection, *, now: datetime) -> dict[int, str]:
    """Opens the gate of each; the items and why."""
    rows = connection.execute(
        "select item_id from pw.item_work where state = 'waiting' and gate = 'signature' order by item_id"
    ).fetchall()
    woken = {}
    for row in rows:
        item_id = int(row["item_id"])
        why = _why(requests.latest(connection, item_id), now)
        if why and items.reopen(connection, item_id, gates=["signature"], by=BY, why=why, now=now):
            woken[item_id] = why
    return woken


def _why(request: requests.Request | None, now: datetime) -> str | None:
    if request is None:
        return "No signature was asked for yet."
    if request.state != "open":
        return f"The request is {request.state}."
    if request.is_over(now):
        return "The link has run out."
    if reminders_due(request, now) > request.reminders_sent:
        return "A reminder is due."
    return None

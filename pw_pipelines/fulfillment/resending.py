"""A fresh signature link to the signer's address, asked for on the order's page or at the desk. Not too often."""

from __future__ import annotations

from datetime import datetime, timedelta

from pw_pipelines.documents.signing import requests
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.model import Connection, FulfillmentError

PAUSE = timedelta(minutes=10)
MOST_A_DAY = 4


def may_resend(connection: Connection, item_id: int, *, now: datetime) -> str | None:
    """None when a link may be sent now, else why not, in the customer's words."""
    row = connection.execute(
        "select max(created_at) as last, count(*) filter (where created_at > %s)::int as today "
        "from pw.signature_requests where item_id = %s",
        (now - timedelta(days=1), item_id),
    ).fetchone()
    assert row is not None
    if row["last"] is not None and now - row["last"] < PAUSE:
        return "A link went out a moment ago. Look in the mailbox, the spam folder too; after ten minutes ask again."
    if row["today"] >= MOST_A_DAY:
        return "Several links went out today. Please write to us if none arrived."
    return None


def resend(connection: Connection, item_id: int, *, by: str, now: datetime) -> None:
    """The open link is withdrawn and the item asks the signer anew, at the address it has.

    Raises FulfillmentError when the item waits for no signature, or a link went out just now.
    """
    row = connection.execute(
        "select state, gate from pw.item_work where item_id = %s for update", (item_id,)
    ).fetchone()
    if row is None or row["state"] != "waiting" or row["gate"] != "signature":
        raise FulfillmentError("No signature is waited for at this moment.")
    if why := may_resend(connection, item_id, now=now):
        raise FulfillmentError(why)
    request = requests.latest(connection, item_id)
    if request is not None and request.state == "open":
        requests.close(connection, request, "revoked", why="replaced", now=now)
    items.reopen(connection, item_id, gates=["signature"], by=by, why="A new signature link was asked for.", now=now)

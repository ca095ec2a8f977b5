"""What a person decides where the public record shows a filing already: file it all the same, or stop it."""

from __future__ import annotations

from datetime import datetime

from pw_pipelines.fulfillment import deeds, items
from pw_pipelines.fulfillment.facts import keep_values
from pw_pipelines.fulfillment.model import Connection, FulfillmentError, Gate

FACT = "file_anyway"  # the answer that stage `prepare` asks for at this gate
FLAG = "duplicate"


def file_anyway(connection: Connection, item_id: int, *, why: str, by: str, now: datetime) -> None:
    """The item goes on although the record shows such a filing. Raises FulfillmentError without a reason, or when it
    does not wait for this."""
    why = _waits(connection, item_id, why)
    keep_values(connection, item_id, {FACT: "yes"}, source="staff", by=by, now=now)
    items.reopen(connection, item_id, gates=["duplicate"], by=by, why="It is filed all the same.", now=now)
    deeds.record(connection, by=by, what="file_anyway", item_id=item_id, now=now, detail={"why": why})


def stop(connection: Connection, item_id: int, *, why: str, by: str, now: datetime) -> None:
    """Nothing is filed: the item is held, and a flag asks for it to be settled with the customer (a refund, or another
    service). Raises as `file_anyway` does."""
    why = _waits(connection, item_id, why)
    item = items.read_item(connection, item_id)
    gate = Gate("held", f"Stopped, because the record shows it filed already: {why}")
    items.wait_at(connection, item_id, gate, by=by, run_id=None, now=now)
    connection.execute(
        "insert into pw.conversation_flags (order_id, customer_id, kind, text, raised_at, raised_by) "
        "values (%s, %s, %s, %s, %s, %s)",
        (
            item.order_id, item.customer_id, FLAG,
            f"{item.title} (item {item_id}) was stopped: the public record shows it filed already. Settle it with the "
            f"customer: a refund, or another service. {why}",
            now, by,
        ),
    )  # fmt: skip
    deeds.record(connection, by=by, what="stopped_duplicate", item_id=item_id, now=now, detail={"why": why})


def _waits(connection: Connection, item_id: int, why: str) -> str:
    said = "".join(letter for letter in why if letter.isprintable()).strip()[: deeds.LONGEST_NOTE]
    if not said:
        raise FulfillmentError("Say why; the reason is kept.")
    row = connection.execute(
        "select state, gate, gate_detail from pw.item_work where item_id = %s for update", (item_id,)
    ).fetchone()
    if row is None or row["state"] != "waiting" or row["gate"] != "duplicate" or "shown" not in row["gate_detail"]:
        raise FulfillmentError(f"Item {item_id} does not wait for this (any more).")
    return said

"""Whose filing goes first: what stands on another filing for the same carrier or company waits until that one stands.

A recertification of an entry that is not there yet, or a number for a company that is not formed yet, is refused by
the agency, or worse, taken. Which service stands on which is said by `after` in playbooks.yaml.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.filing import plain
from pw_pipelines.fulfillment.model import STAGES, Connection, Gate, ItemView
from pw_pipelines.fulfillment.playbook import playbook_of

# The other item opens this gate when it is confirmed; the clock is for one that ended without that.
LOOK_AGAIN = timedelta(days=1)
STANDS_AT = STAGES.index("deliver")


def demand_turn(connection: Connection, item: ItemView, *, now: datetime) -> None:
    """Raises Gate `pacing` while an item for the same carrier or company, which goes first, is not confirmed yet."""
    before = playbook_of(item.service, item.for_state).after
    if not before:
        return
    rows = connection.execute(
        "select item_id from pw.item_work where service = any(%s) and state in ('ready', 'waiting') and item_id <> %s "
        "order by item_id",
        (list(before), item.item_id),
    ).fetchall()
    for row in rows:
        other = items.read_item(connection, row["item_id"])
        if STAGES.index(other.stage) < STANDS_AT and _is_for_the_same(item, other):
            raise Gate(
                "pacing", f"“{other.title}” (item {other.item_id}, order {other.order_number}) goes first.",
                not_before=now + LOOK_AGAIN, detail={"after_item": other.item_id},
            )  # fmt: skip


def let_others_go_on(connection: Connection, item_id: int, *, now: datetime) -> list[int]:
    """Opens the gate of those that waited for this item; returns them."""
    rows = connection.execute(
        "select item_id from pw.item_work where state = 'waiting' and gate = 'pacing' "
        "and gate_detail ->> 'after_item' = %s order by item_id for update",
        (str(item_id),),
    ).fetchall()
    why = f"Item {item_id}, which goes first, has come so far."
    return [
        int(row["item_id"])
        for row in rows
        if items.reopen(connection, row["item_id"], gates=["pacing"], by="fulfillment", why=why, now=now)
    ]


def _is_for_the_same(one: ItemView, other: ItemView) -> bool:
    if one.frn and other.frn:
        return plain("frn", one.frn) == plain("frn", other.frn)
    if not (one.company_name and other.company_name) or one.for_state != other.for_state:
        return False
    return plain("company_name", one.company_name) == plain("company_name", other.company_name)

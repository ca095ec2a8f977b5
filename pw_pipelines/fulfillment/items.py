"""The rows of pw.item_work: opened when an order is paid, read, made ready again, held, tried again, resolved.

Callers hold the transaction. Every change leaves a row in pw.item_events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from pw_pipelines.fulfillment.model import CLOCK_GATES, STAGES, Connection, FulfillmentError, Gate, ItemView
from pw_pipelines.fulfillment.owner import is_gone

WORKED = ("processing", "submitted", "filed", "delivered")  # states of an order whose items are worked
ENDED = ("refunded", "cancelled")  # states of an order of which nothing more is worked
_VIEW = """
    select w.item_id, w.order_id, o.number as order_number, o.kind as order_kind, o.status as order_status,
           o.customer_id, c.email as customer_email, i.service, i.title, i.quantity, i.for_state,
           coalesce(i.frn, co.frn) as frn, i.cures, i.details,
           coalesce(
             (select company_name from pw.formation_orders where order_id = w.order_id),
             (select company_name from pw.canada_crtc_orders where order_id = w.order_id),
             (select company_name from pw.bundle_orders where order_id = w.order_id),
             co.carrier_name, c.company) as company_name,
           o.paid_at, w.stage, w.state, w.gate, w.gate_detail, w.generation, w.due_on
    from pw.item_work w join pw.order_items i using (item_id) join pw.orders o on o.order_id = w.order_id
    join pw.customers c using (customer_id)
    left join pw.compliance_orders co on co.order_id = o.order_id
"""  # names by subselects: to plan eight joins takes PostgreSQL longer than all else in an op


def open_items(connection: Connection, *, now: datetime, order_id: int | None = None) -> list[int]:
    """Opens the work of every item of a paid order that has none yet (of one order, or of all); returns them. When all
    are asked for, the others follow their orders too (`follow_orders`).

    Asking again changes nothing, so the payment's nudge and the sensor may both do it.
    """
    rows = connection.execute(
        """insert into pw.item_work (item_id, order_id, service, created_at, changed_at)
           select i.item_id, o.order_id, i.service, %(now)s, %(now)s
           from pw.order_items i join pw.orders o using (order_id)
           where o.paid_at is not null and o.status = any(%(worked)s)
             and (%(order)s::bigint is null or o.order_id = %(order)s)
             and not exists (select from pw.item_work w where w.item_id = i.item_id)
           order by i.item_id
           on conflict (item_id) do nothing returning item_id""",
        {"now": now, "worked": list(WORKED), "order": order_id},
    ).fetchall()
    for row in rows:
        record(connection, row["item_id"], now, stage="prepare", what="opened", text="The order is paid.", by="orders")
    if order_id is None:
        follow_orders(connection, now=now)
    return [int(row["item_id"]) for row in rows]


def follow_orders(connection: Connection, *, now: datetime) -> tuple[list[int], list[int]]:
    """Items that go on because their order is worked again, and those that end because it was refunded or cancelled.

    What is being worked at this moment is left to its next look at the order. What may have been filed does not end
    before somebody knows whether it was.
    """
    rows = connection.execute(
        """select w.item_id, w.lease_owner, w.gate, o.status from pw.item_work w join pw.orders o using (order_id)
           where ((w.state = 'waiting' and w.gate = 'order' and o.status = any(%s))
                  or (w.state in ('ready', 'waiting') and o.status = any(%s)))
           order by w.item_id for update of w skip locked""",
        (list(WORKED), list(ENDED)),
    ).fetchall()
    gone_on, ended = [], []
    for row in rows:
        item_id = int(row["item_id"])
        if row["lease_owner"] and not is_gone(row["lease_owner"]):
            continue
        if row["status"] in WORKED:
            _make_ready(connection, item_id, now, "orders", f"The order is {row['status']} again.")
            gone_on.append(item_id)
            continue
        filed = _filing_of(connection, item_id)
        if filed is None or filed["state"] == "done":
            after = f" after it was filed: {filed['reference'] or 'without a number'}" if filed else ""
            stop(connection, item_id, by="orders", why=f"The order was {row['status']}{after}.", now=now)
            ended.append(item_id)
        elif row["gate"] != "unknown_effect":
            why = f"The order was {row['status']}, and it is not known whether this was filed before: {filed['key']}."
            gate = Gate("unknown_effect", why, detail={"effect_id": filed["effect_id"]})
            wait_at(connection, item_id, gate, by="orders", run_id=None, now=now)
    return gone_on, ended


def _filing_of(connection: Connection, item_id: int) -> Mapping[str, Any] | None:
    """The ledger's row of the item's filing, if it happened or may have happened."""
    return connection.execute(
        "select effect_id, key, state, reference from pw.effects "
        "where item_id = %s and kind = 'filing' and state <> 'not_done' order by state = 'done' limit 1",
        (item_id,),
    ).fetchone()


def is_ready(connection: Connection, item_id: int) -> bool:
    """Whether nobody holds or stopped the item."""
    row = connection.execute("select state from pw.item_work where item_id = %s", (item_id,)).fetchone()
    return row is not None and row["state"] == "ready"


def read_item(connection: Connection, item_id: int) -> ItemView:
    """One item. Raises FulfillmentError when its order is not paid or it does not exist."""
    row = connection.execute(f"{_VIEW} where w.item_id = %s", (item_id,)).fetchone()
    if row is None:
        raise FulfillmentError(f"There is no work for an item {item_id}: no such item, or its order is not paid.")
    return _view(row)


def items_of(connection: Connection, order_id: int) -> list[ItemView]:
    """The items of an order that have work, in the order's own order."""
    rows = connection.execute(f"{_VIEW} where w.order_id = %s order by i.position", (order_id,)).fetchall()
    return [_view(row) for row in rows]


def _view(row: Mapping[str, Any]) -> ItemView:
    return ItemView(**{**row, "cures": tuple(row["cures"])})


def open_clocks(connection: Connection, *, now: datetime) -> list[int]:
    """Opens every clock gate whose time has come; returns the items."""
    rows = connection.execute(
        "select item_id from pw.item_work where state = 'waiting' and gate = any(%s) and not_before <= %s "
        "order by not_before for update skip locked",
        (list(CLOCK_GATES), now),
    ).fetchall()
    return [
        item
        for row in rows
        if (item := int(row["item_id"])) and _make_ready(connection, item, now, "clock", "Its time has come.")
    ]


def reopen(connection: Connection, item_id: int, *, gates: Sequence[str], by: str, why: str, now: datetime) -> bool:
    """Makes an item ready again that waits at one of `gates`. False when it does not wait there (any more)."""
    row = _locked(connection, item_id)
    if row["state"] != "waiting" or row["gate"] not in gates:
        return False
    return _make_ready(connection, item_id, now, by, why)


def hold(connection: Connection, item_id: int, *, by: str, why: str, now: datetime) -> None:
    """Stops an item for a person. What is being done at this moment is not interrupted: the next stage does not begin.

    Raises FulfillmentError for one that is done or stopped.
    """
    row = _locked(connection, item_id)
    if row["state"] in ("done", "stopped"):
        raise FulfillmentError(f"Item {item_id} is {row['state']}; there is nothing to hold.")
    wait_at(connection, item_id, Gate("held", why), by=by, run_id=None, now=now)


def retry(connection: Connection, item_id: int, *, by: str, why: str, now: datetime, stage: str | None = None) -> None:
    """Makes a waiting item ready, whatever it waits for; with `stage`, from that stage (never a later one) on.

    The gate is asked anew, so nothing is skipped by this: an unsigned document is still unsigned afterwards.
    Raises FulfillmentError for an item that is done, stopped or worked at this moment.
    """
    row = _locked(connection, item_id)
    if row["state"] in ("done", "stopped"):
        raise FulfillmentError(f"Item {item_id} is {row['state']}; it can't be tried again.")
    if row["lease_owner"] and not is_gone(row["lease_owner"]):
        raise FulfillmentError(f"Item {item_id} is being worked at this moment (run {row['run_id']}).")
    if stage is not None:
        if stage not in STAGES or STAGES.index(stage) > STAGES.index(row["stage"]):
            raise FulfillmentError(f"Item {item_id} stands at {row['stage']}; it can't go on from {stage}.")
        connection.execute("update pw.item_work set stage = %s where item_id = %s", (stage, item_id))
    _make_ready(connection, item_id, now, by, why)


def wait_at(connection: Connection, item_id: int, gate: Gate, *, by: str, run_id: str | None, now: datetime) -> None:
    """Sets the gate an item waits at."""
    row = connection.execute(
        """update pw.item_work set state = 'waiting', gate = %(gate)s, gate_why = %(why)s, gate_detail = %(detail)s,
             gate_since = case when state = 'waiting' and gate = %(gate)s then gate_since else %(now)s end,
             not_before = %(not_before)s, changed_at = %(now)s
           where item_id = %(item)s returning stage""",
        {
            "gate": gate.kind, "why": gate.why, "detail": Jsonb(gate.detail), "now": now,
            "not_before": gate.not_before, "item": item_id,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    record(
        connection, item_id, now, stage=row["stage"], what="gate", gate=gate.kind, text=gate.why, by=by, run_id=run_id
    )


def stop(connection: Connection, item_id: int, *, by: str, why: str, now: datetime) -> None:
    """Ends an item whose order ended (refunded, cancelled)."""
    row = _locked(connection, item_id)
    connection.execute(
        "update pw.item_work set state = 'stopped', gate = null, gate_why = null, not_before = null, changed_at = %s "
        "where item_id = %s",
        (now, item_id),
    )
    record(connection, item_id, now, stage=row["stage"], what="note", text=why, by=by)


def record(
    connection: Connection,
    item_id: int,
    now: datetime,
    *,
    stage: str,
    what: str,
    text: str,
    by: str,
    gate: str | None = None,
    run_id: str | None = None,
) -> None:
    """One line of an item's history. `text` carries no personal data."""
    connection.execute(
        'insert into pw.item_events (item_id, at, stage, what, gate, text, "by", run_id) '
        "values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (item_id, now, stage, what, gate, text, by, run_id),
    )


def _make_ready(connection: Connection, item_id: int, now: datetime, by: str, why: str) -> bool:
    row = connection.execute(
        """update pw.item_work w set state = 'ready', gate = null, gate_why = null, gate_detail = '{}',
             gate_since = null, not_before = null, generation = w.generation + 1, changed_at = %s
           from pw.item_work before where w.item_id = %s and before.item_id = w.item_id
           returning w.stage, before.gate""",
        (now, item_id),
    ).fetchone()
    assert row is not None
    record(connection, item_id, now, stage=row["stage"], what="opened", gate=row["gate"], text=why, by=by)
    return True


def _locked(connection: Connection, item_id: int) -> dict[str, Any]:
    row = connection.execute("select * from pw.item_work where item_id = %s for update", (item_id,)).fetchone()
    if row is None:
        raise FulfillmentError(f"There is no work for an item {item_id}.")
    return dict(row)

"""Which items a run should be started for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.fulfillment.owner import is_gone


def to_start(
    connection: Connection,
    under_way: Collection[int],
    *,
    now: datetime,
    machine_now: datetime,
    lost_after: timedelta,
    most: int,
) -> list[tuple[int, int]]:
    """Items and generations to start a run for, those that waited longest first; notes that they were asked for.

    under_way: items with a run that has not ended. An item asked for before whose run is neither under way nor holds
    the lease has lost it (killed, never started): it gets a new generation, `lost_after` the request.
    """
    items.open_items(connection, now=now)
    items.open_clocks(connection, now=now)
    rows = connection.execute(
        """select item_id, stage, generation, requested_generation, requested_at, lease_owner from pw.item_work
           where state = 'ready' and item_id <> all(%s) order by changed_at, item_id limit %s for update skip locked""",
        (list(under_way), most),
    ).fetchall()
    found = []
    for row in rows:
        if row["lease_owner"] is not None and not is_gone(row["lease_owner"]):
            continue
        generation = int(row["generation"])
        if row["requested_generation"] == generation:
            if row["requested_at"] is not None and machine_now - row["requested_at"] < lost_after:
                continue
            generation += 1
            items.record(
                connection, row["item_id"], now, stage=row["stage"], what="retry", by="sensor",
                text="The run asked for has ended or never began; another one is asked for.",
            )  # fmt: skip
        connection.execute(
            "update pw.item_work set generation = %s, requested_generation = %s, requested_at = %s where item_id = %s",
            (generation, generation, machine_now, row["item_id"]),
        )
        found.append((int(row["item_id"]), generation))
    return found


def to_start_now(connection: Connection, item_ids: Collection[int], *, machine_now: datetime) -> list[tuple[int, int]]:
    """Of these, the items that are ready, not worked and not asked for yet, with their generations; notes that they
    were asked for. For a start without waiting for the sensor, whose business everything else remains."""
    rows = connection.execute(
        """with free as (
             select item_id from pw.item_work
             where item_id = any(%(items)s) and state = 'ready' and lease_owner is null
               and requested_generation is distinct from generation
             order by item_id for update skip locked)
           update pw.item_work w set requested_generation = w.generation, requested_at = %(machine_now)s
           from free where free.item_id = w.item_id returning w.item_id, w.generation""",
        {"items": list(item_ids), "machine_now": machine_now},
    ).fetchall()
    return sorted((int(row["item_id"]), int(row["generation"])) for row in rows)


def not_started(connection: Connection, item_id: int, generation: int) -> None:
    """What was asked for was certainly not started: the sensor asks again at its next tick."""
    connection.execute(
        "update pw.item_work set requested_generation = null, requested_at = null "
        "where item_id = %s and requested_generation = %s",
        (item_id, generation),
    )

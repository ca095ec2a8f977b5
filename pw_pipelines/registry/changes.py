"""What a copy changed: appeared, renamed, status changed, gone. `gone` is said only by a copy that proves absence."""

from __future__ import annotations

from datetime import date, datetime

from psycopg import sql

from pw_pipelines.snapshots.books import Connection

_LOG = """insert into registry.changes (state, record_id, entity_id, kind, name, before, after,
                                    as_of, snapshot_id, seen_at)
          select state, record_id, entity_id, kind, name, before, after, {as_of}, {snapshot}, {now} from {diff}"""

_DIFF = """create temporary table {diff} on commit drop as
    select {state}::text as state, record_id, coalesce(n.entity_id, o.entity_id) as entity_id, kind,
           coalesce(n.name, o.name) as name,
           case kind when 'renamed' then o.name when 'status_changed' then coalesce(o.status, o.standing)
                     when 'gone' then coalesce(o.status, o.standing) end as before,
           case kind when 'renamed' then n.name when 'status_changed' then coalesce(n.status, n.standing)
                     when 'appeared' then coalesce(n.status, n.standing) end as after
    from {old} o full join {new} n using (record_id)
    cross join lateral unnest(array[
        case when o.entity_id is null then 'appeared' end,
        case when n.entity_id is null then 'gone' end,
        case when n.name <> o.name then 'renamed' end,
        case when n.entity_id is not null and o.entity_id is not null
              and (n.status, n.standing) is distinct from (o.status, o.standing) then 'status_changed' end
    ]) as kind
    where kind is not null"""


def between(connection: Connection, diff: str, *, state: str, old: sql.Composable, new: sql.Composable) -> None:
    """Makes the temporary table `diff` with what differs from the rows `old` to the rows `new`."""
    connection.execute(sql.SQL(_DIFF).format(diff=sql.Identifier(diff), state=state, old=old, new=new))


def log(connection: Connection, diff: str, *, as_of: date, snapshot_id: str, now: datetime) -> int:
    """Writes a `diff` into the change log; returns how many changes."""
    return connection.execute(
        sql.SQL(_LOG).format(diff=sql.Identifier(diff), as_of=as_of, snapshot=snapshot_id, now=now)
    ).rowcount

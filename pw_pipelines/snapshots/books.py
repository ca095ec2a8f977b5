"""Reading the books of snapshots. The one definition of which snapshot of a source is in force on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import psycopg

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SnapshotError
from pw_pipelines.snapshots.model import Snapshot

Connection = psycopg.Connection[dict[str, object]]

# In force: good, not recalled, and its rows stand in `core`. Pruned snapshots have no rows, hence no loaded_at.
IN_FORCE = "grade in ('complete', 'partial') and recalled_at is null and loaded_at is not null"


def get(db: Database, snapshot_id: str) -> Snapshot:
    """One snapshot. Raises SnapshotError when there is none of that id."""
    with db.connect() as connection:
        return fetch(connection, snapshot_id)


def fetch(connection: Connection, snapshot_id: str, *, lock: bool = False) -> Snapshot:
    """As `get`, inside a transaction; `lock` keeps others from changing it until that ends."""
    query = "select * from pw.snapshots where snapshot_id = %s" + (" for update" if lock else "")
    found = rows(connection, query, (snapshot_id,))
    if not found:
        raise SnapshotError(f"There is no snapshot {snapshot_id!r}; `pw snapshot list` shows those there are.")
    return found[0]


def current(db: Database, source: str, on: date | None = None) -> Snapshot | None:
    """The snapshot of `source` in force on the day `on` (None: the newest of all); None when there is none."""
    with db.connect() as connection:
        found = rows(
            connection,
            f"""select * from pw.snapshots
                where source = %(source)s and {IN_FORCE} and as_of <= coalesce(%(on)s::date, 'infinity')
                order by as_of desc, fetched_at desc, snapshot_id desc limit 1""",
            {"source": source, "on": on},
        )
    return found[0] if found else None


def list_snapshots(db: Database, source: str | None = None, *, limit: int | None = None) -> list[Snapshot]:
    """Snapshots of one source or of all, newest as-of day first."""
    with db.connect() as connection:
        return rows(
            connection,
            """select * from pw.snapshots where source = coalesce(%(source)s::text, source)
               order by as_of desc, fetched_at desc, source, snapshot_id limit %(limit)s""",
            {"source": source, "limit": limit},
        )


def newest_day(db: Database) -> date | None:
    """The newest as-of day among the snapshots in force of all sources; None when there is none."""
    with db.connect() as connection:
        row = connection.execute(f"select max(as_of) as day from pw.snapshots where {IN_FORCE}").fetchone()
    day = row["day"] if row else None
    return day if isinstance(day, date) else None


def last_whole_before(connection: Connection, snapshot: Snapshot) -> Snapshot | None:
    """The last complete copy of the whole list before `snapshot`: what its size and dates are held against.

    Copies that an operator vouched for, that are no whole list by their layout, or that are one of several files of a
    register (`facts.parts`) are not comparable. Where
    editions are asked for by name, an earlier copy of the same edition comes before any of another.
    """
    found = rows(
        connection,
        """select * from pw.snapshots
           where source = %(source)s and grade = 'complete' and proves_absence and snapshot_id <> %(id)s
             and facts ->> 'parts' is null and (as_of, fetched_at) < (%(as_of)s, %(fetched_at)s)
           order by (vintage is not distinct from %(vintage)s::text) desc, as_of desc, fetched_at desc limit 1""",
        {"source": snapshot.source, "id": snapshot.snapshot_id, "as_of": snapshot.as_of,
         "fetched_at": snapshot.fetched_at, "vintage": snapshot.vintage},
    )  # fmt: skip
    return found[0] if found else None


def newest_complete(connection: Connection, snapshot: Snapshot) -> Snapshot | None:
    """The complete fetched copy with the newest as-of day, other than `snapshot`, of the same edition if it has one."""
    found = rows(
        connection,
        """select * from pw.snapshots
           where source = %(source)s and grade = 'complete' and origin = 'fetched' and snapshot_id <> %(id)s
             and (%(vintage)s::text is null or vintage = %(vintage)s)
           order by as_of desc, fetched_at desc limit 1""",
        {"source": snapshot.source, "id": snapshot.snapshot_id, "vintage": snapshot.vintage},
    )
    return found[0] if found else None


def rows(connection: Connection, query: str, values: tuple[object, ...] | Mapping[str, Any]) -> list[Snapshot]:
    """Snapshots by a query that selects whole rows of `pw.snapshots`."""
    return [Snapshot.of_row(dict(row)) for row in connection.execute(query, values)]


def rejects(db: Database, snapshot_id: str, *, limit: int = 20) -> list[dict[str, object]]:
    """The first records of a snapshot that could not be read: line, reason, excerpt."""
    with db.connect() as connection:
        return connection.execute(
            "select line, reason, excerpt from pw.snapshot_rejects where snapshot_id = %s order by seq limit %s",
            (snapshot_id, limit),
        ).fetchall()

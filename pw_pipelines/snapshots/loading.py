"""From a good snapshot's raw bytes into `core`: whole or not at all, once, however often it is tried."""

from __future__ import annotations

from datetime import datetime

from psycopg import sql

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SnapshotError
from pw_pipelines.faults import point
from pw_pipelines.resources.objects import Objects
from pw_pipelines.snapshots import books
from pw_pipelines.snapshots.books import Connection
from pw_pipelines.snapshots.model import Snapshot
from pw_pipelines.snapshots.reading import checked_rows
from pw_pipelines.sources.registers import REGISTERS
from pw_pipelines.sources.registry import reader
from pw_pipelines.sources.report import Reader, ReadReport

POINT_EVERY_ROWS = 500
PRESENCE_SOURCE = "fcc_rmd"
_PRESENCE = """insert into core.fcc_rmd_presence (snapshot_id, number, frn, business_name, name_key)
               select snapshot_id, number, frn, business_name, name_key
               from core.fcc_rmd_filings where snapshot_id = %s"""


def load(db: Database, objects: Objects, snapshot_id: str, *, now: datetime | None = None) -> int:
    """Puts a snapshot's rows into `core` in one transaction; returns how many stand there. Loading again is a no-op.

    now: recorded as loaded_at; unset: the database's own clock. Two loads of one snapshot take turns. Memory is
    bounded: rows are streamed from the raw bytes into COPY. Raises SnapshotError for a snapshot that is not
    complete or partial, and when the rows read are not the ones that were graded (nothing is changed then).
    """
    with db.connect(application="pw load") as connection:
        snapshot = books.fetch(connection, snapshot_id, lock=True)
        if not snapshot.is_good:
            raise SnapshotError(f"{snapshot_id} is {snapshot.grade} and is not loaded. {_remedy(snapshot)}")
        if snapshot.loaded_at is None:
            reload(connection, objects, snapshot_id, now=now)
        return snapshot.rows


def reload(connection: Connection, objects: Objects, snapshot_id: str, *, now: datetime | None = None) -> None:
    """Replaces a snapshot's rows by what its raw bytes say now, within the caller's transaction."""
    snapshot = books.fetch(connection, snapshot_id, lock=True)
    read = reader(snapshot.source)
    unload(connection, snapshot)
    count = _copy(connection, objects, snapshot, read)
    if count != snapshot.rows:
        raise SnapshotError(
            f"{snapshot_id} was graded with {snapshot.rows:,} rows and now reads {count:,}: the reader has changed "
            f"since. Nothing was loaded; grade it anew: pw snapshot reparse {snapshot_id}"
        )
    if snapshot.source == PRESENCE_SOURCE:
        connection.execute(_PRESENCE, (snapshot_id,))
    connection.execute(
        "update pw.snapshots set loaded_at = coalesce(%s, now()), pruned_at = null where snapshot_id = %s",
        (now, snapshot_id),
    )
    point("snapshot.load.before_commit")


def unload(connection: Connection, snapshot: Snapshot, *, presence: bool = True) -> int:
    """Takes a snapshot's rows out of `core`; returns how many. `presence=False` leaves the slim list of numbers.

    A company register's rows stay where they are: whoever is told by a recalled copy is shown as not sure.
    """
    if snapshot.source in REGISTERS:
        return 0
    table = sql.Identifier("core", reader(snapshot.source).table)
    deleted = connection.execute(
        sql.SQL("delete from {} where snapshot_id = %s").format(table), (snapshot.snapshot_id,)
    ).rowcount
    if presence and snapshot.source == PRESENCE_SOURCE:
        connection.execute("delete from core.fcc_rmd_presence where snapshot_id = %s", (snapshot.snapshot_id,))
    return deleted


def _copy(connection: Connection, objects: Objects, snapshot: Snapshot, read: Reader) -> int:
    columns = sql.SQL(", ").join(map(sql.Identifier, ("snapshot_id", *read.columns)))
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier("core", read.table), columns)
    report = ReadReport(file_name=snapshot.file_name)
    count = 0
    with (
        objects.open(snapshot.raw_digest) as raw,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in checked_rows(read, raw, report):
            copy.write_row((snapshot.snapshot_id, *row))
            if count % POINT_EVERY_ROWS == 0:
                point("snapshot.load.midway")
            count += 1
    return count


def _remedy(snapshot: Snapshot) -> str:
    if snapshot.grade == "pending":
        return "Take it in again; it is graded then."
    if snapshot.grade == "recalled":
        return f"{snapshot.recalled_by} took it back: {snapshot.recall_reason}"
    return "Why: " + ("; ".join(snapshot.reasons) or "no reason was recorded")

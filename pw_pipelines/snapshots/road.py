"""The road in: keep the bytes, write them into the books, read them, grade them. Loading is `snapshots.loading`.

Order is the promise: bytes are in the object store before anything reads them, and a snapshot stands in the
books (as `pending`) before it is graded, so whatever dies on the way leaves something to go on from.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SnapshotError, SourceRejected, UsageError
from pw_pipelines.faults import point
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.resources.objects import Objects
from pw_pipelines.snapshots import books, verdicts
from pw_pipelines.snapshots.grading import Circumstances, Verdict, grade, too_large
from pw_pipelines.snapshots.grading_dates import stated_day as day_in
from pw_pipelines.snapshots.loading import load, reload
from pw_pipelines.snapshots.model import Origin, Snapshot
from pw_pipelines.snapshots.reading import CONTENT_DIGEST, read_through
from pw_pipelines.snapshots.size import plain_size, unpacked_size
from pw_pipelines.sources.body import MOST_COUNTED
from pw_pipelines.sources.contract import SourceContract, contract
from pw_pipelines.sources.registers import REGISTERS
from pw_pipelines.sources.registry import reader
from pw_pipelines.sources.report import ReadReport

__all__ = ["finish_pending", "load", "regrade", "reparse", "stated_day", "take"]

DIGEST_DIGITS_IN_ID = 12


class Reading(Protocol):
    """How a copy is read where a reader of rows is not enough (registers are staged while they are read)."""

    def read(self, snapshot: Snapshot, raw: BinaryIO, report: ReadReport) -> str | None:
        """Reads the whole copy and fills `report`. None, or the sentence why it gave up."""
        ...

    def promised(self) -> SourceContract:
        """What the copy is held against; asked once it has been read."""
        ...

    def restates(self, snapshot: Snapshot) -> bool:
        """Whether a person now says something else of a copy that was refused or taken for less than the whole."""
        ...


def take(
    db: Database,
    objects: Objects,
    source: str,
    fetched: Fetched,
    *,
    as_of: date,
    now: datetime,
    origin: Origin = "fetched",
    stated_by: str | None = None,
    expect_rows: int | None = None,
    reading: Reading | None = None,
) -> Snapshot:
    """Takes one copy in and grades it; does not load it. The same (source, as_of, bytes) is one snapshot.

    as_of: America/New_York day the copy shows; now: aware moment it is taken. expect_rows: the total an operator
    states (then `stated_by` says who), which stands in for the contract's floors. Taking a copy again returns
    what is in the books, grades it if a crash left it pending, and grades a rejected one anew when a total is
    stated for it; a register's copy that was rejected or taken for a part also when it is stated to be more or less.
    Raises UsageError for an unknown source, a total without a name or one that no copy holds, SnapshotError when a
    total contradicts a copy that is already in force.
    """
    promised = contract(source)
    if expect_rows is not None and not stated_by:
        raise UsageError("A stated total needs the name of who states it (--stated-by).")
    if expect_rows is not None and expect_rows > MOST_COUNTED:
        raise UsageError(
            f"No copy holds {expect_rows:,} records, as --expect-rows states; give the number the source shows."
        )
    digest = objects.put(fetched.path)
    point("snapshot.take.after_put")
    snapshot = _register(db, promised, fetched, digest, objects.size(digest), as_of=as_of, now=now, origin=origin,
                         stated_by=stated_by, expect_rows=expect_rows)  # fmt: skip
    point("snapshot.take.after_register")
    restated = expect_rows is not None and expect_rows != snapshot.stated_total
    if snapshot.grade == "pending" and not restated:
        return _grade(db, objects, snapshot, now=now, mended=fetched.notes, reading=reading)
    if not restated:
        if reading is not None and reading.restates(snapshot):
            return _grade_anew(db, objects, snapshot, now=now, mended=fetched.notes, reading=reading)
        return snapshot
    if snapshot.is_good and snapshot.rows + snapshot.rejected_rows != expect_rows:
        raise SnapshotError(
            f"{snapshot.snapshot_id} is in the books as {snapshot.grade} with {snapshot.rows:,} rows; {stated_by} "
            f"states {expect_rows:,}. If it is wrong: pw snapshot recall {snapshot.snapshot_id} --reason …"
        )
    if snapshot.grade == "recalled":
        return snapshot
    _record_total(db, snapshot, expect_rows, stated_by)
    if reading is not None:
        stated = books.get(db, snapshot.snapshot_id)
        return _grade_anew(db, objects, stated, now=now, mended=fetched.notes, reading=reading)
    return reparse(db, objects, snapshot.snapshot_id, now=now)


def regrade(db: Database, objects: Objects, snapshot_id: str, *, now: datetime) -> Snapshot:
    """Grades a pending or rejected snapshot again from its raw bytes. Raises SnapshotError for any other."""
    snapshot = books.get(db, snapshot_id)
    if snapshot.grade not in ("pending", "rejected"):
        raise SnapshotError(f"{snapshot_id} is {snapshot.grade}; only pending and rejected ones are graded again.")
    return _grade(db, objects, snapshot, now=now, mended=())


def finish_pending(db: Database, objects: Objects, *, now: datetime) -> list[Snapshot]:
    """Grades what a hard stop left pending. Returns those snapshots. Registers are completed by taking them again."""
    pending = [one for one in books.list_snapshots(db) if one.grade == "pending" and one.source not in REGISTERS]
    return [_grade(db, objects, snapshot, now=now, mended=()) for snapshot in reversed(pending)]


def reparse(db: Database, objects: Objects, snapshot_id: str, *, now: datetime) -> Snapshot:
    """Reads a snapshot anew from raw with today's reader and grades it anew.

    Rows that are loaded are replaced in the same transaction as the verdict. Raises SnapshotError when today's
    reader or contract refuses what was accepted then (the old rows stay), and for a recalled snapshot.
    """
    snapshot = books.get(db, snapshot_id)
    if not snapshot.is_good:
        return regrade(db, objects, snapshot_id, now=now)
    report, verdict = _judge(db, objects, snapshot, mended=())
    if verdict.grade == "rejected":
        raise SnapshotError(
            f"{snapshot_id} was {snapshot.grade} and would be rejected now: {'; '.join(verdict.reasons)}. "
            "Its rows stay as they were; recall it if they are wrong."
        )
    with db.connect() as connection:
        standing = books.fetch(connection, snapshot_id, lock=True)
        if not standing.is_good:
            raise SnapshotError(f"{snapshot_id} became {standing.grade} meanwhile; nothing was changed.")
        verdicts.write(connection, snapshot, report, verdict, now=now)
        if standing.loaded_at is not None:
            reload(connection, objects, snapshot_id, now=now)
    return books.get(db, snapshot_id)


def stated_day(objects: Objects, source: str, path: Path) -> date | None:
    """The day a hand-saved copy itself says it is of, or None. The bytes are kept before they are looked at."""
    digest = objects.put(path)
    report = ReadReport(file_name=path.name)
    promised = contract(source)
    try:
        with objects.open(digest) as raw:
            if too_large(promised, unpacked_size(raw, most=promised.bytes.max)):
                return None
            raw.seek(0)
            next(iter(reader(source)(raw, report)), None)
    except SourceRejected:
        return None  # grading will say why
    return day_in(report)


def _register(
    db: Database,
    promised: SourceContract,
    fetched: Fetched,
    digest: str,
    size: int,
    *,
    as_of: date,
    now: datetime,
    origin: Origin,
    stated_by: str | None,
    expect_rows: int | None,
) -> Snapshot:
    """The row in the books for these bytes: a new pending one, or the one that is there."""
    file_name = fetched.path.name if origin == "ingested" else None
    # The name of a hand-saved look-up may be all that says whom it is about, so there it is part of what was taken.
    subject = file_name if file_name and promised.change is None else ""
    head = f"{promised.source}-{as_of}-"
    snapshot_id = head + _id_digits(digest, subject)
    with db.connect() as connection:
        connection.execute(
            """insert into pw.snapshots (snapshot_id, source, as_of, vintage, fetched_at, origin, stated_by,
                                         stated_total, file_name, subject, raw_digest, size_bytes, media_type)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
               on conflict (source, as_of, raw_digest, subject) do nothing""",
            (snapshot_id, promised.source, as_of, fetched.vintage, now, origin, stated_by, expect_rows,
             file_name, subject, digest, size, fetched.media_type),
        )  # fmt: skip
        found = books.rows(
            connection,
            """select * from pw.snapshots where source = %s and as_of = %s and raw_digest = %s and subject = %s""",
            (promised.source, as_of, digest, subject),
        )
    return found[0]


def _record_total(db: Database, snapshot: Snapshot, expect_rows: int | None, stated_by: str | None) -> None:
    with db.connect() as connection:
        connection.execute(
            "update pw.snapshots set stated_total = %s, stated_by = %s where snapshot_id = %s",
            (expect_rows, stated_by, snapshot.snapshot_id),
        )


def _id_digits(digest: str, subject: str) -> str:
    if not subject:
        return digest[:DIGEST_DIGITS_IN_ID]
    import hashlib

    return hashlib.sha256(f"{digest} {subject}".encode()).hexdigest()[:DIGEST_DIGITS_IN_ID]


def _grade(
    db: Database,
    objects: Objects,
    snapshot: Snapshot,
    *,
    now: datetime,
    mended: tuple[str, ...],
    reading: Reading | None = None,
) -> Snapshot:
    """Reads, judges and writes the verdict; a snapshot that somebody else graded meanwhile is left as they did."""
    report, verdict = _judge(db, objects, snapshot, mended=mended, reading=reading)
    with db.connect() as connection:
        standing = books.fetch(connection, snapshot.snapshot_id, lock=True)
        if standing.grade in ("pending", "rejected"):
            verdicts.write(connection, snapshot, report, verdict, now=now)
            point("snapshot.take.before_verdict")
    return books.get(db, snapshot.snapshot_id)


def _grade_anew(
    db: Database, objects: Objects, snapshot: Snapshot, *, now: datetime, mended: tuple[str, ...], reading: Reading
) -> Snapshot:
    """A register's copy by what a person states of it now; a part that is judged anew is put in force anew.

    Raises SnapshotError when that would refuse what stands in force: it stays as it was.
    """
    if snapshot.grade != "partial":
        return _grade(db, objects, snapshot, now=now, mended=mended, reading=reading)
    report, verdict = _judge(db, objects, snapshot, mended=mended, reading=reading)
    if verdict.grade == "rejected":
        raise SnapshotError(
            f"{snapshot.snapshot_id} is in force as a part, and by what is stated now it would be refused: "
            f"{'; '.join(verdict.reasons)}. Nothing was changed; load it as it was, or recall it if it is wrong."
        )
    with db.connect() as connection:
        standing = books.fetch(connection, snapshot.snapshot_id, lock=True)
        if standing.grade == "partial":
            verdicts.write(connection, snapshot, report, verdict, now=now)
            connection.execute(
                "update pw.snapshots set loaded_at = null where snapshot_id = %s", (snapshot.snapshot_id,)
            )
    return books.get(db, snapshot.snapshot_id)


def _judge(
    db: Database, objects: Objects, snapshot: Snapshot, *, mended: tuple[str, ...], reading: Reading | None = None
) -> tuple[ReadReport, Verdict]:
    report = ReadReport(file_name=snapshot.file_name)
    promised = contract(snapshot.source)
    with objects.open(snapshot.raw_digest) as raw:
        size = plain_size(raw, most=promised.bytes.max)
        unpacked = unpacked_size(raw, most=promised.bytes.max)
        unreadable = too_large(promised, max(size, unpacked))
        if unreadable is None:
            raw.seek(0)
            unreadable = (
                reading.read(snapshot, raw, report)
                if reading is not None
                else read_through(reader(snapshot.source), raw, report)
            )
    if reading is not None:
        promised = reading.promised()
    with db.connect() as connection:
        earlier = connection.execute(
            """select raw_digest, facts ->> %s as content, max(as_of) as day from pw.snapshots
               where source = %s and grade in ('complete', 'partial') and snapshot_id <> %s and as_of < %s
               group by raw_digest, content order by day""",
            (CONTENT_DIGEST, snapshot.source, snapshot.snapshot_id, snapshot.as_of),
        ).fetchall()
        recalled = connection.execute(
            """select recalled_by, recalled_at::date as day, recall_reason from pw.snapshots
               where source = %s and raw_digest = %s and subject = %s and recalled_at is not null and snapshot_id <> %s
               order by recalled_at desc limit 1""",
            (snapshot.source, snapshot.raw_digest, snapshot.subject, snapshot.snapshot_id),
        ).fetchone()
        about = Circumstances(
            as_of=snapshot.as_of,
            origin=snapshot.origin,
            size=size,
            unpacked=unpacked,
            digest=snapshot.raw_digest,
            edition=snapshot.vintage,
            previous=books.last_whole_before(connection, snapshot),
            newest_fetched=books.newest_complete(connection, snapshot),
            earlier_digests={str(row["raw_digest"]): row["day"] for row in earlier if isinstance(row["day"], date)},
            earlier_contents={
                str(row["content"]): row["day"] for row in earlier if row["content"] and isinstance(row["day"], date)
            },
            expect_rows=snapshot.stated_total,
            stated_by=snapshot.stated_by,
            mended=mended,
            recalled=f"{recalled['recalled_by']} on {recalled['day']}: {recalled['recall_reason']}"
            if recalled
            else None,
        )
    return report, grade(report, promised, about, unreadable)

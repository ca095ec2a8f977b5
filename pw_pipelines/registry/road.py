"""The road in for registers of companies: keep the bytes, read them once into a staging table, grade them, and put
them in force in one transaction.

The same books, checks and order as `snapshots.road`. Whatever dies on the way leaves the register as it was; taking
the same copy again completes it. Two loads of one state take turns.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import psycopg
from psycopg.rows import dict_row

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SnapshotError, SourceRejected
from pw_pipelines.faults import point
from pw_pipelines.registry import loading, partitions, pool, rekeying, staging
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import load_settings
from pw_pipelines.snapshots import books
from pw_pipelines.snapshots import road as snapshots_road
from pw_pipelines.snapshots.model import Origin, Snapshot
from pw_pipelines.sources.contract import Absence, SourceContract, contract
from pw_pipelines.sources.register import Block, RegisterFacts, RegisterReader, Share
from pw_pipelines.sources.registers import REGISTERS
from pw_pipelines.sources.report import REJECTS_KEPT, ReadReport

WORKERS_FROM_BYTES = 256 << 20  # below this, starting them takes longer than they save
_PLURAL = re.compile(r"(\{n\} (?:empty )?\w+)s\b( have\b)?")
_TURN = "select pg_advisory_lock(hashtext('pw registry'), hashtext(%s))"
_DUPLICATES = "select record_id from {} group by record_id having count(*) > 1 order by record_id limit %s"
# A whole register proves absence by itself; how old it may be is the contract's freshness.
_WHOLE_PROVES = Absence(sightings=2, distinct_bytes=False)


@dataclass(frozen=True)
class Taken:
    """One copy that was taken in. told: records of it that stand in the register; 0 when it was refused."""

    snapshot: Snapshot
    share: Share
    told: int = 0


def take_in(
    db: Database,
    objects: Objects,
    source: str,
    fetched: Fetched | Path,
    *,
    as_of: date,
    now: datetime,
    origin: Origin = "fetched",
    stated_by: str | None = None,
    share: Share | None = None,
    expect_rows: int | None = None,
    workers: int | None = None,
    floor_share: float | None = None,
) -> Snapshot:
    """Takes one copy of a register in, grades it, and puts it in force if it is good; the snapshot says which.

    fetched: the file, whose name may tell what it is. as_of: the day it shows; now: aware moment of taking.
    share: how much of the register it is, where somebody knows better than the file. floor_share: of the contract's
    least rows and bytes (unset: by the settings). workers: processes that parse (unset: by the file's size).
    Taking a copy again that is in force changes nothing; one that a stop left half-way is completed. Taking any copy
    keys the state's names anew where they were stored under an older edition of the keys.
    """
    taken = take_in_all(db, objects, source, [fetched], as_of=as_of, now=now, origin=origin, stated_by=stated_by,
                        share=share, expect_rows=expect_rows, workers=workers, floor_share=floor_share)  # fmt: skip
    return taken[0].snapshot


def take_in_all(
    db: Database,
    objects: Objects,
    source: str,
    files: Sequence[Fetched | Path],
    *,
    as_of: date,
    now: datetime,
    origin: Origin = "fetched",
    stated_by: str | None = None,
    share: Share | None = None,
    expect_rows: int | None = None,
    workers: int | None = None,
    floor_share: float | None = None,
) -> list[Taken]:
    """As `take_in`, for files that belong together (parts of one register): all in force together, or none.

    `share` whole: the files together are the whole register. One refused file refuses all; each snapshot says why.
    """
    reader = REGISTERS[source]
    if floor_share is None:
        floor_share = load_settings().register_floor_share
    # Files that are whole together are none of them whole alone, so no floor holds for one of them.
    parts = len(files) if share == "whole" else 1
    floor_share = 0.0 if parts > 1 else floor_share
    with _turn(db, reader.state):
        _sweep(db, reader.state)
        rekeying.key_anew(db, reader.state)  # also where this copy is in force already, or will be refused
        readings = []
        for file in files:
            copy = file if isinstance(file, Fetched) else Fetched(file, "application/octet-stream")
            count = _workers(copy.path) if workers is None else workers
            with pool.standing_by(count) as crew:
                reading = _Reading(db, reader, copy.path.name, told_share=share, workers=count, floor_share=floor_share,
                                   parts=parts, crew=crew)  # fmt: skip
                reading.snapshot = snapshots_road.take(
                    db, objects, source, copy, as_of=as_of, now=now, origin=origin, stated_by=stated_by,
                    expect_rows=expect_rows, reading=reading,
                )  # fmt: skip
            reading.crew = ()
            readings.append(reading)
        point("registry.take_in.graded")
        told = 0
        wanting = [one for one in readings if _graded(one).is_good and _graded(one).loaded_at is None]
        if wanting and all(_graded(one).is_good for one in readings):
            for one in wanting:
                one.stage_again(objects)
            told = _put_in_force(db, reader, wanting, now=now)
        _sweep(db, reader.state)
        found = [books.get(db, _graded(one).snapshot_id) for one in readings]
    return [Taken(snapshot, _share_of(snapshot), told if number == 0 else 0) for number, snapshot in enumerate(found)]


def _workers(file: Path) -> int:
    """How many processes parse a file beside this one; 0: this one does."""
    return pool.WORKERS if file.stat().st_size >= WORKERS_FROM_BYTES else 0


def _graded(reading: _Reading) -> Snapshot:
    if reading.snapshot is None:
        raise SnapshotError("A copy was not graded; take it in again.")
    return reading.snapshot


def _share_of(snapshot: Snapshot) -> Share:
    told = snapshot.facts.get("share")
    return told if told in ("whole", "increment") else "part"


def counted(text: str, count: int) -> str:
    """A reader's note with its count, as a sentence; readers write them in the plural."""
    if count == 1:
        text = _PLURAL.sub(lambda found: found[1] + (" has" if found[2] else ""), text)
    return text.replace("{n}", f"{count:,}") + "." * (not text.endswith("."))


def _put_in_force(db: Database, reader: RegisterReader, readings: Sequence[_Reading], *, now: datetime) -> int:
    copies = [loading.Staged(_graded(one), one.table, reader.is_grouped, reader.replaces) for one in readings]
    share = _share_of(copies[0].snapshot)
    if reader.what == "entities" and share != "whole":
        with db.connect(application="pw register") as connection:
            partitions.ensure(connection, reader.state)
    elif reader.what == "entities" and not reader.is_grouped:
        with psycopg.connect(
            db.url, autocommit=True, application_name="pw register", row_factory=dict_row
        ) as connection:
            partitions.settle(connection, copies[0].table)
    with db.connect(application="pw register") as connection:
        if reader.what == "events":
            told = loading.apply_events(connection, copies, now=now)
        else:
            told = loading.apply(connection, reader.state, copies, share, now=now)
        point("registry.apply.before_commit")
    with db.connect(application="pw register") as connection:
        partitions.on_disk(connection)
    return told


@contextmanager
def _turn(db: Database, state: str) -> Iterator[None]:
    """One load of a state at a time; a process that dies gives its turn up."""
    with psycopg.connect(db.url, autocommit=True, application_name="pw register turn") as connection:
        connection.execute(_TURN, (state,))
        yield


def _sweep(db: Database, state: str) -> None:
    """Drops what serves nobody: drafts of a killed load, replaced partitions."""
    with db.connect(application="pw register") as connection:
        staging.drop(connection, [*staging.leftovers(connection, state), *partitions.leftovers(connection, state)])


@dataclass
class _Reading:
    """Reads one copy into its staging table. See `snapshots.road.Reading`."""

    db: Database
    reader: RegisterReader
    file_name: str
    told_share: Share | None
    workers: int
    floor_share: float
    crew: Sequence[pool.Worker] = ()
    parts: int = 1  # files that are the whole register together
    snapshot: Snapshot | None = None
    facts: RegisterFacts = field(default_factory=RegisterFacts)
    table: str = ""
    is_staged: bool = False

    def read(self, snapshot: Snapshot, raw: BinaryIO, report: ReadReport) -> str | None:
        """Every record into the staging table, `report` filled on the way."""
        promised = contract(self.reader.source)
        begun = time.monotonic()
        self.facts = RegisterFacts()
        self.table = staging.table_of(snapshot.snapshot_id)
        with self.db.connect(application="pw register") as connection:
            staging.create(connection, self.table, state=self.reader.state, snapshot_id=snapshot.snapshot_id,
                           what=self.reader.what, ranked=self.reader.is_grouped)  # fmt: skip
        task = pool.Task(
            url=self.db.url,
            source=self.reader.source,
            statement=staging.copy_statement(self.table, what=self.reader.what, ranked=self.reader.is_grouped),
            ranked=self.reader.is_grouped,
            counted=tuple(promised.required_fill_pct),
        )
        raw.seek(0)
        path = getattr(raw, "name", None) if self.crew else None  # a number for a file without one
        task = replace(task, path=str(path) if isinstance(path, (str, Path)) else None)
        found = self.reader.blocks(raw, self.facts, file_name=self.file_name, may_leave=task.path is not None)
        blocks = self._within(found, promised)
        try:
            totals = pool.run(blocks, self.reader, task, self.crew)
        except SourceRejected as error:
            return str(error)
        except psycopg.DataError as error:
            return f"PostgreSQL refuses a value that was read: {error}"
        self._report(report, totals)
        self._check_keys(report)
        report.facts["seconds"] = round(time.monotonic() - begun, 3)
        self.is_staged = True
        return None

    def _within(self, blocks: Iterator[Block], promised: SourceContract) -> Iterator[Block]:
        """The blocks, as long as they are not more than the contract's most bytes: a bomb is not unpacked whole."""
        size = 0
        for block in blocks:
            size += block.size
            if size > promised.bytes.max:
                raise SourceRejected(
                    f"Not read to its end: it has more than {promised.bytes.max:,} bytes when unpacked, which is no "
                    f"{promised.title}. If the source really grew, raise bytes.max in its contract.",
                    source=promised.source,
                )
            yield block

    def _report(self, report: ReadReport, totals: pool.Totals) -> None:
        share = self.told_share or self.facts.share
        report.layout = self.facts.layout
        report.control_total, report.control_source = self.facts.control_total, self.facts.control_source
        report.rows, report.reject_count = totals.rows, totals.rejected
        report.rejects = sorted(totals.rejects, key=lambda one: one.line)[:REJECTS_KEPT]
        report.filled = totals.filled
        # A register's newest date proves nothing of its age: filings take effect weeks after their day.
        report.facts["newest"] = totals.newest.isoformat() if totals.newest else None
        report.proves_absence = share == "whole"
        report.notes += self.facts.notes
        report.notes += [counted(text, count) for text, count in sorted(totals.notes.items())]
        report.facts["share"] = share
        report.facts["state"] = self.reader.state
        if self.parts > 1:
            report.facts["parts"] = self.parts
        if self.told_share is not None:
            report.facts["share_stated"] = self.told_share
        if self.facts.day is not None:
            report.facts["day"] = self.facts.day.isoformat()

    def _check_keys(self, report: ReadReport) -> None:
        """Whether a record stands twice, found by making the index that the register needs anyway."""
        if self.reader.is_grouped or self.reader.what != "entities":
            return
        try:
            with self.db.connect(application="pw register") as connection:
                partitions.index(connection, self.table, "record")
        except psycopg.errors.UniqueViolation:
            with self.db.connect(application="pw register") as connection:
                table = staging.qualified(self.table).as_string()
                found = connection.execute(_DUPLICATES.format(table).encode(), (REJECTS_KEPT,))
                report.duplicate_keys = [str(row["record_id"]) for row in found]

    def promised(self) -> SourceContract:
        """The contract, its floors scaled; no floor for what is not the whole register."""
        stated = contract(self.reader.source)
        share = self.floor_share if (self.told_share or self.facts.share) == "whole" else 0.0
        return stated.model_copy(
            update={
                "rows": stated.rows.model_copy(update={"min": round(stated.rows.min * share)}),
                "bytes": stated.bytes.model_copy(update={"min": round(stated.bytes.min * share)}),
                "absence": stated.absence or _WHOLE_PROVES,
                # A part's size tells nothing beside that of a whole copy.
                "change": None if self.parts > 1 else stated.change,
            }
        )

    def restates(self, snapshot: Snapshot) -> bool:
        """See `snapshots.road.Reading`. What is whole and in force needs no second word."""
        stated = snapshot.facts.get("share_stated")
        return snapshot.grade in ("rejected", "partial") and (self.told_share, self.parts) != (
            stated,
            snapshot.facts.get("parts", 1),
        )

    def stage_again(self, objects: Objects) -> None:
        """Stages a copy that was graded by a run that did not live to load it."""
        if self.is_staged:
            return
        snapshot = _graded(self)
        report = ReadReport(file_name=self.file_name)
        with objects.open(snapshot.raw_digest) as raw, pool.standing_by(self.workers) as self.crew:
            refused = self.read(snapshot, raw, report)
        if refused is not None or report.rows != snapshot.rows:
            raise SnapshotError(
                f"{snapshot.snapshot_id} was graded with {snapshot.rows:,} records and now reads {report.rows:,}: the "
                "reader has changed since. Nothing was loaded; recall it and take a new copy."
            )

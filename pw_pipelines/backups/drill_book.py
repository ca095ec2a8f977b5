"""The book of drills, `pw.backup_drills`: a row per drill, its report kept here and off-site."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.backups import books
from pw_pipelines.backups.books import APPLICATION
from pw_pipelines.backups.drill import NothingYet, run_drill
from pw_pipelines.backups.drill_model import Drill
from pw_pipelines.backups.model import SUBJECTS, Places
from pw_pipelines.backups.offsite import Offsite
from pw_pipelines.backups.report import report_of
from pw_pipelines.backups.rounds import why_not
from pw_pipelines.clock import machine_now
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings

REPORTS = "drills"
_HELD = 5  # newest sets of each subject that retention leaves alone while a drill reads


@dataclass(frozen=True)
class Kept:
    """A drill and where its report lies. report_trouble: why it is not beside the off-site copy."""

    drill_id: int
    drill: Drill
    report_digest: str
    report_trouble: str | None


@dataclass(frozen=True)
class Drilled:
    """One row of the book."""

    drill_id: int
    started_at: datetime
    finished_at: datetime | None
    ok: bool | None
    rpo_seconds: float | None
    rto_seconds: float | None
    checks: list[dict[str, Any]]
    set_ids: list[str]
    report_digest: str | None
    error: str | None


def drill_and_keep(
    settings: Settings, db: Database, objects: Objects, *, run_id: str | None = None, keep: Path | None = None,
    say: Callable[[str], object] = lambda _text: None, wait_seconds: float = 0.0,
) -> Kept:  # fmt: skip
    """Runs a drill and writes it down, whatever comes of it. Raises PwError when it could not even begin; the book then
    has a failed drill that says why.

    Two things are no drill and not in the book: UnderWay, when a copy is being made and still is after `wait_seconds`,
    and NothingYet, when what is to be restored has never been made.
    """
    with ExitStack() as copies:
        copies.enter_context(books.quiet(db, SUBJECTS, seconds=wait_seconds))
        return _drill_and_keep(settings, db, objects, copies, run_id=run_id, keep=keep, say=say)


def _drill_and_keep(
    settings: Settings, db: Database, objects: Objects, copies: ExitStack, *, run_id: str | None, keep: Path | None,
    say: Callable[[str], object],
) -> Kept:  # fmt: skip
    # After a disaster the books of the new house know of none, and nothing may keep the restore from what is there.
    known = books.ever_off_site(db) if keep is None else set(SUBJECTS)
    awaited = [one for one in SUBJECTS if one not in known and why_not(settings, one) is None]
    with db.connect(application=APPLICATION) as connection:
        row = connection.execute(
            """insert into pw.backup_drills (started_at, machine_started_at, run_id, set_ids)
               values (%s, %s, %s, array(
                   select set_id from (select set_id, row_number() over (partition by subject order by captured_at desc)
                                       from pw.backup_sets where state = 'complete') as newest
                   where row_number <= %s)) returning drill_id""",
            (settings.clock.now(), machine_now(), run_id, _HELD),
        ).fetchone()
        assert row is not None
        drill_id = int(str(row["drill_id"]))
    drill: Drill | None = None
    try:
        drill = run_drill(settings, live=db, keep=keep, say=say, awaited=awaited, listed=copies.close)
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "report.html"
            page.write_text(report_of(drill, drill_id=drill_id), encoding="utf-8")
            digest = objects.put(page)
            trouble = _beside_the_copy(settings, page, f"drill-{drill_id:06d}.html")
    except NothingYet:
        with db.connect(application=APPLICATION) as connection:
            connection.execute("delete from pw.backup_drills where drill_id = %s", (drill_id,))
        raise
    except BaseException as error:
        # One whose report can't be kept was a drill all the same; one that stays open holds its sets for days.
        _close(db, drill_id, settings.clock.now(), drill=drill, error=str(error) or type(error).__name__)
        raise
    _close(db, drill_id, settings.clock.now(), drill=drill, digest=digest)
    return Kept(drill_id, drill, digest, trouble)


def drills(connection: psycopg.Connection[Any], *, most: int = 50) -> list[Drilled]:
    """Newest first."""
    rows = connection.execute(
        """select drill_id, started_at, finished_at, ok, rpo_seconds, rto_seconds, checks, set_ids, report_digest, error
           from pw.backup_drills order by drill_id desc limit %s""",
        (most,),
    ).fetchall()
    return [Drilled(**row) for row in rows]


@dataclass(frozen=True)
class DrillTrouble:
    """Something ops must be told of drills, once per key."""

    key: str
    text: str


def troubles(connection: psycopg.Connection[Any], settings: Settings, *, now: datetime) -> list[DrillTrouble]:
    """Drills that failed, and a good one that is missing for longer than promised. No set off-site yet: nothing."""
    found = []
    newest = drills(connection, most=1)
    if newest and newest[0].ok is False:
        one = newest[0]
        failed = [f"{check['name']}: {check['detail']}" for check in one.checks if not check["ok"]]
        why = one.error or (failed[0] if failed else "see its report")
        more = f" And {len(failed) - 1} more." if len(failed) > 1 else ""
        link = f"\n{settings.public_url}/desk/backups/drills/{one.drill_id}" if one.report_digest else ""
        text = f"Restore drill {one.drill_id} failed. {why[:300]}{more}{link}"
        found.append(DrillTrouble(f"backup:drill:{one.drill_id}", text))
    row = connection.execute(
        """select max(started_at) filter (where ok) as good,
                  (select min(confirmed_at) from pw.backup_sets where subject = 'postgres') as since
           from pw.backup_drills"""
    ).fetchone()
    last = row and (row["good"] or row["since"])
    if row and last and now - last > timedelta(days=settings.drill_promise_days):
        words = (
            f"The last good restore drill is of {row['good']:%Y-%m-%d}"
            if row["good"]
            else "No restore drill was good yet"
        )
        found.append(
            DrillTrouble(
                f"backup:drill:missing:{last:%Y-%m-%d}",
                f"{words}; one every {settings.drill_promise_days:g} days is promised. Whether the backups can be "
                "restored is not known.",
            )
        )
    return found


def _close(
    db: Database, drill_id: int, now: datetime, *, drill: Drill | None = None, digest: str | None = None,
    error: str | None = None,
) -> None:  # fmt: skip
    with db.connect(application=APPLICATION) as connection:
        connection.execute(
            """update pw.backup_drills set finished_at = %s, ok = %s, rpo_seconds = %s, rto_seconds = %s, checks = %s,
                      set_ids = %s, report_digest = %s, detail = %s, error = %s where drill_id = %s""",
            (now, bool(drill and drill.ok), drill and drill.rpo_seconds, drill and drill.rto_seconds,
             Jsonb([asdict(one) for one in drill.checks] if drill else []), list(drill.set_ids) if drill else [],
             digest, Jsonb(drill.figures if drill else {}), error, drill_id),
        )  # fmt: skip


def _beside_the_copy(settings: Settings, page: Path, name: str) -> str | None:
    """Also off-site: whoever restores after a fire reads there when it last worked. Returns what kept it from that."""
    root = Places.of(settings).root
    target = root / REPORTS / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.write_bytes(page.read_bytes())
        offsite = Offsite.of(settings)
        if offsite is not None:
            offsite.copy(root, [f"{REPORTS}/{name}"])
    except (PwError, OSError) as error:
        return str(error)
    return None

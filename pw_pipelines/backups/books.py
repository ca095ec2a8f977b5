"""The books of backup sets, `pw.backup_sets`, read and written. Each change is one transaction."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import psutil
import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.backups.manifest import Manifest
from pw_pipelines.backups.model import BackupError, BackupSet, Subject
from pw_pipelines.db.connection import Database

APPLICATION = "pw backup"
_LOCK = 0x70775F62  # "pw_b": the first half of our advisory locks
_ASK_SECONDS = 0.2
DRILL_DAYS = 2  # a drill that never ended is dead, not reading
_NAMES = [one.name for one in fields(BackupSet)]
_COLUMNS = ", ".join(_NAMES)


class UnderWay(BackupError):
    """Somebody else is making or removing sets of this subject just now."""


@contextmanager
def turn(db: Database, subject: str) -> Iterator[None]:
    """One maker or remover per subject at a time, whichever process. Raises UnderWay."""
    with psycopg.connect(db.url, autocommit=True, application_name=f"{APPLICATION} {subject}") as connection:
        row = connection.execute("select pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK, subject)).fetchone()
        if not row or not row[0]:
            raise UnderWay(f"A backup of {subject} is under way already; `pw backup list` shows it.")
        yield


@contextmanager
def round_of(db: Database, subject: str, *, seconds: float = 300.0) -> Iterator[None]:
    """Held from a set's making until it is off-site, read back and old ones are gone; a drill that lists what lies
    off-site keeps it waiting, for that long at most. Raises UnderWay."""
    with psycopg.connect(db.url, autocommit=True, application_name=f"{APPLICATION} {subject}") as connection:
        if not _got(connection, "pg_try_advisory_lock_shared", subject, seconds):
            raise UnderWay(f"A drill lists what lies off-site; the backup of {subject} did not begin.")
        yield


@contextmanager
def quiet(db: Database, subjects: Sequence[str], *, seconds: float) -> Iterator[None]:
    """No set is being made, sent or removed meanwhile. Raises UnderWay when one still is after `seconds`."""
    with psycopg.connect(db.url, autocommit=True, application_name=f"{APPLICATION} drill") as connection:
        for subject in subjects:
            if not _got(connection, "pg_try_advisory_lock", subject, seconds):
                raise UnderWay(
                    f"A backup of {subject} is being made: a drill would find half of it. Wait until it is done (`pw "
                    "backup list` shows it), then start the drill again."
                )
        yield


def _got(connection: psycopg.Connection[Any], how: str, subject: str, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while True:
        row = connection.execute(f"select {how}(%s, hashtext(%s))".encode(), (_LOCK, f"round of {subject}")).fetchone()
        if row and row[0]:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(_ASK_SECONDS)


def ever_off_site(db: Database) -> set[str]:
    """Subjects of which a set was off-site once, whatever became of it."""
    with db.connect(application=APPLICATION) as connection:
        rows = connection.execute("select distinct subject from pw.backup_sets where confirmed_at is not null")
        return {str(row["subject"]) for row in rows.fetchall()}


@contextmanager
def pool_turn(db: Database, *, seconds: float) -> Iterator[None]:
    """One at a time seals into the pool or sends from it, for some objects at a time: the daily set and the documents
    that leave in between. Waits up to `seconds`; then raises UnderWay."""
    with psycopg.connect(db.url, autocommit=True, application_name=f"{APPLICATION} pool") as connection:
        until = time.monotonic() + seconds
        while True:
            row = connection.execute("select pg_try_advisory_lock(%s, hashtext('pool'))", (_LOCK,)).fetchone()
            if row and row[0]:
                break
            if time.monotonic() >= until:
                raise UnderWay("The pool of objects is being sealed or sent by another process just now.")
            time.sleep(_ASK_SECONDS)
        yield


def maker() -> str:
    """This process, for whoever asks later who made it: host, pid, when it began."""
    process = psutil.Process()
    return f"{socket.gethostname()} {process.pid} {process.create_time():.0f}"


def begin(db: Database, set_id: str, subject: Subject, *, now: datetime, run_id: str | None) -> None:
    """Enters a set that is being made."""
    with db.connect(application=APPLICATION) as connection:
        connection.execute(
            "insert into pw.backup_sets (set_id, subject, started_at, maker, run_id) values (%s, %s, %s, %s, %s)",
            (set_id, subject, now, maker(), run_id),
        )


def complete(db: Database, manifest: Manifest, digest: str, *, detail: Mapping[str, Any], now: datetime) -> None:
    """The set is whole on this machine."""
    with db.connect(application=APPLICATION) as connection:
        done = connection.execute(
            "update pw.backup_sets set state = 'complete', captured_at = %s, machine_captured_at = %s,"
            " finished_at = %s, bytes = %s, manifest_digest = %s, digests = %s, detail = %s"
            " where set_id = %s and state = 'making'",
            (manifest.captured_at, manifest.machine_captured_at, now, manifest.bytes, digest, Jsonb(manifest.files),
             Jsonb(dict(detail)), manifest.set_id),
        )  # fmt: skip
        if done.rowcount != 1:
            raise BackupError(f"Set {manifest.set_id} was given up by another maker meanwhile; it does not count.")


def fail(db: Database, set_id: str, why: str, *, now: datetime) -> None:
    """The set did not come about; nothing of it is left."""
    with db.connect(application=APPLICATION) as connection:
        connection.execute(
            "update pw.backup_sets set state = 'failed', error = %s, finished_at = %s"
            " where set_id = %s and state = 'making'",
            (why, now, set_id),
        )


def confirm(db: Database, set_id: str, *, now: datetime) -> None:
    """The off-site copy was read back and is the same."""
    with db.connect(application=APPLICATION) as connection:
        connection.execute(
            "update pw.backup_sets set confirmed_at = %s, offsite_error = null"
            " where set_id = %s and state = 'complete'",
            (now, set_id),
        )


def not_confirmed(db: Database, set_id: str, why: str) -> None:
    """The copying did not come about, or what is there is not what was sent."""
    with db.connect(application=APPLICATION) as connection:
        connection.execute(
            "update pw.backup_sets set confirmed_at = null, offsite_error = %s where set_id = %s", (why, set_id)
        )


def verified(db: Database, set_id: str, *, now: datetime) -> None:
    """Every archive was read through and stands."""
    with db.connect(application=APPLICATION) as connection:
        connection.execute(
            "update pw.backup_sets set verified_at = %s, damage = null where set_id = %s and state = 'complete'",
            (now, set_id),
        )


def damaged(db: Database, set_id: str, what: str) -> None:
    """Verifying found something wrong: one does not count on it any more."""
    with db.connect(application=APPLICATION) as connection:
        connection.execute(
            "update pw.backup_sets set verified_at = null, damage = %s where set_id = %s and state = 'complete'",
            (what, set_id),
        )


def sets(db: Database, subject: str | None = None, *, states: Sequence[str] = ("complete",)) -> list[BackupSet]:
    """Sets in these states, newest first."""
    with db.connect(application=APPLICATION) as connection:
        return _sets(
            connection,
            "where state = any(%s) and (%s::text is null or subject = %s) order by started_at desc, set_id desc",
            (list(states), subject, subject),
        )


def being_read(connection: psycopg.Connection[Any], *, now: datetime) -> set[str]:
    """Sets that a drill is reading just now."""
    rows = connection.execute(
        "select distinct unnest(set_ids) as set_id from pw.backup_drills where finished_at is null and started_at > %s",
        (now - timedelta(days=DRILL_DAYS),),
    )
    return {str(row["set_id"]) for row in rows}


def expire(connection: psycopg.Connection[Any], set_ids: Sequence[str], *, now: datetime) -> None:
    """Marks sets as expired: from the commit on nobody counts on them; what lies on disk goes afterwards."""
    connection.execute(
        "update pw.backup_sets set state = 'expired', expired_at = %s, tiers = '{}'"
        " where set_id = any(%s) and state = 'complete'",
        (now, list(set_ids)),
    )


def note_tiers(connection: psycopg.Connection[Any], kept: Mapping[str, Sequence[str]]) -> None:
    """For what each set is kept."""
    for set_id, tiers in kept.items():
        connection.execute(
            "update pw.backup_sets set tiers = %s where set_id = %s and tiers <> %s",
            (list(tiers), set_id, list(tiers)),
        )


def removed(db: Database, set_id: str, *, now: datetime) -> None:
    """Nothing of an expired set is left anywhere."""
    with db.connect(application=APPLICATION) as connection:
        connection.execute("update pw.backup_sets set removed_at = %s where set_id = %s", (now, set_id))


def sets_of(connection: psycopg.Connection[Any], *, most: int) -> list[BackupSet]:
    """The newest sets of all subjects that lie somewhere or failed, for people to look at."""
    return _sets(connection, "where removed_at is null order by started_at desc, set_id desc limit %s", (most,))


def locked_sets(connection: psycopg.Connection[Any], subject: str) -> list[BackupSet]:
    """The complete sets of a subject, locked until the transaction ends."""
    return _sets(connection, "where state = 'complete' and subject = %s order by set_id for update", (subject,))


def _sets(connection: psycopg.Connection[Any], where: str, values: Sequence[Any]) -> list[BackupSet]:
    rows = connection.execute(f"select {_COLUMNS} from pw.backup_sets {where}".encode(), values).fetchall()
    return [BackupSet(**{**row, "tiers": tuple(row["tiers"])}) for row in rows]

"""The journal's round and the documents' turn as everybody asks for them: the sensors and the command. And pruning."""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg

from pw_pipelines.backups import put_back
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.journal import Sealing, Shipped, lag, prune, ship
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.backups.keys import verify_keys_of
from pw_pipelines.backups.leaving import Left, send_documents
from pw_pipelines.backups.offsite import Offsite
from pw_pipelines.backups.put_back import Ahead, Begun
from pw_pipelines.db.connection import Database
from pw_pipelines.db.kept import KeptDatabase
from pw_pipelines.errors import ConfigError, OutsideError
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings


def ship_journal(settings: Settings, db: Database) -> Shipped:
    """One round. Raises ConfigError without PW_JOURNAL_URL or keys, JournalError as `journal.ship` does."""
    if settings.journal_url is None:
        raise ConfigError(
            "PW_JOURNAL_URL is not set: changes of money and effects leave this machine only with the next dump. Name "
            "an s3:// bucket or a file:/// folder that is not on this machine."
        )
    store, sealing = JournalStore(settings.journal_url), Sealing.of(settings)
    with KeptDatabase(db.url) as kept:
        with kept.connect(application="pw-journal") as connection:
            waiting = lag(connection).rows
            try:
                found = put_back.ahead(connection, store, [sealing.key.public_key()]) if waiting else None
            except OutsideError as error:
                return Shipped(0, 0, waiting, str(error))
        return ship(kept, store, sealing) if found is None else Shipped(0, 0, waiting, found.sentence)


def begin_line(settings: Settings, db: Database, *, by: str, reason: str) -> Begun:
    """The way out of a store that is ahead: this database as it is goes on as a line of its own. Raises ConfigError,
    OutsideError, UsageError when the store is not ahead."""
    if settings.journal_url is None:
        raise ConfigError("PW_JOURNAL_URL is not set: there is no journal's store that could be ahead.")
    store, sealing = JournalStore(settings.journal_url), Sealing.of(settings)
    with db.connect(application="pw-journal") as connection:
        return put_back.begin_line(connection, store, [sealing.key.public_key()], by=by, reason=reason)


def journal_ahead(settings: Settings, connection: psycopg.Connection[Any]) -> Ahead | None:
    """What the store has and this database does not know; None also while nobody can say."""
    if settings.journal_url is None:
        return None
    with contextlib.suppress(OutsideError):
        return put_back.ahead(connection, JournalStore(settings.journal_url), verify_keys_of(settings))
    return None


def documents_leave(settings: Settings, db: Database, objects: Objects) -> Left | None:
    """One turn; None where there is no off-site machine. Raises ConfigError for settings that cannot work."""
    offsite = Offsite.of(settings)
    return None if offsite is None else send_documents(Ground.of(settings, db, objects), offsite)


def prune_journal(connection: psycopg.Connection[Any], settings: Settings) -> int:
    """Removes rows that left long ago and that the newest good dump has; returns how many."""
    row: Any = connection.execute(
        """select detail -> 'notes' ->> 'pg_snapshot' as covered from pw.backup_sets
           where subject = 'postgres' and state = 'complete' and confirmed_at is not null and verified_at is not null
             and damage is null order by captured_at desc limit 1"""
    ).fetchone()
    return prune(connection, days=settings.journal_keep_days, covered=row["covered"] if row else None)

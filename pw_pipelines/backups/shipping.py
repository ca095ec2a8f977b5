"""The journal's round as everybody asks for it: the sensor, the command, the soak. And its pruning."""

from __future__ import annotations

from typing import Any

import psycopg

from pw_pipelines.backups.journal import Sealing, Shipped, prune, ship
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings


def ship_journal(settings: Settings, db: Database) -> Shipped:
    """One round. Raises ConfigError without PW_JOURNAL_URL or keys, JournalError as `journal.ship` does."""
    if settings.journal_url is None:
        raise ConfigError(
            "PW_JOURNAL_URL is not set: changes of money and effects leave this machine only with the next dump. Name "
            "an s3:// bucket or a file:/// folder that is not on this machine."
        )
    return ship(db, JournalStore(settings.journal_url), Sealing.of(settings))


def prune_journal(connection: psycopg.Connection[Any], settings: Settings) -> int:
    """Removes rows that left long ago and that the newest good dump has; returns how many."""
    row: Any = connection.execute(
        """select detail -> 'notes' ->> 'pg_snapshot' as covered from pw.backup_sets
           where subject = 'postgres' and state = 'complete' and confirmed_at is not null and verified_at is not null
             and damage is null order by captured_at desc limit 1"""
    ).fetchone()
    return prune(connection, days=settings.journal_keep_days, covered=row["covered"] if row else None)

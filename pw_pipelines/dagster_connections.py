"""Connections to Dagster's database that are kept instead of made anew for each statement.

Dagster does so in its webserver alone, and there with one of each kind (launcher/storage.py keeps more); everywhere
else each statement connects (some fifty times in a run of eight small ops, twenty times a second in an idle daemon),
and each connection costs PostgreSQL a process.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg2  # type: ignore[import-untyped]
from dagster import DagsterInstance
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

STATEMENT_MS = 600_000
RECYCLE_SECONDS = 3_600
MOST_MORE = 20  # beside those that each of the three storages keeps; closed when given back
REST_SECONDS = 1.0  # a connection used within this time is taken as alive without asking the server
_USED = "pw_used_at"
_suspected_at = 0.0


def keep_connections(instance: DagsterInstance) -> None:
    """For the life of this process, which has this one instance: it never gives them back by itself."""
    instance.optimize_for_webserver(
        statement_timeout=STATEMENT_MS, pool_recycle=RECYCLE_SECONDS, max_overflow=MOST_MORE
    )
    for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
        if isinstance(storage, PostgresRunStorage | PostgresEventLogStorage | PostgresScheduleStorage):
            demand_alive(storage._engine)
    if isinstance(instance.event_log_storage, PostgresEventLogStorage):
        event.listen(instance.event_log_storage._engine, "connect", _unhurried)


def demand_alive(engine: Engine) -> None:
    """No connection of this engine that died while it was kept is used. Of this one: others may not be PostgreSQL's."""
    for name, listener in (("checkout", _demand_alive), ("checkin", _came_back)):
        if not event.contains(engine, name, listener):
            event.listen(engine, name, listener)


def suspect_connections() -> None:
    """Whatever was used before now is asked whether its server lives: a run begins."""
    global _suspected_at  # noqa: PLW0603 - of the process, as its connections are
    _suspected_at = time.monotonic()


def _unhurried(connection: Any, _record: Any) -> None:
    """A line of a run's log waits for no disk: there are sixty in a small run. What becomes of the run is written by
    another connection, which does, and brings all that was logged before to the disk with it."""
    with connection, connection.cursor() as cursor:
        cursor.execute("set synchronous_commit = off")


def _came_back(_connection: Any, record: Any) -> None:
    record.info[_USED] = time.monotonic()


def _demand_alive(connection: Any, record: Any, _proxy: Any) -> None:
    """A kept connection may have died with its server; the pool then makes a new one."""
    used = record.info.get(_USED, 0.0)
    if used >= _suspected_at and time.monotonic() - used < REST_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except psycopg2.Error as gone:
        raise DisconnectionError(str(gone)) from gone

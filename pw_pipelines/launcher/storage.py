"""Dagster's storage in PostgreSQL, without what it asks and says of itself again and again.

Its own looks whether its tables are there each time an instance is opened, by three connections, and its code server
opens one for every run that is asked for. With each look at a run it reads which columns the table of runs has, and
with each line of a run's log it wakes listeners that it has not had for years. A webserver keeps one connection of
each kind and makes the others anew for every question asked meanwhile.
"""

from __future__ import annotations

from typing import Any

from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.config import PostgresStorageConfig
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config, set_pg_statement_timeout
from sqlalchemy import Engine, event

from pw_pipelines.dagster_connections import demand_alive
from pw_pipelines.settings import load_settings

ABOUT_ASSETS = frozenset(ASSET_EVENTS) | ASSET_CHECK_EVENTS
KEPT = 6  # connections of each kind that a process keeps, once it needed them at a time
_seen: set[str] = set()  # databases whose tables this process, or that it is a fork of, found or made


class _KeepsConnections:
    """In front of one of Dagster's three storages, each of which has these."""

    postgres_url: str
    _engine: Engine

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """Keeps connections from now on; Dagster's own keeps one, and does not ask whether it still lives."""
        kwargs: dict[str, Any] = {
            "isolation_level": "AUTOCOMMIT",
            "pool_size": KEPT,
            "pool_recycle": pool_recycle,
            "max_overflow": max_overflow,
        }
        if options := self._engine.url.query.get("options"):
            kwargs["connect_args"] = {"options": options}
        self._engine = create_pg_engine(self.postgres_url, None, **kwargs)
        demand_alive(self._engine)
        event.listen(
            self._engine, "connect", lambda connection, _: set_pg_statement_timeout(connection, statement_timeout)
        )


class Runs(_KeepsConnections, PostgresRunStorage):
    """Runs and their tags."""

    def has_run_stats_index_cols(self) -> bool:
        """Since 2022."""
        return True

    def has_backfill_id_column(self) -> bool:
        """Since 2024."""
        return True


class EventLog(_KeepsConnections, PostgresEventLogStorage):
    """What happened in runs."""

    def store_event(self, event: EventLogEntry) -> None:
        """One statement where Dagster's own has two, unless assets are spoken of."""
        if event.is_dagster_event and event.dagster_event_type in ABOUT_ASSETS:
            super().store_event(event)
            return
        with self._connect() as connection:
            connection.execute(self.prepare_insert_event(event))


class Schedules(_KeepsConnections, PostgresScheduleStorage):
    """Schedules, sensors and their ticks."""


class Storage(DagsterPostgresStorage):
    """Dagster's own, with the same settings and tables; its very own with PW_LAUNCHER=stock."""

    def __init__(self, postgres_url: str, makes_tables: bool, inst_data: ConfigurableClassData | None) -> None:
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        self.should_autocreate_tables = makes_tables
        self._run_storage = Runs(postgres_url, makes_tables)
        self._event_log_storage = EventLog(postgres_url, makes_tables)
        self._schedule_storage = Schedules(postgres_url, makes_tables)

    @classmethod
    def from_config_value(  # type: ignore[override]  # as in the class above
        cls, inst_data: ConfigurableClassData | None, config_value: PostgresStorageConfig
    ) -> DagsterPostgresStorage:
        """Makes the tables where this process has not yet seen them. Raises what Dagster's own does."""
        if load_settings().launcher == "stock":
            return super().from_config_value(inst_data, config_value)
        url = pg_url_from_config(config_value)
        makes_tables = bool(config_value.get("should_autocreate_tables", True)) and url not in _seen
        storage = cls(url, makes_tables, inst_data)
        _seen.add(url)
        return storage

"""Connections to the warehouse database, and its creation and migration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

MIGRATIONS = Path(__file__).parent / "migrations"
DATABASES = ("pw", "dagster", "sandbox")  # warehouse and orders; Dagster's own; the stand-ins'


class Database:
    """The warehouse. Opens a connection per `connect()`; hold it for one piece of work, then leave."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __repr__(self) -> str:
        parts = conninfo_to_dict(self.url)
        return f"Database({parts.get('host')}:{parts.get('port')}/{parts.get('dbname')})"

    @contextmanager
    def connect(self, *, application: str = "pw") -> Iterator[psycopg.Connection[dict[str, object]]]:
        """One transaction: committed on leaving, rolled back on an error. Rows are dictionaries, times are UTC."""
        with psycopg.connect(
            self.url, row_factory=dict_row, application_name=application, options="-c timezone=UTC"
        ) as connection:
            yield connection


def create_databases(server_url: str, names: tuple[str, ...] = DATABASES) -> None:
    """Creates what is missing of `names` on the server `server_url` points at."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        existing = {row[0] for row in connection.execute("select datname from pg_database")}
        for name in names:
            if name not in existing:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def migrate(url: str, *, revision: str = "head") -> None:
    """Brings the warehouse at `url` to `revision`, under an advisory lock so that two starters take turns."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, revision)

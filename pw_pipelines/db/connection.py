"""Connections to the warehouse database, and its creation and migration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from pw_pipelines.errors import ConfigError

if TYPE_CHECKING:
    from alembic.config import Config

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


def sibling_url(url: str, database: str) -> str:
    """The URL of another database on the same server; options of `url` are kept."""
    parts = conninfo_to_dict(url)
    user, password = str(parts.pop("user", None) or ""), str(parts.pop("password", None) or "")
    host, port = str(parts.pop("host", None) or ""), parts.pop("port", None)
    parts.pop("dbname", None)
    if host.startswith("/"):  # a socket's folder has no place between // and /
        parts["host"], host = host, ""
    return postgresql_url(
        user=user, password=password, host=host, port=int(port) if port else None, database=database, options=parts
    )


def postgresql_url(
    *, user: str, password: str, host: str, port: int | None, database: str, options: Mapping[str, object] | None = None
) -> str:
    """A URL that libpq and SQLAlchemy read alike: every part quoted, blanks as %20.

    SQLAlchemy does not unquote the database's name, so that one should be a plain word.
    """
    who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "") + ("@" if user else "")
    where = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    asked = "?" + urlencode({name: str(value) for name, value in options.items()}, quote_via=quote) if options else ""
    return f"postgresql://{who}{where}/{quote(database, safe='')}{asked}"


def create_databases(server_url: str, names: tuple[str, ...] = DATABASES) -> None:
    """Creates what is missing of `names` on the server `server_url` points at.

    Raises ConfigError with the SQL to run when the role may not create databases.
    """
    with psycopg.connect(server_url, autocommit=True) as connection:
        existing = {row[0] for row in connection.execute("select datname from pg_database")}
        for name in (name for name in names if name not in existing):
            statement = sql.SQL("create database {}").format(sql.Identifier(name))
            try:
                connection.execute(statement)
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                continue  # another starter was quicker
            except psycopg.errors.InsufficientPrivilege as error:
                owner = sql.Identifier(connection.info.user).as_string(connection)
                raise ConfigError(
                    f"Database {name!r} does not exist on {connection.info.host}:{connection.info.port} and "
                    f"{connection.info.user!r} may not create it. Have an administrator run: "
                    f"{statement.as_string(connection)} owner {owner};"
                ) from error


def migrate(url: str, *, revision: str = "head") -> None:
    """Brings the warehouse at `url` to `revision`, under an advisory lock so that two starters take turns.

    Raises ConfigError when the database is at a revision this checkout does not know.
    """
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(_alembic(url), revision)
    except CommandError as error:
        raise ConfigError(
            f"The warehouse cannot be migrated: {error}. It was probably migrated by a newer version of this "
            "project; use that version, or another PW_HOME or PW_DATABASE_URL."
        ) from error


def pending_revisions(url: str) -> list[str]:
    """Migrations this checkout has and the warehouse at `url` has not, oldest first; empty when it is up to date."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_alembic(url))
    with psycopg.connect(url) as connection:
        table = connection.execute("select to_regclass('pw.alembic_version')").fetchone()
        rows = connection.execute("select version_num from pw.alembic_version").fetchall() if table and table[0] else []
    at = rows[0][0] if rows else "base"
    return (
        [step.revision for step in script.iterate_revisions("head", at)][::-1]
        if at != script.get_current_head()
        else []
    )


def _alembic(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    return config

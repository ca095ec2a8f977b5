"""PostgreSQL's part of a backup: the warehouse, Dagster's database, and roles; each dump proved by reading it through.

Each database is dumped in a snapshot that this process holds open, and the business facts of the warehouse are
collected in the very same snapshot: what a restore must show is of the moment the dump is of.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from pw_pipelines import faults
from pw_pipelines.backups import facts
from pw_pipelines.backups.capture import Captured, Ground, Plain, moment_of
from pw_pipelines.backups.manifest import FACTS
from pw_pipelines.backups.model import BackupDamaged, BackupError
from pw_pipelines.backups.programs import ProgramFailed, run, version_of
from pw_pipelines.errors import ConfigError

ATTEMPTS = 3  # a table that dbt replaces between the snapshot and pg_dump's lock spoils a dump; the next one stands
LOCK_WAIT = "60s"
_LEAST_BYTES = 1_000  # an empty database's -Fc dump is about 1.2 kB
_MAGIC = b"PGDMP"
_GONE = re.compile(r"does not exist|could not open relation|cache lookup failed|lock timeout|deadlock detected")
_PROGRAMS = ("pg_dump", "pg_dumpall", "pg_restore")
_VARIABLES = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
              "dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
              "sslkey": "PGSSLKEY", "passfile": "PGPASSFILE", "service": "PGSERVICE", "options": "PGOPTIONS",
              "channel_binding": "PGCHANNELBINDING"}  # fmt: skip


@dataclass(frozen=True)
class Tools:
    """PostgreSQL's client programs of one folder."""

    folder: Path
    version: str
    major: int

    def __getitem__(self, name: str) -> Path:
        return self.folder / name


def capture(ground: Ground, scratch: Path) -> Captured:
    """Dumps of the warehouse and of Dagster's database, the globals, and the facts. Raises BackupError, ConfigError."""
    tools = tools_for(server_major(ground.db.url), ground.settings.postgres_tools)
    seconds = ground.settings.backup_timeout_minutes * 60
    warehouse = _in_snapshot(ground, tools, ground.db.url, scratch / "warehouse.dump", seconds, with_facts=scratch)
    faults.point("backups.postgres.between_databases")
    dagster = _in_snapshot(ground, tools, ground.dagster_url, scratch / "dagster.dump", seconds)
    _globals(tools, ground.db.url, scratch / "globals.sql", seconds)
    captured_at, machine_captured_at = warehouse.moment
    return Captured(
        captured_at,
        machine_captured_at,
        [
            Plain(scratch / "warehouse.dump", "pg_custom", warehouse.database),
            Plain(scratch / "dagster.dump", "pg_custom", dagster.database),
            Plain(scratch / "globals.sql", "pg_globals"),
            Plain(scratch / FACTS, "facts", warehouse.database),
        ],
        server=f"PostgreSQL {warehouse.server}",
        tools={"pg_dump": tools.version},
        notes={"pg_snapshot": warehouse.snapshot, "tables": warehouse.tables, "dagster_tables": dagster.tables},
    )


@dataclass(frozen=True)
class _Dumped:
    database: str
    server: str
    snapshot: str
    tables: int
    moment: tuple[Any, Any]


def _in_snapshot(
    ground: Ground, tools: Tools, url: str, target: Path, seconds: float, *, with_facts: Path | None = None
) -> _Dumped:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _dump(ground, tools, url, target, seconds, with_facts)
        except ProgramFailed as error:
            target.unlink(missing_ok=True)
            if attempt == ATTEMPTS or not _GONE.search(error.done.said):
                raise
    raise AssertionError("unreachable")


def _dump(  # noqa: PLR0917 - what its only caller has
    ground: Ground, tools: Tools, url: str, target: Path, seconds: float, with_facts: Path | None
) -> _Dumped:
    with psycopg.connect(
        url, row_factory=dict_row, application_name="pw backup", options="-c timezone=UTC"
    ) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        held = connection.execute(
            "select pg_export_snapshot() as exported, pg_current_snapshot()::text as snapshot,"
            " current_database() as database, current_setting('server_version') as server"
        ).fetchone()
        assert held is not None
        moment = moment_of(ground)
        tables = set(_tables(connection))
        run(
            [tools["pg_dump"], "-Fc", "--no-password", f"--snapshot={held['exported']}",
             f"--lock-wait-timeout={LOCK_WAIT}", f"--file={target}"],
            what=f"pg_dump of {held['database']}", seconds=seconds, environment=environment_of(url),
        )  # fmt: skip
        faults.point("backups.postgres.after_dump")
        if with_facts is not None:
            (with_facts / FACTS).write_text(json.dumps(facts.collect(connection), sort_keys=True), encoding="utf-8")
    check_dump(tools, target, tables, seconds)
    return _Dumped(held["database"], held["server"], held["snapshot"], len(tables), moment)


def check_dump(tools: Tools, dump: Path, tables: set[str], seconds: float) -> None:
    """Proves a dump whole: its size, its beginning, every table in its list, and every byte read through.

    The list stands at the head of the file, so a dump cut short passes it: only reading through finds the cut.
    `tables`: `schema.name` of what must be in it. Raises BackupDamaged.
    """
    size = dump.stat().st_size
    with dump.open("rb") as raw:
        begins = raw.read(len(_MAGIC))
    if size < _LEAST_BYTES or begins != _MAGIC:
        raise BackupDamaged(f"{dump.name} is no whole dump: {size:,} bytes, beginning {begins!r}.", what=dump.name)
    listing = dump.with_suffix(".list")
    try:
        run([tools["pg_restore"], "--list", dump], what=f"pg_restore --list of {dump.name}", seconds=seconds,
            output=listing)  # fmt: skip
        listed = set(_listed(listing.read_text(encoding="utf-8")))
    except ProgramFailed as error:
        raise BackupDamaged(f"{dump.name} cannot be listed: {error.done.said}", what=dump.name) from error
    finally:
        listing.unlink(missing_ok=True)
    if lacking := sorted(tables - listed):
        raise BackupDamaged(
            f"{dump.name} lacks the data of {len(lacking)} tables: {', '.join(lacking[:5])}.", what=dump.name
        )
    try:
        run([tools["pg_restore"], "--file=/dev/null", dump], what=f"reading {dump.name} through", seconds=seconds)
    except ProgramFailed as error:
        raise BackupDamaged(f"{dump.name} is cut short or damaged: {error.done.said}", what=dump.name) from error


def tools_for(major: int, folder: Path | None) -> Tools:
    """Client programs at least as new as the server. `folder`: PW_POSTGRES_TOOLS. Raises ConfigError."""
    seen = []
    for place in [folder] if folder else _places():
        if all((place / name).is_file() for name in _PROGRAMS):
            tools = _tools(place)
            if tools.major >= major:
                return tools
            seen.append(f"{tools.version} in {place}")
    found = f"Found: {'; '.join(seen)}." if seen else "None was found."
    raise ConfigError(
        f"No pg_dump, pg_dumpall and pg_restore for PostgreSQL {major}. {found} Install postgresql-client-{major} or "
        "newer, or set PW_POSTGRES_TOOLS to the folder of such programs."
    )


def server_major(url: str) -> int:
    """The major version of the server at `url`."""
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10_000


def environment_of(url: str) -> dict[str, str]:
    """A URL as libpq's variables: a password on a command line would be seen by everybody on the machine."""
    parts: Mapping[str, Any] = conninfo_to_dict(url)
    return {"PGAPPNAME": "pw backup", "PGCONNECT_TIMEOUT": "20"} | {
        _VARIABLES[name]: str(value) for name, value in parts.items() if name in _VARIABLES
    }


def _globals(tools: Tools, url: str, target: Path, seconds: float) -> None:
    """Roles and tablespaces; without roles' passwords where we may not read them."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    options = [] if row and row[0] else ["--no-role-passwords"]
    run([tools["pg_dumpall"], "--globals-only", "--no-password", *options, f"--file={target}"],
        what="pg_dumpall --globals-only", seconds=seconds, environment=environment_of(url))  # fmt: skip
    text = target.read_text(encoding="utf-8", errors="replace")
    if "CREATE ROLE" not in text or "-- PostgreSQL database cluster dump complete" not in text:
        raise BackupError("The globals of the PostgreSQL server came out cut short.")


def _tables(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Tables with data of their own, `schema.name`; those of extensions come with the extension."""
    rows = connection.execute(
        """select n.nspname || '.' || c.relname as name
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema')
             and n.nspname not like 'pg\\_toast%' and n.nspname not like 'pg\\_temp%'
             and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                             and d.deptype = 'e')"""
    )
    yield from (str(row["name"]) for row in rows)


def _listed(text: str) -> Iterator[str]:
    """`schema.name` of each `1234; 0 16396 TABLE DATA pw orders pw_owner`."""
    for line in text.splitlines():
        head, found, rest = line.partition(" TABLE DATA ")
        if found and not head.startswith(";"):
            words = rest.split(" ")
            yield f"{words[0]}.{words[1]}"


def _places() -> Iterator[Path]:
    if (on_path := shutil.which("pg_dump")) is not None:
        yield Path(on_path).resolve().parent  # the wrapper of Debian has its programs elsewhere
        yield Path(on_path).parent
    from pw_pipelines.db.embedded import binaries

    try:
        yield binaries()
    except (ConfigError, ImportError):
        return


def _tools(folder: Path) -> Tools:
    said = version_of(folder / "pg_dump")
    number = re.search(r"(\d+)", said)
    return Tools(folder, said.split(") ")[-1], int(number.group(1)) if number else 0)

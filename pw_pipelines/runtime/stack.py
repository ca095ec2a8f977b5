"""What every command stands on: the databases, migrated; the object store; in the sandbox, the stand-ins.

`open_stack` joins the `pw up` of the same PW_HOME when there is one, and otherwise starts what is needed for the
length of the command. Either way this process and its children see the addresses as PW_* variables.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from pw_pipelines.db.connection import Database, create_databases, migrate, sibling_url
from pw_pipelines.errors import ConfigError
from pw_pipelines.resources.objects import Objects
from pw_pipelines.runtime.credentials import refuse_incomplete_live
from pw_pipelines.runtime.running import RunningHouse, running_house
from pw_pipelines.settings import PROJECT_ROOT, Settings, load_settings, with_sandbox_addresses

if TYPE_CHECKING:
    from pw_pipelines.db.embedded import Embedded

# Where stand-ins are looked for when none run: a port nobody listens on. The default address might be another home's.
NO_PORT = 9
NO_STAND_INS = f"http://127.0.0.1:{NO_PORT}"


@dataclass(frozen=True)
class Stack:
    """The open stack. `house` is the running `pw up` it joined, if any."""

    settings: Settings
    db: Database
    objects: Objects
    house: RunningHouse | None = None


@dataclass(frozen=True)
class Databases:
    """postgresql:// URLs, passwords included; `server` is the embedded one, None for PW_DATABASE_URL's."""

    warehouse: str
    dagster: str
    sandbox: str
    server: Embedded | None = None

    def __repr__(self) -> str:
        return f"Databases({Database(self.warehouse)!r}, embedded={self.server is not None})"


@contextlib.contextmanager
def open_stack(settings: Settings, *, sandbox: bool = False, dagster: bool = False) -> Iterator[Stack]:
    """The stack for one command. `sandbox`: the stand-ins must answer; `dagster`: DAGSTER_HOME must be ready to use.

    Raises ConfigError when the database cannot be had, when live mode lacks a credential, or when the home is
    running in the other mode.
    """
    settings = with_absolute_home(settings)
    refuse_incomplete_live(settings)
    house = running_house(settings.home)
    if house is not None and house.mode is not settings.mode:
        raise ConfigError(
            f"{settings.home} is running in {house.mode} mode and this command is in {settings.mode} mode. "
            f"Set PW_MODE={house.mode}, or use another PW_HOME."
        )
    with contextlib.ExitStack() as closing:
        urls = closing.enter_context(databases(settings))
        sandbox_url = house.sandbox_url if house else None
        sftp_port = house.environment.get("PW_SANDBOX_SFTP_PORT") if house else None
        smtp_port = house.environment.get("PW_SANDBOX_SMTP_PORT") if house else None
        if sandbox and settings.is_sandbox and sandbox_url is None:
            sandbox_url, sftp_port, smtp_port = closing.enter_context(_own_stand_ins(settings, urls))
        variables = environment(
            settings,
            urls,
            sandbox_url=sandbox_url,
            sandbox_sftp_port=sftp_port,
            sandbox_smtp_port=smtp_port,
            web_url=house.web_url if house else None,
            dagster_url=house.dagster_url if house else None,
            dagster_api_url=house.api_url if house else None,
        )
        if dagster:
            prepare_dagster_home(settings)
        closing.enter_context(variables_set(variables))
        seen = settings_seen(settings, variables)
        yield Stack(seen, Database(urls.warehouse), Objects(str(seen.objects_url)), house)


def with_absolute_home(settings: Settings) -> Settings:
    """The same settings with PW_HOME absolute and existing: children have another working folder."""
    home = settings.home.expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    return settings.model_copy(update={"home": home.resolve()})


@contextlib.contextmanager
def databases(settings: Settings) -> Iterator[Databases]:
    """The databases, created and migrated: on PW_DATABASE_URL's server, else on the embedded one of this home."""
    if settings.database_url is not None:
        urls = _on_server(settings, settings.database_url.get_secret_value())
        migrate(urls.warehouse)
        yield urls
        return
    from pw_pipelines.db.embedded import Embedded

    embedded = Embedded(settings.home, durable=settings.embedded_durable)
    with embedded.running() as server:
        create_databases(server.url("postgres"))
        _relax(server.url("postgres"), ("dagster", "sandbox"))
        urls = Databases(server.url("pw"), server.url("dagster"), server.url("sandbox"), embedded)
        migrate(urls.warehouse)
        yield urls


def _relax(server_url: str, names: tuple[str, ...]) -> None:
    """Lets commits to `names` return before they are on disk: a power cut may take their last moment, never a table.

    Dagster commits several times for every event of a run, and nothing that counts lives there alone.
    """
    import psycopg
    from psycopg import sql

    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("alter database {} set synchronous_commit to off").format(sql.Identifier(name)))


def _on_server(settings: Settings, warehouse: str) -> Databases:
    """Databases on a server of the operator's, created there when that is allowed."""
    import psycopg
    from sqlalchemy import make_url

    given = settings.dagster_database_url, settings.sandbox_database_url
    dagster, sandbox = (
        url.get_secret_value() if url else sibling_url(warehouse, name)
        for url, name in zip(given, ("dagster", "sandbox"), strict=True)
    )
    wanted = [warehouse, dagster, *([sandbox] if settings.is_sandbox else [])]
    for url in wanted:
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.OperationalError as error:
            name = make_url(url).database
            if not name or f'database "{name}" does not exist' not in str(error):
                raise ConfigError(
                    f"The database {Database(url)!r} cannot be reached: {error}. Check PW_DATABASE_URL and "
                    "PW_DAGSTER_DATABASE_URL (quote special characters of a password, as %40 for @), or unset "
                    "them to use the embedded server."
                ) from error
            create_databases(sibling_url(url, "postgres"), (name,))
    return Databases(warehouse, dagster, sandbox)


def environment(
    settings: Settings,
    urls: Databases,
    *,
    sandbox_url: str | None,
    sandbox_sftp_port: int | str | None = None,
    sandbox_smtp_port: int | str | None = None,
    web_url: str | None = None,
    dagster_url: str | None = None,
    dagster_api_url: str | None = None,
) -> dict[str, str]:
    """The variables by which this process and its children find everything. `home` must be absolute."""
    variables = {
        "PW_HOME": str(settings.home),
        "PW_MODE": str(settings.mode),
        "PW_SANDBOX_SEED": str(settings.sandbox_seed),
        "PW_DATABASE_URL": urls.warehouse,
        "PW_DAGSTER_DATABASE_URL": urls.dagster,
        "PW_OBJECTS_URL": settings.objects_url or (settings.home / "objects").as_uri(),
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DO_NOT_TRACK": "1",
        "PYTHONUTF8": "1",
    }
    if settings.is_sandbox:
        own = settings.sandbox_url if "PW_SANDBOX_URL" in os.environ else NO_STAND_INS
        own_sftp = settings.sandbox_sftp_port if "PW_SANDBOX_SFTP_PORT" in os.environ else NO_PORT
        own_smtp = settings.sandbox_smtp_port if "PW_SANDBOX_SMTP_PORT" in os.environ else NO_PORT
        variables |= {
            "PW_SANDBOX_URL": sandbox_url or own,
            "PW_SANDBOX_DATABASE_URL": urls.sandbox,
            "PW_SANDBOX_COMPANIES": f"{settings.sandbox_companies:g}",
            "PW_SANDBOX_SFTP_PORT": str(sandbox_sftp_port or own_sftp),
            "PW_SANDBOX_SMTP_PORT": str(sandbox_smtp_port or own_smtp),
        }
    # In live mode the operator says how the world reaches us; in the sandbox the ports are whatever was free.
    if web_url and (settings.is_sandbox or "public_url" not in settings.model_fields_set):
        variables["PW_PUBLIC_URL"] = web_url
    if dagster_url and (settings.is_sandbox or "dagster_url" not in settings.model_fields_set):
        variables["PW_DAGSTER_URL"] = dagster_url
    if dagster_api_url and (settings.is_sandbox or "dagster_api_url" not in settings.model_fields_set):
        variables["PW_DAGSTER_API_URL"] = dagster_api_url
    # A proxy of the machine's must not be asked for our own loopback addresses.
    for name in ("NO_PROXY", "no_proxy"):
        variables[name] = ",".join(filter(None, [os.environ.get(name, ""), "127.0.0.1,localhost,::1"]))
    return variables


@contextlib.contextmanager
def variables_set(variables: Mapping[str, str]) -> Iterator[None]:
    """`variables` in this process's environment, and `load_settings()` reading them, until the block ends."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    load_settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        load_settings.cache_clear()


def settings_seen(settings: Settings, variables: Mapping[str, str]) -> Settings:
    """`settings` as a child process with `variables` would have them, keeping what was set in code."""
    update: dict[str, object] = {
        "objects_url": variables["PW_OBJECTS_URL"],
        "database_url": SecretStr(variables["PW_DATABASE_URL"]),
        "dagster_database_url": SecretStr(variables["PW_DAGSTER_DATABASE_URL"]),
        "public_url": variables.get("PW_PUBLIC_URL", settings.public_url),
        "dagster_url": variables.get("PW_DAGSTER_URL", settings.dagster_url),
        "dagster_api_url": variables.get("PW_DAGSTER_API_URL", settings.dagster_api_url),
    }
    if settings.is_sandbox:
        update["sandbox_url"] = variables["PW_SANDBOX_URL"]
        update["sandbox_sftp_port"] = int(variables["PW_SANDBOX_SFTP_PORT"])
        update["sandbox_smtp_port"] = int(variables["PW_SANDBOX_SMTP_PORT"])
        update["sandbox_database_url"] = SecretStr(variables["PW_SANDBOX_DATABASE_URL"])
    seen = settings.model_copy(update=update)
    return with_sandbox_addresses(seen) if seen.is_sandbox else seen


def prepare_dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME with this checkout's dagster.yaml, and the dbt manifest the code location is made from."""
    folder = settings.dagster_home
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"dagster.yaml.{os.getpid()}"
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", draft)
    draft.replace(folder / "dagster.yaml")

    from pw_pipelines.compliance.manifest import ensure_manifest

    ensure_manifest()
    return folder


@contextlib.contextmanager
def _own_stand_ins(settings: Settings, urls: Databases) -> Iterator[tuple[str, str, str]]:
    """The stand-ins as a subprocess on free ports, for the length of one command; base URL, ports of the file and
    the mail server."""
    from pw_pipelines.runtime.ports import Ports
    from pw_pipelines.runtime.processes import Child, await_health, stand_ins

    ports = Ports("127.0.0.1")
    try:
        port, sftp_port, smtp_port = (
            ports.take(first)
            for first in (settings.sandbox_port, settings.sandbox_sftp_port, settings.sandbox_smtp_port)
        )
        url = f"http://127.0.0.1:{port}"
        own = environment(settings, urls, sandbox_url=url, sandbox_sftp_port=sftp_port, sandbox_smtp_port=smtp_port)
        variables = {**os.environ, **own}
        child = Child(stand_ins(port, sftp_port, smtp_port), settings.home / "logs", variables)
        child.start()
        try:
            await_health([child])
            yield url, str(sftp_port), str(smtp_port)
        finally:
            child.stop()
    finally:
        ports.close()

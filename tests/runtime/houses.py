"""Starting and stopping real houses from tests."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from pw_pipelines.runtime.processes import end_all, leftovers
from pw_pipelines.settings import PROJECT_ROOT

SMALL = (sys.executable, "-m", "tests.runtime.small_house")
WHOLE = (sys.executable, "-m", "pw_pipelines.cli", "up", "--no-bootstrap")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def eventually(what: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether `what` came true in time; asked every 50 ms."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def get(url: str) -> str:
    """Body of a page."""
    with _direct.open(url, timeout=10) as response:
        return str(response.read().decode())


@dataclass
class StartedHouse:
    """A `pw up` under test."""

    home: Path
    process: subprocess.Popen[bytes]
    ready_file: Path
    output: Path
    addresses: dict[str, Any] = field(default_factory=dict)

    def await_ready(self, seconds: float = 60.0) -> StartedHouse:
        assert eventually(lambda: self.ready_file.exists() or self.process.poll() is not None, seconds), self.said()
        assert self.process.poll() is None, self.said()
        self.addresses = json.loads(self.ready_file.read_text())
        return self

    def said(self) -> str:
        return self.output.read_text()

    def stop(self, number: int = signal.SIGINT, seconds: float = 30.0) -> int:
        """Sends the signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def living(self) -> list[str]:
        """Command lines of every process of this home that still lives, PostgreSQL included."""
        home, found = str(self.home), []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                    continue
                words = " ".join(process.cmdline())
                if (
                    home in words
                    or process.environ().get("PW_SUPERVISED_HOME") == home
                    or process.cwd().startswith(home)
                ):
                    found.append(f"{process.pid} {words}")
        return found


@contextlib.contextmanager
def house(
    home: Path, command: tuple[str, ...] = SMALL, *, ignore_sigint: bool = False, **variables: str
) -> Iterator[StartedHouse]:
    """A house being started; whatever is left of it afterwards is ended."""
    home.parent.mkdir(parents=True, exist_ok=True)
    ready, output = home.with_name(home.name + ".ready"), home.with_name(home.name + ".out")
    ready.unlink(missing_ok=True)
    if command is WHOLE:
        command = (*command, "--ready-file", str(ready))
    environment = {
        **os.environ,
        "PW_HOME": str(home),
        "READY_FILE": str(ready),
        "PYTHONUNBUFFERED": "1",
        "PW_EMBEDDED_DURABLE": "0",
        **variables,
    }
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignore_sigint else None,  # noqa: PLW1509
        )  # fmt: skip
    started = StartedHouse(home.resolve(), process, ready, output)
    try:
        yield started
    finally:
        process.kill()
        process.wait()
        end_all(leftovers(started.home))
        assert eventually(lambda: not started.living()), started.living()

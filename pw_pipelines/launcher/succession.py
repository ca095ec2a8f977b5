"""Workers that go on to another run.

What a fork costs is paid at its first run: pages that it writes to, connections, what it reads for the first time. A
worker of a small run that ended well, and of which nothing is left in the process, says so on its line to the warm
process and waits there for another. One run at a time works in a process, as ever; it is only not the process's last.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pw_pipelines.launcher import process

WAIT_SECONDS = float(os.environ.get("PW_WARM_WAIT_SECONDS", "5"))  # for another run, longer in tests; then it is let go
MOST_RUNS = 50  # of one worker
MOST_GROWN_MIB = 48.0  # since it was forked
MOST_OPENED = 64  # descriptors, since it was forked: connections that are kept are a dozen
_ENDED_WELL = b"."
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


class Lines:
    """The warm process's side: an open line to each worker that may go on, and which of them wait."""

    def __init__(self) -> None:
        self._lines: dict[int, socket.socket] = {}
        self._waiting: dict[int, float] = {}  # process id -> since when

    def new(self) -> tuple[socket.socket, socket.socket]:
        """Both ends, before the fork: ours and the worker's."""
        ours, its = socket.socketpair()
        ours.setblocking(False)
        its.setblocking(True)  # whatever a library made the default: a wait that ended early would lose a run
        return ours, its

    def keep(self, pid: int, ours: socket.socket) -> None:
        """After the fork. The line of a dead worker with the same process id is to be closed before."""
        assert pid not in self._lines
        self._lines[pid] = ours

    @property
    def waiting(self) -> list[int]:
        """Process ids of the workers that wait, longest first."""
        return list(self._waiting)

    def heard(self, pid: int) -> bool | None:
        """What a worker says: True when it waits from now on; False when its line is at an end; None: nothing."""
        line = self._lines.get(pid)
        if line is None:
            return None
        try:
            said = line.recv(16)
        except BlockingIOError:
            return None
        except OSError:
            said = b""
        if said != _ENDED_WELL:
            return False
        self._waiting[pid] = time.monotonic()
        return True

    def hand_over(self, run_id: str) -> int | None:
        """The worker that has the run now: the one that waited shortest, whose pages and connections are warmest. None
        when none waits. One that died meanwhile has no line to write to, so no run is given to the dead."""
        while self._waiting:
            pid, _ = self._waiting.popitem()
            try:
                self._lines[pid].sendall(run_id.encode())
            except OSError:
                continue
            return pid
        return None

    def close(self, pid: int) -> None:
        """The worker ends when it waits, else when its run is over."""
        self._waiting.pop(pid, None)
        self._lines.pop(pid).close()

    def close_all(self) -> None:
        """In a fork, which has no business with the lines of others."""
        for pid in self.all():
            self.close(pid)

    def overdue(self) -> Iterator[int]:
        """Workers that waited long enough."""
        now = time.monotonic()
        yield from [pid for pid, since in self._waiting.items() if now - since > WAIT_SECONDS]

    def all(self) -> list[int]:
        """Process ids of all that have a line."""
        return list(self._lines)

    def line(self, pid: int) -> socket.socket | None:
        """Our end of it."""
        return self._lines.get(pid)


class Successor:
    """The worker's side."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._runs = 0
        self._began_at_mib = process.rss_mib()
        self._opened = _descriptors()
        self._environment = dict(os.environ)
        self._shape = _shape()

    def next_run(self) -> str | None:
        """Waits for another run. None when there is none for this process: it is let go, or the warm process is gone,
        or something is left of the last run that another should not find. Raises KeyboardInterrupt when it is told to
        end: a run may just have been handed over, so the process must not seem to have ended well."""
        self._runs += 1
        if self._left_over():
            return None
        os.environ.clear()
        os.environ.update(self._environment)
        try:
            self._line.sendall(_ENDED_WELL)
            return self._line.recv(64).decode() or None
        except OSError:  # the line was closed: nobody hands anything over on it any more
            return None

    def _left_over(self) -> bool:
        grown = process.rss_mib() - self._began_at_mib
        if self._runs >= MOST_RUNS or grown > MOST_GROWN_MIB or threading.active_count() > 1 or _has_children():
            return True
        return _descriptors() - self._opened > MOST_OPENED or _shape() != self._shape


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _shape() -> tuple[object, ...]:
    """What a run may have changed of its process, and the next would find. SIGINT and SIGTERM are Dagster's to put
    back."""
    mask = os.umask(0)
    os.umask(mask)
    kept = signal.valid_signals() - {signal.SIGINT, signal.SIGTERM}
    limits = [value for name, value in vars(resource).items() if name.startswith("RLIMIT_")]
    return (
        mask, Path.cwd(), os.getpriority(os.PRIO_PROCESS, 0), socket.getdefaulttimeout(),
        frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        tuple(signal.getitimer(timer)[0] > 0 for timer in _TIMERS),
        tuple(signal.getsignal(number) for number in sorted(kept)),
        tuple(resource.getrlimit(limit) for limit in sorted(set(limits))),
        *(tuple(logging.getLogger(name).handlers) for name in ("", "dagster", "pw_pipelines")),
    )  # fmt: skip


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True

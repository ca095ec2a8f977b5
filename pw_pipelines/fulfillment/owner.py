"""Who works something: a process that can be told apart from all others, alive or not.

A run may be killed at any moment. Whoever comes next on the same machine can see that its process is gone and need
not wait for a clock; on another machine, or in another container, only the lease's end says so. Nothing here depends
on the clock: a process is named by its start in ticks since the boot, which no step of the clock moves.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Sequence
from functools import cache

import psutil

UNKNOWN = "unknown"
_living: set[str] = set()  # owners of this very process: threads of it can't be told apart by a process id


def new_owner() -> str:
    """A name for one piece of work of this process: `machine:pid:process start:token`."""
    pid = os.getpid()
    owner = f"{_machine()}:{pid}:{_start_of(pid)}:{uuid.uuid4().hex[:12]}"
    _living.add(owner)
    return owner


def leave(owner: str) -> None:
    """The work of `owner`, in this process, has ended."""
    _living.discard(owner)


def is_gone(owner: str) -> bool:
    """Whether `owner` certainly works no more. False when it can't be known from here."""
    machine, pid, started, _ = owner.rsplit(":", 3)
    if machine != _machine():
        return _is_earlier_boot(machine.split(":"), _machine().split(":"))
    if int(pid) == os.getpid():
        return owner not in _living
    return _start_of(int(pid)) != started


def is_here(owner: str) -> bool:
    """Whether `owner` is of this machine as it is booted now, so that `is_gone` knows."""
    return owner.rsplit(":", 3)[0] == _machine()


def _is_earlier_boot(theirs: Sequence[str], ours: Sequence[str]) -> bool:
    """This very machine before it was booted anew. A name alone says nothing: two machines may bear the same."""
    same_machine = list(theirs[:2]) == list(ours[:2]) and ours[1] != UNKNOWN
    return same_machine and len(theirs) == len(ours) and UNKNOWN not in (theirs[2], ours[2]) and theirs[2] != ours[2]


@cache
def _machine() -> str:
    """`host:machine id:boot id:process namespace`: within one of these a process id means one process."""
    host = socket.gethostname().replace(":", "-")
    return f"{host}:{_read('/etc/machine-id')}:{_read('/proc/sys/kernel/random/boot_id')}:{_namespace()}"


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123
            return file.read().strip().replace(":", "-") or UNKNOWN
    except (OSError, UnicodeDecodeError):
        return UNKNOWN


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid").replace(":", "")  # noqa: PTH115
    except OSError:
        return UNKNOWN


def _start_of(pid: int) -> str | None:
    """When a process began, as the kernel counts it; None when there is no such process, or only its remains."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            fields = file.read().rpartition(b")")[2].split()  # its name, in brackets, may hold anything
        return None if fields[0] in (b"Z", b"X") else fields[19].decode()
    except (FileNotFoundError, ProcessLookupError):
        if os.path.exists("/proc/self/stat"):  # noqa: PTH110
            return None
    try:  # no Linux: as the operating system says it
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None

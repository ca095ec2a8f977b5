"""Who works something: a process that can be told apart from all others, alive or not.

A run may be killed at any moment. Whoever comes next on the same machine can see that its process is gone and need
not wait for a clock; on another machine only the lease's end says so.
"""

from __future__ import annotations

import os
import socket
import uuid

import psutil

_living: set[str] = set()  # owners of this very process: threads of it can't be told apart by a process id


def new_owner() -> str:
    """A name for one piece of work of this process: `host:boot:pid:process start:token`."""
    me = psutil.Process()
    owner = f"{_machine()}:{me.pid}:{me.create_time():.2f}:{uuid.uuid4().hex[:12]}"
    _living.add(owner)
    return owner


def leave(owner: str) -> None:
    """The work of `owner`, in this process, has ended."""
    _living.discard(owner)


def is_gone(owner: str) -> bool:
    """Whether `owner` certainly works no more. False when it can't be known from here."""
    machine, pid, started, _ = owner.rsplit(":", 3)
    if machine != _machine():
        return machine.split(":")[0] == _machine().split(":")[0]  # this host, before it was booted anew
    if int(pid) == os.getpid():
        return owner not in _living
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.2f}" != started or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_here(owner: str) -> bool:
    """Whether `owner` is of this machine as it is booted now, so that `is_gone` knows."""
    return owner.rsplit(":", 3)[0] == _machine()


def _machine() -> str:
    # The boot id does not move with the clock, as psutil's boot time would.
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123
            boot = file.read().strip()
    except OSError:
        boot = "unknown"
    return f"{socket.gethostname().replace(':', '-')}:{boot}"

"""What this process may know of itself: its memory, its threads, whether it may be forked."""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Collection
from pathlib import Path

_SELF = Path("/proc/self")


def unsafe(*, mine: Collection[int]) -> str | None:
    """Why this process must not be forked; None when it may. `mine`: descriptors of sockets that are known."""
    if (count := threads()) != 1:
        return f"it has {count} threads after loading; a fork could inherit a lock that nobody gives back"
    opened = [path for path in (_SELF / "fd").iterdir() if int(path.name) not in mine]
    strange = [path for path in opened if _target(path).startswith("socket:")]
    if strange:
        return f"loading opened {len(strange)} connections, which two processes would then use"
    return None


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # the one this very listing was read by
        return ""


def sockets() -> set[int]:
    """Descriptors of all sockets this process has."""
    return {int(path.name) for path in (_SELF / "fd").iterdir() if _target(path).startswith("socket:")}


def threads() -> int:
    """Threads of this process, those of libraries in C included."""
    return sum(1 for _ in (_SELF / "task").iterdir())


def rss_mib() -> float:
    """Resident memory of this process in MiB."""
    return int((_SELF / "statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def call_it(name: str) -> None:
    """The name that `ps` and `top` show."""
    (_SELF / "comm").write_text(name)


def say(text: str) -> None:
    """A line of the log. A full disk must not end a process that others depend on."""
    with contextlib.suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

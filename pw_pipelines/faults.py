"""Named fault points: places where a test can kill this process or make it fail, and nothing at all otherwise.

Armed by the environment, `PW_FAULT=<point>:<deed>` (several separated by commas) for every process that comes by, or
`PW_FAULT_BOOK=<folder>` for many processes of a whole house: the folder has one file per strike, named
`<point>:<deed>:<n>`. Whoever unlinks a strike makes it, so each is made once, and what is left in the folder was
never reached.

    kill    the process dies at once, as by `kill -9` or a power cut: nothing is flushed, nothing cleaned up
    raise   InjectedFault is raised, as if the database or the disk had failed there
    full    from here on this process can't write to any file, as on a full disk; it goes on itself

A point is named `<room>.<deed>.<moment>`; each has a test that walks it.
"""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

VARIABLE = "PW_FAULT"
BOOK = "PW_FAULT_BOOK"


class InjectedFault(RuntimeError):
    """Raised at an armed point. Deliberately no PwError: nothing in the project expects or translates it."""


def point(name: str) -> None:
    """Does nothing unless `name` is armed. Raises InjectedFault, or ends the process, as it was armed."""
    if armed := os.environ.get(VARIABLE):
        for entry in armed.split(","):
            wanted, _, deed = entry.partition(":")
            if wanted == name:
                _strike(name, deed)
    if folder := os.environ.get(BOOK):
        claimed = _claimed(folder, name)
        if claimed is not None:
            _strike(name, claimed)


def _claimed(folder: str, name: str) -> str | None:
    """The deed of a strike of this point that nobody else took, taken now; None where there is none."""
    try:
        entries = sorted(path.name for path in Path(folder).iterdir())
    except FileNotFoundError:
        return None  # the house outlives its book by a moment
    for entry in entries:
        wanted, _, rest = entry.partition(":")
        if wanted != name:
            continue
        try:
            Path(folder, entry).unlink()
        except FileNotFoundError:
            continue  # another process was quicker
        return rest.partition(":")[0]
    return None


def _strike(name: str, deed: str) -> None:
    if deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "raise":
        raise InjectedFault(f"fault point {name} is armed to raise")
    if deed == "full":
        # The signal would end the process; ignored, each write fails with EFBIG. The soft limit alone binds.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return
    raise ValueError(f"{name}:{deed}: the deed of a fault point must be kill, raise or full.")

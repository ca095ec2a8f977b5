"""Named fault points: places where a test can kill this process or make it fail, and nothing at all otherwise.

Armed by the environment, `PW_FAULT=<point>:<deed>` (several separated by commas):

    kill    the process dies at once, as by `kill -9` or a power cut: nothing is flushed, nothing cleaned up
    raise   InjectedFault is raised, as if the database or the disk had failed there

A point is named `<room>.<deed>.<moment>`; each has a test that walks it.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "PW_FAULT"


class InjectedFault(RuntimeError):
    """Raised at an armed point. Deliberately no PwError: nothing in the project expects or translates it."""


def point(name: str) -> None:
    """Does nothing unless `name` is armed. Raises InjectedFault, or ends the process, as it was armed."""
    armed = os.environ.get(VARIABLE)
    if not armed:
        return
    for entry in armed.split(","):
        wanted, _, deed = entry.partition(":")
        if wanted == name:
            _strike(name, deed)


def _strike(name: str, deed: str) -> None:
    if deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "raise":
        raise InjectedFault(f"fault point {name} is armed by {VARIABLE}")
    raise ValueError(f"{VARIABLE}={name}:{deed}: the deed must be kill or raise.")

"""Notes of the processes that work runs: PW_HOME/run/warm/<run id>.json, written by the worker itself as it begins.

A process is told by its id, its start in ticks of the kernel since boot, and the boot: none of them moves with the
clock, so a process id that was given out again is never taken for the worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Worker:
    """The process of one run; `started` in ticks since boot."""

    run_id: str
    pid: int
    started: int
    boot: str

    def alive(self) -> bool:
        """Whether this very process still works; one that ended and was not yet reaped does not."""
        return self.boot == boot() and ticks(self.pid) == self.started

    def interrupt(self) -> bool:
        """SIGINT to the process itself, as Dagster does; whatever it started is its own to end. False if it is gone."""
        return self._signal(signal.SIGINT)

    def kill(self) -> bool:
        """SIGKILL to it and to everything it started. False if it was gone before."""
        if not self._signal(signal.SIGKILL):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return True

    def _signal(self, number: signal.Signals) -> bool:
        if not self.alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def boot() -> str:
    """Names this boot of the machine."""
    return _BOOT.read_text().strip()


def ticks(pid: int) -> int | None:
    """When a process was started, in ticks since boot. None when it has ended, reaped or not."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = said[said.rindex(")") + 2 :].split()  # a program's name may hold blanks and brackets
    return None if fields[0] in "ZX" else int(fields[19])


def myself(run_id: str) -> Worker:
    """This process, as the worker of a run."""
    started = ticks(os.getpid())
    assert started is not None
    return Worker(run_id, os.getpid(), started, boot())


def note(place: Path, worker: Worker) -> None:
    """Leaves the note, whole or not at all."""
    draft = place / f"{worker.run_id}.{os.getpid()}.tmp"
    draft.write_text(json.dumps(asdict(worker)))
    draft.replace(place / f"{worker.run_id}.json")


def forget(place: Path, run_id: str) -> None:
    """Takes the note away; not having one is fine."""
    (place / f"{run_id}.json").unlink(missing_ok=True)


def read(place: Path, run_id: str) -> Worker | None:
    """The worker of a run. None when there is no note of it, or none that can be read."""
    try:
        return Worker(**json.loads((place / f"{run_id}.json").read_text()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def noted(place: Path) -> Iterator[Worker]:
    """All of them, dead ones too."""
    for path in sorted(place.glob("*.json")):
        if (worker := read(place, path.stem)) is not None:
            yield worker

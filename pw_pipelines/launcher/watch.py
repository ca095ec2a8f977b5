"""The warm process's eye on its workers: reaps them, ends those that were told to end, has every death told to Dagster.

A worker that outlived the process that forked it is nobody's child; its note says who it is, and it is looked at.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pw_pipelines.launcher import workers

TOLD_AGAIN_SECONDS = (1.0, 2.0, 5.0, 10.0)  # while Dagster's database is away
LOOK_SECONDS = 1.0  # between looks at those that are nobody's children


@dataclass
class _Death:
    """A run whose worker died, until Dagster knows it. `ended`: exit code, None when nobody saw it."""

    ended: int | None
    tries: int = 0
    at: float = 0.0
    teller: int | None = None


class Watch:
    """`tell(run_id, ended)`: what a fork does to tell Dagster; its exit code is 0 when Dagster knows. `gone(pid)`: a
    child was reaped, and its number may be given out again."""

    def __init__(
        self,
        place: Path,
        say: Callable[[str], None],
        tell: Callable[[str, int | None], int],
        gone: Callable[[int], None] = lambda _pid: None,
    ) -> None:
        self.place = place
        self._gone = gone
        self.children: dict[int, str] = {}  # process id -> run
        self._say = say
        self._tell = tell
        self._deaths: dict[str, _Death] = {}
        self._patience: dict[str, float] = {}  # run -> until when an interrupted worker may live
        self._looked_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether somebody works, or a death is not told yet."""
        return bool(self.children or self._deaths)

    def working(self, run_id: str) -> int | None:
        """The process id of the run's living worker."""
        for pid, worked in self.children.items():
            if worked == run_id:
                return pid
        if run_id in self._deaths:  # whoever worked it died, which is being told; nobody is to begin anew
            return 0
        worker = workers.read(self.place, run_id)
        return worker.pid if worker is not None and worker.alive() else None

    def end(self, run_id: str, *, grace: float) -> bool:
        """Interrupts the run's worker; `grace` seconds later it is killed. False when none lives."""
        worker = workers.read(self.place, run_id)
        if worker is None or not worker.interrupt():
            return False
        self._patience.setdefault(run_id, time.monotonic() + grace)
        return True

    def signal_all(self, number: int) -> None:
        """To every child of this process."""
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def look(self, *, may_tell: bool) -> Callable[[], int] | None:
        """One round. In a fork: what the fork is to do. `may_tell`: whether forks can reach Dagster."""
        self._reap()
        now = time.monotonic()
        self._lose_patience(now)
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._look_at_orphans()
        return self._tell_one(now) if may_tell else None

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended = os.waitstatus_to_exitcode(status)
            self._gone(pid)
            if (run_id := self.children.pop(pid, None)) is not None:
                self._ended(pid, run_id, ended)
                continue
            for run_id, death in list(self._deaths.items()):
                if death.teller == pid:
                    self._teller_ended(run_id, death, ended)

    def _ended(self, pid: int, run_id: str, ended: int) -> None:
        if ended == 0:
            workers.forget(self.place, run_id)
            return
        self._deaths[run_id] = _Death(ended)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # what it had started
        self._say(f"run {run_id}: its process {pid} ended with {ended}")

    def _lose_patience(self, now: float) -> None:
        for run_id, until in list(self._patience.items()):
            worker = workers.read(self.place, run_id)
            if worker is None or not worker.alive():
                del self._patience[run_id]
            elif now >= until:
                self._say(f"run {run_id}: did not end when interrupted; killed")
                worker.kill()
                del self._patience[run_id]

    def _look_at_orphans(self) -> None:
        known = {*self.children.values(), *self._deaths}
        for worker in workers.noted(self.place):
            if worker.run_id not in known and not worker.alive():
                self._deaths[worker.run_id] = _Death(None)

    def _tell_one(self, now: float) -> Callable[[], int] | None:
        for run_id, death in self._deaths.items():
            if death.teller is None and now >= death.at:
                try:
                    pid = os.fork()
                except OSError as error:  # no memory, no processes
                    death.at = now + TOLD_AGAIN_SECONDS[-1]
                    self._say(f"run {run_id}: its death can't be told yet: {error.strerror}")
                    continue
                if pid == 0:
                    return partial(self._tell, run_id, death.ended)
                death.teller = pid
        return None

    def _teller_ended(self, run_id: str, death: _Death, ended: int) -> None:
        death.teller = None
        if ended == 0:
            del self._deaths[run_id]
            workers.forget(self.place, run_id)
            return
        death.at = time.monotonic() + TOLD_AGAIN_SECONDS[min(death.tries, len(TOLD_AGAIN_SECONDS) - 1)]
        death.tries += 1

    # -- handed on to the process this one becomes ----------------------------------------------------------------

    def kept(self) -> dict[str, object]:
        """What must not be forgotten. Deaths are found again by the notes of the dead, or stand here."""
        return {
            "children": self.children,
            "deaths": {run_id: death.ended for run_id, death in self._deaths.items()},
            "patience": {run_id: until - time.monotonic() for run_id, until in self._patience.items()},
        }

    def take_over(self, kept: Mapping[str, Mapping[str, object]]) -> None:
        """The other end of `kept`."""
        self.children = {int(pid): str(run_id) for pid, run_id in kept["children"].items()}
        self._deaths = {run_id: _Death(ended) for run_id, ended in kept["deaths"].items()}  # type: ignore[arg-type]
        now = time.monotonic()
        self._patience = {run_id: now + float(left) for run_id, left in kept["patience"].items()}  # type: ignore[arg-type]

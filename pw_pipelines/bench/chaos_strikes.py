"""What `pw bench chaos` breaks, and when: strikes at fault points, processes killed, stand-ins that lose their answer,
PostgreSQL restarted, the clock stepped."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import psutil

from pw_pipelines.bench.paid_orders import BenchHouse
from pw_pipelines.db.embedded import Embedded, binaries
from pw_pipelines.fulfillment.model import STAGES
from pw_pipelines.runtime.processes import MARK, leftovers
from pw_pipelines.runtime.running import running_house
from pw_pipelines.settings import PROJECT_ROOT

EFFECTS = ("filing", "signature_request_mail", "signed_copy_mail", "delivery_mail")
# Not here, because no order of the bench comes by: the renewals' (nothing is due in the bench's time), Word's (no
# Windows machine), a session opened and a capture (the money comes by webhook), the order form's (orders are placed
# in the books).
POINTS = (
    *(f"fulfillment.{stage}.{moment}" for stage in STAGES for moment in ("begin", "end", "moved")),
    *(f"effects.{kind}.{moment}" for kind in EFFECTS for moment in ("intended", "performed", "done")),
    "documents.stage.made", "documents.stage.converted", "documents.stage.booked", "signature.request.made",
    "signature.seal.kept", "mail.send.begin", "mail.send.sent", "filings.submit.before", "filings.submit.clicked",
    "filings.submit.answered", "after.deliver.mailed", "after.book.before_commit", "after.book.committed",
    "books.create.intended", "books.create.answered", "books.submit.intended", "books.submit.answered",
    "books.name.before_commit",
)  # fmt: skip
# The web app works a webhook itself. Its process is the supervisor's to start again, five times in ten minutes and no
# more, and may not be left on a full disk: it would stay there.
IN_THE_WEB_APP = (
    "payments.inbox.stored", "payments.work.taken", "payments.work.midway", "payments.work.before_commit",
    "payments.work.after_commit",
)  # fmt: skip
WEB_EVERY = 5  # rounds: killed in each, the web app would have ended six times in ten minutes
BOOK_EVERY = 6  # rounds: a run of the books that failed rests for two minutes
DEEDS = ("kill", "kill", "raise", "full", "kill")
# Part of the address of the one POST that files, of each portal that the orders go to.
SUBMITS = (
    "fcc_ecfs/ecfs/filings/standard/submit", "fcc_rmd/api/x_g_fmc_rmd/rmd/submit", "usac_efile/efile/form_499a/submit",
    "fcc_ecfs/ecfs/filings/confidential/submit", "fcc_bdc/bdc/api/submit", "agent_wholesale/orders/submit",
    "wy_registry/Business/submit",
)  # fmt: skip
# A word of each process's command line.
PROCESSES = {
    "warm": "pw_pipelines.launcher", "web": "pw_pipelines.runtime.web_server", "code-server": "grpc",
    "dagster-daemon": "pw_pipelines.launcher.daemon",
}  # fmt: skip
LOOK_SECONDS = 0.2
STEP, STEP_STANDS_SECONDS = timedelta(hours=3), 15.0


class Strikes:
    """The book of strikes, armed a round at a time, so that what comes later is struck too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planned = 0
        folder.mkdir(parents=True)

    def arm(self, round_: int) -> None:
        """One strike more at every point; each round another deed."""
        for number, point in enumerate(POINTS):
            if point.startswith("books.") and round_ % BOOK_EVERY:
                continue
            self._add(point, DEEDS[(round_ + number) % len(DEEDS)], round_)
        killed = (round_ // WEB_EVERY) % len(IN_THE_WEB_APP) if round_ % WEB_EVERY == 0 else None
        for number, point in enumerate(IN_THE_WEB_APP):
            self._add(point, "kill" if number == killed else "raise", round_)

    def left(self) -> list[str]:
        """What nobody reached, as `<point>:<deed>:<round>`."""
        return sorted(path.name for path in self.folder.iterdir())

    def _add(self, point: str, deed: str, round_: int) -> None:
        (self.folder / f"{point}:{deed}:{round_}").touch()
        self.planned += 1


class Disorder(threading.Thread):
    """Everything from without, one thing after another in an order drawn by the seed, `every` seconds apart, as often
    as `rounds`. `done`: what was done, by name; `failed`: what could not be done, and why."""

    def __init__(self, house: BenchHouse, *, rounds: int, every: float, seed: int) -> None:
        super().__init__(name="disorder", daemon=True)
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._house, self._every = house, every
        running = running_house(house.settings.home)
        assert running is not None
        self._supervisor = running.pid
        self._draw = random.Random(seed)  # noqa: S311 - no secret
        self._over = threading.Event()
        once = [*PROCESSES, "fast", "immediate", "clock"]
        often = ["run"] * 3 + ["submit"] * 3 + ["smtp"] * 2 + ["erpnext"] * 2
        self._todo: list[str] = []
        for round_ in range(rounds):
            these = [*often, *(once if round_ == 0 else [])]
            self._draw.shuffle(these)
            self._todo += these
        # What was dated while the clock stood ahead (a pause, a link not good before) comes due in the end.
        self._todo.append("clock for good")
        self._submits = 0

    def stop(self) -> None:
        """No more of it."""
        self._over.set()
        self.join()

    @property
    def is_over(self) -> bool:
        return not self.is_alive()

    def run(self) -> None:
        """Until everything was done once."""
        for deed in self._todo:
            if self._over.wait(self._every):
                return
            try:
                self._do(deed)
            except (psutil.Error, OSError, httpx.HTTPError, subprocess.SubprocessError) as error:
                self.failed[f"{deed}: {type(error).__name__}"] += 1

    def _do(self, deed: str) -> None:
        if deed == "run":
            self._kill_a_run()
        elif deed in ("fast", "immediate"):
            restart_postgres(self._house.settings.home, deed)
            self.done[f"PostgreSQL stopped: {deed}"] += 1
        elif deed.startswith("clock"):
            self._step_the_clock(and_back=deed == "clock")
        elif deed == "submit":
            match = SUBMITS[self._submits % len(SUBMITS)]
            self._submits += 1
            self._lose_answer("filing", match, seconds=1.0)
        elif deed in ("smtp", "erpnext"):
            self._lose_answer(deed, "DATA " if deed == "smtp" else "/api/resource/", seconds=0.5)
        else:
            self._kill_process(deed)

    def _kill_a_run(self) -> None:
        """Waits a while for a run to be under way."""
        for _ in range(int(20 / LOOK_SECONDS)):
            notes = list((self._house.settings.home / "run" / "warm").glob("*.json"))
            self._draw.shuffle(notes)
            for note in notes:
                with contextlib.suppress(OSError, ValueError, KeyError, psutil.NoSuchProcess):
                    process = psutil.Process(json.loads(note.read_text())["pid"])
                    if process.name().startswith("pw-run"):
                        process.send_signal(signal.SIGKILL)
                        self.done["run worker killed"] += 1
                        return
            if self._over.wait(LOOK_SECONDS):
                return
        self.failed["run: none was under way"] += 1

    def _kill_process(self, name: str) -> None:
        """The one that lives now: the supervisor may have started it again before."""
        for process in leftovers(self._house.settings.home):
            if PROCESSES[name] in process.cmdline() and process.ppid() == self._supervisor:
                process.send_signal(signal.SIGKILL)
                self.done[f"{name} killed"] += 1
                return
        self.failed[f"{name}: was just being started again"] += 1

    def _step_the_clock(self, *, and_back: bool) -> None:
        """Three hours on, and back after a while."""
        clock = self._house.settings.clock
        before = clock.offset()
        clock.set_offset(before + STEP)
        if and_back:
            self._over.wait(STEP_STANDS_SECONDS)
            clock.set_offset(before)
        self.done["clock stepped 3 h on" + (" and back" if and_back else "")] += 1

    def _lose_answer(self, system: str, match: str, *, seconds: float) -> None:
        """What is asked next is done, and the connection closed without an answer."""
        fault = {
            "system": system, "fault": "done_but_timeout", "times": 1, "match": match, "seconds": seconds,
        }  # fmt: skip
        asked = httpx.post(f"{self._house.settings.sandbox_url}/_control/faults", json=fault, timeout=20)
        asked.raise_for_status()
        self.done[f"answer lost: {system} {match}"] += 1


def restart_postgres(home: Path, mode: str) -> None:
    """Stops the server as an operator or a crash would; the supervisor is who starts it again."""
    folder = Embedded(home).folder
    owner = (folder / "data").stat()
    subprocess.run(
        [str(binaries() / "pg_ctl"), "-w", "-m", mode, "-D", "data", "stop"], check=True, cwd=folder, timeout=60,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=owner.st_uid,
        group=owner.st_gid, extra_groups=[],
    )  # fmt: skip


@contextlib.contextmanager
def second_daemon(home: Path, more: Mapping[str, str]) -> Iterator[None]:
    """Another of Dagster's daemons on the same home, started by mistake; ended when the block ends."""
    running = running_house(home)
    assert running is not None
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PW_", "DAGSTER_", "PYTHON"))}
    variables = {**kept, **running.environment, **more, MARK: str(home)}
    with (home / "logs" / "second-daemon.log").open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "pw_pipelines.launcher.daemon", str(home / "workspace.yaml")], cwd=PROJECT_ROOT,
            env=variables, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

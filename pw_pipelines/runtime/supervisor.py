"""`pw up`: starts everything in order, says where it is, watches it, and stops it all.

PostgreSQL → stand-ins → code server, warm process → webserver, daemon, web app; stopped the other way round. One
supervisor per PW_HOME. Everything blocking is either short or asks `stopping` while it waits: signals only set flags.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psutil
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from pw_pipelines.db.connection import Database
from pw_pipelines.db.embedded import Embedded
from pw_pipelines.errors import ConfigError, PwError
from pw_pipelines.runtime import processes
from pw_pipelines.runtime.bootstrap import begin
from pw_pipelines.runtime.credentials import refuse_incomplete_live
from pw_pipelines.runtime.first_user import first_user
from pw_pipelines.runtime.plan import Plan, free_addresses, whole_house
from pw_pipelines.runtime.ports import Ports
from pw_pipelines.runtime.processes import Child, Program
from pw_pipelines.runtime.running import RunningHouse, remove_note, running_house, write_note
from pw_pipelines.runtime.stack import (
    Databases,
    databases,
    environment,
    with_absolute_home,
)
from pw_pipelines.settings import Settings

MOST_RESTARTS = 5
RESTART_WINDOW_SECONDS = 600.0
BACKOFF_SECONDS = (0.0, 1.0, 2.0, 5.0, 10.0)
LOOK_SECONDS = 0.25
STOP_ORDER = (
    ("filling", "preparation", "dagster-daemon"),
    ("code-server", "warm", "dagster-webserver", "dagster-read-only", "dagster-door", "web"),
    ("sandbox",),
)


class Signals:
    """First SIGINT or SIGTERM: stop cleanly. Second: kill. Handlers only set flags."""

    def __init__(self) -> None:
        self.count = 0

    def stopping(self) -> bool:
        return self.count > 0

    def hard(self) -> bool:
        return self.count > 1

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Handlers in place, also where the shell started us with SIGINT ignored; put back afterwards."""
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._note) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


@dataclass
class _Watched:
    child: Child
    restarts: deque[float] = field(default_factory=deque)
    start_again_at: float | None = None


def up(settings: Settings, *, bootstrap: bool = True, ready_file: Path | None = None, plan: Plan = whole_house) -> int:
    """Runs the house until it is told to stop; the exit code. `ready_file` gets the addresses as JSON once all is well.

    `plan` is a seam for tests.

    Raises ConfigError when a `pw up` already runs in this home, or live mode lacks a credential.
    """
    settings = with_absolute_home(settings)
    refuse_incomplete_live(settings)
    signals = Signals()
    with signals.caught(), _only_one(settings.home):
        house = House(settings, signals, plan)
        try:
            return house.run(bootstrap=bootstrap, ready_file=ready_file)
        finally:
            if ready_file:
                ready_file.unlink(missing_ok=True)


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Holds the home's lock, which the kernel frees however we end."""
    (home / "run").mkdir(exist_ok=True)
    with (home / "run" / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            house = running_house(home)
            where = f": {house.web_url} (web), {house.dagster_url} (Dagster)" if house else ", still starting"
            raise ConfigError(
                f"`pw up` already runs in {home}{where}. Stop it with Ctrl-C there"
                f"{f' (process {house.pid})' if house else ''}, or start another house beside it with another PW_HOME."
            ) from error
        yield


class House:
    """One run of `pw up`."""

    def __init__(self, settings: Settings, signals: Signals, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.signals = signals
        self.say = Console(highlight=False, soft_wrap=True)
        self.watched: list[_Watched] = []
        self._ports: list[Ports] = []
        self._variables: dict[str, str] = {}
        self._began = time.monotonic()

    def run(self, *, bootstrap: bool, ready_file: Path | None) -> int:
        home = self.settings.home
        if left := processes.leftovers(home):
            self.step(f"ending {len(left)} processes that an earlier `pw up` left behind")
            processes.end_all(left)
        code = 0
        try:
            with databases(self.settings) as urls:
                self.step("PostgreSQL is up, the warehouse migrated")
                try:
                    code = self._run_on(urls, bootstrap=bootstrap, ready_file=ready_file)
                except PwError as failure:
                    self.say.print("[bold red]error[/]", Text(str(failure)))
                    code = 1
                finally:
                    self._stop_all()
            self.step("stopped")
        finally:
            for ports in self._ports:
                ports.close()
            remove_note(home)
        return code

    def step(self, text: str) -> None:
        """One line of progress with the seconds since the start."""
        self.say.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/]  {text}")

    # -- starting -----------------------------------------------------------------------------------------------

    def _run_on(self, urls: Databases, *, bootstrap: bool, ready_file: Path | None) -> int:
        settings = self.settings
        outer, inner = Ports(settings.bind_host), Ports("127.0.0.1")
        self._ports += [outer, inner]
        addresses = free_addresses(settings, outer, inner)
        variables = environment(
            settings,
            urls,
            sandbox_url=addresses.sandbox_url,
            sandbox_sftp_port=addresses.sftp,
            sandbox_smtp_port=addresses.smtp,
            web_url=addresses.web_url,
            dagster_url=addresses.dagster_url,
            dagster_api_url=addresses.dagster_api_url,
        )
        self._variables = {**os.environ, **variables, processes.MARK: str(settings.home)}
        unfilled = bootstrap and begin(settings, Database(urls.warehouse))
        for group in self.plan(settings, addresses):
            if self.signals.stopping() or not self._start(group):
                return 0

        me = psutil.Process()
        house = RunningHouse(
            me.pid,
            me.create_time(),
            settings.mode,
            addresses.web_url,
            addresses.dagster_url,
            addresses.sandbox_url,
            variables,
            addresses.dagster_api_url,
        )
        write_note(settings.home, house)
        self._show(house, first_user(Database(urls.warehouse), settings))
        if ready_file:
            draft = ready_file.with_name(ready_file.name + ".tmp")
            draft.write_text(json.dumps({
                "pid": me.pid, "web": house.web_url, "dagster": house.dagster_url,
                "dagster_api": house.api_url, "sandbox": house.sandbox_url,
                "processes": {watched.child.name: watched.child.pid for watched in self.watched},
            }))  # fmt: skip
            draft.replace(ready_file)
        if unfilled:
            self._fill()
        try:
            return self._watch(urls.server)
        finally:
            remove_note(settings.home)

    def _start(self, programs: list[Program]) -> bool:
        """Starts these side by side and waits for their health. False when told to stop meanwhile."""
        children = [Child(program, self.settings.home / "logs", self._variables) for program in programs]
        for child in children:
            self.watched.append(_Watched(child))
            child.start()
        ready = processes.await_health(
            children, stopping=self.signals.stopping, on_ready=lambda child: self.step(f"{child.program.title}: ready")
        )
        self.watched = [watched for watched in self.watched if not watched.child.program.once]
        return ready

    def _show(self, house: RunningHouse, login: str) -> None:
        self.say.print()
        show_places(
            self.say,
            (
                ("web", house.web_url, ""),
                ("desk", f"{house.web_url}/desk", login),
                ("Dagster", house.dagster_url, "the same login"),
                ("stand-ins", house.sandbox_url or "", ""),
                ("inboxes", f"{house.sandbox_url}/mail/" if house.sandbox_url else "", ""),
                ("alerts", f"{house.sandbox_url}/telegram/" if house.sandbox_url else "", ""),
                ("logs", str(self.settings.home / "logs"), ""),
            ),
        )
        self.say.print(f"\n{house.mode} mode. Ctrl-C stops everything.\n")

    def _fill(self) -> None:
        """Fills a fresh house beside the watching; its failure is told and does not stop the house."""
        self.watched.append(_Watched(Child(processes.filling(), self.settings.home / "logs", self._variables)))
        self.watched[-1].child.start()

    # -- watching -----------------------------------------------------------------------------------------------

    def _watch(self, server: Embedded | None) -> int:
        """Until told to stop (0), or until a process cannot be kept alive (ChildFailed)."""
        turn = 0
        while not self.signals.stopping():
            for watched in list(self.watched):
                self._look_after(watched)
            if turn % 8 == 0 and server is not None and not server.alive():
                self.step("[yellow]PostgreSQL is gone; starting it again[/]")
                server.revive()
            if turn % 240 == 0:
                for watched in self.watched:
                    watched.child.log.rotate()
            turn += 1
            time.sleep(LOOK_SECONDS)
        return 0

    def _look_after(self, watched: _Watched) -> None:
        child, now = watched.child, time.monotonic()
        if child.alive():
            return
        if child.program.once:
            self.watched.remove(watched)
            return
        if watched.start_again_at is None:
            while watched.restarts and now - watched.restarts[0] > RESTART_WINDOW_SECONDS:
                watched.restarts.popleft()
            if len(watched.restarts) >= MOST_RESTARTS:
                raise child.failure(
                    f"ended {MOST_RESTARTS + 1} times in {RESTART_WINDOW_SECONDS / 60:.0f} minutes; stopping everything"
                )
            wait = BACKOFF_SECONDS[len(watched.restarts)]
            watched.start_again_at = now + wait
            self.step(
                f"[yellow]{child.program.title} ended with code {child.exit_code()}; "
                f"starting it again{f' in {wait:.0f} s' if wait else ''}[/]"
            )
        if now >= watched.start_again_at:
            watched.restarts.append(now)
            watched.start_again_at = None
            child.kill()  # what it may have left of its group, a run worker for one
            child.start()

    # -- stopping -----------------------------------------------------------------------------------------------

    def _stop_all(self) -> None:
        """Daemon first, so that nothing new starts; servers while the runs get time to finish; then stand-ins."""
        if not self.watched:
            return
        hard = self.signals.hard
        self.step("stopping; Ctrl-C again kills")
        children = {watched.child.name: watched.child for watched in self.watched}
        for names in STOP_ORDER:
            together = [children[name] for name in names if name in children]
            for child in together:
                child.ask_to_stop()
            for child in together:
                child.stop(hard=hard)
                self.step(f"{child.program.title}: stopped")
        processes.end_all(processes.leftovers(self.settings.home), patience_seconds=0.5 if hard() else 5.0)
        self.watched.clear()
        sys.stdout.flush()


def show_places(say: Console, places: Iterable[tuple[str, str, str]]) -> None:
    """Title, address and a remark of each place. An address is one line, whatever the window, so that it can be clicked
    and copied; a remark stands below it."""
    for title, where, remark in places:
        if where:
            say.print(f"  [bold]{title:<9}[/]  {escape(where)}", soft_wrap=True, highlight=False)
        if where and remark:
            say.print(Padding(escape(remark), (0, 0, 0, 13)), highlight=False, soft_wrap=False)

"""The warm process: loads everything once, then forks once per run. `python -m pw_pipelines.launcher`.

One thread, no connection to anything but its own socket: a fork then inherits no lock that somebody holds and no
connection that two would use. When the code changed, or after many runs, it becomes itself anew (exec): same process
id, same socket, same children, so nothing that runs is lost and nobody has to be told.
"""

from __future__ import annotations

import contextlib
import contextvars
import fcntl
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pw_pipelines.launcher import code, door, process, workers
from pw_pipelines.launcher.process import say
from pw_pipelines.launcher.succession import Lines, Successor
from pw_pipelines.launcher.watch import Watch

if TYPE_CHECKING:
    from dagster._core.instance.ref import InstanceRef

MOST_RUNS = 1_000  # then it becomes anew; its memory hardly grows, and this is what "hardly" may come to
MOST_MIB = 1_024
NICE = 10  # of a run nobody waits for
TICK_SECONDS = 0.5
CODE_SECONDS = 2.0  # between looks at the files while nothing is launched; changed ones must have come to rest
INTERRUPTED_SECONDS = 10.0  # what workers get to note their end when the house stops
KEPT = "PW_WARM_KEPT"  # what it was, handed on to the process it becomes
Deed = Callable[[], int]  # what a fork is to do; its exit code


@dataclass(frozen=True)
class Options:
    """`idle_seconds`: ends by itself when nothing was launched for so long; None: never. `drain_seconds`: what
    workers get to finish when it is told to stop. `command`: what it is started by."""

    home: Path
    idle_seconds: float | None = None
    drain_seconds: float = 8.0
    command: list[str] = field(default_factory=list)


class Warm:
    """The parent. `begin`, then `serve`."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.place = door.folder(options.home)
        self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lines = Lines()
        self.watch = Watch(self.place, say, self._tell, self._let_go)
        self.fingerprint = ""
        self.broken: str | None = None
        self.instance_ref: InstanceRef | None = None
        self.runs = 0
        self._used_at = time.monotonic()
        self._looked_at = time.monotonic()
        self._seen = ""
        self._signals = 0
        self._stopping_at: float | None = None
        self._interrupted = False
        self._door: socket.socket | None = None
        self._lock = -1
        self._wake: tuple[socket.socket, ...] = ()
        self._selector: selectors.BaseSelector = selectors.DefaultSelector()

    # -- beginning ----------------------------------------------------------------------------------------------

    def begin(self) -> bool:
        """Takes the place, loads the code, listens. False when another process has the place and is to keep it."""
        kept = json.loads(os.environ.pop(KEPT, "null"))
        if kept is not None:
            self._lock, self._door = kept["lock"], socket.socket(fileno=kept["door"])
            for inherited in (self._lock, kept["door"]):
                os.set_inheritable(inherited, False)
            self.watch.take_over(kept["watch"])
        elif not self._take_place():
            return False
        self._catch_signals()
        self._load()
        if self._door is None:
            self._door = door.listen(self.place)
        say(f"ready: process {os.getpid()}, {process.rss_mib():.0f} MiB" + (f"; but {self.broken}" * bool(self.broken)))
        return True

    def _take_place(self) -> bool:
        """The lock of the place. One that was started on demand gives way to one that is supervised."""
        self._lock = os.open(self.place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if self.options.idle_seconds is not None:
                    return False
                with contextlib.suppress(door.NobodyThere, door.NoAnswer):
                    door.ask(self.options.home, {"do": "retire"}, seconds=5.0)
                time.sleep(0.2)

    def _catch_signals(self) -> None:
        self._wake = socket.socketpair()
        for end in self._wake:
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake[1].fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)

    def _asked_to_stop(self, _number: int, _frame: object) -> None:
        self._signals += 1

    def _load(self) -> None:
        # Taken before anything is read: what changes while it is read is then seen as changed.
        self.fingerprint = self._seen = code.fingerprint()
        before = process.sockets()
        gc.disable()
        try:
            code.load()
            from pw_pipelines.launcher.child import instance_ref

            self.instance_ref = instance_ref()
            self.broken = process.unsafe(mine=before)
        except Exception:  # noqa: BLE001  # whatever an import raises: the stock way then shows it in the run
            self.broken = f"the code can't be loaded: {traceback.format_exc(limit=-3)}"
        gc.collect()
        gc.freeze()  # the collector then leaves these pages alone, and the forks go on sharing them
        gc.enable()

    # -- serving ------------------------------------------------------------------------------------------------

    def serve(self) -> Deed | None:
        """Until it is over (None); in a fork, what the fork is to do."""
        with self._selector as selector:
            selector.register(self._wake[0], selectors.EVENT_READ)
            selector.register(self._listening(), selectors.EVENT_READ)
            while not self._over():
                for key, _ in selector.select(TICK_SECONDS):
                    if key.fileobj is self._wake[0]:
                        with contextlib.suppress(BlockingIOError):
                            self._wake[0].recv(4096)
                    elif key.data is not None:
                        self._hear(key.data)
                    elif self._door is not None and (deed := self._visit()):
                        return deed
                if self._signals:
                    self._stop()
                for pid in self.lines.overdue():
                    self._let_go(pid)
                if deed := self.watch.look(may_tell=self.instance_ref is not None):
                    return deed
                self._renew_when_idle()
        return None

    def _listening(self) -> socket.socket:
        assert self._door is not None
        return self._door

    def _visit(self) -> Deed | None:
        """One question."""
        try:
            connection, _ = self._listening().accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError as error:  # no descriptors are left; the question waits
            say(f"can't take a question: {error.strerror}")
            time.sleep(TICK_SECONDS)
            return None
        with connection:
            asked = door.question(connection)
            if asked is None:
                return None
            if asked.get("do") == "launch":
                return self._launch(asked, connection)
            if asked.get("do") == "end":
                ended = self.watch.end(str(asked["run_id"]), grace=float(asked["grace"]))
                said: dict[str, Any] = {"interrupted": ended}
            elif asked.get("do") == "retire":
                self._retire("another process takes over")
                said = {"retired": True}
            else:
                said = self._state()
            door.answer(connection, said)
        return None

    def _state(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(), "for": door.identity(), "fingerprint": self.fingerprint, "broken": self.broken,
            "runs": self.runs, "workers": self.watch.children, "waiting": self.lines.waiting,
            "rss_mib": round(process.rss_mib()), "threads": process.threads(),
        }  # fmt: skip

    def _launch(self, asked: Mapping[str, Any], connection: socket.socket) -> Deed | None:
        run_id = str(asked.get("run_id"))
        if (said := self._other_answer(asked, run_id)) is not None:
            door.answer(connection, said)
            if "again" in said:
                connection.close()
                self._become_anew(said["again"])
            return None
        in_background = bool(asked.get("background"))
        in_succession = bool(asked.get("succession")) and not in_background
        pid = self.lines.hand_over(run_id) if in_succession else None
        if pid is None:
            try:
                ours, its = self.lines.new()
                pid = os.fork()
            except OSError as error:  # no descriptors, no memory, no processes: whoever has some takes the run
                door.answer(connection, {"refused": f"it can't fork: {error.strerror}"})
                return None
            if pid == 0:
                connection.close()
                ours.close()
                return partial(self._work, run_id, its, in_background=in_background, in_succession=in_succession)
            its.close()
            self.lines.keep(pid, ours)
            self._selector.register(ours, selectors.EVENT_READ, data=pid)
        self.runs += 1
        self._used_at = self._looked_at = time.monotonic()
        self.watch.children[pid] = run_id
        door.answer(connection, {"pid": pid})
        return None

    def _other_answer(self, asked: Mapping[str, Any], run_id: str) -> dict[str, Any] | None:
        """What is answered to a launch that begins nothing; None when it is to begin."""
        if asked.get("for") != door.identity():
            return {"refused": "the warm process of this home belongs to another database"}
        if time.monotonic() > float(asked.get("until", "inf")):  # of this boot, the same in all processes
            return {"refused": "it was heard when nobody waited for the answer any more"}
        if why := self._wants_to_be_anew():
            return {"again": why}
        if self.broken is not None:
            return {"refused": self.broken}
        working = self.watch.working(run_id)
        return None if working is None else {"pid": working}

    def _hear(self, pid: int) -> None:
        """A worker whose run ended well waits for another; or it is gone."""
        said = self.lines.heard(pid)
        if said:
            self.watch.children.pop(pid, None)
        elif said is not None:
            self._let_go(pid)

    def _let_go(self, pid: int) -> None:
        if (line := self.lines.line(pid)) is not None:
            self._selector.unregister(line)
            self.lines.close(pid)

    def _wants_to_be_anew(self) -> str | None:
        if code.fingerprint() != self.fingerprint:
            return "the code has changed"
        if self.runs >= MOST_RUNS:
            return f"it has started {self.runs} runs"
        if process.rss_mib() > MOST_MIB:
            return f"it has grown to {process.rss_mib():.0f} MiB"
        return None

    def _renew_when_idle(self) -> None:
        """Loads changed code before somebody waits for it, once the files have come to rest."""
        now = time.monotonic()
        if self._door is None or now - self._looked_at < CODE_SECONDS:
            return
        self._looked_at = now
        seen, before = code.fingerprint(), self._seen
        self._seen = seen
        if seen != self.fingerprint and seen == before:
            self._become_anew("the code has changed")

    def _become_anew(self, why: str) -> None:
        say(f"becomes anew: {why}; {len(self.watch.children)} runs go on")
        descriptors = {"lock": self._lock, "door": self._listening().fileno()}
        for kept in descriptors.values():
            os.set_inheritable(kept, True)
        state = json.dumps({**descriptors, "watch": self.watch.kept()})
        os.execve(sys.executable, self.options.command, {**os.environ, KEPT: state})  # noqa: S606

    # -- forks --------------------------------------------------------------------------------------------------

    def _work(self, first: str, line: socket.socket, *, in_background: bool, in_succession: bool) -> int:
        """In a fork: works the run, and those that are handed over to it afterwards."""
        self._leave_parent()
        if in_background:
            os.nice(NICE)
        os.setpgid(0, 0)
        self._begin(first)
        from pw_pipelines.launcher import child

        assert self.instance_ref is not None
        successor = Successor(line) if in_succession else None
        with child.opened(self.instance_ref, stays_open=in_succession) as instance:
            run_id: str | None = first
            while run_id is not None:
                code, ended_well = contextvars.copy_context().run(child.work, run_id, instance)
                if code != 0:
                    return code
                workers.forget(self.place, run_id)
                process.call_it("pw-waits")
                try:
                    run_id = successor.next_run() if successor and ended_well else None
                except KeyboardInterrupt:
                    return child.NOT_FINISHED
                if run_id is not None:
                    self._begin(run_id)
        return 0

    def _begin(self, run_id: str) -> None:
        workers.note(self.place, workers.myself(run_id))
        process.call_it(f"pw-run {run_id[:8]}")

    def _tell(self, run_id: str, ended: int | None) -> int:
        """In a fork: tells Dagster that the worker of a run died."""
        self._leave_parent()
        from pw_pipelines.launcher import child

        assert self.instance_ref is not None
        return child.tell(run_id, self.instance_ref, ended)

    def _leave_parent(self) -> None:
        """Gives up what is the parent's alone."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for each in (*self._wake, self._door):
            if each is not None:
                each.close()
        self.lines.close_all()
        os.close(self._lock)

    # -- stopping -----------------------------------------------------------------------------------------------

    def _retire(self, why: str) -> None:
        """Starts nothing more; what runs is brought to its end."""
        if self._door is None:
            return
        say(f"starts no more runs: {why}; {len(self.watch.children)} go on")
        for pid in self.lines.all():
            self._let_go(pid)
        self._selector.unregister(self._door)
        self._door.close()
        self._door = None
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _stop(self) -> None:
        """Told by a signal: drains, then interrupts, then kills. A second signal ends the draining."""
        self._retire("told to stop")
        now = time.monotonic()
        self._stopping_at = self._stopping_at or now
        drained = self._stopping_at + (self.options.drain_seconds if self._signals == 1 else 0.0)
        if now >= drained and not self._interrupted:
            self._interrupted = True
            self.watch.signal_all(signal.SIGTERM)
        if now >= drained + INTERRUPTED_SECONDS:
            self.watch.signal_all(signal.SIGKILL)

    def _over(self) -> bool:
        if self._door is None:
            return not self.watch.busy or (not self.watch.children and self.instance_ref is None)
        idle = self.options.idle_seconds
        return idle is not None and not self.watch.busy and time.monotonic() - self._used_at > idle

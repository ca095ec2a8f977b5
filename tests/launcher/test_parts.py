"""The door, the notes of workers, what is watched: without Dagster."""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pw_pipelines.launcher import door, process, workers
from pw_pipelines.launcher.watch import Watch
from tests.launcher.house import eventually


@pytest.fixture
def home(tmp_path: Path) -> Path:
    deep = tmp_path / ("a home whose path is longer than a socket's may be " * 3)
    door.folder(deep).mkdir(parents=True)
    return deep


@pytest.fixture
def place(home: Path) -> Path:
    return door.folder(home)


# -- the door -------------------------------------------------------------------------------------------------------


def test_a_question_is_answered_however_deep_the_home_lies(home: Path, place: Path) -> None:
    listening = door.listen(place)
    listening.setblocking(True)

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            asked = door.question(connection)
            door.answer(connection, {"heard": asked})

    thread = threading.Thread(target=serve)
    thread.start()
    assert door.ask(home, {"do": "state"}, seconds=5) == {"heard": {"do": "state"}}
    thread.join()
    listening.close()
    assert (place / door.NAME).stat().st_mode & 0o077 == 0, "for its owner alone"


def test_nobody_there_is_told_from_no_answer(home: Path, place: Path) -> None:
    with pytest.raises(door.NobodyThere):
        door.ask(home, {}, seconds=1)
    listening = door.listen(place)
    with pytest.raises(door.NoAnswer):
        door.ask(home, {}, seconds=0.1)
    listening.close()
    with pytest.raises(door.NobodyThere):
        door.ask(home, {}, seconds=1)
    door.listen(place).close()  # in the place of what the dead one left


def test_another_user_and_whoever_talks_nonsense_are_not_heard() -> None:
    class Stranger:
        def getsockopt(self, *_: int) -> bytes:
            return struct.pack("3i", 1, 4_242, 4_242)

    assert door.question(Stranger()) is None  # type: ignore[arg-type]
    for said in (b"nonsense\n", b"[1]\n", b"no end"):
        here, there = socket.socketpair()
        with here, there:
            there.sendall(said)
            there.shutdown(socket.SHUT_WR)
            assert door.question(here) is None


# -- workers --------------------------------------------------------------------------------------------------------


def test_a_worker_is_its_process_and_no_other(place: Path) -> None:
    me = workers.myself("run-1")
    workers.note(place, me)
    assert workers.read(place, "run-1") == me
    assert [one.run_id for one in workers.noted(place)] == ["run-1"]
    assert me.alive()
    assert not replace(me, started=me.started + 1).alive(), "the same number, given out again"
    assert not replace(me, boot="before the power cut").alive()
    workers.forget(place, "run-1")
    workers.forget(place, "run-1")
    assert workers.read(place, "run-1") is None


def test_a_process_that_ended_is_dead_before_anybody_reaped_it() -> None:
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    started = workers.ticks(child.pid)
    assert started is not None
    worker = workers.Worker("r", child.pid, started, workers.boot())
    assert worker.alive()
    child.communicate(b"\n")
    assert not worker.alive()
    assert not worker.interrupt()
    assert not worker.kill()


def test_a_note_that_was_cut_short_is_nobody(place: Path) -> None:
    (place / "run-2.json").write_text('{"run_id": "run-2", "pid"')
    assert workers.read(place, "run-2") is None
    assert list(workers.noted(place)) == []


# -- watching -------------------------------------------------------------------------------------------------------


class Told:
    """What forks told, in files: forks share no memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fails = folder / "fails"

    def tell(self, run_id: str, ended: int | None) -> int:
        with (self.folder / f"told-{run_id}").open("a") as file:
            file.write(f"{ended}\n")
        return 1 if self.fails.exists() else 0

    def of(self, run_id: str) -> list[str]:
        path = self.folder / f"told-{run_id}"
        return path.read_text().split() if path.exists() else []


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


@pytest.fixture
def watch(place: Path, told: Told) -> Watch:
    return Watch(place, lambda _text: None, told.tell)


def fork(watch: Watch, run_id: str, deed: Callable[[], int]) -> int:
    """A worker as the warm process makes it."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.setpgid(0, 0)
        workers.note(watch.place, workers.myself(run_id))
        os._exit(deed())
    watch.children[pid] = run_id
    assert eventually(lambda: workers.read(watch.place, run_id) is not None)
    return pid


def looked(watch: Watch, what: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Looks until something came true; does in a fork what the fork is to do."""

    def look() -> bool:
        deed = watch.look(may_tell=True)
        if deed is not None:
            os._exit(deed())
        return what()

    return eventually(look, seconds)


def test_a_worker_that_ended_well_is_forgotten_and_nothing_is_told(watch: Watch, told: Told, place: Path) -> None:
    fork(watch, "well", lambda: 0)
    assert looked(watch, lambda: not watch.busy)
    assert workers.read(place, "well") is None
    assert told.of("well") == []


@pytest.mark.parametrize(("deed", "code"), [(lambda: 70, "70"), (lambda: os.kill(os.getpid(), 9) or 0, "-9")])
def test_a_death_is_told_with_how_it_came(watch: Watch, told: Told, deed: Callable[[], int], code: str) -> None:
    fork(watch, "dead", deed)
    assert looked(watch, lambda: not watch.busy)
    assert told.of("dead") == [code]


def test_a_death_is_told_though_nothing_can_be_written(place: Path, told: Told) -> None:
    """Neither its note nor a line of the log: the disk is full."""

    def full(_text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    watch = Watch(place, full, told.tell)
    pid = os.fork()
    if pid == 0:
        os._exit(1)
    watch.children[pid] = "lost"
    with pytest.raises(OSError, match="No space left"):
        looked(watch, lambda: not watch.busy)
    assert watch.busy
    assert looked(watch, lambda: not watch.busy)
    assert told.of("lost") == ["1"]


def test_who_was_reaped_is_said_and_a_run_whose_death_is_being_told_is_begun_by_nobody(place: Path, told: Told) -> None:
    gone: list[int] = []
    told.fails.touch()
    watch = Watch(place, lambda _text: None, told.tell, gone.append)
    pid = fork(watch, "dead", lambda: 1)
    assert looked(watch, lambda: len(told.of("dead")) == 1)
    assert pid in gone
    assert watch.working("dead") is not None
    told.fails.unlink()
    assert looked(watch, lambda: not watch.busy)


def test_a_death_is_told_again_until_dagster_knows(watch: Watch, told: Told, place: Path) -> None:
    told.fails.touch()
    fork(watch, "dead", lambda: 1)
    assert looked(watch, lambda: len(told.of("dead")) == 1)
    assert watch.busy
    told.fails.unlink()
    assert looked(watch, lambda: not watch.busy)
    assert told.of("dead") == ["1", "1"]
    assert workers.read(place, "dead") is None


def test_a_worker_nobody_forked_is_looked_at_and_its_death_told(watch: Watch, told: Told, place: Path) -> None:
    orphan = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
    started = workers.ticks(orphan.pid)
    assert started is not None
    workers.note(place, workers.Worker("orphan", orphan.pid, started, workers.boot()))
    assert not looked(watch, lambda: bool(told.of("orphan")), seconds=1.5), "it lives"
    assert watch.working("orphan") == orphan.pid
    orphan.kill()
    orphan.wait()
    assert looked(watch, lambda: told.of("orphan") == ["None"])


def test_an_interrupted_worker_that_does_not_end_is_killed_with_all_it_started(watch: Watch, told: Told) -> None:
    def stubborn() -> int:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        subprocess.Popen(["sleep", "600"])
        time.sleep(600)
        return 0

    pid = fork(watch, "stubborn", stubborn)
    assert eventually(lambda: bool(_members(pid) - {pid}))
    time.sleep(0.1)  # until it ignores the signal
    assert watch.end("stubborn", grace=0.5)
    assert not looked(watch, lambda: not watch.busy, seconds=0.3), "it gets its grace"
    assert looked(watch, lambda: not watch.busy)
    assert told.of("stubborn") == ["-9"]
    assert eventually(lambda: not _members(pid))
    assert not watch.end("stubborn", grace=0.5)


def _members(group: int) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(path.name)) == group and workers.ticks(int(path.name)) is not None:
                found.add(int(path.name))
        except ProcessLookupError:
            continue
    return found


def test_what_it_becomes_goes_on_watching(watch: Watch, told: Told, place: Path) -> None:
    fork(watch, "goes on", lambda: time.sleep(0.5) or 3)  # type: ignore[func-returns-value]
    after = Watch(place, lambda _text: None, told.tell)
    after.take_over(watch.kept())  # type: ignore[arg-type]
    assert looked(after, lambda: told.of("goes on") == ["3"] and not after.busy)


# -- forking safely -------------------------------------------------------------------------------------------------


def test_a_process_with_threads_or_connections_is_not_forked() -> None:
    mine = process.sockets()
    before = process.threads()
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    assert process.threads() == before + 1
    assert "threads" in str(process.unsafe(mine=mine))
    over.set()
    thread.join()
    if before == 1:
        assert eventually(lambda: process.threads() == 1)
        assert process.unsafe(mine=mine) is None
        with socket.socket():
            assert "1 connections" in str(process.unsafe(mine=mine))

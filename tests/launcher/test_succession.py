"""Workers that go on to another run: which may, what the next run finds, and what becomes of it when one is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from pw_pipelines.dagster_connections import REST_SECONDS
from pw_pipelines.launcher import succession, workers
from pw_pipelines.launcher.succession import Lines, Successor
from tests.launcher.house import WAIT_SECONDS, House, eventually, write_jobs

pytestmark = pytest.mark.timeout(240)
PID = 4_242


@pytest.fixture
def line() -> Iterator[tuple[Lines, socket.socket]]:
    """The warm process's lines with one worker, and that worker's end."""
    lines = Lines()
    ours, its = lines.new()
    lines.keep(PID, ours)
    with its:
        yield lines, its
        lines.close_all()


def heard_from_a_thread(successor: Successor) -> tuple[threading.Thread, list[str | None]]:
    """Somebody who waits for another run, and what he was given."""
    given: list[str | None] = []
    thread = threading.Thread(target=lambda: given.append(successor.next_run()))
    thread.start()
    return thread, given


def test_a_worker_that_waits_is_given_the_next_run(
    line: tuple[Lines, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, its = line
    monkeypatch.setattr(Successor, "_left_over", lambda _self: False)
    assert lines.hand_over("too early") is None

    thread, given = heard_from_a_thread(Successor(its))

    assert eventually(lambda: lines.heard(PID) is True)
    assert lines.waiting == [PID]
    assert lines.hand_over("run-2") == PID
    thread.join()
    assert given == ["run-2"]
    assert lines.hand_over("run-3") is None, "it works"


def test_a_worker_whose_line_is_closed_ends(line: tuple[Lines, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    lines, its = line
    monkeypatch.setattr(Successor, "_left_over", lambda _self: False)
    thread, given = heard_from_a_thread(Successor(its))
    assert eventually(lambda: lines.heard(PID) is True)
    lines.close(PID)
    thread.join()
    assert given == [None]
    assert Successor(its).next_run() is None, "nor does it wait when the line was closed before"


def test_no_run_is_given_to_a_dead_worker(line: tuple[Lines, socket.socket]) -> None:
    lines, its = line
    its.send(b".")
    its.close()
    assert lines.heard(PID) is True
    assert lines.hand_over("run-2") is None
    assert lines.heard(PID) is False, "its line is at an end"


def test_who_waits_too_long_is_let_go(line: tuple[Lines, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    lines, its = line
    its.send(b".")
    assert lines.heard(PID) is True
    assert list(lines.overdue()) == []
    monkeypatch.setattr(succession, "WAIT_SECONDS", -1.0)
    assert list(lines.overdue()) == [PID]


@pytest.mark.parametrize(("name", "value"), [("MOST_RUNS", 1), ("MOST_GROWN_MIB", -1.0)])
def test_after_many_runs_or_much_growth_a_process_ends(
    line: tuple[Lines, socket.socket], monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    lines, its = line
    monkeypatch.setattr(succession, name, value)
    assert Successor(its).next_run() is None
    assert lines.heard(PID) is None, "it said nothing"


# -- in a house -----------------------------------------------------------------------------------------------------


def rested(running: House, leaves: str = "nothing") -> int:
    """The process that worked a small run to its end."""
    run = running.launch("rests_on", rest={"seconds": 0.0, "leaves": leaves})
    assert running.ended(run, 90) == ("FAILURE" if leaves == "failure" else "SUCCESS"), running.said(run)
    return process_of(running, run)


def long_run_in_a_process_that_waited(running: House) -> tuple[str, workers.Worker]:
    """The run, which lasts longer than any test, and its worker."""
    waits = rested(running)
    assert eventually(lambda: waits in waiting(running))
    run = running.launch("rests_on", rest={"seconds": 300.0, "leaves": "nothing"})
    worker = running.worker(run)
    assert worker.pid == waits
    return run, worker


def process_of(running: House, run: str) -> int:
    [found] = {
        found[1] for text in running.said(run) if (found := re.search(r"Started process for run \(pid: (\d+)", text))
    }
    return int(found)


def lives(pid: int) -> bool:
    """One that ended and was not reaped does not."""
    return workers.ticks(pid) is not None


def waiting(running: House) -> list[int]:
    return [int(pid) for pid in running.warm()["waiting"]]


def test_the_next_small_run_is_worked_by_the_same_process_and_each_has_its_own_log(running: House) -> None:
    runs = []
    for _ in range(3):
        runs.append(running.launch("speaks_on"))
        assert running.ended(runs[-1], 90) == "SUCCESS", running.said(runs[-1])
        assert eventually(lambda: len(waiting(running)) == 1)
    assert len({process_of(running, run) for run in runs}) == 1
    for run in runs:
        assert running.said(run).count("this is edition one") == 1
        assert running.captured(run)["out"] == "said aloud\n"
        assert running.captured(run)["err"].count("said aside") == 1
    warm = running.warm()
    assert (warm["workers"], warm["runs"]) == ({}, 3)
    assert not list(running.place.glob("*.json")), "who waits has no note"


def test_other_jobs_and_runs_at_the_same_time_have_processes_of_their_own(running: House) -> None:
    waits = rested(running)
    assert eventually(lambda: waiting(running) == [waits])
    other = running.launch("speaks")
    assert running.ended(other) == "SUCCESS"
    assert process_of(running, other) != waits
    runs = [running.launch("rests_on", rest={"seconds": 3.0, "leaves": "nothing"}) for _ in range(2)]
    one, another = (running.worker(run) for run in runs)
    assert one.pid != another.pid
    assert [running.ended(run) for run in runs] == ["SUCCESS", "SUCCESS"]


@pytest.mark.parametrize("leaves", ["failure", "thread", "process"])
def test_a_process_in_which_something_is_left_works_no_other_run(running: House, leaves: str) -> None:
    worked = rested(running, leaves)
    assert eventually(lambda: not lives(worked)), "it ends"
    assert worked not in waiting(running)


@pytest.mark.parametrize(
    ("what", "goes_on"),
    [
        ("nothing", True), ("environment", True), ("private", True), ("directory", False), ("umask", False),
        ("deaf", False), ("blocked", False), ("alarm", False), ("limit", False), ("files", False), ("handler", False),
    ],
)  # fmt: skip
def test_the_next_run_finds_nothing_of_what_a_run_changed(running: House, what: str, goes_on: bool) -> None:
    run = running.launch("leaves_on", leave={"what": what})
    assert running.ended(run, 90) == "SUCCESS", running.said(run)
    left = process_of(running, run)
    assert eventually(lambda: left in waiting(running) or not lives(left))
    run = running.launch("looks_on")
    assert running.ended(run) == "SUCCESS", running.said(run)
    assert [said for said in running.said(run) if said.startswith("finds")] == ["finds nothing"]
    assert (process_of(running, run) == left) is goes_on


def test_a_dead_one_whose_line_a_grandchild_holds_is_given_no_run(running: House) -> None:
    run = running.launch("leaves_on", leave={"what": "daemon"})
    assert running.ended(run, 90) == "SUCCESS", running.said(run)
    left = process_of(running, run)
    assert eventually(lambda: left in waiting(running))
    os.kill(left, signal.SIGKILL)
    assert eventually(lambda: left not in waiting(running))
    assert rested(running) != left


def test_a_server_that_ended_all_connections_between_two_runs_is_noticed_by_nobody(running: House) -> None:
    waits = rested(running)
    assert eventually(lambda: waits in waiting(running))
    with psycopg.connect(running.dagster_url(), autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where pid <> pg_backend_pid() and backend_type = 'client backend'"
        )
    time.sleep(REST_SECONDS)  # what was used a moment ago is taken as alive
    assert rested(running) == waits


def test_a_run_killed_in_a_process_that_went_on_is_a_failed_run_at_once(running: House) -> None:
    run, worker = long_run_in_a_process_that_waited(running)
    os.kill(worker.pid, signal.SIGKILL)
    assert running.ended(run, 10) == "FAILURE"
    assert any("terminated by signal 9 (SIGKILL)" in line for line in running.said(run))
    assert rested(running) != worker.pid


def test_a_run_terminated_in_a_process_that_went_on_is_cancelled_and_the_process_ends(running: House) -> None:
    run, worker = long_run_in_a_process_that_waited(running)
    assert running.terminate(run) == "TerminateRunSuccess"
    assert running.ended(run, 10) == "CANCELED"
    assert eventually(lambda: not worker.alive())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_one_that_is_killed_while_it_waits_takes_no_run_with_it(running: House, number: signal.Signals) -> None:
    waits = rested(running)
    assert eventually(lambda: waits in waiting(running))
    os.kill(waits, number)
    assert rested(running) != waits
    assert running.warm()["broken"] is None


def test_whoever_waits_works_no_run_with_code_that_has_changed(running: House) -> None:
    waits = rested(running)
    assert eventually(lambda: waits in waiting(running))
    write_jobs(running.source, "two")
    run = running.launch("speaks_on")
    assert running.ended(run, 90) == "SUCCESS", running.said(run)
    assert process_of(running, run) != waits
    assert "this is edition two" in running.said(run)
    assert eventually(lambda: not lives(waits))


def test_it_is_let_go_when_nothing_comes_and_when_the_warm_process_is_gone(running: House) -> None:
    waits = rested(running)
    assert eventually(lambda: not lives(waits), WAIT_SECONDS + 30)
    assert waiting(running) == []
    waits = rested(running)
    assert eventually(lambda: waits in waiting(running))
    os.kill(running.warm()["pid"], signal.SIGKILL)
    assert eventually(lambda: not lives(waits))
    assert running.ended(running.launch("speaks_on"), 90) == "SUCCESS"

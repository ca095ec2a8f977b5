"""Runs of a real Dagster started from the warm process: what they do, and what happens when something is killed."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from pw_pipelines.launcher.server import NICE
from tests.launcher.house import House, eventually, write_jobs

pytestmark = pytest.mark.timeout(240)


def test_the_first_launch_starts_the_warm_process_and_the_run_is_whole(running: House) -> None:
    run = running.launch("speaks")
    assert running.ended(run, 90) == "SUCCESS", running.said(run)
    said = running.said(run)
    assert any("Started process for run" in line for line in said)
    assert any("Process for run exited" in line for line in said)
    assert not any("stock way" in line for line in said)
    assert running.captured(run)["out"] == "said aloud\n"
    assert "said aside" in running.captured(run)["err"]
    warm = running.warm()
    assert (warm["threads"], warm["broken"], warm["runs"]) == (1, None, 1)
    assert eventually(lambda: not list(running.place.glob("*.json"))), "no note is left of a run that ended"


def test_two_runs_work_at_once_in_processes_of_their_own(running: House) -> None:
    runs = [running.launch("sleeps", sleep={"seconds": 3.0}) for _ in range(2)]
    one, other = (running.worker(run) for run in runs)
    assert one.pid != other.pid
    assert os.getpgid(one.pid) == one.pid, "a process group of its own"
    assert [running.ended(run) for run in runs] == ["SUCCESS", "SUCCESS"]


def test_a_run_nobody_waits_for_leaves_the_processor_to_the_others(running: House) -> None:
    back = running.launch("stands_back", sleep={"seconds": 3.0})
    other = running.launch("sleeps", sleep={"seconds": 3.0})
    assert psutil.Process(running.worker(back).pid).nice() == psutil.Process(running.worker(other).pid).nice() + NICE
    assert [running.ended(run) for run in (back, other)] == ["SUCCESS", "SUCCESS"]


def test_a_killed_worker_is_a_failed_run_at_once_and_nothing_it_started_is_left(running: House) -> None:
    before = running.warm()["pid"]
    run = running.launch("sleeps", sleep={"seconds": 300.0})
    worker = running.worker(run)
    grandchildren = psutil.Process(worker.pid).children(recursive=True)
    os.kill(worker.pid, signal.SIGKILL)
    assert running.ended(run, 5) == "FAILURE"
    assert any("terminated by signal 9 (SIGKILL)" in line for line in running.said(run))
    assert eventually(lambda: not any(_lives(process) for process in grandchildren))
    assert running.warm()["pid"] == before, "the warm process stays"


def test_a_terminated_run_is_interrupted_and_cancelled(running: House) -> None:
    run = running.launch("sleeps", sleep={"seconds": 300.0})
    worker = running.worker(run)
    assert running.terminate(run) == "TerminateRunSuccess"
    assert running.ended(run, 10) == "CANCELED"
    assert eventually(lambda: not worker.alive())


def test_the_killed_warm_process_loses_no_run_and_the_next_launch_starts_another(running: House) -> None:
    survives = running.launch("sleeps", sleep={"seconds": 8.0})
    dies = running.launch("sleeps", sleep={"seconds": 300.0})
    orphan = running.worker(dies)
    running.worker(survives)
    before = running.warm()["pid"]
    os.kill(before, signal.SIGKILL)
    os.kill(orphan.pid, signal.SIGKILL)
    after = running.launch("speaks")
    assert running.ended(after, 90) == "SUCCESS"
    assert running.warm()["pid"] != before
    assert running.ended(survives) == "SUCCESS"
    assert running.ended(dies, 10) == "FAILURE"
    told = running.said(dies)  # by the new warm process or by Dagster's monitoring, whichever looked first
    assert any("nobody saw it end" in line or f"process {orphan.pid} is gone" in line for line in told), told


def test_changed_code_is_loaded_before_the_next_run_while_running_ones_go_on(running: House) -> None:
    goes_on = running.launch("sleeps", sleep={"seconds": 6.0})
    running.worker(goes_on)
    before = running.warm()
    write_jobs(running.source, "two, which is longer")
    run = running.launch("speaks")
    assert running.ended(run, 90) == "SUCCESS"
    assert any("this is edition two" in line for line in running.said(run))
    after = running.warm()
    assert after["pid"] == before["pid"]
    assert after["fingerprint"] != before["fingerprint"]
    assert running.ended(goes_on) == "SUCCESS"
    assert eventually(lambda: running.warm()["workers"] == {}), "it reaps what it forked before it became anew"


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE

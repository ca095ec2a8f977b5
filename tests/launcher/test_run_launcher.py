"""The launcher's own decisions: to whom it hands a run, when it goes the stock way, what it says of a worker."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes.config_class import ConfigurableClassData

from pw_pipelines.launcher import door, run_launcher, workers
from pw_pipelines.launcher.run_launcher import WarmRunLauncher
from pw_pipelines.run_tags import IN_BACKGROUND, IN_SUCCESSION
from pw_pipelines.runtime import processes
from pw_pipelines.settings import load_settings
from tests.launcher.house import eventually

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def idle() -> None:
    nothing()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


class Stock:
    """In the place of Dagster's launcher: remembers what it was given."""

    def __init__(self) -> None:
        self.launched: list[str] = []
        self.terminated: list[str] = []

    def launch_run(self, context: LaunchRunContext) -> None:
        self.launched.append(context.dagster_run.run_id)

    def terminate(self, run_id: str) -> bool:
        self.terminated.append(run_id)
        return True

    def register_instance(self, _instance: object) -> None: ...


@pytest.fixture
def home(tmp_path: Path) -> Path:
    door.folder(tmp_path).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def stock() -> Stock:
    return Stock()


@pytest.fixture
def launcher(home: Path, instance: dg.DagsterInstance, stock: Stock) -> WarmRunLauncher:
    made = WarmRunLauncher(home, grace_seconds=0.5, supervised=True)
    made._stock = stock  # type: ignore[assignment]
    made.register_instance(instance)
    return made


@pytest.fixture
def warm(home: Path) -> Iterator[Callable[[Answer], list[Mapping[str, Any]]]]:
    """`warm(answer)`: somebody who listens in the warm process's place; gives the questions he was asked."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def start(answer: Answer) -> list[Mapping[str, Any]]:
        listening, asked = door.listen(door.folder(home)), []
        listening.settimeout(0.1)

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    question = door.question(connection) or {}
                    asked.append(question)
                    door.answer(connection, answer(question))
            listening.close()

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return asked

    yield start
    over.set()
    for thread in threads:
        thread.join()


def started(instance: dg.DagsterInstance, **more: Any) -> dg.DagsterRun:
    return instance.create_run_for_job(idle, status=dg.DagsterRunStatus.STARTED, **more)


def launch(launcher: WarmRunLauncher, run: dg.DagsterRun) -> None:
    launcher.launch_run(LaunchRunContext(run, workspace=None))


def said(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    return [entry.message.removeprefix("[WarmRunLauncher] ") for entry in instance.all_logs(run.run_id)]


def test_a_run_goes_to_the_warm_process_of_its_own_database(
    launcher: WarmRunLauncher, instance: dg.DagsterInstance, stock: Stock, warm: Any
) -> None:
    asked = warm(lambda _asked: {"pid": 4_242})
    run = started(instance)
    launch(launcher, run)
    launch(launcher, background := started(instance, tags=IN_BACKGROUND))
    launch(launcher, small := started(instance, tags=IN_SUCCESSION))
    same = {"do": "launch", "for": door.identity()}
    assert all(question.pop("until") > time.monotonic() for question in asked), "until when it waits"
    assert asked == [
        {**same, "run_id": run.run_id, "background": False, "succession": False},
        {**same, "run_id": background.run_id, "background": True, "succession": False},
        {**same, "run_id": small.run_id, "background": False, "succession": True},
    ]
    assert (stock.launched, said(instance, run)) == ([], [])


def test_changed_code_is_waited_for_and_the_run_says_so(
    launcher: WarmRunLauncher, instance: dg.DagsterInstance, warm: Any
) -> None:
    answers = iter([{"again": "the code has changed"}, {"pid": 4_242}])
    asked = warm(lambda _asked: next(answers))
    run = started(instance)
    launch(launcher, run)
    assert len(asked) == 2
    assert said(instance, run) == ["The warm process loads the project anew first: the code has changed."]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"refused": "the code can't be loaded: SyntaxError"}, "SyntaxError"),
        ({"again": "the code has changed"}, "faster than the warm process can load it"),
        ({"what": "ever"}, "what"),
    ],
)
def test_where_the_warm_process_does_not_take_it_the_run_is_started_the_stock_way_and_says_why(
    launcher: WarmRunLauncher, instance: dg.DagsterInstance, stock: Stock, warm: Any,
    answer: Mapping[str, Any], reason: str,
) -> None:  # fmt: skip
    warm(lambda _asked: answer)
    run = started(instance)
    launch(launcher, run)
    assert stock.launched == [run.run_id]
    assert "Started the stock way" in said(instance, run)[-1]
    assert reason in said(instance, run)[-1]


def test_without_a_warm_process_it_is_waited_for_once_and_not_again_for_each_run(
    launcher: WarmRunLauncher, instance: dg.DagsterInstance, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_launcher, "START_SECONDS", 0.3)
    runs = [started(instance) for _ in range(2)]
    for run in runs:
        launch(launcher, run)
    assert stock.launched == [run.run_id for run in runs]
    assert "none came up" in said(instance, runs[0])[-1]
    assert "a moment ago" in said(instance, runs[1])[-1]


def test_where_nobody_else_keeps_it_alive_the_launcher_starts_it(
    home: Path, instance: dg.DagsterInstance, stock: Stock, warm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = WarmRunLauncher(home)
    launcher.register_instance(instance)
    begun: list[str] = []

    def start() -> None:
        begun.append("started")
        warm(lambda _asked: {"pid": 4_242})

    monkeypatch.setattr(launcher, "_start", start)
    launch(launcher, started(instance))
    assert begun == ["started"]


def test_one_setting_brings_the_stock_launcher_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PW_HOME", str(tmp_path))
    named = ConfigurableClassData("pw_pipelines.launcher.run_launcher", "WarmRunLauncher", "{}")
    for wanted, kind in (("warm", WarmRunLauncher), ("stock", dg.DefaultRunLauncher)):
        monkeypatch.setenv("PW_LAUNCHER", wanted)
        load_settings.cache_clear()
        made = named.rehydrate()
        assert type(made) is kind
    assert not made.supports_check_run_worker_health  # type: ignore[attr-defined]


def test_it_knows_when_a_supervisor_keeps_the_warm_process_alive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run_launcher.SUPERVISED == processes.MARK
    monkeypatch.setenv("PW_HOME", str(tmp_path))
    named = ConfigurableClassData("pw_pipelines.launcher.run_launcher", "WarmRunLauncher", "grace_seconds: 7.0")
    assert not named.rehydrate(WarmRunLauncher)._supervised
    monkeypatch.setenv(processes.MARK, str(tmp_path))
    made = named.rehydrate(WarmRunLauncher)
    assert (made._supervised, made._grace) == (True, 7.0)


def test_health_is_the_process_itself(launcher: WarmRunLauncher, instance: dg.DagsterInstance, home: Path) -> None:
    run = started(instance)
    assert launcher.supports_check_run_worker_health
    assert launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
    ticks = workers.ticks(child.pid)
    assert ticks is not None
    workers.note(door.folder(home), workers.Worker(run.run_id, child.pid, ticks, workers.boot()))
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    assert str(child.pid) in str(launcher.get_run_worker_debug_info(run))
    child.kill()
    child.wait()
    assert launcher.check_run_worker_health(run).status is WorkerStatus.FAILED


def test_a_run_started_the_stock_way_is_not_called_dead_for_having_no_note(
    home: Path, instance: dg.DagsterInstance
) -> None:
    launcher = WarmRunLauncher(home)
    launcher.register_instance(instance)
    run = started(instance, tags={GRPC_INFO_TAG: '{"host": "127.0.0.1", "port": 9}'})
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING, "its code server may come back"


def test_terminating_asks_the_warm_process(
    launcher: WarmRunLauncher, instance: dg.DagsterInstance, home: Path, warm: Any
) -> None:
    asked = warm(lambda _asked: {"interrupted": True})
    run = started(instance)
    workers.note(door.folder(home), workers.Worker(run.run_id, os.getpid(), _my_ticks(), workers.boot()))
    assert launcher.terminate(run.run_id)
    assert asked == [{"do": "end", "run_id": run.run_id, "grace": 0.5}]
    assert _status(instance, run) is dg.DagsterRunStatus.CANCELING


def test_an_orphan_is_ended_without_the_warm_process_and_killed_when_it_does_not_end(
    launcher: WarmRunLauncher, instance: dg.DagsterInstance, home: Path
) -> None:
    run = started(instance)
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", deaf], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.readline()
    ticks = workers.ticks(child.pid)
    assert ticks is not None
    workers.note(door.folder(home), workers.Worker(run.run_id, child.pid, ticks, workers.boot()))
    assert launcher.terminate(run.run_id)
    assert child.wait(10) == -9
    assert eventually(lambda: _status(instance, run) is dg.DagsterRunStatus.CANCELED)
    child.stdout.close()


def test_what_has_no_worker_or_is_over_is_not_terminated(
    launcher: WarmRunLauncher, instance: dg.DagsterInstance, stock: Stock
) -> None:
    assert not launcher.terminate("00000000-0000-0000-0000-000000000000")
    over = instance.create_run_for_job(idle, status=dg.DagsterRunStatus.SUCCESS)
    assert not launcher.terminate(over.run_id)
    lost = started(instance)
    assert not launcher.terminate(lost.run_id)
    assert "No worker of this run lives." in said(instance, lost)
    by_stock = started(instance, tags={GRPC_INFO_TAG: '{"host": "127.0.0.1", "port": 9}'})
    assert launcher.terminate(by_stock.run_id)
    assert stock.terminated == [by_stock.run_id]


def _my_ticks() -> int:
    ticks = workers.ticks(os.getpid())
    assert ticks is not None
    return ticks


def _status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status

"""The run launcher of dagster.yaml: hands each run to the warm process, and to the stock launcher where that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dagster import DagsterRun, DefaultRunLauncher, Field
from dagster._config.config_schema import UserConfigSchema
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import ConfigurableClass
from dagster._serdes.config_class import ConfigurableClassData

from pw_pipelines import logs
from pw_pipelines.launcher import door, workers
from pw_pipelines.run_tags import BACKGROUND, SUCCESSION
from pw_pipelines.settings import PROJECT_ROOT, load_settings

log = logs.get_logger(__name__)
SUPERVISED = "PW_SUPERVISED_HOME"  # set in whatever a `pw up` starts: it keeps the warm process alive, too
GRACE_SECONDS = 30.0
START_SECONDS = 60.0  # for a warm process that is being started, by the supervisor or by us
AGAIN_SECONDS = 20.0  # after which one that was started here and does not listen is started again
LOAD_SECONDS = 90.0  # for an answer: it may first load code that has changed
LOADS = 3
STOCK_SECONDS = 60.0  # after a failure, for which nobody is kept waiting for a warm process again


class WarmAway(Exception):
    """There is no warm process that takes the run, and why."""


class WarmRunLauncher(RunLauncher[Any], ConfigurableClass):
    """Runs are forks of the warm process of PW_HOME. With PW_LAUNCHER=stock this is Dagster's DefaultRunLauncher."""

    def __init__(
        self,
        home: Path,
        *,
        grace_seconds: float = GRACE_SECONDS,
        supervised: bool = False,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        """`grace_seconds`: from interrupting a run to killing it. `supervised`: a `pw up` keeps the warm process
        alive; otherwise it is started here when a run needs it."""
        self._inst_data = inst_data
        self._home = home
        self._place = door.folder(home)
        self._grace = grace_seconds
        self._supervised = supervised
        self._stock = DefaultRunLauncher()
        self._stock_until = 0.0
        super().__init__()  # type: ignore[no-untyped-call]

    # -- configuration ------------------------------------------------------------------------------------------

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {
            "grace_seconds": Field(
                float, is_required=False, default_value=GRACE_SECONDS,
                description="From interrupting a run that is terminated to killing it.",
            ),
        }  # fmt: skip

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        settings = load_settings()
        if settings.launcher == "stock":
            return DefaultRunLauncher(inst_data=inst_data)  # type: ignore[return-value]  # one setting, the stock class
        return cls(
            settings.home.absolute(), grace_seconds=config_value["grace_seconds"],
            supervised=SUPERVISED in os.environ, inst_data=inst_data,
        )  # fmt: skip

    def register_instance(self, instance: Any) -> None:
        super().register_instance(instance)
        self._stock.register_instance(instance)

    # -- launching ----------------------------------------------------------------------------------------------

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hands the run over. Raises only what the stock launcher raises, after saying why it was asked."""
        run = context.dagster_run
        try:
            self._hand_over(run)
        except WarmAway as away:
            log.warning("run launched the stock way", run_id=run.run_id, why=str(away))
            self._instance.report_engine_event(
                f"Started the stock way, in a fresh interpreter: {away}", run, EngineEventData(), cls=type(self)
            )
            self._stock.launch_run(context)

    def _hand_over(self, run: DagsterRun) -> None:
        if time.monotonic() < self._stock_until:
            raise WarmAway("the warm process could not be had a moment ago")
        asked = {
            "do": "launch", "run_id": run.run_id, "for": door.identity(),
            "background": BACKGROUND in run.tags, "succession": SUCCESSION in run.tags,
        }  # fmt: skip
        for _ in range(LOADS):
            said = self._asked(asked)
            if "pid" in said:
                return
            if "again" not in said:
                raise WarmAway(str(said.get("refused", f"the warm process said {said}")))
            self._instance.report_engine_event(
                f"The warm process loads the project anew first: {said['again']}.", run, cls=type(self)
            )
        raise WarmAway("the code changes faster than the warm process can load it")

    def _asked(self, asked: Mapping[str, object]) -> dict[str, Any]:
        """The answer; a warm process that is not there is waited for, or started."""
        until = time.monotonic() + START_SECONDS
        start_at = 0.0
        while True:
            try:
                # After `until` nobody waits for the answer, and the run may have gone the stock way.
                waits = {**asked, "until": time.monotonic() + LOAD_SECONDS}
                return door.ask(self._home, waits, seconds=LOAD_SECONDS)
            except door.NobodyThere as nobody:
                if time.monotonic() > until:
                    self._stock_until = time.monotonic() + STOCK_SECONDS
                    raise WarmAway(f"{nobody}, and none came up in {START_SECONDS:.0f} s") from nobody
            except door.NoAnswer as lost:
                # Whether it was heard nobody can say; asked again for the same run it starts no second worker, and
                # a worker that lives on without its parent is known by its note.
                if time.monotonic() > until:
                    self._stock_until = time.monotonic() + STOCK_SECONDS
                    raise WarmAway(str(lost)) from lost
            if not self._supervised and time.monotonic() > start_at:
                self._start()
                start_at = time.monotonic() + AGAIN_SECONDS
            time.sleep(0.1)

    def _start(self) -> None:
        """A warm process that outlives us, and ends by itself when it is not used any more."""
        logs = self._home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / "warm.log").open("ab") as sink:
            subprocess.Popen(
                [sys.executable, "-m", "pw_pipelines.launcher", "--idle-seconds", "600"],
                cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
            )  # fmt: skip

    # -- terminating --------------------------------------------------------------------------------------------

    def terminate(self, run_id: str) -> bool:
        """Interrupts the run's worker, and kills it when it has not ended `grace_seconds` later. Whether it lived."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        worker = workers.read(self._place, run_id)
        if worker is None and GRPC_INFO_TAG in run.tags:
            return bool(self._stock.terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        if worker is None or not worker.alive():
            self._instance.report_engine_event("No worker of this run lives.", run, cls=type(self))
            return False
        try:
            said = door.ask(self._home, {"do": "end", "run_id": run_id, "grace": self._grace}, seconds=10.0)
            return bool(said.get("interrupted"))
        except (door.NobodyThere, door.NoAnswer):
            return self._end_orphan(worker)

    def _end_orphan(self, worker: workers.Worker) -> bool:
        """As the warm process does, which is gone. Its process may work another run by the time it is to be killed."""
        if not self._works(worker) or not worker.interrupt():
            return False

        def kill() -> None:
            if self._works(worker) and worker.kill():
                run = self._instance.get_run_by_id(worker.run_id)
                if run is not None and not run.is_finished:
                    self._instance.report_run_canceled(run, "It did not end when interrupted, and was killed.")

        timer = threading.Timer(self._grace, kill)
        timer.daemon = True
        timer.start()
        return True

    def _works(self, worker: workers.Worker) -> bool:
        return workers.read(self._place, worker.run_id) == worker

    # -- health -------------------------------------------------------------------------------------------------

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask whether a run's worker lives."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """By the worker's process itself: its id and its start, which no other process shares."""
        worker = workers.read(self._place, run.run_id)
        if worker is not None:
            if worker.alive():
                return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(worker.pid))
            return CheckRunHealthResult(WorkerStatus.FAILED, f"Its process {worker.pid} is gone.")
        if GRPC_INFO_TAG in run.tags:
            return self._stock_health(run)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "No process of this house works it.")

    def _stock_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """A run that was started the stock way: by the code server that started it, as far as it answers."""
        from dagster._grpc.types import GetCurrentRunsResult
        from dagster._serdes import deserialize_value

        client = self._stock._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        try:
            said = deserialize_value(client.get_current_runs(), GetCurrentRunsResult) if client else None
        except Exception as away:  # noqa: BLE001  # whatever it is, it says nothing about the run
            silent = f"Its code server does not answer ({type(away).__name__})."
            return CheckRunHealthResult(WorkerStatus.RUNNING, silent)
        if said is None or run.run_id in said.current_runs:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "Its code server knows nothing of it any more.")

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """Where its process was, for whoever reads why a run was ended."""
        worker = workers.read(self._place, run.run_id)
        return None if worker is None else f"Worker: process {worker.pid}; log: {self._home / 'logs' / 'warm.log'}"

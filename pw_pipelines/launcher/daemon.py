"""`python -m pw_pipelines.launcher.daemon WORKSPACE`: Dagster's daemon, with connections that are kept.

As `dagster-daemon run --workspace WORKSPACE`, whose own connects anew for each statement and leaves places free while
runs wait for the end of its interval.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.instance.config import ConcurrencyConfig
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.controller import create_daemons_from_instance, daemon_controller_from_instance
from dagster._daemon.daemon import DagsterDaemon
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._utils.interrupts import capture_interrupts, setup_interrupt_handlers

from pw_pipelines.dagster_connections import keep_connections
from pw_pipelines.settings import load_settings

HURRIED_SECONDS = 0.25  # Dagster's loop then rests half a second, which is its smallest rest


class Queue(QueuedRunCoordinatorDaemon):
    """Dagster's own, which looks again soon while runs wait: small ones end several times within its interval."""

    def __init__(self, interval_seconds: float) -> None:
        super().__init__(interval_seconds)
        self._unhurried = interval_seconds

    def _get_runs_to_dequeue(
        self, instance: DagsterInstance, concurrency_config: ConcurrencyConfig, fixed_iteration_time: float | None
    ) -> list[DagsterRun]:
        self.interval_seconds = self._unhurried
        found = super()._get_runs_to_dequeue(instance, concurrency_config, fixed_iteration_time)
        if self._wants_places(instance, concurrency_config, len(found)):
            self.interval_seconds = HURRIED_SECONDS
        return found

    def _wants_places(self, instance: DagsterInstance, concurrency_config: ConcurrencyConfig, begun: int) -> bool:
        """Whether runs wait for nothing but a place. What a limit of a tag holds back can take hours."""
        queue = concurrency_config.run_queue_config
        if queue is None or instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.QUEUED])) <= begun:
            return False
        in_progress = instance.get_runs_count(RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES))
        return in_progress + begun >= queue.max_concurrent_runs > 0


def daemons(instance: DagsterInstance) -> Iterable[DagsterDaemon[Any]]:
    """Dagster's own, with our queue in its queue's place; PW_LAUNCHER=stock: Dagster's own."""
    for daemon in create_daemons_from_instance(instance):
        if isinstance(daemon, QueuedRunCoordinatorDaemon) and load_settings().launcher != "stock":
            yield Queue(daemon.interval_seconds)
        else:
            yield daemon


def main(workspace: str) -> None:
    """Until it is interrupted."""
    setup_interrupt_handlers()
    try:
        with capture_interrupts(), DagsterInstance.get() as instance:
            keep_connections(instance)
            target = WorkspaceFileTarget(paths=[workspace])
            with daemon_controller_from_instance(
                instance, target, gen_daemons=daemons, code_server_log_level="warning"
            ) as controller:
                controller.check_daemon_loop()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main(sys.argv[1])

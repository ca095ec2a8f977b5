"""`python -m pw_pipelines.launcher.daemon WORKSPACE`: Dagster's daemon, with connections that are kept.

As `dagster-daemon run --workspace WORKSPACE`, whose own connects anew for each statement and leaves places free while
runs wait for the end of its interval.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
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

    def _get_runs_to_dequeue(self, instance: DagsterInstance, *arguments: Any, **named: Any) -> list[DagsterRun]:
        found = super()._get_runs_to_dequeue(instance, *arguments, **named)
        waiting = instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.QUEUED]))
        self.interval_seconds = HURRIED_SECONDS if waiting > len(found) else self._unhurried
        return found


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

"""`python -m pw_pipelines.launcher.daemon WORKSPACE`: Dagster's daemon, with connections that are kept.

As `dagster-daemon run --workspace WORKSPACE`, whose own connects anew for each statement.
"""

from __future__ import annotations

import sys

from dagster import DagsterInstance
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.controller import daemon_controller_from_instance
from dagster._utils.interrupts import capture_interrupts, setup_interrupt_handlers

from pw_pipelines.dagster_connections import keep_connections


def main(workspace: str) -> None:
    """Until it is interrupted."""
    setup_interrupt_handlers()
    try:
        with capture_interrupts(), DagsterInstance.get() as instance:
            keep_connections(instance)
            target = WorkspaceFileTarget(paths=[workspace])
            with daemon_controller_from_instance(instance, target, code_server_log_level="warning") as controller:
                controller.check_daemon_loop()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main(sys.argv[1])

"""Runs that a hard stop left behind: nobody works on them, nobody else would ever end them.

To be called when no server of this instance is alive, before the daemon starts. With the default launcher
Dagster itself ends such a run only by `max_runtime_seconds`, and until then it holds a place in the queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from pw_pipelines.clock import machine_now

WORKED_ON = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED)
# The new daemon takes up what is queued; what has waited longer than this nobody is waiting for any more, and a
# copy of a day cannot be fetched on another.
QUEUED_AT_MOST = timedelta(hours=24)


@dataclass(frozen=True)
class Closed:
    """One run that was ended: what it was, how it stood."""

    run_id: str
    job: str
    was: str


def close_abandoned_runs(instance: dg.DagsterInstance) -> list[Closed]:
    """Ends every run that no living server owns; says which. Runs that were being cancelled end as cancelled."""
    closed = [_failed(instance, run, "its server was stopped") for run in _runs(instance, list(WORKED_ON))]
    for run in _runs(instance, [dg.DagsterRunStatus.CANCELING]):
        instance.report_run_canceled(
            run, message="Closed at start: its server was stopped while it was being cancelled."
        )
        closed.append(Closed(run.run_id, run.job_name, run.status.value))
    # Dagster's own books are in machine time, whatever the sandbox clock says.
    too_old = machine_now() - QUEUED_AT_MOST
    for run in _runs(instance, [dg.DagsterRunStatus.QUEUED], created_before=too_old):
        closed.append(_failed(instance, run, f"it had been queued for more than {QUEUED_AT_MOST}"))
    return closed


def _runs(
    instance: dg.DagsterInstance, statuses: list[dg.DagsterRunStatus], created_before: datetime | None = None
) -> list[dg.DagsterRun]:
    return list(instance.get_runs(dg.RunsFilter(statuses=statuses, created_before=created_before)))


def _failed(instance: dg.DagsterInstance, run: dg.DagsterRun, why: str) -> Closed:
    instance.report_run_failed(run, message=f"Closed at start: {why}.")
    return Closed(run.run_id, run.job_name, run.status.value)

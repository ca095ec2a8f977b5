"""What Dagster's books say of a job's runs of one day, and whether somebody else is starting them just now."""

from __future__ import annotations

import time

import dagster as dg

from pw_pipelines.schedules.missing import Past

FILLING = "`pw up` is filling the house and starts everything itself."

DAY_TAG = "pw/day"  # day of the house's clock, America/New_York, set on everything that starts by itself
PARTITION_TAG = "dagster/partition"  # Dagster's own, stable: a person's run of today's partition counts too
_OPEN = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def past_of(instance: dg.DagsterInstance, job: str, day: str, *, by_partition: bool = False) -> Past:
    """Runs of `job` for `day`: by its partition where the job is cut by days, by our own tag otherwise."""
    tag = PARTITION_TAG if by_partition else DAY_TAG
    # Asked before what has ended: a run that ends in between is then seen as both, never as neither.
    is_open = _any(instance, dg.RunsFilter(job_name=job, statuses=_OPEN))
    records = instance.get_run_records(dg.RunsFilter(job_name=job, tags={tag: day}), limit=50)
    statuses = [record.dagster_run.status for record in records]
    ends = [record.end_time for record in records
            if record.dagster_run.status == dg.DagsterRunStatus.FAILURE and record.end_time]  # fmt: skip
    done = dg.DagsterRunStatus.SUCCESS in statuses
    return Past(
        ever=done or _any(instance, dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])),
        done=done,
        open=is_open,
        failed=statuses.count(dg.DagsterRunStatus.FAILURE),
        succeeded=statuses.count(dg.DagsterRunStatus.SUCCESS),
        # Dagster's books are in machine time, whatever the sandbox clock says.
        minutes_since_fail=(time.time() - max(ends)) / 60 if ends else None,
    )


def _any(instance: dg.DagsterInstance, wanted: dg.RunsFilter) -> bool:
    return bool(instance.get_run_records(wanted, limit=1))

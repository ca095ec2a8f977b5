"""What Dagster's books say of a job's runs of one day, and whether somebody else is starting them just now."""

from __future__ import annotations

import json
import time

import dagster as dg

from pw_pipelines.schedules.missing import Past
from pw_pipelines.settings import Settings

FILLING = "`pw up` is filling the house and starts everything itself."
FILLING_AT_MOST_SECONDS = 3_600  # since its last step ended; the longest, a day's acquisition, takes minutes

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
    records = instance.get_run_records(dg.RunsFilter(job_name=job, tags={tag: day}), limit=50)
    statuses = [record.dagster_run.status for record in records]
    ends = [record.end_time for record in records
            if record.dagster_run.status == dg.DagsterRunStatus.FAILURE and record.end_time]  # fmt: skip
    done = dg.DagsterRunStatus.SUCCESS in statuses
    return Past(
        ever=done or _any(instance, dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])),
        done=done,
        open=_any(instance, dg.RunsFilter(job_name=job, statuses=_OPEN)),
        failed=statuses.count(dg.DagsterRunStatus.FAILURE),
        # Dagster's books are in machine time, whatever the sandbox clock says.
        minutes_since_fail=(time.time() - max(ends)) / 60 if ends else None,
    )


def _any(instance: dg.DagsterInstance, wanted: dg.RunsFilter) -> bool:
    return bool(instance.get_run_records(wanted, limit=1))


def is_being_filled(settings: Settings) -> bool:
    """Whether `pw up` is filling a fresh sandbox house: it starts every job itself then, and moves the clock between.

    A filling that stopped halfway (its failure has been told) holds nobody up for longer than FILLING_AT_MOST.
    """
    note = settings.home / "run" / "bootstrap.json"
    try:
        finished = bool(json.loads(note.read_text())["finished"])
        age = time.time() - note.stat().st_mtime
    except FileNotFoundError:
        return False
    return not finished and age < FILLING_AT_MOST_SECONDS

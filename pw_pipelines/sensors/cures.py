"""A look for cures after each rebuild of the findings, while one is open."""

from __future__ import annotations

import dagster as dg

from pw_pipelines.jobs.after import CURE
from pw_pipelines.sensors.automatic import automatic

NAME = "cures_due"
BUILD_TAG = "pw/build"
TRIES = 3
_OPEN = (
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
)  # fmt: skip


def look_again(context: dg.SensorEvaluationContext) -> dg.SkipReason | dg.RunRequest:
    """One run per rebuild; one that failed is tried again. Without a cursor: Dagster's books of the runs are asked."""
    from pw_pipelines.fulfillment.cures import newest_build

    with context.resources.db.connect(application="pw-cures") as connection:
        build = newest_build(connection)
    if build is None:
        return dg.SkipReason("No cure is open, or no findings are built.")
    runs = context.instance.get_runs(dg.RunsFilter(job_name=CURE, tags={BUILD_TAG: str(build)}))
    statuses = [run.status for run in runs]
    if dg.DagsterRunStatus.SUCCESS in statuses:
        return dg.SkipReason(f"Rebuild {build} was looked at.")
    if any(status in _OPEN for status in statuses):
        return dg.SkipReason(f"Rebuild {build} is being looked at.")
    if len(statuses) >= TRIES:
        return dg.SkipReason(f"Rebuild {build} was tried {len(statuses)} times; the next rebuild is looked at again.")
    return dg.RunRequest(run_key=f"{CURE}:{build}:{len(statuses) + 1}", tags={BUILD_TAG: str(build)})


cures_due = automatic(NAME, look_again, "db", job_name=CURE)

"""Starts what a schedule should have started today and did not: first start, outage, moved sandbox clock."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from pw_pipelines.clock import EASTERN
from pw_pipelines.errors import SourceUnavailable
from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.schedules import requests
from pw_pipelines.schedules.missing import overdue_jobs
from pw_pipelines.schedules.past import past_of
from pw_pipelines.settings import Settings

NAME = "catch_up"


JOBS = ("acquire", "refresh_bdc", "sync_listmonk")


def catch_up_sensor(jobs: Iterable[dg.UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """The sensor over those of `jobs` that have a day."""

    @dg.sensor(
        name=NAME,
        jobs=[job for job in jobs if job.name in JOBS],
        minimum_interval_seconds=AUTOMATIC[NAME].every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=AUTOMATIC[NAME].why,
        required_resource_keys={"settings", "db", "fcc"},
    )
    def _catch_up(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return evaluate(context)

    return _catch_up


def evaluate(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """No cursor: what is missing is asked anew at each tick."""
    settings: Settings = context.resources.settings
    now = settings.clock.now().astimezone(EASTERN)
    today = now.date()
    day = today.isoformat()
    bdc = past_of(context.instance, "refresh_bdc", day)
    acquire = past_of(context.instance, "acquire", day, by_partition=True)
    sync = past_of(context.instance, "sync_listmonk", day)
    wanted: list[dg.RunRequest] = []
    for schedule in overdue_jobs(now, bdc=bdc, acquire=acquire, sync=sync):
        if schedule == "bdc_daily":
            try:
                wanted += requests.bdc(context.resources.db, context.resources.fcc, today, bdc.next_try)
            except SourceUnavailable as error:
                return dg.SensorResult(skip_reason=f"The list of vintages could not be had: {error}")
        elif schedule == "acquire_daily":
            wanted.append(requests.acquire(today, acquire.next_try))
        else:
            wanted.append(requests.of_today("sync_listmonk", today, sync.next_try))
    if not wanted:
        return dg.SensorResult(skip_reason=f"Nothing of {today} is overdue.")
    return dg.SensorResult(run_requests=wanted)

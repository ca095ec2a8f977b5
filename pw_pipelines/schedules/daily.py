"""The four daily schedules, in New York's time. On unless somebody switches them off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import dagster as dg

from pw_pipelines.errors import SourceUnavailable
from pw_pipelines.jobs.automatic import AUTOMATIC, TIMEZONE, allowed
from pw_pipelines.schedules import requests
from pw_pipelines.schedules.past import past_of
from pw_pipelines.settings import Settings

Outcome = list[dg.RunRequest] | dg.SkipReason
Evaluate = Callable[[dg.ScheduleEvaluationContext, date], Outcome]


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Those allowed in this mode."""
    evaluations: dict[str, tuple[Evaluate, set[str]]] = {
        "retention_nightly": (_retention, {"settings"}),
        "bdc_daily": (_bdc, {"settings", "db", "fcc"}),
        "acquire_daily": (_acquire, {"settings"}),
        "listmonk_daily": (_listmonk, {"settings"}),
    }
    return [_schedule(name, *how) for name, how in evaluations.items() if allowed(name, settings.mode)]


def _schedule(name: str, evaluate: Evaluate, resources: set[str]) -> dg.ScheduleDefinition:
    entry = AUTOMATIC[name]

    @dg.schedule(
        name=name,
        job_name=entry.job,
        cron_schedule=entry.cron,
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=entry.why,
        required_resource_keys=resources,
    )
    def _tick(context: dg.ScheduleEvaluationContext) -> Outcome:
        return evaluate(context, context.resources.settings.clock.today())

    return _tick


def _acquire(context: dg.ScheduleEvaluationContext, today: date) -> Outcome:
    past = past_of(context.instance, "acquire", today.isoformat(), by_partition=True)
    if past.done or past.open:
        return dg.SkipReason(f"The acquisition of {today} is {'done' if past.done else 'under way'}.")
    return [requests.acquire(today, past.next_try)]


def _bdc(context: dg.ScheduleEvaluationContext, today: date) -> Outcome:
    past = past_of(context.instance, "refresh_bdc", today.isoformat())
    if past.open:
        return dg.SkipReason("Vintages are being read already.")
    try:
        wanted = requests.bdc(context.resources.db, context.resources.fcc, today, past.next_try)
    except SourceUnavailable as error:
        return dg.SkipReason(f"The list of vintages could not be had: {error} It is asked again tomorrow.")
    return wanted or dg.SkipReason("No vintage is published.")


def _listmonk(context: dg.ScheduleEvaluationContext, today: date) -> Outcome:
    past = past_of(context.instance, "sync_listmonk", today.isoformat())
    if past.done or past.open:
        return dg.SkipReason(f"The lead list of {today} is {'done' if past.done else 'under way'}.")
    return [requests.of_today("sync_listmonk", today, past.next_try)]


def _retention(context: dg.ScheduleEvaluationContext, today: date) -> Outcome:
    past = past_of(context.instance, "retention", today.isoformat())
    if past.open:
        return dg.SkipReason("Sweeping is under way.")
    return [requests.of_today("retention", today, past.next_try)]

"""Starts what a schedule should have started today and did not: first start, outage, moved sandbox clock."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import dagster as dg

from pw_pipelines.clock import EASTERN
from pw_pipelines.errors import SourceError, SourceUnavailable
from pw_pipelines.filling import is_being_filled
from pw_pipelines.jobs.registers import STATES
from pw_pipelines.schedules import registers, requests
from pw_pipelines.schedules.missing import MINUTES_BETWEEN_TRIES, TRIES_A_DAY, is_overdue, overdue_jobs
from pw_pipelines.schedules.past import FILLING, past_of
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.settings import Settings

NAME = "catch_up"


JOBS = ("acquire", "refresh_bdc", "judge", "sync_listmonk", "probe_portals", *STATES)


def catch_up_sensor(jobs: Iterable[dg.UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """The sensor over those of `jobs` that have a day."""

    return automatic(NAME, start_overdue, "settings", "db", "fcc", jobs=[job for job in jobs if job.name in JOBS])


def start_overdue(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """What is missing is asked anew at each tick; no cursor stands for it."""
    settings: Settings = context.resources.settings
    if is_being_filled(settings.home):
        return dg.SensorResult(skip_reason=FILLING, cursor=context.cursor)
    now = settings.clock.now().astimezone(EASTERN)
    today = now.date()
    day = today.isoformat()
    bdc = past_of(context.instance, "refresh_bdc", day)
    acquire = past_of(context.instance, "acquire", day, by_partition=True)
    judge = past_of(context.instance, "judge", day, by_partition=True)
    sync = past_of(context.instance, "sync_listmonk", day)
    cursor = context.cursor
    wanted: list[dg.RunRequest] = []
    why_not = ""
    overdue = overdue_jobs(now, bdc=bdc, acquire=acquire, judge=judge, sync=sync)
    if "bdc_daily" in overdue:
        try:
            _let_rest(cursor)
            wanted += requests.bdc(context.resources.db, context.resources.fcc, today, bdc.next_try)
        except SourceError as error:
            # The rest of the house does not wait for one site: its findings are simply not judged anew.
            why_not = f" The list of BDC vintages could not be had: {error}"
            cursor = cursor if isinstance(error, _Resting) else str(time.time())
            overdue = overdue_jobs(now, bdc=replace(bdc, failed=TRIES_A_DAY), acquire=acquire, judge=judge, sync=sync)
    if "acquire_daily" in overdue:
        wanted.append(requests.acquire(today, acquire.next_try))
    if "judge" in overdue:
        wanted.append(requests.judge(today, judge.failed + judge.succeeded + 1))
    if "listmonk_daily" in overdue:
        wanted.append(requests.of_today("sync_listmonk", today, sync.next_try))
    # The states' registers come last: who starts a house wants to see today's findings first.
    if (
        not wanted
        and (acquire.done or acquire.is_given_up)
        and not any(past.open for past in (bdc, acquire, judge, sync))
    ):
        seen = past_of(context.instance, "probe_portals", day, by_partition=True)
        wanted += (
            [requests.portals(today, seen.next_try)]
            if is_overdue("portals_daily", now, seen)
            else registers.overdue(context.instance, now)
        )
    if not wanted:
        return dg.SensorResult(skip_reason=f"Nothing of {today} is overdue.{why_not}", cursor=cursor)
    return dg.SensorResult(run_requests=wanted, cursor=cursor)


class _Resting(SourceUnavailable):
    """The site was asked not long ago and did not answer."""


def _let_rest(cursor: str | None) -> None:
    """The cursor is the machine time at which the BDC's list was last refused to us; losing it asks once more."""
    if cursor and time.time() - float(cursor) < MINUTES_BETWEEN_TRIES * 60:
        raise _Resting("asked not long ago; it is left alone for half an hour.", source="fcc_bdc")

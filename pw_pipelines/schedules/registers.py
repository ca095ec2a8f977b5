"""When the states' registers are refreshed: by schedule, and by the catch-up sensor when a turn was missed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import dagster as dg

from pw_pipelines.clock import EASTERN
from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.schedules import requests
from pw_pipelines.schedules.missing import GRACE
from pw_pipelines.schedules.past import DAY_TAG, past_of

# schedule -> days after which its registers are due again
EVERY_DAYS = {"registers_florida": 1, "registers_weekly": 7, "registers_monthly": 31}


def ask(
    schedule: str, instance: dg.DagsterInstance, _resources: Any, today: date
) -> list[dg.RunRequest] | dg.SkipReason:
    """This turn's refresh, unless it is done today or under way."""
    job = str(AUTOMATIC[schedule].job)
    past = past_of(instance, job, today.isoformat())
    if past.done or past.open:
        return dg.SkipReason(f"{job} of {today} is {'done' if past.done else 'under way'}.")
    return [requests.of_today(job, today, past.next_try)]


def overdue(instance: dg.DagsterInstance, now_eastern: datetime) -> list[dg.RunRequest]:
    """The first refresh whose turn was missed; none while another is under way, because they take turns."""
    today = now_eastern.date()
    pasts = {name: past_of(instance, str(AUTOMATIC[name].job), today.isoformat()) for name in EVERY_DAYS}
    if any(past.open for past in pasts.values()):
        return []
    for name, days in EVERY_DAYS.items():
        entry = AUTOMATIC[name]
        if entry.at is None or not pasts[name].may_start:
            continue
        last = _last_success(instance, str(entry.job))
        due_at = datetime.combine(today, entry.at, now_eastern.tzinfo) + GRACE
        if last is None or ((today - last).days >= days and now_eastern >= due_at):
            return [requests.of_today(str(entry.job), today, pasts[name].next_try)]
    return []


def _last_success(instance: dg.DagsterInstance, job: str) -> date | None:
    """The house's day of the newest successful run; of a person's run, which has no such tag, the machine's."""
    wanted = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])
    for record in instance.get_run_records(wanted, limit=1):
        day = record.dagster_run.tags.get(DAY_TAG)
        return date.fromisoformat(day) if day else record.create_timestamp.astimezone(EASTERN).date()
    return None

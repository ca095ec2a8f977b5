"""Watches over the backups: makes what a schedule missed, and tells once a day of what is older than promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.filling import is_being_filled
from pw_pipelines.schedules.backups import ask
from pw_pipelines.schedules.past import FILLING, past_of
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pw_pipelines.backups.status import Standing

NAME = "backup_watch"
JOBS = {subject: f"make_backup_{subject}" for subject in ("postgres", "mariadb", "objects", "forgejo")}
# A schedule's turn was missed when the newest set is older than its rhythm by this much.
RHYTHM_HOURS = {"postgres": 6.0, "mariadb": 24.0, "objects": 24.0, "forgejo": 24.0}
GRACE_HOURS = 0.75
TRIES_A_DAY = 4


def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Asks our own books at each tick; no cursor stands for anything."""
    from pw_pipelines.backups.status import standings

    settings: Settings = context.resources.settings
    if is_being_filled(settings.home):
        return dg.SensorResult(skip_reason=FILLING)
    now = settings.clock.now()
    with context.resources.db.connect(application="pw backup watch") as connection:
        stands = [one for one in standings(connection, settings, now=now) if one.skipped is None]
    written = alert_book.write(context.resources.db, _alerts(stands, settings), now)
    delivery = alert_book.deliver(context.resources.db, context.resources.telegram, now)
    wanted = [request for one in stands if _is_missed(one) for request in _request(context, one, settings)]
    if wanted:
        return dg.SensorResult(run_requests=wanted)
    return dg.SensorResult(
        skip_reason=f"{len(stands)} subjects, {sum(one.late for one in stands)} late; {written} new alerts, "
        f"{delivery.sent} sent, {delivery.waiting} waiting."
    )


def _is_missed(one: Standing) -> bool:
    return one.age_hours is None or one.age_hours > RHYTHM_HOURS[one.subject] + GRACE_HOURS


def _request(context: dg.SensorEvaluationContext, one: Standing, settings: Settings) -> Iterable[dg.RunRequest]:
    today = settings.clock.today()
    past = past_of(context.instance, JOBS[one.subject], today.isoformat())
    rested = past.minutes_since_fail is None or past.minutes_since_fail >= 30
    if past.open or not rested or past.failed + past.succeeded >= TRIES_A_DAY + 24 / RHYTHM_HOURS[one.subject]:
        return []
    asked = ask(JOBS[one.subject], context.instance, context.resources, today)
    return [] if isinstance(asked, dg.SkipReason) else asked


def _alerts(stands: Iterable[Standing], settings: Settings) -> Iterable[Alert]:
    day = settings.clock.today()
    for one in stands:
        if one.late:
            age = "none at all" if one.age_hours is None else f"the newest is of {one.age_hours:.0f} hours ago"
            yield Alert(
                f"backup:{one.subject}:late:{day}",
                "backup",
                f"Backup of {one.subject} is late: {age}, promised are {one.promise_hours:g} hours. "
                f"{one.last_error or ''}\npw backup run {one.subject}",
            )
        for set_id in one.damaged:
            yield Alert(
                f"backup:{one.subject}:damaged:{set_id}",
                "backup",
                f"Backup set {set_id} of {one.subject} is damaged; it no longer counts.\npw backup verify",
            )


def backup_watch(jobs: Iterable[dg.UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """The sensor over the jobs of backups."""
    return automatic(NAME, watch, "settings", "db", "telegram", jobs=[job for job in jobs if job.name in JOBS.values()])

"""Starts the work on the payment inbox when something is due there, and tells ops what is held."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.jobs.payments import NAME as JOB
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database

NAME = "payment_events"
MOST_TOLD = 50
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def start_work(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """What is due is asked anew at each tick. No run key: it would never start again after a run that failed."""
    from pw_pipelines.commerce.payments.work import due

    settings: Settings = context.resources.settings
    db: Database = context.resources.db
    now = settings.clock.now()
    alert_book.write(db, held_money(db), now)
    waiting = due(db, now)
    if not waiting:
        return dg.SkipReason("No payment event is due.")
    under_way = context.instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=_UNFINISHED), limit=1)
    if under_way:
        return dg.SkipReason(f"{len(waiting)} payment events are due; run {under_way[0].run_id} works them.")
    return dg.RunRequest(tags={"pw/payment_events": str(len(waiting))})


def held_money(db: Database) -> list[Alert]:
    """One alert per event that is held for a person: amounts and order numbers, nobody's name."""
    with db.connect(application="pw-payments") as connection:
        rows = connection.execute(
            "select event_id, provider, outcome, worked_at from pw.payment_events where state = 'held'"
            " and not exists (select from pw.alerts where key = 'payment:' || event_id) order by event_id limit %s",
            (MOST_TOLD,),
        ).fetchall()
    return [
        Alert(
            f"payment:{row['event_id']}",
            "check",
            f"Money is held for a person ({row['provider']}, {_day(row['worked_at'])}): {row['outcome']}",
        )
        for row in rows
    ]


def _day(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if isinstance(at, datetime) else "at an unknown time"


payment_events = automatic(NAME, start_work, "settings", "db", job_name=JOB)

"""Mails about orders: a run as soon as one is due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.clock import machine_now
from pw_pipelines.jobs.order_mails import JOB
from pw_pipelines.schedules.past import past_of
from pw_pipelines.sensors.automatic import automatic

if TYPE_CHECKING:
    from pw_pipelines.fulfillment.ground import Ground

NAME = "order_mails"
REST = timedelta(minutes=2)  # after a run that failed


def start_mails(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A run while a mail is due and none is under way. No key: what is due is asked of our books at each tick."""
    from pw_pipelines.fulfillment import order_mails

    ground: Ground = context.resources.fulfillment
    with ground.db.connect(application="pw-order-mails") as connection:
        due = order_mails.due(connection, now=ground.clock.now())
    if not due:
        return dg.SkipReason("No mail about an order is due.")
    if past_of(context.instance, JOB, ground.clock.today().isoformat()).open:
        return dg.SkipReason(f"{len(due)} mails are due; a run is under way.")
    failed = context.instance.get_run_records(
        dg.RunsFilter(job_name=JOB, statuses=[dg.DagsterRunStatus.FAILURE], updated_after=machine_now() - REST), limit=1
    )
    if failed:
        return dg.SkipReason(f"{len(due)} are due; the last run failed, the next begins {REST.seconds} s after it.")
    return dg.RunRequest()


order_mails_due = automatic(NAME, start_mails, "fulfillment", job_name=JOB)

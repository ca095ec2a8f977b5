"""Failed runs, told once each. Reads Dagster's books anew at each tick, so no backlog and no lost cursor hides one."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from pw_pipelines.clock import machine_now
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert, Delivery
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.sensors.wording import ASSET_JOB, cause, work
from pw_pipelines.settings import Settings

NAME = "run_failure_alert"
LOOK_BACK = timedelta(days=3)  # how long this sensor may have been down without missing a failure
MOST_A_TICK = 200
_STEPS_NAMED = 5
TOLD_TAG = "pw/told"  # on a run whose failure its job told itself: the key of that alert


def tell_failed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing; says in its skip reason what was told."""
    settings: Settings = context.resources.settings
    db = context.resources.db
    # Dagster's own books are in machine time, whatever the sandbox clock says.
    failed = context.instance.get_runs(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=machine_now() - LOOK_BACK),
        limit=MOST_A_TICK,
    )
    by_key = {f"run:{run.run_id}": run for run in failed if TOLD_TAG not in run.tags}
    untold = alert_book.unknown(db, by_key)
    now = settings.clock.now()
    alert_book.write(
        db,
        (Alert(key, "run", _text(context.instance, by_key[key], settings.dagster_url)) for key in sorted(untold)),
        now,
    )
    return dg.SkipReason(told(alert_book.deliver(db, context.resources.telegram, now), len(untold)))


def _text(instance: dg.DagsterInstance, run: dg.DagsterRun, dagster_url: str) -> str:
    """Job, partition, steps, the first sentence of the cause as far as it is ours, and a link."""
    failures = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    steps = list(dict.fromkeys(str(record.event_log_entry.step_key) for record in failures))
    by_hand = {key.to_user_string() for key in run.asset_selection or ()} if run.job_name == ASSET_JOB else set()
    where = f" in {', '.join(steps[:_STEPS_NAMED])}" if steps else " outside its steps"
    if steps and by_hand and by_hand <= set(steps):
        where = ""  # the assets are named already
    partition = run.tags.get("dagster/partition")
    of = f" of {partition}" if partition else ""
    why = cause(event for record in failures if (event := record.event_log_entry.dagster_event))
    told_why = f" {why}" if why else ""
    return f"Run failed: {work(run)}{of}{where}.{told_why}\n{dagster_url.rstrip('/')}/runs/{run.run_id}"


def told(delivery: Delivery, new: int) -> str:
    """What a tick's reason says."""
    if delivery.error:
        return f"{new} new; {delivery.waiting} alerts wait: {delivery.error}"
    return f"{new} new; {delivery.sent} alerts sent, {delivery.waiting} waiting."


run_failure_alert = automatic(NAME, tell_failed_runs, "settings", "db", "telegram")

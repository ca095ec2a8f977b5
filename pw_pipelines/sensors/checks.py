"""What fails without failing a run: warnings of checks, rejected copies, sources that grow old. Told once each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.clock import machine_now
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.sensors.failures import LOOK_BACK, told
from pw_pipelines.sensors.wording import discreet
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database
    from pw_pipelines.snapshots.model import Snapshot

NAME = "check_alert"
RUNS_A_TICK = 50
OWN_ALERTS = ("portal_probes/",)  # told by probes.telling: once per change, not once per day
OVERLAP = timedelta(minutes=5)  # a run's row may be written a moment after its events; the key keeps alerts single
REMIND = timedelta(days=7)  # a source that stays stale is told again every week
SNAPSHOTS_BACK = timedelta(days=3)
_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def tell_failing_checks(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """The cursor, the newest run looked at, only saves reading; losing it repeats no alert."""
    settings: Settings = context.resources.settings
    db = context.resources.db
    now = settings.clock.now()
    failing, cursor = _failing_checks(context.instance, context.cursor, settings)
    found = [*failing, *rejected_copies(db, now, settings), *stale_sources(db, now), *held_jumps(db)]
    new = alert_book.write(db, found, now)
    delivery = alert_book.deliver(db, context.resources.telegram, now)
    return dg.SensorResult(skip_reason=told(delivery, new), cursor=cursor)


def _failing_checks(
    instance: dg.DagsterInstance, cursor: str | None, settings: Settings
) -> tuple[list[Alert], str | None]:
    """Alerts of runs that ended since the cursor, and the cursor after them."""
    # Dagster's own books are in machine time, whatever the sandbox clock says.
    since = datetime.fromisoformat(cursor) - OVERLAP if cursor else machine_now() - LOOK_BACK
    records = instance.get_run_records(
        dg.RunsFilter(statuses=_FINISHED, updated_after=since),
        limit=RUNS_A_TICK,
        order_by="update_timestamp",
        ascending=True,
    )
    alerts = [alert for record in records for alert in _of_run(instance, record.dagster_run, settings)]
    newest = max((_aware(record.update_timestamp) for record in records), default=None)
    if newest is None:
        return alerts, cursor
    # A page full of runs inside the overlap must not keep the cursor where it stands.
    if len(records) == RUNS_A_TICK and newest - since <= OVERLAP:
        newest += OVERLAP
    return alerts, newest.isoformat()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _of_run(instance: dg.DagsterInstance, run: dg.DagsterRun, settings: Settings) -> Iterator[Alert]:
    events = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    for record in events:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        found = event.asset_check_evaluation_data
        stops_the_run = found.blocking and found.severity == dg.AssetCheckSeverity.ERROR
        if found.passed or stops_the_run:
            continue
        asset = found.asset_key.to_user_string()
        if asset.startswith(OWN_ALERTS):
            continue
        day = _aware(datetime.fromtimestamp(record.timestamp, UTC)).date()
        yield Alert(
            f"check:{asset}:{found.check_name}:{run.tags.get('dagster/partition') or day}",
            "check",
            f"Check {found.check_name} of {asset} does not pass ({found.severity.value.lower()}).\n"
            f"{settings.dagster_url.rstrip('/')}/runs/{run.run_id}",
        )


def rejected_copies(db: Database, now: datetime, settings: Settings) -> list[Alert]:
    """One alert per rejected copy, fetched or ingested, with the two sides of each failed check."""
    from pw_pipelines.snapshots import books

    return [
        Alert(f"snapshot:{one.snapshot_id}", "snapshot", _rejection(one, settings))
        for one in books.list_snapshots(db)
        if one.grade == "rejected" and one.graded_at is not None and one.graded_at >= now - SNAPSHOTS_BACK
    ]


def _rejection(snapshot: Snapshot, settings: Settings) -> str:
    """Why the reader gave up, or names and numbers of the failed checks; what they quote stays in the books."""
    failed = [check for check in snapshot.checks if not check.passed and check.severity == "error"]
    unread = next((discreet(check.reason) for check in failed if check.name == "readable"), "")
    counted = ", ".join(
        f"{check.name} ({check.observed} against {check.expected})" if check.expected else check.name
        for check in failed
        if check.name != "readable"
    )
    why = " ".join(filter(None, (unread, f"{counted}." if counted else "")))
    return (
        f"Copy rejected: {snapshot.source} of {snapshot.as_of}: {why} What was in force stays so.\n"
        f"pw snapshot show {snapshot.snapshot_id}"
    )


def held_jumps(db: Database) -> list[Alert]:
    """One alert per rule and day whose new findings wait for a person."""
    from pw_pipelines.compliance import jumps

    return [Alert(f"jump:{one.code}:{one.as_of}", "check", one.sentence) for one in jumps.held(db)]


def stale_sources(db: Database, now: datetime) -> list[Alert]:
    """Sources whose copy in force is older than their contract bears. A source never read is not old."""
    from pw_pipelines.snapshots import books
    from pw_pipelines.sources.contract import contracts

    alerts = []
    for source, promise in contracts().items():
        current = books.current(db, source)
        if current is None:
            continue
        limit = timedelta(hours=promise.freshness.fail_hours)
        age = now - current.fetched_at
        if age > limit:
            alerts.append(
                Alert(
                    f"stale:{current.snapshot_id}:{(age - limit) // REMIND}",
                    "stale",
                    f"Source {source} is stale: its copy in force is of {current.as_of}, fetched {age.days} days ago; "
                    f"at most {limit.days} days are promised.",
                )
            )
    return alerts


check_alert = automatic(NAME, tell_failing_checks, "settings", "db", "telegram")

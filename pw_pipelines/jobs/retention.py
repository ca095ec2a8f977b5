"""What Dagster itself never throws away: runs with their events, captured output; and rows of old copies.

Evidence does not live here: raw bytes, the books of snapshots, findings' history and alerts not yet delivered
are kept whatever this job does.
"""

import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import dagster as dg

from pw_pipelines.clock import machine_now
from pw_pipelines.run_tags import IN_BACKGROUND
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
PAGE = 200
RUNS_A_NIGHT = 3_000  # about 60 ms each: three minutes; a backlog is worked off over several nights
SCRATCH_HOURS = 48  # no download takes as long


@dataclass(frozen=True)
class RunsSwept:
    """What became of old runs: `kept` ones are the last of some asset, partition or check, or still needed."""

    deleted: int
    kept: int
    more_waiting: bool


def sweep_runs(
    instance: dg.DagsterInstance,
    before: datetime,
    *,
    most: int = RUNS_A_NIGHT,
    needed: Collection[str] = (),
) -> RunsSwept:
    """Deletes finished runs last touched before `before`, oldest first, except those that last materialized something
    or last evaluated a check, and the `needed` ones.

    A deleted run takes its materializations and check results with it, so the last one of each partition stays.
    """
    deleted = kept = 0
    latest = _Latest(instance)
    for run_id in _old_runs(instance, before):
        if deleted >= most:
            return RunsSwept(deleted, kept, more_waiting=True)
        if run_id in needed or latest.is_last_of_something(run_id):
            kept += 1
        else:
            instance.delete_run(run_id)
            deleted += 1
    return RunsSwept(deleted, kept, more_waiting=False)


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    """Ids in the order of creation, read page by page; each page begins behind the last id of the one before.

    The last id of a page may have been deleted meanwhile and would no longer be found as a cursor: it is yielded
    only after the next page has been read.
    """
    wanted = dg.RunsFilter(statuses=FINISHED, updated_before=before)
    held: str | None = None
    while True:
        page = [
            record.dagster_run.run_id
            for record in instance.get_run_records(wanted, limit=PAGE, ascending=True, cursor=held)
        ]
        if held is not None:
            yield held
        if not page:
            return
        *whole, held = page
        yield from whole


class _Latest:
    """Which run last materialized an asset's partition; each asked of the instance once."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._known: dict[tuple[dg.AssetKey, str | None], str | None] = {}
        self._checks: dict[dg.AssetCheckKey, str | None] = {}

    def is_last_of_something(self, run_id: str) -> bool:
        """Whether the run's materialization or check result is still the newest of at least one of them."""
        made = self._instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        for record in made:
            event = record.asset_materialization
            if event is not None and self._run_of(event.asset_key, event.partition) == run_id:
                return True
        return self._is_last_of_a_check(run_id)

    def _is_last_of_a_check(self, run_id: str) -> bool:
        """Whether a check shows what this run found of it."""
        found = self._instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
        for record in found:
            event = record.event_log_entry.dagster_event
            if event is None:
                continue
            key = event.asset_check_evaluation_data.asset_check_key
            if key not in self._checks:
                last = self._instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).get(key)
                self._checks[key] = last.run_id if last else None
            if self._checks[key] == run_id:
                return True
        return False

    def _run_of(self, key: dg.AssetKey, partition: str | None) -> str | None:
        if (key, partition) not in self._known:
            found = self._instance.fetch_materializations(
                dg.AssetRecordsFilter(key, asset_partitions=[partition] if partition is not None else None), limit=1
            ).records
            self._known[key, partition] = found[0].run_id if found else None
        return self._known[key, partition]


def sweep_logs(storage: Path, before: datetime) -> int:
    """Removes the captured output of runs last written before `before`; returns how many folders went.

    Only folders named by a run's id are looked at.
    """
    swept = 0
    for folder in storage.iterdir() if storage.is_dir() else ():
        if _is_run_id(folder.name) and folder.is_dir() and folder.stat().st_mtime < before.timestamp():
            shutil.rmtree(folder)
            swept += 1
    return swept


def _is_run_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def sweep_scratch(folder: Path) -> int:
    """Removes downloads that a killed process left under PW_HOME/tmp; returns how many."""
    limit = time.time() - SCRATCH_HOURS * 3600
    left = [one for one in folder.glob("fetch-*") if one.stat().st_mtime < limit]
    for one in left:
        shutil.rmtree(one)
    return len(left)


def runs_of_open_items(db: "Database") -> set[str]:
    """Runs that unfinished items, and effects nobody has settled, name: a person may still look at them."""
    with db.connect(application="pw retention") as connection:
        rows = connection.execute(
            """select e.run_id from pw.item_events e join pw.item_work w using (item_id)
                 where w.state in ('ready', 'waiting') and e.run_id is not null
               union select run_id from pw.effects where state in ('intended', 'unknown') and run_id is not null"""
        ).fetchall()
    return {str(row["run_id"]) for row in rows}


def sweep_alerts(db: "Database", before: datetime) -> int:
    """Deletes alerts delivered before `before`; undelivered ones stay however old."""
    with db.connect(application="pw retention") as connection:
        return connection.execute("delete from pw.alerts where sent_at < %s", (before,)).rowcount


@dg.op(
    description="Old runs with their events, except the last of each asset and check and those of open items; "
    "captured output; downloads left behind.",
    required_resource_keys={"settings", "db"},
    out=dg.Out(dg.Nothing),
)
def sweep_dagster(context: dg.OpExecutionContext) -> None:
    """Ages are by the machine's clock, as Dagster's own books are."""
    settings: Settings = context.resources.settings
    now = machine_now()
    swept = sweep_runs(
        context.instance,
        now - timedelta(days=settings.retention_runs_days),
        needed=runs_of_open_items(context.resources.db),
    )
    counts = {
        **asdict(swept),
        "log_folders": sweep_logs(
            settings.dagster_home / "storage", now - timedelta(days=settings.retention_logs_days)
        ),
        "scratch_folders": sweep_scratch(settings.home / "tmp"),
    }
    context.log.info("Swept: %s", counts)
    context.add_output_metadata(counts)


@dg.op(
    description="Rows of copies that nothing stands on any more (raw bytes stay), alerts long delivered, old "
    "reports of mails that came back.",
    required_resource_keys={"settings", "db"},
    ins={"after": dg.In(dg.Nothing)},
    out=dg.Out(dg.Nothing),
)
def sweep_warehouse(context: dg.OpExecutionContext) -> None:
    """Ages are by the house's clock."""
    from pw_pipelines.bounces.forgetting import forget_old
    from pw_pipelines.commands.output import plain
    from pw_pipelines.snapshots import prune

    settings: Settings = context.resources.settings
    now = settings.clock.now()
    pruned = prune.prune(context.resources.db, now=now)
    alerts = sweep_alerts(context.resources.db, now - timedelta(days=settings.retention_alerts_days))
    bounces = forget_old(context.resources.db, now - timedelta(days=settings.retention_bounces_days))
    context.log.info("Pruned: %s; %s alerts; %s", pruned, alerts, bounces)
    context.add_output_metadata(
        {"alerts": alerts, "bounces": bounces.results, "pruned": dg.MetadataValue.json(plain({"report": pruned}))}
    )


@dg.job(
    name="retention",
    description="Throws away runs, events, logs and rows older than the settings say. Keeps raw bytes and evidence.",
    executor_def=dg.in_process_executor,
    tags={"pw/job": "retention", "dagster/max_retries": "1", **IN_BACKGROUND},
)
def retention_job() -> None:
    """Dagster's books first, then ours."""
    sweep_warehouse(after=sweep_dagster())

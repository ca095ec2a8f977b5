"""The nightly sweep deletes what it should and nothing else."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from pw_pipelines.db.connection import Database
from pw_pipelines.jobs.retention import (
    retention_job,
    runs_of_open_items,
    sweep_alerts,
    sweep_logs,
    sweep_runs,
    sweep_scratch,
)
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from tests.dagster.conftest import FakeTelegram
from tests.dagster.test_starters import record
from tests.desk.making import paid_order

LATER = datetime.now(UTC) + timedelta(days=1)  # a limit that every run of this test lies before


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["mon", "tue"]))
def copies() -> None: ...


@dg.asset
def leads() -> None: ...


def materialize(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None) -> str:
    return dg.materialize([asset], instance=instance, partition_key=partition).run_id


def left(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def test_runs_that_last_materialized_something_are_kept(instance: dg.DagsterInstance) -> None:
    first_monday = materialize(instance, copies, "mon")
    tuesday = materialize(instance, copies, "tue")
    second_monday = materialize(instance, copies, "mon")
    old_leads, new_leads = materialize(instance, leads), materialize(instance, leads)
    empty = record(instance, "retention", dg.DagsterRunStatus.SUCCESS).run_id
    swept = sweep_runs(instance, LATER)
    assert left(instance) == {tuesday, second_monday, new_leads}
    assert (swept.deleted, swept.kept, swept.more_waiting) == (3, 3, False)
    assert not {first_monday, old_leads, empty} & left(instance)
    assert instance.get_latest_materialization_event(dg.AssetKey("leads")) is not None


def test_young_runs_and_runs_under_way_are_left_alone(instance: dg.DagsterInstance) -> None:
    young = record(instance, "acquire", dg.DagsterRunStatus.FAILURE).run_id
    assert sweep_runs(instance, datetime.now(UTC) - timedelta(days=90)).deleted == 0
    running = record(instance, "acquire", dg.DagsterRunStatus.STARTED).run_id
    sweep_runs(instance, LATER)
    assert left(instance) == {running}
    assert young not in left(instance)


def test_a_backlog_is_worked_off_over_several_nights(instance: dg.DagsterInstance) -> None:
    for _ in range(5):
        record(instance, "acquire", dg.DagsterRunStatus.FAILURE)
    first = sweep_runs(instance, LATER, most=3)
    assert (first.deleted, first.more_waiting) == (3, True)
    assert sweep_runs(instance, LATER, most=3).more_waiting is False
    assert left(instance) == set()


def test_runs_are_found_beyond_the_first_page(instance: dg.DagsterInstance, monkeypatch: Any) -> None:
    monkeypatch.setattr("pw_pipelines.jobs.retention.PAGE", 2)
    kept = materialize(instance, leads)
    for _ in range(6):
        record(instance, "acquire", dg.DagsterRunStatus.SUCCESS)
    assert sweep_runs(instance, LATER).deleted == 6
    assert left(instance) == {kept}


def test_only_old_folders_named_by_a_run_are_removed(tmp_path: Path) -> None:
    old, young = "0c6f1b1e-0000-4000-8000-000000000001", "0c6f1b1e-0000-4000-8000-000000000002"
    for name in (old, young, "core_fcc_rmd__filings"):
        (tmp_path / name / "compute_logs").mkdir(parents=True)
    for name in (old, "core_fcc_rmd__filings"):
        os.utime(tmp_path / name, (0, 0))
    assert sweep_logs(tmp_path, datetime.now(UTC) - timedelta(days=30)) == 1
    assert {one.name for one in tmp_path.iterdir()} == {young, "core_fcc_rmd__filings"}
    assert sweep_logs(tmp_path / "missing", LATER) == 0


def test_downloads_left_by_a_killed_process_are_removed(tmp_path: Path) -> None:
    for name in ("fetch-dead", "fetch-live", "other"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "fetch-dead", (0, 0))
    os.utime(tmp_path / "other", (0, 0))
    assert sweep_scratch(tmp_path) == 1
    assert {one.name for one in tmp_path.iterdir()} == {"fetch-live", "other"}


def test_an_alert_nobody_has_received_is_kept_however_old(house: dict[str, Any], telegram: FakeTelegram) -> None:
    db = house["db"]
    long_ago = datetime(2024, 1, 1, tzinfo=UTC)
    alert_book.write(db, [Alert("run:told", "run", "told")], long_ago)
    alert_book.deliver(db, telegram, long_ago)  # type: ignore[arg-type]
    alert_book.write(db, [Alert("run:untold", "run", "untold")], long_ago)
    assert sweep_alerts(db, datetime(2025, 1, 1, tzinfo=UTC)) == 1
    assert alert_book.unknown(db, ["run:told", "run:untold"]) == {"run:told"}


def test_the_job_says_what_it_threw_away(house: dict[str, Any], instance: dg.DagsterInstance) -> None:
    record(instance, "acquire", dg.DagsterRunStatus.FAILURE)
    result = retention_job.execute_in_process(instance=instance, resources=house)
    assert result.success
    outputs = [
        event.step_output_data.metadata for event in result.all_events if event.event_type_value == "STEP_OUTPUT"
    ]
    assert outputs[0]["deleted"].value == 0, "a run of today is young"
    assert "alerts" in outputs[1]
    assert outputs[1]["bounces"].value == 0


@dg.asset_check(asset=leads, name="enough")
def enough() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def test_what_a_check_last_found_is_kept(instance: dg.DagsterInstance) -> None:
    def look() -> str:
        return dg.materialize([leads, enough], instance=instance, selection=dg.AssetSelection.checks(enough)).run_id

    first, second = look(), look()
    assert sweep_runs(instance, LATER).deleted == 1
    assert left(instance) == {second} and first != second
    key = dg.AssetCheckKey(dg.AssetKey("leads"), "enough")
    assert instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key].run_id == second


def test_the_runs_of_items_that_are_not_done_are_kept(instance: dg.DagsterInstance, db: Database) -> None:
    needed, ended, free = (record(instance, "fulfill_item", dg.DagsterRunStatus.FAILURE).run_id for _ in range(3))
    with db.connect() as connection:
        open_item, stopped = (paid_order(connection, "cpni_certification")[1][0] for _ in range(2))
        for item, run in ((open_item, needed), (stopped, ended)):
            connection.execute(
                "insert into pw.item_events (item_id, at, stage, what, text, by, run_id) "
                "values (%s, now(), 'prepare', 'error', 'It broke.', 'run', %s)",
                (item, run),
            )
        connection.execute("update pw.item_work set state = 'stopped' where item_id = %s", (stopped,))
    assert runs_of_open_items(db) == {needed}
    swept = sweep_runs(instance, LATER, needed=runs_of_open_items(db))
    assert (swept.kept, left(instance)) == (1, {needed})
    assert not {ended, free} & left(instance)
    with db.connect() as connection:
        told = connection.execute("select run_id from pw.item_events where text = 'It broke.'").fetchall()
    assert {row["run_id"] for row in told} == {needed, ended}, "what happened stands in our own books for ever"

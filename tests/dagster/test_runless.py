"""A file saved by hand shows in Dagster like a fetched one: same keys, same partition, same checks."""

from __future__ import annotations

from datetime import date

import dagster as dg

from pw_pipelines.assets.questions import questions
from pw_pipelines.assets.raw import GRADED
from pw_pipelines.assets.runless import report_snapshot
from pw_pipelines.snapshots import books
from pw_pipelines.sources.contract import contract
from tests.snapshots.conftest import way, whole  # noqa: F401  # fixtures of the road
from tests.snapshots.copies import TODAY, Road, export


def latest(instance: dg.DagsterInstance, key: str) -> dg.AssetMaterialization | None:
    event = instance.get_latest_materialization_event(dg.AssetKey(key))
    return event.asset_materialization if event else None


def checks(instance: dg.DagsterInstance, key: str, names: list[str]) -> dict[str, bool]:
    found = {}
    for name in names:
        record = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(dg.AssetKey(key), name))
        assert record is not None, name
        found[name] = record.event.dagster_event.asset_check_evaluation_data.passed  # type: ignore[union-attr]
    return found


def test_a_loaded_copy_reports_both_assets_and_every_check(
    way: Road,  # noqa: F811
    whole: bytes,  # noqa: F811
    instance: dg.DagsterInstance,
) -> None:
    snapshot = way.in_force(whole, origin="ingested")
    snapshot = books.get(way.db, snapshot.snapshot_id)
    assert report_snapshot(snapshot, db=way.db, instance=instance) == ["raw_fcc_rmd", "core_fcc_rmd__filings"]
    raw, core = latest(instance, "raw_fcc_rmd"), latest(instance, "core_fcc_rmd__filings")
    assert raw is not None
    assert core is not None
    assert raw.partition == core.partition == TODAY.isoformat()
    assert core.metadata["dagster/row_count"].value == snapshot.rows
    asked = [check.name for check in snapshot.checks]
    assert set(asked) <= set(questions(contract("fcc_rmd")))
    assert all(checks(instance, "raw_fcc_rmd", [GRADED, *asked]).values())
    assert checks(instance, "core_fcc_rmd__filings", ["all_rows_loaded"]) == {"all_rows_loaded": True}


def test_a_rejected_file_is_shown_with_its_red_check_and_no_rows(way: Road, instance: dg.DagsterInstance) -> None:  # noqa: F811
    snapshot = way.take(export(9_000), origin="ingested")
    assert report_snapshot(snapshot, db=way.db, instance=instance) == ["raw_fcc_rmd"]
    assert latest(instance, "core_fcc_rmd__filings") is None
    assert checks(instance, "raw_fcc_rmd", [GRADED, "rows_floor", "readable"]) == {
        GRADED: False,
        "rows_floor": False,
        "readable": True,
    }


def test_a_copy_of_before_the_first_partition_is_shown_without_one(
    way: Road,  # noqa: F811
    instance: dg.DagsterInstance,
) -> None:
    day = date(2024, 6, 3)
    snapshot = way.take(export(day=day), as_of=day, origin="ingested")
    report_snapshot(snapshot, db=way.db, instance=instance)
    raw = latest(instance, "raw_fcc_rmd")
    assert raw is not None
    assert raw.partition is None

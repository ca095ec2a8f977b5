"""From the RMD's bytes to rows, as Dagster runs it: real warehouse, real object store, a site made up per test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets import partitions
from pw_pipelines.assets.core import core_asset
from pw_pipelines.assets.fcc import _rmd
from pw_pipelines.assets.raw import GRADED, of_the_day, raw_asset
from pw_pipelines.assets.subjects import RMD
from pw_pipelines.errors import SourceRefused, SourceUnavailable
from pw_pipelines.resources.fetched import Fetched
from tests.snapshots.copies import WHOLE, export

Answer = Callable[[], bytes]


@dataclass
class Site:
    """An RMD site: what it answers, and how often it was asked."""

    answer: Answer
    asked: int = 0

    def fetch(self, into: Path) -> Fetched:
        self.asked += 1
        path = into / "rmd.csv"
        path.write_bytes(self.answer())
        return Fetched(path, "text/csv")


def run(
    house: dict[str, Any], instance: dg.DagsterInstance, answer: Answer, day: date | None = None
) -> tuple[dg.ExecuteInProcessResult, Site]:
    site = Site(answer)
    daily = partitions.daily(house["settings"])
    assets = [
        raw_asset(RMD, of_the_day(RMD, _rmd), house["settings"], partitions_def=daily),
        core_asset(RMD, partitions_def=daily),
    ]
    result = dg.materialize(
        assets,
        resources={**house, "fcc": SimpleNamespace(rmd=site)},
        instance=instance,
        partition_key=(day or house["settings"].clock.today()).isoformat(),
        raise_on_error=False,
    )
    return result, site


@pytest.fixture
def today(house: dict[str, Any]) -> date:
    day: date = house["settings"].clock.today()
    return day


def rows_in_core(house: dict[str, Any]) -> int:
    with house["db"].connect() as connection:
        return int(connection.execute("select count(*) as n from core.fcc_rmd_filings").fetchone()["n"])


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetMaterialization]:
    found = {}
    for event in result.all_events:
        if event.event_type_value == "ASSET_MATERIALIZATION":
            made = event.step_materialization_data.materialization
            found[made.asset_key.to_user_string()] = made
    return found


def test_a_healthy_copy_becomes_rows_with_everything_an_analyst_asks(
    house: dict[str, Any], instance: dg.DagsterInstance, today: date
) -> None:
    result, _ = run(house, instance, lambda: export(day=today))
    assert result.success
    made = materialized(result)
    raw, core = made[RMD.raw_key].metadata, made[RMD.core_key].metadata
    assert raw["dagster/row_count"].value == WHOLE
    assert raw["grade"].value == "complete"
    assert raw["as_of"].value == today.isoformat()
    assert str(raw["source"].value).startswith("https://www.fcc.gov/")
    assert len(str(raw["digest_sha256"].value)) == 64
    assert core["dagster/row_count"].value == WHOLE == rows_in_core(house)
    assert {column.name for column in core["dagster/column_schema"].value.columns} >= {"frn", "implementation"}
    preview = str(core["preview"].value)
    assert "RMD0000001" in preview
    assert "Pat Example" not in preview, "a contact's name must never stand in an event log"
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_a_rejected_copy_is_kept_and_stops_everything_after_it(
    house: dict[str, Any], instance: dg.DagsterInstance, today: date
) -> None:
    result, site = run(house, instance, lambda: export(day=today)[:2_000_000])
    assert not result.success
    assert set(materialized(result)) == {RMD.raw_key}, "the copy is kept and shown; its rows are not"
    assert rows_in_core(house) == 0
    assert site.asked == 1, "asking again gives the same copy: a failed check is no reason to retry"
    verdict = next(one for one in result.get_asset_check_evaluations() if one.check_name == GRADED)
    assert not verdict.passed
    assert verdict.description


def test_yesterdays_rows_stay_when_todays_copy_is_rejected(
    house: dict[str, Any], instance: dg.DagsterInstance, today: date
) -> None:
    assert run(house, instance, lambda: export(day=today))[0].success
    assert not run(house, instance, lambda: b"<html>Back soon.</html>")[0].success
    assert rows_in_core(house) == WHOLE


def test_a_source_that_cannot_be_reached_is_asked_again(
    house: dict[str, Any], instance: dg.DagsterInstance, today: date
) -> None:
    replies = iter([SourceUnavailable("no answer"), SourceUnavailable("no answer"), export(day=today)])

    def answer() -> bytes:
        reply = next(replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    result, site = run(house, instance, answer)
    assert result.success
    assert site.asked == 3


@pytest.mark.parametrize("error", [SourceRefused("403"), ValueError("a mistake of ours")])
def test_a_refusal_and_a_mistake_of_ours_are_not_repeated(
    house: dict[str, Any], instance: dg.DagsterInstance, error: Exception
) -> None:
    def answer() -> bytes:
        raise error

    result, site = run(house, instance, answer)
    assert not result.success
    assert site.asked == 1
    assert materialized(result) == {}, "an asset is green only if the thing exists"


@pytest.mark.parametrize("days", [-1, 1])
def test_another_days_copy_is_never_fetched_today(
    house: dict[str, Any], instance: dg.DagsterInstance, today: date, days: int
) -> None:
    day = today + timedelta(days=days)
    result, site = run(house, instance, lambda: export(day=today), day)
    assert not result.success
    assert site.asked == 0
    failure = next(event for event in result.all_events if event.event_type_value == "STEP_FAILURE")
    assert f"--as-of {day}" in str(failure.step_failure_data.user_failure_data.description)


def test_a_past_day_is_read_again_from_what_was_stored_on_it(
    house: dict[str, Any], instance: dg.DagsterInstance, today: date
) -> None:
    assert run(house, instance, lambda: export(day=today))[0].success
    house["settings"].clock.set_offset(timedelta(days=3))
    result, site = run(house, instance, lambda: export(day=today), today)
    assert result.success
    assert site.asked == 0
    assert rows_in_core(house) == WHOLE, "the same rows, not twice"


def test_a_download_leaves_nothing_behind(house: dict[str, Any], instance: dg.DagsterInstance, today: date) -> None:
    run(house, instance, lambda: export(day=today))
    assert list((house["settings"].home / "tmp").iterdir()) == []

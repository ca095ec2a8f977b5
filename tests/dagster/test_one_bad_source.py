"""A day on which one source's copy is rejected: the other sources, the marts and the lead list go on without it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets import listmonk, marts, matches, partitions
from pw_pipelines.assets.core import core_asset
from pw_pipelines.assets.fcc import _rmd, checks
from pw_pipelines.assets.manifest import Manifest
from pw_pipelines.assets.raw import Take, of_the_day, raw_asset
from pw_pipelines.assets.subjects import BDC, CORES, CPNI, FORM499, RMD, Subject
from pw_pipelines.compliance import marts as building
from pw_pipelines.compliance.dbt_run import NodeResult
from pw_pipelines.jobs.acquisition import jobs
from pw_pipelines.leads import reconcile
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.sensors.catch_up import start_overdue
from pw_pipelines.snapshots import books
from tests.dagster.test_starters import record
from tests.fixtures_marts import given_snapshot

TABLES = {"findings": ("stg_filings", "carriers", "findings"), "leads": ("deficiency_leads",)}


class Maintenance:
    """A site that answers with a page instead of its export."""

    def fetch(self, into: Path) -> Fetched:
        path = into / "rmd.csv"
        path.write_bytes(b"<html><title>Back soon</title></html>")
        return Fetched(path, "text/csv")


def good_copy(subject: Subject) -> Take:
    """A copy of today that was graded complete."""

    def take(context: dg.AssetExecutionContext) -> Any:
        db = context.resources.db
        return books.get(db, given_snapshot(db, subject.source, date.fromisoformat(context.partition_key)))

    return take


def built(db: Any, *, phase: str, on_node: Callable[[NodeResult], None], **_: Any) -> None:
    """dbt's part, played: empty tables."""
    with db.connect() as connection:
        for table in TABLES[phase]:
            schema = "marts_next" if phase == "findings" else "marts"
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {schema}.{table} (frn text, email text)")
            on_node(NodeResult(table, "model", "success", 0, 0.1, "made"))


def _played(key: str) -> dg.AssetsDefinition:
    """An asset of the same job that another test is about."""

    @dg.asset(name=key)
    def played() -> None: ...

    return played


@pytest.fixture
def location(
    house: dict[str, Any], small_manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> dg.RepositoryDefinition:
    """Every asset and job, with an RMD in maintenance, the other copies good, and dbt and Listmonk played."""
    monkeypatch.setattr(building, "build", built)
    monkeypatch.setattr(reconcile, "sync", lambda *_, **__: SimpleNamespace(counts=dict))
    settings, daily = house["settings"], partitions.daily(house["settings"])
    takes: dict[Subject, Take] = {
        RMD: of_the_day(RMD, _rmd), FORM499: good_copy(FORM499), CPNI: good_copy(CPNI), CORES: lambda _context: None
    }  # fmt: skip
    found: list[Any] = [
        *marts.assets(small_manifest), matches.core_name_matches, listmonk.asset(settings, deps=["deficiency_leads"]),
        *[_played(key) for key in ("campaign_templates", "bounce_reports")],
    ]  # fmt: skip
    for subject, take in takes.items():
        after = marts.last_of_findings(small_manifest) if subject is CORES else []
        found += [raw_asset(subject, take, settings, partitions_def=daily, deps=after)]
        found += [core_asset(subject, partitions_def=daily)]
    found += [raw_asset(BDC, good_copy(BDC), settings, partitions_def=partitions.vintages)]
    found += [core_asset(BDC, partitions_def=partitions.vintages)]
    resources = {**house, "fcc": SimpleNamespace(rmd=Maintenance())}
    return dg.Definitions(
        found, asset_checks=checks(), jobs=jobs(small_manifest), resources=resources
    ).get_repository_def()


def made(result: dg.ExecuteInProcessResult) -> set[str]:
    return {one.asset_key.to_user_string() for one in result.get_asset_materialization_events() if one.asset_key}


def test_the_others_are_loaded_the_marts_rebuilt_and_the_lead_list_reconciled(
    house: dict[str, Any], instance: dg.DagsterInstance, location: dg.RepositoryDefinition
) -> None:
    today = house["settings"].clock.today().isoformat()
    resources = {**house, "fcc": SimpleNamespace(bdc=SimpleNamespace(vintages=list))}

    def start(job: str, partition: str | None) -> dg.ExecuteInProcessResult:
        tags = {"pw/day": today}
        return location.get_job(job).execute_in_process(
            instance=instance, partition_key=partition, tags=tags, raise_on_error=False
        )

    def asked() -> list[str]:
        with dg.build_sensor_context(instance=instance, resources=resources) as context:
            return [str(request.job_name) for request in start_overdue(context).run_requests or []]

    record(instance, "refresh_bdc", dg.DagsterRunStatus.SUCCESS, {"pw/day": today})
    acquired = start("acquire", today)
    assert not acquired.success, "the run is red, and ops are told"
    assert made(acquired) == {RMD.raw_key, FORM499.raw_key, FORM499.core_key, CPNI.raw_key, CPNI.core_key}

    history = instance.event_log_storage.get_asset_check_execution_history
    told = {
        name: [one.status.value for one in history(dg.AssetCheckKey(dg.AssetKey(RMD.raw_key), name), limit=1)]
        for name in ("graded", "readable", "not_recalled", "rows_floor", "unique_keys")
    }
    assert told == {
        "graded": ["FAILED"], "readable": ["FAILED"], "not_recalled": ["SUCCEEDED"], "rows_floor": [], "unique_keys": []
    }, "a question that was never asked is no failure"  # fmt: skip

    assert asked() == ["judge"]
    judged = start("judge", today)
    assert judged.success
    assert {matches.KEY, "findings", "deficiency_leads", CORES.raw_key} <= made(judged)
    assert RMD.core_key not in made(judged), "nothing is shown as loaded that was not"

    assert asked() == ["sync_listmonk"]
    synced = start("sync_listmonk", None)
    assert synced.success
    assert asked() == [], "judged once; the site is asked again in half an hour"

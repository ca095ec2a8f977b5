"""The marts' two steps, with dbt's part played: what is shown when it succeeds, and when it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets import marts as assets
from pw_pipelines.assets.manifest import Manifest, read
from pw_pipelines.compliance import marts
from pw_pipelines.compliance.dbt_run import NodeResult
from pw_pipelines.errors import ConfigError, PwError

Heard = Callable[[NodeResult], None]


def node(name: str, kind: str = "model", status: str = "success") -> NodeResult:
    return NodeResult(name, kind, status, 1, 0.1, f"{name} said so")


def run(house: dict[str, Any], manifest: Manifest, *, phase: str, fails: str | None = None) -> Any:
    """Materializes one step; `fails` names a test that dbt says failed."""

    def build(db: Any, *, on_node: Heard, phase: str, **_: Any) -> None:
        schema = "marts_next" if phase == "findings" else "marts"
        tables = {"findings": ("stg_filings", "carriers", "findings"), "leads": ("deficiency_leads",)}[phase]
        with db.connect() as connection:
            connection.execute(f"create schema if not exists {schema}")
            for table in tables:
                connection.execute(f"create table {schema}.{table} (frn text, email text)")
                connection.execute(f"insert into {schema}.{table} values ('0000000001', 'pat@customer.example')")
                on_node(node(table))
        if phase == "leads":
            on_node(node("of_both_phases", "test", "pass"))
            return
        on_node(node("singular: of two", "test", "warn"))
        on_node(node("unique_carriers_frn", "test", "fail" if fails else "pass"))
        if fails:
            raise PwError(f"The marts were not built: test {fails}.")

    monkey = pytest.MonkeyPatch()
    monkey.setattr(marts, "build", build)
    index = 0 if phase == "findings" else 1
    try:
        return dg.materialize(
            [assets.assets(manifest)[index]],
            resources={key: house[key] for key in ("settings", "db")},
            instance=dg.DagsterInstance.ephemeral(),
            raise_on_error=False,
        )
    finally:
        monkey.undo()


def made(result: Any) -> dict[str, Any]:
    return {
        event.asset_key.to_user_string(): event.step_materialization_data.materialization.metadata
        for event in result.all_events
        if event.event_type_value == "ASSET_MATERIALIZATION"
    }


def test_each_model_is_an_asset_with_its_rows_columns_and_preview(
    house: dict[str, Any], small_manifest: Manifest
) -> None:
    result = run(house, small_manifest, phase="findings")
    assert result.success
    shown = made(result)
    assert list(shown) == ["stg_filings", "carriers", "findings"], "each after what it reads, whatever its name"
    assert shown["carriers"]["dagster/row_count"].value == 1
    assert shown["carriers"]["dagster/table_name"].value == "marts.carriers"
    assert [column.name for column in shown["carriers"]["dagster/column_schema"].value.columns] == ["frn", "email"]
    assert "0000000001" in shown["carriers"]["preview"].value
    assert "customer" not in shown["carriers"]["preview"].value


def test_a_test_of_severity_warn_is_shown_and_stops_nothing(house: dict[str, Any], small_manifest: Manifest) -> None:
    checks = {one.check_name: one for one in run(house, small_manifest, phase="findings").get_asset_check_evaluations()}
    assert checks["unique_carriers_frn"].passed
    assert not checks["singular_of_two"].passed
    assert checks["singular_of_two"].severity is dg.AssetCheckSeverity.WARN


def test_a_failed_test_fails_the_step_shows_red_and_makes_nothing_green(
    house: dict[str, Any], small_manifest: Manifest
) -> None:
    result = run(house, small_manifest, phase="findings", fails="unique_carriers_frn")
    assert not result.success
    assert made(result) == {}
    checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert checks["unique_carriers_frn"] is False


def test_leads_are_read_where_readers_find_them(house: dict[str, Any], small_manifest: Manifest) -> None:
    shown = made(run(house, small_manifest, phase="leads"))
    assert set(shown) == {"deficiency_leads"}
    assert shown["deficiency_leads"]["dagster/row_count"].value == 1


def test_what_a_model_reads_is_what_its_asset_stands_on(small_manifest: Manifest) -> None:
    first, second = assets.assets(small_manifest)
    assert first.asset_deps[dg.AssetKey("stg_filings")] == {dg.AssetKey("core_fcc_rmd__filings")}
    assert first.asset_deps[dg.AssetKey("findings")] == {dg.AssetKey("carriers")}, "our own books are no assets"
    assert second.asset_deps[dg.AssetKey("deficiency_leads")] == {
        dg.AssetKey("findings"),
        dg.AssetKey("core_fcc_cores__registrations"),
    }
    assert assets.last_of_findings(small_manifest) == ["findings"]


def test_a_test_that_reads_both_phases_is_shown_where_it_runs(small_manifest: Manifest) -> None:
    shown = {test.name: test.model.rsplit(".", 1)[-1] for test in small_manifest.tests.values()}
    assert shown == {
        "unique_carriers_frn": "carriers",
        "singular: of two": "findings",
        "of_both_phases": "deficiency_leads",
    }, "a test on a source alone has no model to be shown on"


def test_a_missing_manifest_names_the_command_that_makes_it(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match=r"python -m pw_pipelines\.compliance\.manifest"):
        read(tmp_path / "manifest.json")
    (tmp_path / "manifest.json").write_text('{"nodes": {')
    with pytest.raises(ConfigError, match="cut short"):
        read(tmp_path / "manifest.json")

"""dbt's models as assets: one step for what findings need, one for what leads need, with CORES read in between; and
one for orders and money, which neither waits for those nor holds them up."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg

from pw_pipelines.assets import commerce, matches
from pw_pipelines.assets.manifest import Manifest, Model, Test
from pw_pipelines.assets.matches import DAILY_FRESHNESS
from pw_pipelines.assets.subjects import RMD, SUBJECTS
from pw_pipelines.assets.tables import APPLICATION, PREVIEW_COLUMNS, Preview, columns_of, count, is_personal, preview
from pw_pipelines.assets.verdicts import verdicts
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.assets.tables import Connection
    from pw_pipelines.compliance.dbt_run import NodeResult

PASSED = frozenset({"pass", "success"})
# Groups in the graph, where a model's file does not say its own (meta: {dagster: {group: …}}).
_GROUP_OF_FOLDER = {"intermediate": "carriers"}
_GROUP_OF_MART = {"findings": "findings", "questions": "findings", "contacts": "leads", "held": "leads",
                  "deficiency_leads": "leads"}  # fmt: skip
# Tables that are assets, or are written with one; our own reference data (rules, due dates) is not.
_CORE_ASSETS: dict[str, str] = {
    **{subject.table: subject.core_key for subject in SUBJECTS.values()},
    "fcc_rmd_presence": RMD.core_key,
    matches.TABLE: matches.KEY,
    "match_runs": matches.KEY,
    **dict.fromkeys(("orders", "order_items", "order_lines"), commerce.ORDERS),
    **dict.fromkeys(("payments", "money_ledger"), commerce.PAYMENTS),
}
_TEAMS = {"leads": "marketing", "segments": "marketing", commerce.GROUP: "finance"}


Phase = Literal["findings", "leads", "commerce"]


def group_of(model: Model) -> str:
    """Where a model stands in the graph."""
    stated = model.meta.get("dagster", {}).get("group")
    if stated:
        return str(stated)
    if model.folder == "marts":
        return _GROUP_OF_MART.get(model.name, "carriers")
    return _GROUP_OF_FOLDER.get(model.folder, model.folder)


def assets(manifest: Manifest) -> list[dg.AssetsDefinition]:
    """The steps. Raises ConfigError from reading the manifest, never runs dbt."""
    phases: tuple[Phase, ...] = ("findings", "leads", "commerce")
    return [_phase_asset(manifest, phase) for phase in phases if manifest.of_phase(phase)]


def last_of_findings(manifest: Manifest) -> list[str]:
    """Models of the first phase that no other model of it reads: when they stand, the phase is over."""
    models = manifest.of_phase("findings")
    read = {upstream for model in models for upstream in model.upstream}
    return [model.name for model in models if model.unique_id not in read]


def _phase_asset(manifest: Manifest, phase: Phase) -> dg.AssetsDefinition:
    models = manifest.of_phase(phase)
    ours = {model.unique_id: model for model in models}
    tests = [test for test in manifest.tests.values() if test.model in ours]

    @dg.multi_asset(
        name=f"dbt_{phase}",
        specs=[_spec(model, manifest) for model in models],
        check_specs=[_check_spec(test, ours[test.model]) for test in tests],
        required_resource_keys={"settings", "db"},
    )
    def _build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        from pw_pipelines.commerce import marts as commerce_marts
        from pw_pipelines.compliance import marts

        settings: Settings = context.resources.settings
        today = settings.clock.today()
        heard: dict[str, NodeResult] = {}

        def hear(node: "NodeResult") -> None:
            heard[node.name] = node
            context.log.info("%s %s: %s (%.1f s)", node.kind, node.name, node.status, node.seconds)

        try:
            with verdicts():
                if phase == "commerce":
                    commerce_marts.build(context.resources.db, as_of=today, home=settings.home, on_node=hear)
                else:
                    marts.build(
                        context.resources.db,
                        as_of=today,
                        now=settings.clock.now(),
                        phase=phase,
                        on_node=hear,
                        work_folder=settings.home / "dbt",
                    )
        except dg.Failure:
            # Nothing of a failed build is in force, so no model is shown as made; its tests say what was wrong.
            for test in tests:
                if test.name in heard:
                    yield _check_result(test, ours[test.model], heard)
            raise
        # The findings are built beside what is in force; the leads' phase puts both there.
        suffix = marts.NEXT if phase == "findings" else ""
        with context.resources.db.connect(application=APPLICATION) as connection:
            shown = {
                model.name: _metadata(connection, model, heard.get(model.name), suffix, today.isoformat())
                for model in models
            }
        for model in models:
            yield dg.MaterializeResult(
                asset_key=model.name,
                metadata=shown[model.name],
                check_results=[_check_result(test, model, heard) for test in tests if test.model == model.unique_id],
            )

    return _build


def _spec(model: Model, manifest: Manifest) -> dg.AssetSpec:
    schema = dg.TableSchema(columns=[dg.TableColumn(name, kind or "?", text) for name, kind, text in model.columns])
    return dg.AssetSpec(
        model.name,
        deps=list(_deps(model, manifest)),
        description=model.description or None,
        group_name=group_of(model),
        owners=[f"team:{_TEAMS.get(group_of(model), 'data')}"],
        kinds={"dbt", "postgres", *({"view"} if model.materialized == "view" else ())},
        tags={"pw/layer": group_of(model), "pw/phase": model.phase},
        code_version=model.checksum,
        freshness_policy=DAILY_FRESHNESS,
        metadata={"dagster/column_schema": schema, "dagster/table_name": f"{model.schema}.{model.name}"},
    )


def _deps(model: Model, manifest: Manifest) -> Iterator[str]:
    for upstream in model.upstream:
        if upstream in manifest.models:
            yield manifest.models[upstream].name
        elif manifest.sources.get(upstream) in _CORE_ASSETS:
            yield _CORE_ASSETS[manifest.sources[upstream]]


def _check_spec(test: Test, model: Model) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        test.check, asset=model.name, description=test.description or None, metadata={"dbt_test": test.name}
    )


def _metadata(
    connection: "Connection", model: Model, node: "NodeResult | None", suffix: str, as_of: str
) -> Mapping[str, Any]:
    schema = f"{model.schema}{suffix}"
    described = {name: text for name, _, text in model.columns}
    columns = columns_of(connection, schema, model.name)
    shown = tuple(name for name, _ in columns if not is_personal(name))[:PREVIEW_COLUMNS]
    return {
        "dagster/row_count": count(connection, schema, model.name),
        "dagster/table_name": f"{model.schema}.{model.name}",
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(name, kind, described.get(name)) for name, kind in columns]
        ),
        "as_of": as_of,
        "build_seconds": node.seconds if node else 0.0,
        "preview": preview(connection, Preview(schema, model.name, shown)),
    }


def _check_result(test: Test, model: Model, heard: Mapping[str, "NodeResult"]) -> dg.AssetCheckResult:
    node = heard.get(test.name)
    return dg.AssetCheckResult(
        asset_key=model.name,
        check_name=test.check,
        passed=node is not None and node.status in PASSED,
        severity=dg.AssetCheckSeverity.ERROR if test.severity == "error" else dg.AssetCheckSeverity.WARN,
        description=(node.message or node.status) if node else "dbt did not run this test.",
    )

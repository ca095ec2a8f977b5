"""dbt's models as assets: one step for what findings need, one for what leads need, with CORES read in between."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets import matches
from pw_pipelines.assets.manifest import Manifest, Model, Test
from pw_pipelines.assets.matches import DAILY_FRESHNESS
from pw_pipelines.assets.subjects import SUBJECTS
from pw_pipelines.assets.tables import PREVIEW_COLUMNS, Preview, count, is_personal, preview
from pw_pipelines.assets.verdicts import verdicts
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.compliance.marts import BuildResult, Node
    from pw_pipelines.db.connection import Database

MARKETING_FOLDERS = frozenset({"leads", "segments"})
# Tables of `core` that are assets; our own books (rules, due dates, suppressions) are not.
_CORE_ASSETS: dict[str, str] = {
    **{subject.table: subject.core_key for subject in SUBJECTS.values()},
    matches.TABLE: matches.KEY,
}


def assets(manifest: Manifest) -> list[dg.AssetsDefinition]:
    """The two steps. Raises ConfigError from reading the manifest, never runs dbt."""
    return [_phase_asset(manifest, phase) for phase in ("findings", "leads")]


def last_of_findings(manifest: Manifest) -> list[str]:
    """Models of the first phase that no other model of it reads: when they stand, the phase is over."""
    models = manifest.of_phase("findings")
    read = {upstream for model in models for upstream in model.upstream}
    return [model.name for model in models if model.unique_id not in read]


def _phase_asset(manifest: Manifest, phase: str) -> dg.AssetsDefinition:
    models = manifest.of_phase(phase)
    ours = {model.unique_id: model for model in models}
    tests = [test for test in manifest.tests.values() if test.model in ours]

    @dg.multi_asset(
        name=f"dbt_{phase}",
        specs=[_spec(model, manifest) for model in models],
        check_specs=[_check_spec(test, ours[test.model]) for test in tests],
        required_resource_keys={"settings", "db"},
    )
    def _build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        from pw_pipelines.compliance import marts

        settings: Settings = context.resources.settings
        db: Database = context.resources.db
        with verdicts():
            result = marts.build(
                db,
                as_of=settings.clock.today(),
                now=settings.clock.now(),
                phase=phase,
                on_node=lambda node: context.log.info(
                    "%s %s: %s (%.1f s)", node.kind, node.name, node.status, node.seconds
                ),
            )
        yield from _results(db, result, models, tests, settings.clock.today().isoformat())
        _insist(result, phase)

    return _build


def _spec(model: Model, manifest: Manifest) -> dg.AssetSpec:
    schema = dg.TableSchema(columns=[dg.TableColumn(name, kind or "?", text) for name, kind, text in model.columns])
    return dg.AssetSpec(
        model.name,
        deps=list(_deps(model, manifest)),
        description=model.description,
        group_name=model.folder,
        owners=["team:marketing" if model.folder in MARKETING_FOLDERS else "team:data"],
        kinds={"dbt", "postgres", *({"view"} if model.materialized == "view" else ())},
        tags={"pw/layer": model.folder, "pw/phase": model.phase},
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


def _results(
    db: "Database", result: "BuildResult", models: Iterable[Model], tests: Iterable[Test], as_of: str
) -> Iterator[dg.MaterializeResult[Any]]:
    """A result for every model that was built, with the results of its tests; a failed model has none."""
    nodes = {node.name: node for node in result.nodes}
    for model in models:
        node = nodes.get(model.name)
        if node is None or node.status != SUCCESS:
            continue
        yield dg.MaterializeResult(
            asset_key=model.name,
            metadata=_metadata(db, model, node, as_of),
            check_results=[_check_result(test, nodes) for test in tests if test.model == model.unique_id],
        )


SUCCESS = "success"


def _metadata(db: "Database", model: Model, node: "Node", as_of: str) -> Mapping[str, Any]:
    shown = tuple(name for name, _, _ in model.columns if not is_personal(name))[:PREVIEW_COLUMNS]
    return {
        "dagster/row_count": node.rows if node.rows is not None else count(db, model.schema, model.name),
        "dagster/table_name": f"{model.schema}.{model.name}",
        "as_of": as_of,
        "seconds": node.seconds,
        "preview": preview(db, Preview(model.schema, model.name, shown)),
    }


def _check_result(test: Test, nodes: "Mapping[str, Node]") -> dg.AssetCheckResult:
    node = nodes.get(test.name)
    passed = node is not None and node.status in {"pass", SUCCESS}
    return dg.AssetCheckResult(
        check_name=test.check,
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR if test.severity == "error" else dg.AssetCheckSeverity.WARN,
        description=(node.message or node.status) if node else "dbt did not run this test.",
    )


def _insist(result: "BuildResult", phase: str) -> None:
    """Ends the step red when a model or a test of severity error failed: nothing may be built on it."""
    wrong = [node for node in result.nodes if node.status in {"error", "fail", "skipped"}]
    if wrong:
        told = "; ".join(f"{node.kind} {node.name}: {node.message or node.status}" for node in wrong[:5])
        raise dg.Failure(
            description=f"dbt, phase {phase}: {len(wrong)} nodes did not pass: {told}. What stood before still stands.",
            allow_retries=False,
        )

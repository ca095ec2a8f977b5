"""Rows of public records, loaded from good copies only, each under its snapshot."""

from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets.raw import GROUP, TEAM, freshness
from pw_pipelines.assets.subjects import Subject
from pw_pipelines.assets.tables import APPLICATION, core_preview, core_tables, count, preview
from pw_pipelines.assets.verdicts import verdicts
from pw_pipelines.sources.contract import contract

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database
    from pw_pipelines.snapshots.model import Snapshot

ALL_ROWS_LOADED = "all_rows_loaded"


def core_asset(subject: Subject, *, partitions_def: dg.PartitionsDefinition[Any]) -> dg.AssetsDefinition:
    """The asset of a source's rows."""
    promise = contract(subject.source)
    columns = core_tables()[subject.table].schema_metadata()

    @dg.asset(
        name=subject.core_key,
        description=f"Rows of {promise.title} in `core.{subject.table}`. One row is {promise.one_row}\n\nOnly "
        "copies graded complete or partial are loaded; every row names its snapshot.",
        partitions_def=partitions_def,
        deps=[subject.raw_key],
        group_name=GROUP,
        owners=[TEAM],
        kinds={"postgres"},
        tags={"pw/source": subject.source, "pw/layer": "core"},
        freshness_policy=freshness(promise),
        check_specs=[
            dg.AssetCheckSpec(
                ALL_ROWS_LOADED,
                asset=subject.core_key,
                blocking=True,
                description="As many rows stand in the table as the copy was graded with.",
            )
        ],
        required_resource_keys={"settings", "db", "objects"},
        metadata={"dagster/column_schema": columns, "dagster/table_name": f"core.{subject.table}"},
    )
    def _core(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        from pw_pipelines.snapshots import road

        resources = context.resources
        with verdicts():
            snapshots = good_of(resources.db, subject, context.partition_key)
            for one in snapshots:
                road.load(resources.db, resources.objects, one.snapshot_id, now=resources.settings.clock.now())
        return dg.MaterializeResult(
            metadata={"dagster/column_schema": columns, **core_metadata(resources.db, subject, snapshots)},
            check_results=[loaded_result(resources.db, subject, snapshots)],
        )

    return _core


def good_of(db: "Database", subject: Subject, partition: str) -> "list[Snapshot]":
    """The usable copies of a partition, oldest first: the newest one, or all where a day's copies add up.

    Raises Failure when there is none. (CORES may have nothing to load: then an earlier batch is all there is.)
    """
    from pw_pipelines.snapshots import books

    found = [
        one for one in books.list_snapshots(db, subject.source) if one.is_good and _belongs(one, subject, partition)
    ]
    if not found and not subject.in_batches:
        raise dg.Failure(
            description=f"{subject.core_key}: there is no usable copy of {partition}. Materialize {subject.raw_key} "
            "for it first; if it was rejected, its checks say why.",
            allow_retries=False,
        )
    return found[::-1] if subject.in_batches else found[:1]


def _belongs(snapshot: "Snapshot", subject: Subject, partition: str) -> bool:
    if subject.is_vintage:
        return (snapshot.vintage or "").startswith(partition)
    return snapshot.as_of == date.fromisoformat(partition)


def loaded_result(db: "Database", subject: Subject, snapshots: "list[Snapshot]") -> dg.AssetCheckResult:
    """Whether the table holds what was graded; counted in the table, not believed."""
    graded = sum(one.rows for one in snapshots)
    with db.connect(application=APPLICATION) as connection:
        stored = sum(count(connection, "core", subject.table, snapshot_id=one.snapshot_id) for one in snapshots)
    return dg.AssetCheckResult(
        check_name=ALL_ROWS_LOADED,
        passed=graded == stored,
        description=f"{stored:,} rows loaded, {graded:,} graded.",
        metadata={"loaded": stored, "graded": graded},
    )


def core_metadata(db: "Database", subject: Subject, snapshots: "list[Snapshot]") -> dict[str, Any]:
    """Counts, origin and a preview of what was loaded."""
    if not snapshots:
        return {"dagster/row_count": 0, "note": "Nothing had to be loaded."}
    newest = snapshots[-1]
    with db.connect(application=APPLICATION) as connection:
        shown = preview(connection, core_preview(subject.table, newest.snapshot_id))
    return {
        "dagster/row_count": sum(one.rows for one in snapshots),
        "dagster/table_name": f"core.{subject.table}",
        "as_of": newest.as_of.isoformat(),
        "snapshot": ", ".join(one.snapshot_id for one in snapshots),
        "grade": newest.grade,
        "source": dg.MetadataValue.url(contract(subject.source).landing_page),
        "preview": shown,
    }

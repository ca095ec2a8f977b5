"""Hand-ingested files shown in Dagster as if a run had fetched them: same keys, partitions, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.assets import partitions
from pw_pipelines.assets.core import core_metadata, loaded_result
from pw_pipelines.assets.raw import check_results, evaluation, snapshot_metadata
from pw_pipelines.assets.subjects import Subject, subject
from pw_pipelines.assets.tables import core_tables
from pw_pipelines.sources.contract import contract

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database
    from pw_pipelines.snapshots.model import Snapshot


def report_snapshot(snapshot: Snapshot, *, db: Database, instance: dg.DagsterInstance | None = None) -> list[str]:
    """Writes the events of a snapshot that no run made; returns the keys of the assets reported.

    `instance` None: the one of DAGSTER_HOME. A copy that is not loaded reports its raw asset alone. A copy of a
    day before the first partition is reported without a partition.
    """
    instance = instance or dg.DagsterInstance.get()
    known = subject(snapshot.source)
    promise = contract(snapshot.source)
    partition = _partition(snapshot, known)
    reported = [known.raw_key]
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            known.raw_key,
            description="Ingested by hand." if snapshot.origin == "ingested" else None,
            metadata=dict(snapshot_metadata(snapshot, promise)),
            partition=partition,
        )
    )
    for result in check_results(snapshot, promise):
        instance.report_runless_asset_event(evaluation(known.raw_key, result))
    if snapshot.loaded_at is not None:
        reported.append(known.core_key)
        columns = core_tables()[known.table].schema_metadata()
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                known.core_key,
                metadata={"dagster/column_schema": columns, **core_metadata(db, known, [snapshot])},
                partition=partition,
            )
        )
        instance.report_runless_asset_event(evaluation(known.core_key, loaded_result(db, known, [snapshot])))
    return reported


def _partition(snapshot: Snapshot, known: Subject) -> str | None:
    if known.is_vintage:
        named = (snapshot.vintage or "")[:3]
        return named if named in partitions.VINTAGE_NAMES else None
    day = snapshot.as_of.isoformat()
    return day if day >= partitions.FIRST_DAY else None

"""Records without an FRN, matched to carriers by name."""

from datetime import timedelta

import dagster as dg

from pw_pipelines.assets.raw import TEAM
from pw_pipelines.assets.subjects import CPNI, FORM499, RMD
from pw_pipelines.assets.tables import APPLICATION, core_preview, core_tables, count, preview
from pw_pipelines.assets.verdicts import verdicts

KEY = "core_name_matches"
TABLE = "name_matches"
DAILY_FRESHNESS = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=30), fail_window=timedelta(hours=54))


@dg.asset(
    name=KEY,
    description="Records that carry no FRN, matched to carriers by name. One row is one candidate: which record, which "
    "FRN, by which method and how surely. Similar names alone prove nothing.",
    deps=[RMD.core_key, FORM499.core_key, CPNI.core_key],
    group_name="matches",
    owners=[TEAM],
    kinds={"python", "postgres"},
    tags={"pw/layer": "core"},
    freshness_policy=DAILY_FRESHNESS,
    required_resource_keys={"settings", "db"},
    metadata={
        "dagster/column_schema": core_tables()[TABLE].schema_metadata(),
        "dagster/table_name": f"core.{TABLE}",
    },
)
def core_name_matches(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    """Rebuilt whole at each run."""
    from pw_pipelines.commands.output import plain
    from pw_pipelines.compliance.matching import match_names

    db, clock = context.resources.db, context.resources.settings.clock
    today = clock.today()
    with verdicts():
        report = match_names(db, on=today, now=clock.now())
    with db.connect(application=APPLICATION) as connection:
        rows, shown = count(connection, "core", TABLE), preview(connection, core_preview(TABLE))
    return dg.MaterializeResult(
        metadata={
            "dagster/column_schema": core_tables()[TABLE].schema_metadata(),
            "dagster/table_name": f"core.{TABLE}",
            "dagster/row_count": rows,
            "as_of": today.isoformat(),
            "report": dg.MetadataValue.json(plain(report)),
            "preview": shown,
        }
    )

"""Restore drills as an asset: the proof that the backups can be restored, and how long that takes."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets.tables import markdown_table
from pw_pipelines.assets.verdicts import verdicts
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.backups.drill_book import Kept

NAME, GROUP, TEAM = "restore_drills", "backups", "team:operations"
RESTORES, POINT = "everything_restores", "recovery_point_is_within_a_minute"
_POINT_CHECKS = ("recovery point", "paid orders of now", "documents of now", "journal")
_SHOWN = 5
COPY_SECONDS = 1800.0  # for a copy that somebody makes by hand; those of the house never run beside a drill


@dg.asset(
    name=NAME,
    description="The house restored from the off-site copy and the journal's store alone, into scratch servers, and "
    "proved: rows, money, paid orders, documents, custody (`pw.backup_drills`). One row is one drill.",
    group_name=GROUP,
    owners=[TEAM],
    kinds={"postgres", "mariadb"},
    tags={"pw/layer": GROUP},
    freshness_policy=dg.FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=10)),
    metadata={"dagster/table_name": "pw.backup_drills"},
    check_specs=[
        dg.AssetCheckSpec(
            RESTORES,
            asset=NAME,
            description="Every set opens, restores, and shows the business facts it was sealed with.",
        ),
        dg.AssetCheckSpec(
            POINT,
            asset=NAME,
            description="What the off-site copies and the journal would not bring back is younger than a minute (a "
            "document: five), and no paid order is among it.",
        ),
    ],
    required_resource_keys={"settings", "db", "objects"},
)
def restore_drills(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    from pw_pipelines.backups.drill_book import drill_and_keep
    from pw_pipelines.backups.shipping import prune_journal

    settings: Settings = context.resources.settings
    db = context.resources.db
    with verdicts():
        kept = drill_and_keep(
            settings, db, context.resources.objects, run_id=context.run.run_id, say=context.log.info,
            wait_seconds=COPY_SECONDS,
        )  # fmt: skip
    if kept.drill.ok:  # only what was proved to be elsewhere leaves the journal here
        with db.connect(application="pw-journal") as connection:
            context.log.info(f"{prune_journal(connection, settings)} rows of the journal are in the dump and went.")
    return _result(kept, settings.public_url)


def _result(kept: "Kept", url: str) -> dg.MaterializeResult:  # type: ignore[type-arg]
    drill = kept.drill
    rows = [(one.name, "ok" if one.ok else "FAILED", one.detail) for one in drill.checks]
    metadata: dict[str, Any] = {
        "rto_seconds": round(drill.rto_seconds, 1),
        "sets": ", ".join(drill.set_ids),
        "checks": dg.MetadataValue.md(markdown_table(("check", "verdict", "found"), rows)),
        "report": dg.MetadataValue.url(f"{url.rstrip('/')}/desk/backups/drills/{kept.drill_id}"),
    }
    if drill.rpo_seconds is not None:
        metadata["rpo_seconds"] = round(drill.rpo_seconds, 1)
    if kept.report_trouble:
        metadata["report_is_not_offsite"] = kept.report_trouble
    failed = [one for one in drill.checks if not one.ok]
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            _verdict(RESTORES, [one for one in failed if one.name not in _POINT_CHECKS], len(drill.checks)),
            _verdict(POINT, [one for one in failed if one.name in _POINT_CHECKS], len(_POINT_CHECKS)),
        ],
    )


def _verdict(name: str, failed: list[Any], looked_at: int) -> dg.AssetCheckResult:
    words = " ".join(f"{one.name}: {one.detail}" for one in failed[:_SHOWN]) or f"{looked_at} things looked at, all ok."
    return dg.AssetCheckResult(check_name=name, passed=not failed, description=words[:2000])

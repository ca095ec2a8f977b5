"""Backups as assets, one per subject: the sets that were made, each check a promise about the newest."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets.tables import APPLICATION, PREVIEW_ROWS, markdown_table
from pw_pipelines.assets.verdicts import verdicts
from pw_pipelines.backups.model import SUBJECTS, Subject
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.assets.tables import Connection
    from pw_pipelines.backups.rounds import Told
    from pw_pipelines.backups.status import Standing

GROUP, TEAM = "backups", "team:operations"
RECENT, OFF_SITE, VERIFIED, WHOLE = "newest_is_young_enough", "is_off_site", "archives_stand", "source_is_whole"
WHAT: dict[Subject, tuple[str, str]] = {
    "postgres": ("PostgreSQL: the warehouse, Dagster's books and roles, four times a day.", "postgres"),
    "mariadb": ("MariaDB: ERPNext's database and the key of its secrets, daily.", "mysql"),
    "objects": ("The object store: what is new is sealed into the pool, all there was is indexed, daily.", "s3"),
    "forgejo": ("Forgejo: its own dump, and its database natively, daily.", "git"),
}


def name_of(subject: Subject) -> str:
    """The asset of a subject."""
    return f"backup_{subject}"


def assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """backup_postgres, backup_mariadb, backup_objects, backup_forgejo."""
    return [_asset(subject, timedelta(hours=settings.backup_promise_hours.get(subject, 30.0))) for subject in SUBJECTS]


def _asset(subject: Subject, promise: timedelta) -> dg.AssetsDefinition:
    name = name_of(subject)
    words, kind = WHAT[subject]

    @dg.asset(
        name=name,
        description=f"{words} Materializing it makes one set, brings it off-site, reads it back there, and lets go of "
        "sets that retention no longer keeps (`pw.backup_sets`).",
        group_name=GROUP,
        owners=[TEAM],
        kinds={"python", kind},
        tags={"pw/layer": GROUP},
        freshness_policy=dg.FreshnessPolicy.time_window(warn_window=promise * 0.9, fail_window=promise),
        metadata={"dagster/table_name": "pw.backup_sets"},
        check_specs=[
            dg.AssetCheckSpec(RECENT, asset=name, description="The newest good set is not older than promised."),
            dg.AssetCheckSpec(OFF_SITE, asset=name, description="The set was read back off-site, digest by digest."),
            dg.AssetCheckSpec(VERIFIED, asset=name, description="Every archive of every set kept stands."),
            dg.AssetCheckSpec(WHOLE, asset=name, description="Nothing was missing or altered in what is backed up."),
        ],
        required_resource_keys={"settings", "db", "objects"},
    )
    def backup(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        from pw_pipelines.backups import rounds
        from pw_pipelines.backups.status import standings

        settings: Settings = context.resources.settings
        with verdicts():
            told = rounds.run_one(_ground(context), subject, context.log.info)
            if told.set_id is None and told.skipped is None:
                raise dg.Failure(f"No backup of {subject} was made: {told.error}", allow_retries=True)
        with context.resources.db.connect(application=APPLICATION) as connection:
            stand = next(
                one for one in standings(connection, settings, now=settings.clock.now()) if one.subject == subject
            )
            table = _table(connection, subject)
        return dg.MaterializeResult(metadata=_metadata(told, stand, table), check_results=_checks(told, stand))

    return backup


def _ground(context: dg.AssetExecutionContext) -> Any:
    from pw_pipelines.backups.capture import Ground

    resources = context.resources
    return Ground.of(resources.settings, resources.db, resources.objects, run_id=context.run.run_id)


def _metadata(told: "Told", stand: "Standing", table: str) -> dict[str, Any]:
    found = {
        "set_id": told.set_id,
        "captured_at": told.captured_at,
        "bytes": told.bytes,
        "seconds": told.seconds,
        "good_sets": stand.good,
        "age_hours": stand.age_hours,
        "bytes_kept": stand.bytes,
        "off_site": told.offsite,
        "expired": len(told.expired),
        "skipped": told.skipped,
        "trouble": told.error,
    }
    shown: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
    return {**shown, "findings": dg.MetadataValue.json(list(told.findings)), "preview": dg.MetadataValue.md(table)}


def _checks(told: "Told", stand: "Standing") -> list[dg.AssetCheckResult]:
    if told.skipped:
        return [
            dg.AssetCheckResult(check_name=name, passed=True, description=f"Not backed up here: {told.skipped}")
            for name in (RECENT, OFF_SITE, VERIFIED, WHOLE)
        ]
    age = "there is none" if stand.age_hours is None else f"{stand.age_hours:.1f} hours"
    lost = told.error if told.error in told.findings else None
    return [
        _check(RECENT, stand.age_hours is not None and not stand.late,
               f"Newest good set: {age}; promised are {stand.promise_hours:g}."),
        _check(OFF_SITE, told.offsite == "confirmed", told.error or f"Off-site: {told.offsite}."),
        _check(VERIFIED, told.verified and not stand.damaged,
               f"Damaged: {', '.join(stand.damaged)}." if stand.damaged else "All archives were read through."),
        _check(WHOLE, lost is None, lost or "Nothing was missing or altered."),
    ]  # fmt: skip


def _check(name: str, passed: bool, words: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=name, passed=passed, description=words)


def _table(connection: "Connection", subject: str) -> str:
    header = ("set_id", "state", "captured_at", "bytes", "confirmed_at", "verified_at", "tiers", "trouble")
    rows = connection.execute(
        """select set_id, state, captured_at, bytes, confirmed_at, verified_at, array_to_string(tiers, ', ') as tiers,
                  coalesce(error, damage, offsite_error) as trouble
           from pw.backup_sets where subject = %s and state <> 'expired' order by started_at desc limit %s""",
        (subject, PREVIEW_ROWS),
    ).fetchall()
    return markdown_table(header, [[row[name] for name in header] for row in rows])

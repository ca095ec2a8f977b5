"""The one door Dagster comes in by: puts the rooms together, nothing else. Does no I/O beyond our own files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from pw_pipelines import long_lived  # noqa: F401 - first: what it does counts for all that follow
from pw_pipelines.assets import (
    after,
    backups,
    bounces,
    campaigns,
    commerce,
    drills,
    fcc,
    jurisdictions,
    listmonk,
    marts,
    matches,
    portals,
    registers,
)
from pw_pipelines.assets.manifest import read
from pw_pipelines.jobs.acquisition import jobs
from pw_pipelines.jobs.after import after_jobs
from pw_pipelines.jobs.automatic import allowed
from pw_pipelines.jobs.backups import backup_jobs
from pw_pipelines.jobs.books import make_books_job, prove_books
from pw_pipelines.jobs.commissions import commissions_job
from pw_pipelines.jobs.drills import restore_drill
from pw_pipelines.jobs.expiry import expire_orders_job
from pw_pipelines.jobs.fulfillment import fulfill_item
from pw_pipelines.jobs.order_mails import write_to_customers
from pw_pipelines.jobs.payments import work_payments_job
from pw_pipelines.jobs.portals import probe_portals
from pw_pipelines.jobs.private_data import erase_private_data_job
from pw_pipelines.jobs.registers import register_jobs
from pw_pipelines.jobs.retention import retention_job
from pw_pipelines.resources.dagster_resources import live_resources
from pw_pipelines.schedules.daily import schedules
from pw_pipelines.sensors.backups import backup_watch
from pw_pipelines.sensors.books import books_wanted, order_notice
from pw_pipelines.sensors.bounces import watch_bounces
from pw_pipelines.sensors.catch_up import catch_up_sensor
from pw_pipelines.sensors.checks import check_alert
from pw_pipelines.sensors.cures import cures_due
from pw_pipelines.sensors.failures import run_failure_alert
from pw_pipelines.sensors.fulfillment import items_ready
from pw_pipelines.sensors.journal import documents_leave, journal_ships, restore_drill_watch
from pw_pipelines.sensors.monitoring import analytics_events, waiting_too_long, word_server_watch
from pw_pipelines.sensors.order_mails import order_mails_due
from pw_pipelines.sensors.payments import payment_events
from pw_pipelines.sensors.signatures import signature_reminders
from pw_pipelines.settings import PROJECT_ROOT, Settings, load_settings

MANIFEST = PROJECT_ROOT / "dbt_models" / "target" / "manifest.json"
# What the lead list is made from.
LEADS = "deficiency_leads"


def build_defs(
    settings: Settings, *, resources: Mapping[str, object] | None = None, manifest: Path = MANIFEST
) -> dg.Definitions:
    """Every asset, check, job, sensor and schedule; `resources` replaces outside systems in tests.

    Raises ConfigError when dbt's manifest is missing, naming the command that makes it.
    """
    models = read(manifest)
    asset_jobs = [*jobs(models), *register_jobs(), prove_books(models), *after_jobs(), *backup_jobs(), probe_portals]
    asset_jobs.append(restore_drill)
    sensors = [
        catch_up_sensor(asset_jobs),
        backup_watch(asset_jobs),
        check_alert,
        watch_bounces,
        run_failure_alert,
        books_wanted,
        order_notice,
        payment_events,
        items_ready,
        cures_due,
        signature_reminders,
        order_mails_due,
        journal_ships,
        documents_leave,
        restore_drill_watch,
        waiting_too_long,
        word_server_watch,
        analytics_events,
    ]
    return dg.Definitions(
        assets=[
            *fcc.assets(settings, after_findings=marts.last_of_findings(models)),
            matches.core_name_matches,
            *marts.assets(models),
            listmonk.asset(settings, deps=[LEADS]),
            campaigns.asset(settings),
            bounces.bounce_reports,
            *registers.assets(settings),
            *portals.assets(settings),
            *commerce.assets(settings),
            drills.restore_drills,
            after.compliance_calendar,
            after.cures,
            *backups.assets(settings),
            jurisdictions.state_filing_fees,
        ],
        asset_checks=[*fcc.checks(), *registers.checks()],
        jobs=[
            *asset_jobs,
            retention_job,
            commissions_job,
            make_books_job,
            work_payments_job,
            fulfill_item,
            write_to_customers,
            erase_private_data_job,
            expire_orders_job,
        ],
        schedules=schedules(settings),
        sensors=[sensor for sensor in sensors if allowed(sensor.name, settings.mode)],
        resources={**live_resources(settings), **(resources or {})},
        executor=dg.in_process_executor,
    )


defs = build_defs(load_settings())

"""Personal data whose time is over is erased, every night."""

from dataclasses import asdict
from datetime import timedelta

import dagster as dg

from pw_pipelines.run_tags import IN_BACKGROUND
from pw_pipelines.settings import Settings

SESSIONS_DAYS = 30


@dg.op(
    description="Personal values of ended items whose day has come are emptied; values under an older key are "
    "written anew under the first; old logins of the desk go.",
    required_resource_keys={"settings", "db"},
    out=dg.Out(dg.Nothing),
)
def erase_what_is_due(context: dg.OpExecutionContext) -> None:
    """Counts alone are logged."""
    from pw_pipelines.fulfillment.erasing import close_sessions, erase_due
    from pw_pipelines.fulfillment.private_data import Vault

    settings: Settings = context.resources.settings
    now = settings.clock.now()
    with context.resources.db.connect(application="pw erasure") as connection:
        done = erase_due(
            connection, Vault(settings), days=settings.retention_private_days,
            number_days=settings.retention_ssn_days, now=now,
        )  # fmt: skip
        sessions = close_sessions(connection, before=now - timedelta(days=SESSIONS_DAYS))
    counts = {**asdict(done), "sessions": sessions}
    context.log.info("Erased: %s", counts)
    context.add_output_metadata(counts)


@dg.job(
    name="erase_private_data",
    description="Empties personal data of items that ended, days after their end as the settings say.",
    executor_def=dg.in_process_executor,
    tags={"pw/job": "erase_private_data", "dagster/max_retries": "1", **IN_BACKGROUND},
)
def erase_private_data_job() -> None:
    """One op: nothing in it is long."""
    erase_what_is_due()

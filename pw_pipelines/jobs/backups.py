"""The jobs of backups, one per subject."""

from __future__ import annotations

import dagster as dg

from pw_pipelines.assets import backups
from pw_pipelines.backups.model import SUBJECTS
from pw_pipelines.run_tags import IN_BACKGROUND

# One backup at a time, whichever subject: disk and line are shared. See concurrency in dagster.yaml.
TURN = {"pw/backups": "one at a time", **IN_BACKGROUND}
RETRIES = {"dagster/max_retries": "1"}  # of a run that crashed: a set half made is nothing


def backup_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """backup_postgres, backup_mariadb, backup_objects, backup_forgejo."""
    return [
        dg.define_asset_job(
            f"make_{backups.name_of(subject)}",
            description=f"{backups.WHAT[subject][0]} Made, sealed, copied off-site, read back; then old sets go.",
            selection=dg.AssetSelection.assets(backups.name_of(subject)),
            executor_def=dg.in_process_executor,
            tags={"pw/job": f"make_{backups.name_of(subject)}", **TURN, **RETRIES},
        )
        for subject in SUBJECTS
    ]

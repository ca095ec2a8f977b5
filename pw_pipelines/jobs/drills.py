"""The weekly restore drill."""

from __future__ import annotations

import dagster as dg

from pw_pipelines.assets.drills import restore_drills
from pw_pipelines.jobs.backups import TURN

NAME = "restore_drill"

restore_drill = dg.define_asset_job(
    NAME,
    description="Restores the house from the off-site copy alone into scratch servers and proves it. Changes nothing "
    "of the live house; may be started at any time.",
    selection=dg.AssetSelection.assets(restore_drills),
    executor_def=dg.in_process_executor,
    tags={"pw/job": NAME, "dagster/priority": "-1", **TURN},
)

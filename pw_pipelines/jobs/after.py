"""The jobs of what comes after a delivery: renewals, and the proof of cure."""

from __future__ import annotations

import dagster as dg

from pw_pipelines.assets import after
from pw_pipelines.jobs.acquisition import MARTS

RENEW, CURE = "raise_renewals", "look_for_cures"


def after_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """raise_renewals, look_for_cures."""
    return [
        dg.define_asset_job(
            RENEW,
            description="Raises the orders of what falls due soon, each once, and mails the customer its link, once. "
            "Charges nobody.",
            selection=dg.AssetSelection.assets(after.CALENDAR),
            executor_def=dg.in_process_executor,
            tags={"pw/job": RENEW},
        ),
        dg.define_asset_job(
            CURE,
            description="Looks in the findings in force whether the record shows what our filings mended. Writes to "
            "nobody.",
            selection=dg.AssetSelection.assets(after.CURES),
            executor_def=dg.in_process_executor,
            tags={"pw/job": CURE, **MARTS},
        ),
    ]

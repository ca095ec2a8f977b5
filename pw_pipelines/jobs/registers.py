"""The jobs that refresh the states' registers of companies. They send nothing to anyone and take turns."""

from __future__ import annotations

import dagster as dg

from pw_pipelines.assets import jurisdictions
from pw_pipelines.assets.registers import REGISTERS, checks_outside_jobs
from pw_pipelines.jobs.acquisition import AFTER_A_CRASH
from pw_pipelines.run_tags import IN_BACKGROUND

FLORIDA, WEEKLY, MONTHLY = "refresh_registers_florida", "refresh_registers_weekly", "refresh_registers_monthly"
STATES: dict[str, tuple[str, ...]] = {FLORIDA: ("FL",), WEEKLY: ("CO", "NY", "CT"), MONTHLY: ("OR", "PA", "IA")}
TURNS = {"pw/registers": "all"}  # one at a time: each fills the disk and a processor
ALSO = {FLORIDA: (jurisdictions.KEY,)}  # daily, so that an amended fee is in the table the next day
_WHAT = {
    FLORIDA: "Every daily file we lack, and the quarterly set when a newer one lies there; the states' filing fees.",
    WEEKLY: "Whole copies of Colorado's, New York's and Connecticut's registers.",
    MONTHLY: "Whole copies of Oregon's, Pennsylvania's and Iowa's registers, which are renewed monthly.",
}


def register_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """refresh_registers_florida, refresh_registers_weekly, refresh_registers_monthly."""
    answers = dg.AssetSelection.checks(*checks_outside_jobs())
    return [
        dg.define_asset_job(
            name,
            description=f"{_WHAT[name]} Sends nothing to anyone.",
            selection=dg.AssetSelection.assets(
                *(key for state in states for key in (*REGISTERS[state].raw_keys, REGISTERS[state].key)),
                *ALSO.get(name, ()),
            )
            - answers,
            executor_def=dg.in_process_executor,
            tags={"pw/job": name, **TURNS, **AFTER_A_CRASH, **IN_BACKGROUND},
        )
        for name, states in STATES.items()
    ]

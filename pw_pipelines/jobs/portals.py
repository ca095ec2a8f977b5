"""The job that looks at every portal, once a day."""

from __future__ import annotations

import dagster as dg

from pw_pipelines.assets import portals

NAME = "probe_portals"

probe_portals = dg.define_asset_job(
    NAME,
    description="Looks at every portal with a real browser, one after the other: which selectors stand, and what "
    "changed. Files nothing, answers no challenge. Only today's partition can be looked at; one portal is tried again "
    "by materializing its asset alone.",
    selection=dg.AssetSelection.groups(portals.GROUP),
    executor_def=dg.in_process_executor,
    tags={"pw/job": NAME},
)

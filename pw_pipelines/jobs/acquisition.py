"""The jobs of the acquisition side."""

from __future__ import annotations

import dagster as dg

from pw_pipelines.assets import bounces, campaigns, listmonk, matches
from pw_pipelines.assets.manifest import Manifest
from pw_pipelines.assets.raw import answer_checks
from pw_pipelines.assets.subjects import BDC, CORES, CPNI, FORM499, RMD, SUBJECTS, Subject

# A crashed run is started once more, whole: every step of it can be repeated. A failed step is not (dagster.yaml).
AFTER_A_CRASH = {"dagster/max_retries": "1", "dagster/retry_strategy": "ALL_STEPS"}
MARTS = {"pw/marts": "all"}  # runs that rebuild or read the marts take turns


def jobs(manifest: Manifest) -> list[dg.UnresolvedAssetJobDefinition]:
    """refresh_fcc, refresh_bdc, acquire, judge, sync_listmonk."""
    daily = [key for subject in (RMD, FORM499, CPNI) for key in _both(subject)]
    answers = dg.AssetSelection.checks(*(key for subject in SUBJECTS.values() for key in answer_checks(subject)))
    marts = [model.name for phase in ("findings", "leads") for model in manifest.of_phase(phase)]
    return [
        dg.define_asset_job(
            "refresh_fcc",
            description="Fetches, grades and loads one day's RMD, Form 499 and CPNI records. Sends nothing to anyone.",
            selection=dg.AssetSelection.assets(*daily) - answers,
            executor_def=dg.in_process_executor,
            tags={"pw/job": "refresh_fcc", **AFTER_A_CRASH},
        ),
        dg.define_asset_job(
            "refresh_bdc",
            description="Fetches, grades and loads one vintage of the BDC's provider list. Sends nothing to anyone.",
            selection=dg.AssetSelection.assets(*_both(BDC)) - answers,
            executor_def=dg.in_process_executor,
            tags={"pw/job": "refresh_bdc", **AFTER_A_CRASH},
        ),
        dg.define_asset_job(
            "acquire",
            description="Goes from one day's public record to findings, leads and segments. Sends nothing to anyone.",
            selection=dg.AssetSelection.assets(*daily, matches.KEY, *_both(CORES), *marts) - answers,
            executor_def=dg.in_process_executor,
            tags={"pw/job": "acquire", **MARTS, **AFTER_A_CRASH},
        ),
        dg.define_asset_job(
            "judge",
            description="Goes from the copies in force to findings, leads and segments: for a day on which a source's "
            "copy was rejected or could not be had, so that it holds up nobody but itself. Sends nothing to anyone.",
            selection=dg.AssetSelection.assets(matches.KEY, *_both(CORES), *marts) - answers,
            executor_def=dg.in_process_executor,
            tags={"pw/job": "judge", **MARTS, **AFTER_A_CRASH},
        ),
        dg.define_asset_job(
            "sync_listmonk",
            description="Reconciles the lead list in Listmonk with the leads, within the day's quota, keeps our "
            "campaign templates there and sums up what came back. Sends no mail.",
            selection=dg.AssetSelection.assets(listmonk.KEY, campaigns.KEY, bounces.KEY),
            executor_def=dg.in_process_executor,
            tags={"pw/job": "sync_listmonk", **MARTS},
        ),
    ]


def _both(subject: Subject) -> tuple[str, str]:
    return subject.raw_key, subject.core_key

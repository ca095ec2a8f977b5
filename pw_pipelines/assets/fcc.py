"""The five FCC records: how each is fetched, and their assets put together."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets import partitions
from pw_pipelines.assets.core import core_asset
from pw_pipelines.assets.raw import answers_asset_checks, keep, of_the_day, raw_asset, read_again, scratch
from pw_pipelines.assets.subjects import BDC, CORES, CPNI, FORM499, RMD
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.resources.fcc_sites import FccSites
    from pw_pipelines.resources.fetched import Fetched
    from pw_pipelines.snapshots.model import Snapshot

CPNI_YEARS = 4  # certifications of this year and the three before: who filed once is expected to file again


def _rmd(fcc: FccSites, folder: Path, _partition: str) -> Fetched:
    return fcc.rmd.fetch(folder)


def _form499(fcc: FccSites, folder: Path, _partition: str) -> Fetched:
    return fcc.form499.fetch(folder)


def _cpni(fcc: FccSites, folder: Path, partition: str) -> Fetched:
    day = date.fromisoformat(partition)
    return fcc.ecfs.fetch(folder, date(day.year - CPNI_YEARS + 1, 1, 1), day)


def _bdc(fcc: FccSites, folder: Path, partition: str) -> Fetched:
    return fcc.bdc.fetch(folder, partitions.as_of_date(partition))


def _cores_of_carriers(context: dg.AssetExecutionContext) -> Snapshot | None:
    """Looks up the FRNs that findings need an address or a registration for; None when there are none left today."""
    from pw_pipelines.compliance.marts import wanted_cores_frns

    resources = context.resources
    settings: Settings = resources.settings
    today = settings.clock.today()
    if context.partition_key != today.isoformat():
        return read_again(context, CORES, date.fromisoformat(context.partition_key))
    frns = wanted_cores_frns(resources.db, on=today, cap=settings.cores_daily_cap)
    context.log.info("%s FRNs to look up, at most %s a day.", len(frns), settings.cores_daily_cap)
    if not frns:
        return None
    with scratch(settings) as folder:
        return keep(context, CORES, resources.fcc.cores.fetch(folder, frns), today)


def assets(settings: Settings, *, after_findings: list[str]) -> list[dg.AssetsDefinition]:
    """Copies and rows of every FCC record. `after_findings`: what must stand before CORES is asked."""
    daily = partitions.daily(settings)
    found: list[dg.AssetsDefinition] = []
    for subject, fetch in ((RMD, _rmd), (FORM499, _form499), (CPNI, _cpni)):
        found.append(raw_asset(subject, of_the_day(subject, fetch), settings, partitions_def=daily))
        found.append(core_asset(subject, partitions_def=daily))
    vintages: dg.PartitionsDefinition[Any] = partitions.vintages
    found.append(raw_asset(BDC, of_the_day(BDC, _bdc), settings, partitions_def=vintages))
    found.append(core_asset(BDC, partitions_def=vintages))
    found.append(raw_asset(CORES, _cores_of_carriers, settings, partitions_def=daily, deps=after_findings))
    found.append(core_asset(CORES, partitions_def=daily))
    return found


def checks() -> list[dg.AssetChecksDefinition]:
    """What the grader asks of every source's copies."""
    return [answers_asset_checks(subject) for subject in (RMD, FORM499, CPNI, BDC, CORES)]

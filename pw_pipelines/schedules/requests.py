"""Run requests, made the same way by schedules and by the catch-up sensor. The day is the house's, not Dagster's."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.assets import partitions
from pw_pipelines.schedules.missing import vintages_to_fetch
from pw_pipelines.schedules.past import DAY_TAG

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database
    from pw_pipelines.resources.fcc_sites import FccSites


def acquire(day: date, attempt: int) -> dg.RunRequest:
    """The acquisition of one day."""
    return dg.RunRequest(
        run_key=f"acquire:{day}:{attempt}", job_name="acquire", partition_key=day.isoformat(), tags=_tags(day)
    )


def judge(day: date, attempt: int) -> dg.RunRequest:
    """Judging of one day on the copies in force."""
    return dg.RunRequest(
        run_key=f"judge:{day}:{attempt}", job_name="judge", partition_key=day.isoformat(), tags=_tags(day)
    )


def portals(day: date, attempt: int) -> dg.RunRequest:
    """A look at every portal."""
    return dg.RunRequest(
        run_key=f"probe_portals:{day}:{attempt}",
        job_name="probe_portals",
        partition_key=day.isoformat(),
        tags=_tags(day),
    )


def of_today(job: str, day: date, attempt: int) -> dg.RunRequest:
    """A job without partitions."""
    return dg.RunRequest(run_key=f"{job}:{day}:{attempt}", job_name=job, tags=_tags(day))


def bdc(db: Database, fcc: FccSites, day: date, attempt: int) -> list[dg.RunRequest]:
    """One run for each vintage to be fetched, oldest first. Asks the FCC for its list; raises SourceUnavailable."""
    from pw_pipelines.snapshots import books

    published = [partitions.vintage_of(each) for each in fcc.bdc.vintages()]
    in_hand = [
        (snapshot.vintage or "")[:3]
        for snapshot in books.list_snapshots(db, "fcc_bdc")
        if snapshot.loaded_at is not None
    ]
    return [
        dg.RunRequest(
            run_key=f"refresh_bdc:{vintage}:{day}:{attempt}",
            job_name="refresh_bdc",
            partition_key=vintage,
            tags=_tags(day),
        )
        for vintage in vintages_to_fetch(published, in_hand)
        if vintage in partitions.VINTAGE_NAMES
    ]


def _tags(day: date) -> dict[str, str]:
    return {DAY_TAG: day.isoformat()}

"""Dagster's newest runs as the first page judges them: what failed and was not made good, what is on its way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pw_pipelines.portal.words import Part

ASSET_JOB = "__ASSET_JOB"  # Dagster's name for "these assets, asked for by hand"
RECENT = timedelta(hours=24)
STUCK = timedelta(hours=12)  # a first load that is open for longer is no longer a calm matter
_NAMED = 3
_LINK = re.compile(r"https?://[^\s<>\"']+?(?=[.,;)]*(?:\s|$))")


@dataclass(frozen=True)
class Run:
    """One run. Moments are UTC by the machine's clock; `assets` only where they were chosen by hand."""

    run_id: str
    job: str
    status: str
    created_at: datetime | None
    ended_at: datetime | None
    assets: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.status in {"SUCCESS", "FAILURE", "CANCELED"}

    @property
    def what(self) -> str:
        """The job's name, or what was asked for by hand."""
        if self.job != ASSET_JOB:
            return self.job
        return materialization(self.assets)


@dataclass(frozen=True)
class Runs:
    """The newest runs of each job, newest first, and the jobs each asset belongs to."""

    by_job: Mapping[str, Sequence[Run]] = field(default_factory=dict)
    jobs_of: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def unmended(self, now: datetime) -> list[Run]:
        """Runs that failed in the last 24 hours and that no success has followed; the newest of each kind."""
        found: dict[str, Run] = {}
        for runs in self.by_job.values():
            for run in runs:
                if run.status != "FAILURE" or run.ended_at is None or now - run.ended_at > RECENT:
                    continue
                if run.what not in found and not self._is_mended(run, run.ended_at):
                    found[run.what] = run
        return list(found.values())

    def _is_mended(self, failed: Run, at: datetime) -> bool:
        later = [
            run
            for runs in self.by_job.values()
            for run in runs
            if run.status == "SUCCESS" and run.ended_at is not None and run.ended_at > at
        ]
        if failed.job != ASSET_JOB:
            return any(run.job == failed.job for run in later)
        return bool(failed.assets) and all(any(self._makes(run, asset) for run in later) for asset in failed.assets)

    def _makes(self, run: Run, asset: str) -> bool:
        return asset in run.assets if run.job == ASSET_JOB else run.job in self.jobs_of.get(asset, ())

    def first_load(self, asset: str, starting: frozenset[str], now: datetime) -> tuple[str, Run | None] | None:
        """The job that is about to make an asset for the first time, and its run once there is one.

        None when a run of such a job has ended already, whatever came of it, or when nothing will start it: `starting`
        are the jobs that start by themselves as soon as they can.
        """
        jobs = [job for job in self.jobs_of.get(asset, ()) if job in starting]
        if not jobs or any(run.is_over for job in jobs for run in self.by_job.get(job, ())):
            return None
        for job in jobs:
            for run in self.by_job.get(job, ()):
                is_stuck = run.created_at is not None and now - run.created_at > STUCK
                return None if is_stuck else (job, run)
        return jobs[0], None


def materialization(assets: Sequence[str]) -> str:
    """A run of single assets in words."""
    if not assets:
        return "materialization of assets"
    more = f" and {len(assets) - _NAMED} more" if len(assets) > _NAMED else ""
    return f"materialization of {', '.join(assets[:_NAMED])}{more}"


def linked(text: str, dagster_url: str, public_url: str | None = None) -> list[Part]:
    """A text with the addresses of Dagster's pages, and of ours, as links; other addresses stay text."""
    base = f"{dagster_url.rstrip('/')}/"
    ours = f"{public_url.rstrip('/')}/" if public_url else None
    parts: list[Part] = []
    end = 0
    for found in _LINK.finditer(text):
        url = found.group()
        if url.startswith(base):
            label = _label(url.removeprefix(base))
        elif ours and url.startswith(ours):
            label = f"/{url.removeprefix(ours)}"
        else:
            continue
        parts.append(Part(text[end : found.start()]))
        parts.append(Part(label, url))
        end = found.end()
    parts.append(Part(text[end:]))
    return [part for part in parts if part.text]


def _label(path: str) -> str:
    kind, _, rest = path.partition("/")
    if kind == "runs" and rest:
        return f"run {rest[:8]}"
    return f"asset {rest}" if kind == "assets" and rest else path

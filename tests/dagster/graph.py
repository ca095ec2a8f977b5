"""The graph as one text: what exists, what depends on what, what starts by itself.

`python -m tests.dagster.graph` writes it to graph.txt, where a change shows as a difference somebody must want.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

FILE = Path(__file__).with_name("graph.txt")
UPDATE = "python -m tests.dagster.graph"


def text(location: dg.Definitions) -> str:
    """One line per asset, check, job, schedule and sensor, sorted."""
    return "\n".join([*_assets(location), *_jobs(location), *_starters(location), ""])


def _assets(location: dg.Definitions) -> Iterator[str]:
    yield "ASSETS: key [group; owners; kinds; partitions] <- what it stands on, ! blocking check, ? other check"
    given = [*(location.assets or ()), *(location.asset_checks or ())]
    definitions = [one for one in given if isinstance(one, dg.AssetsDefinition)]
    checks = {spec.key: spec for one in definitions for spec in one.check_specs}
    for spec in sorted(location.resolve_all_asset_specs(), key=lambda one: one.key.to_user_string()):
        deps = ", ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps))
        cut = type(spec.partitions_def).__name__ if spec.partitions_def else "whole"
        key = spec.key.to_user_string()
        kinds, owners = ", ".join(sorted(spec.kinds)), ", ".join(sorted(spec.owners))
        yield f"{key} [{spec.group_name}; {owners}; {kinds}; {cut}] <- {deps}"
        own = sorted((one for one in checks.values() if one.asset_key == spec.key), key=lambda one: one.name)
        yield from (f"    {'!' if one.blocking else '?'} {one.name}" for one in own)


def _jobs(location: dg.Definitions) -> Iterator[str]:
    yield "\nJOBS: name: description"
    for job in sorted(location.jobs or (), key=lambda one: one.name):
        yield f"{job.name}: {job.description}"


def _starters(location: dg.Definitions) -> Iterator[str]:
    yield "\nSCHEDULES: name -> job, cron, time zone, default status"
    for schedule in sorted(location.schedules or (), key=lambda one: one.name):
        assert isinstance(schedule, dg.ScheduleDefinition)
        yield (
            f"{schedule.name} -> {schedule.job_name}, {schedule.cron_schedule}, {schedule.execution_timezone}, "
            f"{schedule.default_status.value}"
        )
    yield "\nSENSORS: name, interval, default status"
    for sensor in sorted(location.sensors or (), key=lambda one: one.name):
        yield f"{sensor.name}, {sensor.minimum_interval_seconds} s, {sensor.default_status.value}"


def main() -> None:
    """Writes graph.txt from the location as it stands."""
    from pw_pipelines.compliance.manifest import ensure_manifest
    from pw_pipelines.settings import Settings

    ensure_manifest()
    from pw_pipelines.definitions import build_defs

    FILE.write_text(text(build_defs(Settings())))


if __name__ == "__main__":
    main()

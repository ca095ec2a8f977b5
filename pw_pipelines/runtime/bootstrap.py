"""Fills a fresh sandbox house, so that the first look shows a full one: two days of the public record, then leads.

Runs beside `pw up` as a process of its own (`python -m pw_pipelines.runtime.bootstrap`) and launches everything
through Dagster's GraphQL, so that it stands there like any other run. Two days, because absence is a fact only
when two complete snapshots of different days agree: the sandbox clock is put back by a day at first and returns.

What is done is noted in PW_HOME/run/bootstrap.json; after an interruption the next `pw up` goes on from there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, OutsideError, OutsideUnavailable
from pw_pipelines.filling import note
from pw_pipelines.runtime.dagster_api import FINISHED, DagsterApi
from pw_pipelines.runtime.processes import LOCATION
from pw_pipelines.settings import Settings, load_settings

POLL_SECONDS = 1.0
TAG = "pw/bootstrap"  # on each run it launched; by it an interrupted filling finds its runs again
DAY_TAG = "pw/day"  # the same tag the schedules set, so that they see these runs as the day's
PATIENCE_SECONDS = 900.0  # for one run, on a slow machine with nothing else to do
FULL = (
    "the house is full; the registers of companies follow by themselves, one job after the other, in some 6 minutes. "
    "Until then the first page calls them loading"
)


@dataclass
class Progress:
    """What the note says. `first_day` is the day before the house was first started, New York."""

    first_day: str
    done: list[str] = field(default_factory=list)
    finished: bool = False

    @classmethod
    def read(cls, home: Path) -> Progress | None:
        """None for a house nobody has begun to fill."""
        try:
            return cls(**json.loads(note(home).read_text()))
        except FileNotFoundError:
            return None

    def write(self, home: Path) -> None:
        path = note(home)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(path)


def begin(settings: Settings, db: Database) -> bool:
    """Before the first daemon starts: puts the clock of a fresh sandbox back by a day. Whether there is filling to do.

    A house that holds snapshots already, and any live one, is left as it is.
    """
    if not settings.is_sandbox:
        return False
    progress = Progress.read(settings.home)
    if progress is None:
        with db.connect() as connection:
            if connection.execute("select 1 from pw.snapshots limit 1").fetchone():
                return False
        progress = Progress((settings.clock.today() - timedelta(days=1)).isoformat())
        progress.write(settings.home)
    if not progress.finished and not progress.done:
        _turn_clock(settings, date.fromisoformat(progress.first_day))
    return not progress.finished


def fill(settings: Settings, api: DagsterApi, vintages: list[str], *, say: Callable[[str], None]) -> None:
    """Does what is still to be done, in order, and notes each step. Raises OutsideError when a run fails.

    `vintages` are the published ones of the BDC, oldest first.
    """
    progress = Progress.read(settings.home)
    if progress is None or progress.finished:
        return
    first = date.fromisoformat(progress.first_day)
    second = first + timedelta(days=1)

    def step(name: str, job: str, day: date, *partitions: str | None) -> None:
        if name not in progress.done:
            _turn_clock(settings, day)
            _run_all(api, job, day, list(partitions), say)
            progress.done.append(name)
            progress.write(settings.home)

    say(f"filling the house with {first} and {second}; every step is a run in Dagster")
    step("vintages", "refresh_bdc", first, *vintages)
    step("first day", "acquire", first, first.isoformat())
    step("newest vintage again", "refresh_bdc", second, *vintages[-1:])
    step("second day", "acquire", second, second.isoformat())
    step("leads to Listmonk", "sync_listmonk", second, None)
    if settings.clock.offset() < timedelta():
        settings.clock.set_offset(timedelta())  # filled over several days: back to the present
    progress.finished = True
    progress.write(settings.home)
    say(FULL)


def _turn_clock(settings: Settings, day: date) -> None:
    """Moves the sandbox clock by whole days so that it is `day` in New York; again and again without harm."""
    settings.clock.set_offset(settings.clock.offset() + (day - settings.clock.today()))


def _run_all(api: DagsterApi, job: str, day: date, partitions: list[str | None], say: Callable[[str], None]) -> None:
    """Launches `job` once per partition (the queue decides how many at a time) and waits for all."""
    began = time.monotonic()
    for partition, run_id in [(each, _launched(api, job, day, each)) for each in partitions]:
        status = _ended(api, run_id)
        if status != "SUCCESS":
            raise OutsideError(
                f"The run of {job} {partition or ''} ended as {status}: {api.url}/runs/{run_id}. "
                "Mend what it names; `pw up` goes on from there."
            )
    what = " ".join(filter(None, partitions))
    say(f"{job} {what}".rstrip() + f": done in {time.monotonic() - began:.0f} s")


def _launched(api: DagsterApi, job: str, day: date, partition: str | None) -> str:
    """The run of this step: one that an interrupted filling launched and that is well or on its way, or a new one."""
    tags = {TAG: f"{job}:{day}:{partition or ''}", DAY_TAG: day.isoformat()}
    earlier = api.runs_tagged({TAG: tags[TAG]})
    useful = [run_id for run_id, status in earlier if status not in {"FAILURE", "CANCELED", "CANCELING"}]
    return useful[0] if useful else api.launch(LOCATION, job, partition=partition, tags=tags)


def _ended(api: DagsterApi, run_id: str) -> str:
    """Waits for the end of a run; its status. A webserver that is being restarted is waited for."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            status = str(api.run(run_id)["status"])
        except OutsideUnavailable:
            status = "?"
        if status in FINISHED:
            return status
        time.sleep(POLL_SECONDS)
    raise OutsideError(f"{api.url}/runs/{run_id} has not ended in {PATIENCE_SECONDS:.0f} s.")


def published_vintages(settings: Settings) -> list[str]:
    """Names of the BDC's published vintages (J25 …), oldest first. Raises SourceUnavailable."""
    from pw_pipelines.assets.partitions import VINTAGE_NAMES, vintage_of
    from pw_pipelines.resources.fcc_sites import FccSites

    sites = FccSites(settings)
    try:
        published = [vintage_of(day) for day in sorted(sites.bdc.vintages())]
    finally:
        sites.close()
    return [name for name in published if name in VINTAGE_NAMES]


def main() -> int:
    """0 when the house is full, 1 when a run failed."""
    settings = load_settings()

    def say(text: str) -> None:
        sys.stdout.write(f"          {text}\n")
        sys.stdout.flush()

    try:
        if not settings.is_sandbox:
            raise ConfigError("Only a sandbox is filled; the live record comes by schedule.")
        fill(settings, DagsterApi(settings.dagster_api), published_vintages(settings), say=say)
    except (ConfigError, OutsideError) as error:
        say(f"filling stopped: {error}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The first filling of a sandbox house: two days, through Dagster, resumable, never in live mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.clock import Clock
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import OutsideError, OutsideUnavailable
from pw_pipelines.runtime import bootstrap
from pw_pipelines.settings import Mode, Settings

VINTAGES = ["D24", "J25"]
NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)  # held, or a test might begin on one day and end on the next
TODAY = NOW.date()
YESTERDAY = TODAY - timedelta(days=1)
WHOLE = [
    ("refresh_bdc", "D24", YESTERDAY),
    ("refresh_bdc", "J25", YESTERDAY),
    ("acquire", YESTERDAY.isoformat(), YESTERDAY),
    ("refresh_bdc", "J25", TODAY),
    ("acquire", TODAY.isoformat(), TODAY),
    ("sync_listmonk", None, TODAY),
]


class Dagster:
    """Dagster's API as far as filling uses it; each launched run ends at once."""

    url = "http://dagster.example"

    def __init__(self, clock: Clock, *, failing: str = "", away: int = 0) -> None:
        self.clock = clock
        self.failing = failing
        self.away = away  # how many questions go unanswered
        self.launched: list[tuple[str, str | None, Any]] = []  # job, partition, the sandbox's day
        self.runs: dict[str, dict[str, str]] = {}

    def launch(self, location: str, job: str, *, partition: str | None = None, tags: dict[str, str]) -> str:
        self.launched.append((job, partition, self.clock.today()))
        assert tags["pw/day"] == self.clock.today().isoformat()
        run_id = f"run{len(self.runs)}"
        self.runs[run_id] = {"tag": tags["pw/bootstrap"], "status": "FAILURE" if job == self.failing else "SUCCESS"}
        return run_id

    def run(self, run_id: str) -> dict[str, str]:
        if self.away:
            self.away -= 1
            raise OutsideUnavailable("restarting")
        return self.runs[run_id]

    def runs_tagged(self, tags: dict[str, str]) -> list[tuple[str, str]]:
        return [(run_id, run["status"]) for run_id, run in self.runs.items() if run["tag"] == tags["pw/bootstrap"]]


@pytest.fixture(autouse=True)
def _impatient_on_a_day_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(Clock, "now", lambda clock: NOW + clock.offset())


def fill(settings: Settings, dagster: Dagster) -> list[str]:
    said: list[str] = []
    bootstrap.fill(settings, dagster, VINTAGES, say=said.append)  # type: ignore[arg-type]  # as far as it uses it
    return said


def test_a_fresh_house_is_filled_with_yesterday_and_today_then_leads(settings: Settings, db: Database) -> None:
    assert bootstrap.begin(settings, db)
    assert settings.clock.today() == YESTERDAY, "the clock is put back before the first sensor ticks"
    dagster = Dagster(settings.clock)
    said = fill(settings, dagster)
    assert dagster.launched == WHOLE
    assert said[-1].startswith("the house is full; the registers of companies follow by themselves")
    assert settings.clock.offset() == timedelta()
    assert not bootstrap.begin(settings, db), "it is filled once"
    assert fill(settings, dagster) == []


def test_after_an_interruption_it_goes_on_where_it_was(settings: Settings, db: Database) -> None:
    assert bootstrap.begin(settings, db)
    with pytest.raises(OutsideError, match=r"acquire .* ended as FAILURE: http://dagster\.example/runs/run2"):
        fill(settings, Dagster(settings.clock, failing="acquire"))
    assert bootstrap.begin(settings, db)
    assert settings.clock.today() == YESTERDAY, "the clock is not put back twice"
    dagster = Dagster(settings.clock)
    fill(settings, dagster)
    assert dagster.launched == WHOLE[2:]


def test_a_run_that_was_launched_but_not_noted_is_found_again_and_not_repeated(
    settings: Settings, db: Database
) -> None:
    assert bootstrap.begin(settings, db)
    dagster = Dagster(settings.clock)
    for vintage, status in (("D24", "SUCCESS"), ("J25", "CANCELED")):
        dagster.runs[f"before-{vintage}"] = {"tag": f"refresh_bdc:{YESTERDAY}:{vintage}", "status": status}
    fill(settings, dagster)
    assert dagster.launched[0] == WHOLE[1], "the one that was well is taken as it is, the cancelled one made again"


def test_a_webserver_that_is_being_restarted_is_waited_for(settings: Settings, db: Database) -> None:
    assert bootstrap.begin(settings, db)
    dagster = Dagster(settings.clock, away=3)
    fill(settings, dagster)
    assert dagster.launched == WHOLE


def test_a_house_that_holds_snapshots_already_is_left_as_it_is(settings: Settings, db: Database) -> None:
    with db.connect() as connection:
        connection.execute(
            """insert into pw.snapshots
               (snapshot_id, source, as_of, fetched_at, origin, raw_digest, size_bytes, media_type) values
               ('s', 'fcc_rmd', '2026-01-01', now(), 'ingested', repeat('a', 64), 1, 'text/csv')"""
        )
    assert not bootstrap.begin(settings, db)
    assert settings.clock.offset() == timedelta()


def test_a_live_house_is_never_filled(tmp_path: Path, db: Database) -> None:
    assert not bootstrap.begin(Settings(home=tmp_path, mode=Mode.LIVE), db)
    assert bootstrap.Progress.read(tmp_path) is None

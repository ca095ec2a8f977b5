"""`pw sandbox`: one JSON object on stdout, refusals in a sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple, get_args

import httpx
import pytest

from pw_pipelines.cli import main
from pw_pipelines.commands import sandbox
from pw_pipelines.errors import UsageError
from pw_pipelines.sandbox.faults import FaultName, System
from pw_pipelines.sandbox.travel import advance
from pw_pipelines.settings import Mode, Settings, load_settings


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Pw = Callable[..., Done]


@pytest.fixture
def pw(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Pw]:
    """`pw sandbox …` in this process, as a shell would call it."""

    def pw(*arguments: str, settings: Settings) -> Done:
        monkeypatch.setenv("PW_HOME", str(settings.home))
        monkeypatch.setenv("PW_SANDBOX_URL", settings.sandbox_url)
        monkeypatch.setattr(sys, "argv", ["pw", "sandbox", *arguments])
        load_settings.cache_clear()
        with pytest.raises(SystemExit) as ended:
            main()
        out = capfd.readouterr()
        return Done(int(ended.value.code or 0), out.out, out.err)

    yield pw
    load_settings.cache_clear()


def test_advance_moves_the_clock_for_every_process(pw: Pw, settings: Settings) -> None:
    before = settings.clock.today()
    answer = json.loads(pw("advance", "--days", "30", "--json", settings=settings).stdout)
    assert answer == {"day": (before + timedelta(days=30)).isoformat(), "advanced_days": 30}
    assert settings.clock.today() == before + timedelta(days=30)
    now = json.loads(pw("now", "--json", settings=settings).stdout)
    assert now["day"] == answer["day"]


def test_advance_in_live_mode_is_wrong_usage(settings: Settings) -> None:
    with pytest.raises(UsageError, match="live clock"):
        advance(settings.model_copy(update={"mode": Mode.LIVE}), 1)


@pytest.mark.parametrize("days", [0, -3])
def test_the_clock_only_goes_forward(pw: Pw, settings: Settings, days: int) -> None:
    done = pw("advance", "--days", str(days), settings=settings)
    assert done.returncode == 2
    assert "forward" in done.stderr


def test_no_more_than_a_year_ahead_in_all(settings: Settings) -> None:
    assert isinstance(advance(settings, 366), date)
    with pytest.raises(UsageError, match="367 days ahead"):
        advance(settings, 1)


def test_misbehave_and_behave_reach_the_running_stand_ins(pw: Pw, sandbox_settings: Settings) -> None:
    made = pw("misbehave", "cores", "status", "--status", "503", "--json", settings=sandbox_settings)
    assert json.loads(made.stdout)["faults"][0]["status"] == 503
    assert httpx.get(f"{sandbox_settings.cores_url}/searchDetail.do").status_code == 503
    assert json.loads(pw("behave", "--json", settings=sandbox_settings).stdout) == {"cleared": 1}
    assert httpx.get(f"{sandbox_settings.cores_url}/searchDetail.do").status_code == 200


def test_help_and_docs_name_every_system_and_fault() -> None:
    assert (get_args(System), get_args(FaultName)) == (sandbox.SYSTEMS, sandbox.FAULTS)
    page = (Path(__file__).resolve().parents[2] / "docs" / "ops.md").read_text(encoding="utf-8")
    said = " ".join(page.partition("`pw sandbox misbehave rmd")[2].partition("The registers hold")[0].split())
    assert f"Systems: {', '.join(sandbox.SYSTEMS)}." in said
    assert [fault for fault in sandbox.FAULTS if fault not in said] == []


def test_one_fault_is_taken_back_in_the_singular(pw: Pw, sandbox_settings: Settings) -> None:
    pw("misbehave", "cores", "html", settings=sandbox_settings)
    assert pw("behave", settings=sandbox_settings).stdout == "1 fault taken back.\n"
    assert pw("behave", settings=sandbox_settings).stdout == "0 faults taken back.\n"


def test_an_unknown_fault_is_wrong_usage(pw: Pw, sandbox_settings: Settings) -> None:
    assert pw("misbehave", "cores", "sulk", settings=sandbox_settings).returncode == 2


def test_with_no_stand_ins_running_the_remedy_is_named(pw: Pw, settings: Settings) -> None:
    nowhere = settings.model_copy(update={"sandbox_url": "http://127.0.0.1:9"})
    done = pw("behave", settings=nowhere)
    assert done.returncode == 1
    assert "pw up" in done.stderr

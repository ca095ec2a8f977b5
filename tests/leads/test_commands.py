"""`pw segments` and `pw leads`, through the doors people use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner

from pw_pipelines.commands import leads, segments
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.sandbox.listmonk import create_app
from tests.leads.warehouse import TODAY, GivenLead, given_leads, suppressions
from tests.served import served

SEGMENT = "rmd_not_recertified"
ANN = "ann@alpha.example"


@pytest.fixture
def house(marts: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A PW_HOME over the test's warehouse, with two leads in one segment and no stand-ins running."""
    given_leads(marts, [GivenLead("0000000001", ANN), GivenLead("0000000002", "bob@beta.example")])
    with marts.connect() as connection:
        connection.execute(
            "insert into segments.segment_members select %s, frn from marts.deficiency_leads", (SEGMENT,)
        )
    monkeypatch.setenv("PW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PW_DATABASE_URL", marts.url)
    monkeypatch.setenv("PW_DAGSTER_DATABASE_URL", marts.url)
    monkeypatch.setenv("PW_SANDBOX_DATABASE_URL", marts.url)
    from pw_pipelines.settings import load_settings

    load_settings.cache_clear()
    return marts


def _answer(app: Any, *arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_a_segment_is_shown_as_promised(house: Database) -> None:
    answer = _answer(segments.app, "show", SEGMENT)
    assert (answer["name"], answer["as_of"], answer["leads"]) == (SEGMENT, TODAY.isoformat(), 2)
    assert answer["by_code"] == {"RMD_NOT_RECERTIFIED": 2}


def test_segments_are_listed_empty_ones_too(house: Database) -> None:
    listed = {one["name"]: one["leads"] for one in _answer(segments.app, "list")["segments"]}
    assert (listed[SEGMENT], listed["critical"]) == (2, 0)


def test_an_export_says_what_it_wrote(house: Database, tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    answer = _answer(segments.app, "export", SEGMENT, "--format", "csv", "--out", str(out))
    assert (answer["rows"], answer["suppressed"], answer["path"]) == (2, 0, str(out))
    assert out.read_text().splitlines()[1].startswith("0000000001,")


def test_people_read_sentences_and_tables(house: Database, tmp_path: Path) -> None:
    runner = CliRunner()
    assert "rmd_not_recertified" in runner.invoke(segments.app, ["list"], catch_exceptions=False).stdout
    assert "2 leads, 0 of them suppressed" in runner.invoke(segments.app, ["show", SEGMENT]).stdout
    out = str(tmp_path / "leads.xlsx")
    said = runner.invoke(segments.app, ["export", SEGMENT, "--format", "xlsx", "--out", out]).stdout
    assert "2 leads of rmd_not_recertified, as of 2026-11-20; 0 suppressed left out" in said


def test_a_wrong_name_is_wrong_usage(house: Database) -> None:
    with pytest.raises(UsageError, match="no segment"):
        CliRunner().invoke(segments.app, ["show", "nonsense"], catch_exceptions=False)


def test_a_suppression_holds_even_if_listmonk_does_not_answer(house: Database) -> None:
    answer = _answer(leads.app, "suppress", "Ann@Alpha.example", "--note", "asked by phone")
    assert (answer["email"], answer["new"]) == (ANN, True)
    assert "not told yet" in answer["listmonk"]
    assert suppressions(house) == {ANN: {"manual"}}


def test_a_suppression_is_told_to_listmonk_at_once(
    house: Database, listmonk_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(Starlette(routes=[Mount("/listmonk", app=create_app(listmonk_database))])) as url:
        monkeypatch.setenv("PW_SANDBOX_URL", url)
        from pw_pipelines.settings import load_settings

        load_settings.cache_clear()
        assert _answer(leads.app, "suppress", ANN)["listmonk"] == "was not on the list"
        again = CliRunner().invoke(leads.app, ["suppress", ANN], catch_exceptions=False)
    assert "is suppressed, manual (was so already)" in again.stdout

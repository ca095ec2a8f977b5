"""`pw bounces` and the stops and templates of `pw leads`, through the door people use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from pw_pipelines.bounces.watch import Round
from pw_pipelines.commands import bounces, leads
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.leads import stops
from pw_pipelines.sandbox.listmonk import create_app
from pw_pipelines.settings import load_settings
from tests.bounces import shapes
from tests.served import served

CORPUS = Path(__file__).with_name("corpus")
MAILS = [str(path) for path in sorted(CORPUS.glob("*.eml"))]


def run(app: Any, *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def answer(app: Any, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = run(app, *arguments, "--json")
    assert result.exit_code == code, result.output
    return dict(json.loads(result.stdout))


@pytest.fixture
def home(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A PW_HOME over a database of the test's own, whose commands start their own stand-ins."""
    for name in ("PW_DATABASE_URL", "PW_DAGSTER_DATABASE_URL", "PW_SANDBOX_DATABASE_URL"):
        monkeypatch.setenv(name, db.url)
    monkeypatch.setenv("PW_HOME", str(tmp_path / "home"))
    load_settings.cache_clear()
    yield tmp_path / "home"
    load_settings.cache_clear()


def test_a_mail_is_explained_with_the_lines_that_decided() -> None:
    mail = str(CORPUS / "exim_unknown.eml")
    (told,) = answer(bounces.app, "explain", mail)["files"]
    (result,) = told["results"]
    assert (told["kind"], result["class"]) == ("delivery_status", "hard")
    assert any(line.startswith("Status: 5.") for line in result["evidence"])
    said = run(bounces.app, "explain", mail).stdout
    assert "hard" in said
    assert "Status: 5." in said


def test_the_corpus_as_a_table_of_right_and_wrong() -> None:
    expected = str(CORPUS / "expected.yaml")
    found = answer(bounces.app, "explain", *MAILS, "--expect", expected)
    assert (found["right"], found["wrong"], found["harmful"]) == (len(MAILS), [], 0)
    assert all(set(got) == {what} for what, got in found["table"].items())
    said = run(bounces.app, "explain", *MAILS, "--expect", expected).stdout
    assert f"{len(MAILS)} of {len(MAILS)} mails right; answers that would count as bounces: 0" in said


def test_a_wrong_class_is_named_and_fails(tmp_path: Path) -> None:
    (tmp_path / "away.eml").write_bytes(shapes.answer("Out of office"))
    (tmp_path / "gone.eml").write_bytes(shapes.dsn([shapes.block()]))
    table = tmp_path / "table.yaml"
    table.write_text("away: [[null, auto_reply]]\ngone: [[ann@carrier.example, auto_reply]]\n")
    mails = [str(tmp_path / "away.eml"), str(tmp_path / "gone.eml")]
    found = answer(bounces.app, "explain", *mails, "--expect", str(table), code=1)
    assert [wrong["mail"] for wrong in found["wrong"]] == ["gone"]
    assert (found["right"], found["harmful"]) == (1, 1)
    said = run(bounces.app, "explain", *mails, "--expect", str(table)).stdout
    assert "WRONG" in said


def test_a_table_that_does_not_fit_its_mails_is_wrong_usage(tmp_path: Path) -> None:
    table = tmp_path / "table.yaml"
    table.write_text("somebody_else: [[null, auto_reply]]\n")
    with pytest.raises(UsageError, match="do not agree"):
        run(bounces.app, "explain", MAILS[0], "--expect", str(table))
    table.write_text("- a list\n")
    with pytest.raises(UsageError, match="must say"):
        run(bounces.app, "explain", MAILS[0], "--expect", str(table))
    with pytest.raises(UsageError, match="can't be read"):
        run(bounces.app, "explain", str(tmp_path / "none.eml"))


def test_one_round_by_hand_works_what_waits(home: Path) -> None:
    folder = home / "sandbox" / "mail" / "bounces" / "new"
    folder.mkdir(parents=True)
    (folder / "1.eml").write_bytes(shapes.dsn([shapes.block()], returned="To: ann@carrier.example\nSubject: hi\n"))
    found = answer(bounces.app, "watch")
    assert (found["read"], found["deeds"], found["error"]) == (1, {"kept; ties to no mail of ours": 1}, None)
    assert run(bounces.app, "watch").stdout == "0 mails read.\n"


def test_a_round_by_hand_is_told_in_sentences(home: Path) -> None:
    folder = home / "sandbox" / "mail" / "bounces" / "new"
    folder.mkdir(parents=True)
    (folder / "1.eml").write_bytes(shapes.dsn([shapes.block()], returned="To: ann@carrier.example\nSubject: hi\n"))

    said = run(bounces.app, "watch").stdout

    assert said.splitlines() == ["1 mails read.", "1 says hard.", "1 times: kept; ties to no mail of ours."]
    everything = Round(read=3, known=1, told=2, failed=1, error="The store is away.", stopped=7)
    assert list(everything.sentences()) == [
        "3 mails read, 1 of them worked before.",
        "Listmonk was told of 2.",
        "1 mails wait for the next round.",
        "Trouble: The store is away.",
        "All sending is stopped (stop 7): `pw leads stops` says why.",
    ]


def test_stops_are_shown_and_lifted_by_a_person_with_a_reason(home: Path, db: Database) -> None:
    assert answer(leads.app, "stops") == {"stops": []}
    assert "Nothing is stopped." in run(leads.app, "stops").stdout
    with db.connect() as connection:
        now = datetime(2026, 11, 22, 17, tzinfo=UTC)
        for segment in (None, "critical"):
            stops.stop(connection, segment=segment, reason="Because.", evidence={}, by="bounces", now=now)
    assert [one["segment"] for one in answer(leads.app, "stops")["stops"]] == [None, "critical"]
    assert "critical since 2026-11-22 17:00 UTC: Because." in run(leads.app, "stops").stdout
    lifted = answer(leads.app, "resume", "--segment", "critical", "--by", "Kim", "--reason", "read")
    assert lifted["segment"] == "critical"
    assert "Lifted: all sending" in run(leads.app, "resume", "--by", "Kim", "--reason", "read").stdout
    with pytest.raises(UsageError, match="is not stopped"):
        run(leads.app, "resume", "--by", "Kim", "--reason", "read")
    with db.connect() as connection:
        row = connection.execute("select lifted_by, lift_reason from pw.sending_stops where segment = 'critical'")
        assert row.fetchone() == {"lifted_by": "Kim", "lift_reason": "read"}


def test_templates_are_kept_by_hand_and_a_wrong_campaign_fails_the_command(home: Path, db: Database) -> None:
    found = answer(leads.app, "templates")
    assert (found["ok"], found["one_click_headers"]) == (True, "on")
    assert found["templates"] == {"PW finding": "created", "PW letter": "created"}
    headers = {"Authorization": "token pw:sandbox-token"}
    with served(create_app(db.url)) as url, httpx.Client(base_url=url, headers=headers) as api:
        said = {"name": "November", "subject": "s", "lists": [9], "content_type": "html", "body": "<p>x"}
        number = api.post("/api/campaigns", json=said).json()["data"]["id"]
        api.put(f"/api/campaigns/{number}/status", json={"status": "running"})
    (fault,) = answer(leads.app, "templates", code=1)["faults"]
    assert fault["name"] == "November"
    result = run(leads.app, "templates")
    assert result.exit_code == 1
    assert "Campaign `November` is running in Listmonk" in result.stdout

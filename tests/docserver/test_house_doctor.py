"""What `pw doctor` says of the Windows machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pw_pipelines.documents.docserver import HEARTBEAT, DocServer, Heartbeat, now_text
from pw_pipelines.runtime.doctor import _word_server
from pw_pipelines.settings import Settings
from tests.documents.test_docserver import made_older

BEAT = Heartbeat("vm/1/a", 1, now_text(), "0.1", "Word 16.0")


@pytest.fixture
def server(settings: Settings) -> DocServer:
    return DocServer((settings.home / "docserver").as_uri())


def test_a_house_without_a_word_server_is_fine(settings: Settings) -> None:
    assert _word_server(settings).verdict == "ok"
    assert not (settings.home / "docserver").exists(), "looking makes nothing"
    assert "never" in _word_server(settings.model_copy(update={"word": "never"})).detail


def test_its_heartbeats_age_is_said_and_when_it_is_away(settings: Settings, server: DocServer) -> None:
    server.beat(BEAT)
    there = _word_server(settings)
    assert there.verdict == "ok"
    assert there.detail.startswith("Word 16.0 on vm, heartbeat")

    made_older(server, HEARTBEAT, settings.word_stale_seconds + 1)

    away = _word_server(settings)
    assert (away.verdict, "it is away" in away.detail) == ("warn", True)
    assert "documents.md" in away.mend


def test_its_own_trouble_and_a_document_it_is_stuck_in_are_said(settings: Settings, server: DocServer) -> None:
    since = datetime.now(UTC) - timedelta(seconds=settings.word_stale_seconds + 60)
    server.beat(
        Heartbeat("vm/1/a", 1, now_text(), "0.1", "Word 16.0", None, "job-1", since.isoformat(), "Word does not start.")
    )

    said = _word_server(settings)

    assert said.verdict == "warn"
    assert "Word does not start" in said.detail and "stuck in job-1" in said.detail

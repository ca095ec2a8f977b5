"""A Word server that goes away is told once, and once more when it is back."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.documents.docserver import HEARTBEAT, DocServer, Heartbeat
from pw_pipelines.monitoring.records import groups
from pw_pipelines.sensors.monitoring import tell_of_word
from pw_pipelines.settings import Settings

BEAT = Heartbeat("WORD-1/4711", 4711, "2026-11-22T12:00:00+00:00", "1.0", "Word 16.0")


class Watched:
    """A house with a docserver's folder, and what its sensor tells."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.db, self.folder = db, folder
        self.server = DocServer(folder.as_uri())
        self.settings = settings.model_copy(update={"docserver_url": folder.as_uri(), "word": "auto"})
        self.sent: list[str] = []

    def send(self, text: str) -> None:
        self.sent.append(text)

    def beat(self, beat: Heartbeat = BEAT, *, seconds_ago: float = 0) -> None:
        self.server.beat(beat)
        os.utime(self.folder / HEARTBEAT, (then := time.time() - seconds_ago, then))

    def tick(self) -> str:
        resources = {"settings": self.settings, "db": self.db, "telegram": self}
        with dg.build_sensor_context(resources=resources) as context:
            return str(tell_of_word(context).skip_message)

    def metric(self) -> list[int]:
        [group] = [one for one in groups() if one.name == "word_server"]
        with self.db.connect() as connection:
            return [int(str(row["away"])) for row in connection.execute(group.sql.encode(), {"now": None}).fetchall()]


@pytest.fixture
def watched(db: Database, settings: Settings, tmp_path: Path) -> Watched:
    (tmp_path / "docserver").mkdir()
    return Watched(db, settings, tmp_path / "docserver")


def test_a_heart_that_stopped_is_told_once_and_its_return_once(watched: Watched) -> None:
    watched.beat()
    assert "It converts." in watched.tick()
    assert (watched.sent, watched.metric()) == ([], [])

    watched.beat(seconds_ago=400)
    for _ in range(3):
        watched.tick()
    [away] = watched.sent
    assert away.startswith("The Word server is away: it is away (Word 16.0 on WORD-1, heartbeat 4")
    assert "LibreOffice makes all documents meanwhile; none waits" in away
    assert watched.metric() == [1]

    watched.beat()
    watched.settings.clock.set_offset(timedelta(minutes=1))
    for _ in range(3):
        watched.tick()
    [back] = watched.sent[1:]
    assert back.startswith("The Word server is back (Word 16.0 on WORD-1")
    assert watched.metric() == [0]


@pytest.mark.parametrize(
    ("beat", "words"),
    [
        (replace(BEAT, trouble="Word does not start"), "Word does not start"),
        (replace(BEAT, current_job="a1", busy_since="2026-11-22T11:50:00+00:00"), "stuck in a1 for 600 s"),
    ],
)
def test_a_heart_that_beats_and_converts_nothing_is_told_as_well(watched: Watched, beat: Heartbeat, words: str) -> None:
    watched.beat(beat)
    watched.tick()
    watched.beat(replace(beat, at="2026-11-22T12:00:01+00:00"))
    watched.tick()
    [told] = watched.sent
    assert words in told


def test_where_there_never_was_one_or_none_is_wanted_nothing_is_told(watched: Watched) -> None:
    assert watched.tick() == "There is no Word server."
    watched.beat(seconds_ago=4000)
    watched.settings = watched.settings.model_copy(update={"word": "never"})
    assert watched.tick() == "There is no Word server."
    assert watched.sent == []

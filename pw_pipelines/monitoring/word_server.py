"""Whether the Word server is there: what its heartbeat says, and telling ops once when it goes and when it is back.

Documents never wait for it, LibreOffice makes them meanwhile; that is why nobody would notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from pw_pipelines.documents.docserver import HEARTBEAT, DocServer
from pw_pipelines.settings import Settings

_AWAY, _BACK = "service:word:away:", "service:word:back:"


@dataclass(frozen=True)
class WordServer:
    """What its last heartbeat says. machine: where it runs; wrong: why it converts nothing now, empty when it does."""

    machine: str
    word_version: str
    age_seconds: float
    wrong: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return f"{self.word_version} on {self.machine}, heartbeat {self.age_seconds:.0f} s old"


def look(settings: Settings) -> WordServer | None:
    """None where none is expected: PW_WORD=never, or there never was a heartbeat. Raises OutsideError, ConfigError."""
    if settings.word == "never" or (settings.docserver_url is None and not (settings.home / "docserver").is_dir()):
        return None
    server = DocServer(settings.docserver_url or (settings.home / "docserver").absolute().as_uri())
    age, beat = server.age_seconds(HEARTBEAT), server.heartbeat()
    if age is None or beat is None:
        return None
    limit = settings.word_stale_seconds
    wrong = [text for is_so, text in (
        (age > limit, "it is away"), (beat.trouble is not None, str(beat.trouble)),
        (beat.busy_seconds > limit, f"stuck in {beat.current_job} for {beat.busy_seconds:.0f} s"),
    ) if is_so]  # fmt: skip
    return WordServer(beat.worker.split("/")[0], beat.word_version, age, tuple(wrong))


def news(connection: psycopg.Connection[Any], seen: WordServer | None, now: datetime) -> tuple[str, str] | None:
    """Key and text of what ops must be told: that it went, once, and that it is back, once. What was told last is the
    alert book's."""
    row = connection.execute(
        "select key from pw.alerts where key like %s or key like %s order by raised_at desc, key desc limit 1",
        (f"{_AWAY}%", f"{_BACK}%"),
    ).fetchone()
    is_told_away = row is not None and str(row["key"]).startswith(_AWAY)
    if seen is None or bool(seen.wrong) == is_told_away:
        return None
    if seen.wrong:
        return (
            f"{_AWAY}{now:%Y-%m-%dT%H:%M:%S}",
            f"The Word server is away: {'; '.join(seen.wrong)} ({seen.sentence}). LibreOffice makes all documents "
            "meanwhile; none waits. It can wait for office hours: docs/documents.md, “Word server is away”.",
        )
    return f"{_BACK}{now:%Y-%m-%dT%H:%M:%S}", f"The Word server is back ({seen.sentence}); Word makes documents again."

"""A converter that counts who made what, and Word's worker in a thread."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from pw_pipelines.documents import converting
from pw_pipelines.documents.converting import Converter
from pw_pipelines.documents.docserver import DocServer
from pw_pipelines.documents.word_worker import Worker
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.settings import Settings
from tests.documents.conftest import a_pdf

STALE = 5.0  # a busy machine must not stop a heart


@dataclass
class Making:
    """Makes PDFs and counts which document was made how often, by whom."""

    made: Counter[tuple[str, bytes]] = field(default_factory=Counter)

    def by(self, who: str, seconds: float = 0.0) -> Any:
        def convert(docx: bytes) -> bytes:
            time.sleep(seconds)
            self.made[who, docx] += 1
            return a_pdf(2)

        return convert


class FakeOffice:
    def __init__(self, making: Making, seconds: float = 0.0) -> None:
        self.to_pdf = making.by("libreoffice", seconds)


@pytest.fixture
def making() -> Making:
    return Making()


@pytest.fixture
def converter(settings: Settings, making: Making, monkeypatch: pytest.MonkeyPatch) -> Converter:
    monkeypatch.setattr(converting, "LOOK_SECONDS", (0.01, 0.05))
    monkeypatch.setattr(converting, "ALIVE_SECONDS", 0.05)
    return new_converter(settings, making)


def new_converter(settings: Settings, making: Making) -> Converter:
    made = Converter(settings)
    made.stale_seconds = STALE
    made.__dict__["office"] = FakeOffice(making)
    return made


def new_worker(server: DocServer, convert: Any, **given: Any) -> Worker:
    asked = {"word_version": "16.0", "stale_seconds": STALE, "poll_seconds": 0.02, "beat_seconds": 0.1, **given}
    return Worker(server, convert, **asked)


@contextmanager
def working(worker: Worker) -> Iterator[Worker]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    while (beat := worker.server.heartbeat()) is None or beat.trouble == "starting":
        time.sleep(0.01)
    try:
        yield worker
    finally:
        worker.stopping.set()
        thread.join(10)


def left(server: DocServer) -> list[str]:
    return [name for folder in ("to-convert", "converted", "failed", "claims") for name in server.names(folder)]


class Cut:
    """A store that goes away between two calls."""

    def __init__(self, server: DocServer, monkeypatch: pytest.MonkeyPatch, method: str, times: int = 1) -> None:
        whole, self.left = getattr(server, method), times

        def cut(*given: Any) -> Any:
            if self.left:
                self.left -= 1
                raise OutsideUnavailable("The store does not answer.")
            return whole(*given)

        monkeypatch.setattr(server, method, cut)

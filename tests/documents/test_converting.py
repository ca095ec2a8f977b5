"""Word while its worker is alive, LibreOffice otherwise."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from pw_pipelines.documents import converting
from pw_pipelines.documents.converting import Converter
from pw_pipelines.documents.docserver import HEARTBEAT, WAITING
from pw_pipelines.documents.jobs import failure_of, hand_in
from pw_pipelines.documents.office import OfficeAway, OfficeFailed
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.settings import Settings
from tests.documents.conftest import a_pdf
from tests.documents.test_docserver import made_older
from tests.documents.workers import STALE, Cut, Making, converter, left, making, new_converter, new_worker, working

__all__ = ["converter", "making"]


def test_without_a_worker_libreoffice_converts_and_the_store_stays_empty(converter: Converter, making: Making) -> None:
    made = converter.to_pdf(b"docx", "order-1")

    assert (made.converted_by, made.pages) == ("libreoffice", 2)
    assert making.made == {("libreoffice", b"docx"): 1}
    assert left(converter.server) == []


def test_while_its_worker_is_alive_word_converts_and_nothing_is_left(converter: Converter, making: Making) -> None:
    with working(new_worker(converter.server, making.by("word"))):
        made = converter.to_pdfs([(b"one", "order-1"), (b"two", "order-1")])

    assert [one.converted_by for one in made] == ["word", "word"]
    assert making.made == {("word", b"one"): 1, ("word", b"two"): 1}
    assert left(converter.server) == []


def test_word_never_means_that_nothing_is_given_to_it(settings: Settings, making: Making) -> None:
    converter = new_converter(settings.model_copy(update={"word": "never"}), making)
    with working(new_worker(converter.server, making.by("word"))):
        assert converter.to_pdf(b"docx", "order-1").converted_by == "libreoffice"

    assert making.made == {("libreoffice", b"docx"): 1}


def test_a_worker_whose_heart_stopped_gets_no_document(converter: Converter, making: Making) -> None:
    new_worker(converter.server, making.by("word")).beat()
    made_older(converter.server, HEARTBEAT, STALE + 1)

    assert converter.to_pdf(b"docx", "order-1").converted_by == "libreoffice"
    assert left(converter.server) == []


def test_what_word_can_not_open_libreoffice_tries(converter: Converter, making: Making) -> None:
    def refuse(docx: bytes) -> bytes:
        raise ValueError("the file is corrupt")

    with working(new_worker(converter.server, refuse)):
        assert converter.to_pdf(b"docx", "order-1").converted_by == "libreoffice"

    assert making.made == {("libreoffice", b"docx"): 1}
    assert left(converter.server) == []


def test_a_worker_that_ignores_us_is_not_waited_for_for_ever(converter: Converter, making: Making) -> None:
    blind = new_worker(converter.server, making.by("word"))
    blind.run_once = lambda: 0  # type: ignore[method-assign]
    with working(blind):
        assert converter.to_pdf(b"docx", "order-1").converted_by == "libreoffice"

    assert left(converter.server) == []


def test_a_worker_leaves_alone_what_is_no_job_and_what_libreoffice_claimed(
    converter: Converter, making: Making
) -> None:
    server = converter.server
    for name in ("notes.txt", "a b.docx", ".tmp_x.docx", "mine.docx"):
        server.put(f"{WAITING}/{name}", b"x")
    server.claim("mine", by="libreoffice", worker="us")

    assert new_worker(server, making.by("word")).run_once() == 0
    assert not making.made


def test_a_worker_whose_word_is_away_for_a_moment_tries_again(converter: Converter, making: Making) -> None:
    server = converter.server
    hand_in(server, "job", b"docx")
    tries = []

    def convert(docx: bytes) -> bytes:
        tries.append(docx)
        if len(tries) == 1:
            raise OutsideUnavailable("Word is being installed.")
        return a_pdf()

    worker = new_worker(server, convert)
    with pytest.raises(OutsideUnavailable):
        worker.run_once()
    assert worker.run_once() == 1
    assert failure_of(server, "job", b"docx") is None


@pytest.mark.parametrize("trouble", [OfficeAway("gone"), OfficeFailed("no"), None])
def test_when_the_warm_libreoffice_fails_a_cold_one_is_tried(
    converter: Converter, trouble: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warm(docx: bytes) -> bytes:
        if trouble:
            raise trouble
        return b"%PDF- but cut off"

    monkeypatch.setattr(converter.office, "to_pdf", warm)
    monkeypatch.setattr(converting, "cold_pdf", lambda _docx: a_pdf(5))

    assert converter.to_pdf(b"docx", "order-1").pages == 5


def test_when_neither_can_it_is_said(converter: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(docx: bytes) -> bytes:
        raise OfficeFailed("LibreOffice ended with 0 and made no PDF.")

    monkeypatch.setattr(converter.office, "to_pdf", fail)
    monkeypatch.setattr(converting, "cold_pdf", fail)

    with pytest.raises(OfficeFailed, match="made no PDF"):
        converter.to_pdf(b"docx", "order-1")


def test_under_pw_up_libreoffice_ends_with_it_and_else_when_idle(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Converter(settings).office.lifeline is None

    monkeypatch.setenv("PW_SUPERVISED_HOME", str(settings.home))

    assert Converter(settings).office.lifeline == settings.home.resolve() / "run" / "up.lock"
    monkeypatch.setenv("PW_SUPERVISED_HOME", "/another/home")
    assert Converter(settings).office.lifeline is None


def test_the_store_is_in_the_home_unless_it_is_said_where(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"docserver_url": (tmp_path / "share").as_uri()})

    assert Converter(settings).server.url == (settings.home / "docserver").resolve().as_uri()
    assert Converter(elsewhere).server.url.endswith("/share")


def test_a_worker_whose_word_does_not_start_is_not_alive_and_comes_back(converter: Converter, making: Making) -> None:
    server, broken = converter.server, threading.Event()
    broken.set()

    def ready() -> None:
        if broken.is_set():
            raise OutsideUnavailable("Word does not start.")

    with working(new_worker(server, making.by("word"), ready=ready)):
        assert converter.to_pdf(b"one", "order-1").converted_by == "libreoffice"
        beat = server.heartbeat()
        assert beat is not None
        assert not server.worker_alive(STALE)
        broken.clear()
        until = time.monotonic() + 5
        while not server.worker_alive(STALE) and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(2 * converting.ALIVE_SECONDS)  # for which it was known to be away
        assert converter.to_pdf(b"two", "order-2").converted_by == "word"


def test_a_store_that_is_away_at_the_start_is_waited_for(
    converter: Converter, making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cut(converter.server, monkeypatch, "put", times=4)

    with working(new_worker(converter.server, making.by("word"))):
        until = time.monotonic() + 5
        while not converter.server.worker_alive(STALE) and time.monotonic() < until:
            time.sleep(0.02)
        assert converter.to_pdf(b"docx", "order-1").converted_by == "word"

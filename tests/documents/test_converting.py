"""Word while its worker is alive, LibreOffice otherwise, and never both for one document."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines import faults
from pw_pipelines.documents import converting
from pw_pipelines.documents.converting import Converter
from pw_pipelines.documents.docserver import HEARTBEAT, WAITING, DocServer
from pw_pipelines.documents.jobs import failure_of, hand_in, job_name, publish_result, result_of
from pw_pipelines.documents.office import OfficeAway, OfficeFailed
from pw_pipelines.documents.word_worker import Worker
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.settings import Settings
from tests.documents.conftest import a_pdf
from tests.documents.test_docserver import made_older

STALE = 1.5


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
    while not worker.server.exists(HEARTBEAT):
        time.sleep(0.01)
    try:
        yield worker
    finally:
        worker.stopping.set()
        thread.join(10)


def left(server: DocServer) -> list[str]:
    return [name for folder in ("to-convert", "converted", "failed", "claims") for name in server.names(folder)]


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


def test_a_worker_that_dies_after_its_claim_is_taken_over_from(converter: Converter, making: Making) -> None:
    name = job_name("order-1", b"docx")
    dead = new_worker(converter.server, making.by("word"))
    dead.beat()
    hand_in(converter.server, name, b"docx")
    claim = dead._claim(name)
    assert claim

    made = converter.to_pdf(b"docx", "order-1")

    assert made.converted_by == "libreoffice"
    assert making.made == {("libreoffice", b"docx"): 1}
    assert left(converter.server) == []
    assert not converter.server.holds(claim), "what it publishes when it wakes is dropped"


def test_a_hung_word_with_a_beating_heart_is_taken_over_from(converter: Converter, making: Making) -> None:
    waking = threading.Event()

    def hang(docx: bytes) -> bytes:
        waking.wait(20)
        return a_pdf()

    with working(new_worker(converter.server, hang)):
        made = converter.to_pdf(b"docx", "order-1")
        waking.set()

    assert made.converted_by == "libreoffice"
    assert left(converter.server) == [], "the late result was not published"


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


def test_killed_while_word_converts_the_next_one_takes_words_result(
    converter: Converter, making: Making, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = new_worker(converter.server, making.by("word"))
    worker.beat()
    monkeypatch.setenv(faults.VARIABLE, "documents.convert.handed_in:raise")
    with pytest.raises(faults.InjectedFault):
        converter.to_pdf(b"docx", "order-1")
    monkeypatch.delenv(faults.VARIABLE)
    worker.run_once()

    made = new_converter(settings, making).to_pdf(b"docx", "order-1")

    assert made.converted_by == "word"
    assert making.made == {("word", b"docx"): 1}


def test_killed_after_taking_over_the_next_one_does_not_ask_word_again(
    converter: Converter, making: Making, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = new_worker(converter.server, making.by("word"))
    worker.beat()
    hand_in(converter.server, job_name("order-1", b"docx"), b"docx")
    made_older(converter.server, HEARTBEAT, STALE + 1)
    monkeypatch.setenv(faults.VARIABLE, "documents.convert.claimed:raise")
    with pytest.raises(faults.InjectedFault):
        converter.to_pdf(b"docx", "order-1")
    monkeypatch.delenv(faults.VARIABLE)

    with working(worker):
        time.sleep(0.2)
        made = new_converter(settings, making).to_pdf(b"docx", "order-1")

    assert made.converted_by == "libreoffice"
    assert making.made == {("libreoffice", b"docx"): 1}


def test_with_a_worker_that_comes_and_goes_each_document_is_made_once(
    converter: Converter, making: Making, settings: Settings
) -> None:
    documents = [(f"docx {number}".encode(), f"order-{number}") for number in range(24)]
    stop = threading.Event()

    def flicker() -> None:
        while not stop.is_set():
            with working(new_worker(converter.server, making.by("word", 0.02))):
                stop.wait(0.15)
            converter.server.delete(HEARTBEAT)
            stop.wait(0.1)

    flickering = threading.Thread(target=flicker)
    flickering.start()
    ways: Counter[str] = Counter()

    def work(mine: list[tuple[bytes, str]]) -> None:
        own = new_converter(settings, making)
        own.__dict__["office"] = FakeOffice(making, 0.05)
        for docx, job in mine:
            ways[own.to_pdf(docx, job).converted_by] += 1

    threads = [threading.Thread(target=work, args=(documents[part::4],)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    stop.set()
    flickering.join(10)

    assert sum(ways.values()) == 24
    assert set(ways) == {"word", "libreoffice"}
    assert [making.made["word", docx] + making.made["libreoffice", docx] for docx, _ in documents] == [1] * 24
    assert left(converter.server) == []


def test_a_restarted_worker_goes_on_with_what_it_had_claimed(converter: Converter, making: Making) -> None:
    first, again = (new_worker(converter.server, making.by("word"), name="machine") for _ in range(2))
    hand_in(converter.server, "job", b"docx")
    assert first._claim("job")

    assert again.run_once() == 1
    assert making.made == {("word", b"docx"): 1}


def test_another_machines_claim_is_left_alone_until_it_is_old(converter: Converter, making: Making) -> None:
    server = converter.server
    hand_in(server, "job", b"docx")
    claim = server.claim("job", by="word", worker="elsewhere/1/x")
    assert claim
    worker = new_worker(server, making.by("word"))
    assert worker.run_once() == 0

    made_older(server, claim.key, STALE + 1)

    assert worker.run_once() == 1


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


def test_a_pdf_that_could_not_be_published_is_kept_and_published_when_the_store_is_back(
    converter: Converter, making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = converter.server
    hand_in(server, "job", b"docx")
    worker = new_worker(server, making.by("word"))
    Cut(server, monkeypatch, "publish", times=2)

    for _ in range(2):
        with pytest.raises(OutsideUnavailable):
            worker.run_once()
    assert worker.run_once() == 1

    assert making.made == {("word", b"docx"): 1}
    assert result_of(server, "job", b"docx") is not None


def test_a_claim_given_back_hides_nobodys_who_took_over(converter: Converter) -> None:
    server = converter.server
    first = server.claim("job", by="word", worker="w")
    assert first
    second = server.claim("job", by="libreoffice", worker="us", after=first)

    server.give_back(first)

    assert server.claim_of("job") == second


def test_a_claim_given_back_is_anybodys(converter: Converter, making: Making) -> None:
    server = converter.server
    hand_in(server, "job", b"docx")
    claim = server.claim("job", by="word", worker="elsewhere/1/x")
    assert claim
    server.give_back(claim)

    assert new_worker(server, making.by("word")).run_once() == 1


def test_of_two_who_publish_late_the_first_stands_whole(converter: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    server = converter.server
    hand_in(server, "job", b"docx")
    slow = server.claim("job", by="word", worker="slow")
    assert slow
    quick = server.claim("job", by="word", worker="quick", after=slow)
    assert quick
    assert publish_result(server, quick, b"docx", a_pdf(1))
    monkeypatch.setattr(server, "holds", lambda _claim: True)  # it looked before it was taken over from

    assert not publish_result(server, slow, b"docx", a_pdf(7))

    found = result_of(server, "job", b"docx")
    assert found is not None
    assert (found.pages, found.worker) == (1, "quick")
    server.clear("job")
    assert server.names("converted") == []


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


def test_a_document_that_a_living_worker_forgot_is_taken_over(converter: Converter, making: Making) -> None:
    server = converter.server
    name = job_name("order-1", b"docx")
    hand_in(server, name, b"docx")
    claim = server.claim(name, by="word", worker="elsewhere/1/x")
    assert claim
    made_older(server, claim.key, STALE + 1)
    blind = new_worker(server, making.by("word"))
    blind.run_once = lambda: 0  # type: ignore[method-assign]

    with working(blind):
        assert converter.to_pdf(b"docx", "order-1").converted_by == "libreoffice"

    assert left(server) == []


def test_a_store_that_is_away_at_the_start_is_waited_for(
    converter: Converter, making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cut(converter.server, monkeypatch, "put", times=4)

    with working(new_worker(converter.server, making.by("word"))):
        until = time.monotonic() + 5
        while not converter.server.worker_alive(STALE) and time.monotonic() < until:
            time.sleep(0.02)
        assert converter.to_pdf(b"docx", "order-1").converted_by == "word"

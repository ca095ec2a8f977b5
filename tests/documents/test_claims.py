"""Whoever claims a document makes it: workers that die, hang, come back late; each document is made once."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from pw_pipelines import faults
from pw_pipelines.documents.converting import Converter
from pw_pipelines.documents.docserver import HEARTBEAT
from pw_pipelines.documents.jobs import hand_in, job_name, publish_result, result_of
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.settings import Settings
from tests.documents.conftest import a_pdf
from tests.documents.test_docserver import made_older
from tests.documents.workers import (
    STALE,
    Cut,
    FakeOffice,
    Making,
    converter,
    left,
    making,
    new_converter,
    new_worker,
    working,
)

__all__ = ["converter", "making"]


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

"""Word by COM, against an invented Word that has the same members and the same moods."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from docserver.word import Word, WordAway, WordRefuses
from pw_pipelines.documents.pdf import pages_of
from tests.docserver.fake_word import (
    CORRUPT,
    NOT_REGISTERED,
    PASSWORD,
    REJECTED,
    ComError,
    FakeWindows,
    Process,
    crash,
    hang,
    refuse,
)  # fmt: skip


@pytest.fixture
def windows() -> FakeWindows:
    return FakeWindows()


def new_word(windows: FakeWindows, folder: Path, **given: object) -> Word:
    return Word(windows, folder / "work", **{"limit_seconds": 0.3, "start_seconds": 0.3, **given})  # type: ignore[arg-type]


@pytest.fixture
def word(windows: FakeWindows, tmp_path: Path) -> Word:
    return new_word(windows, tmp_path)


def test_documents_are_opened_read_only_and_silently_and_closed_unsaved(word: Word, windows: FakeWindows) -> None:
    assert [pages_of(word.to_pdf(docx)) for docx in (b"one", b"two")] == [2, 2]

    assert (windows.opened, windows.closed, windows.starts) == ([b"one", b"two"], 2, 1)
    assert word.version == "Word 16.0.16.0.17928"
    assert list(word.folder.iterdir()) == [], "no customer's document stays there"


def test_after_so_many_documents_word_is_started_anew(windows: FakeWindows, tmp_path: Path) -> None:
    word = new_word(windows, tmp_path, documents_per_word=3)

    for number in range(7):
        word.to_pdf(str(number).encode())

    assert windows.starts == 3
    assert len(windows.automated()) == 1
    word.close()
    assert windows.automated() == {}


@pytest.mark.parametrize("said", [PASSWORD, CORRUPT])
def test_what_word_can_not_open_is_told_in_its_words_and_the_next_one_is_made(
    word: Word, windows: FakeWindows, said: str
) -> None:
    windows.deeds[b"bad"] = refuse(said)

    with pytest.raises(WordRefuses, match=said.rstrip(".")):
        word.to_pdf(b"bad")

    assert word.to_pdf(b"good")
    assert (windows.starts, windows.opened) == (1, [b"bad", b"good"])


def test_a_word_that_hangs_is_killed_by_its_process_and_the_next_one_is_made(word: Word, windows: FakeWindows) -> None:
    windows.deeds[b"dialog"] = hang
    began = time.monotonic()

    with pytest.raises(WordRefuses, match="within"):
        word.to_pdf(b"dialog")

    assert time.monotonic() - began < 5
    assert windows.automated() == {}
    assert word.to_pdf(b"good")
    assert not windows.person.ended.is_set()


def test_a_word_that_crashes_once_makes_the_document_all_the_same(word: Word, windows: FakeWindows) -> None:
    tries: list[Process] = []

    def first_time(process: Process) -> None:
        tries.append(process)
        if len(tries) == 1:
            crash(process)

    windows.deeds[b"docx"] = first_time

    assert pages_of(word.to_pdf(b"docx")) == 2
    assert windows.starts == 2


def test_a_document_word_always_dies_of_is_given_up(word: Word, windows: FakeWindows) -> None:
    windows.deeds[b"poison"] = crash

    with pytest.raises(WordRefuses, match="twice"):
        word.to_pdf(b"poison")

    assert windows.automated() == {}


def test_a_word_that_is_killed_between_two_documents_is_started_again(word: Word, windows: FakeWindows) -> None:
    word.to_pdf(b"one")
    for process in windows.automated().values():
        process.kill()

    assert word.to_pdf(b"two")
    assert windows.starts == 2


def test_a_busy_word_is_asked_again(word: Word, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docserver.word.BUSY_SECONDS", 0.0)
    left = [1, 2, 3]

    def busy(process: Process) -> None:
        if left:
            left.pop()
            raise ComError(REJECTED, "Call was rejected by callee.")

    windows.deeds[b"docx"] = busy

    assert word.to_pdf(b"docx")
    assert windows.starts == 1


def test_no_word_is_nobodys_fault_but_the_machines(word: Word, windows: FakeWindows) -> None:
    def missing(process: Process) -> None:
        process.ended.set()
        raise ComError(NOT_REGISTERED, "Class not registered")

    windows.trouble = missing
    with pytest.raises(WordAway, match=r"Class not registered \(0x80040154\)"):
        word.to_pdf(b"docx")

    windows.trouble = None
    assert word.to_pdf(b"docx")


def test_a_word_that_hangs_while_it_starts_is_killed(word: Word, windows: FakeWindows) -> None:
    windows.trouble = hang

    with pytest.raises(WordAway, match="did not start within"):
        word.start()

    assert windows.automated() == {}


def test_words_that_an_earlier_worker_left_are_killed_and_a_persons_is_not(word: Word, windows: FakeWindows) -> None:
    left = [Process(11), Process(12)]
    windows.processes += left

    word.start()

    assert all(one.ended.is_set() for one in left)
    assert not windows.person.ended.is_set()


def test_a_word_that_writes_nothing_and_says_nothing_is_told(word: Word, windows: FakeWindows) -> None:
    windows.exports = False

    with pytest.raises(WordRefuses, match="made no PDF"):
        word.to_pdf(b"docx")


def test_when_even_killing_does_not_free_the_call_the_worker_ends_itself(
    windows: FakeWindows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docserver.word.GRACE_SECONDS", 0.1)
    free, stuck = threading.Event(), threading.Event()

    def forever(process: Process) -> None:
        free.wait(10)
        crash(process)

    windows.deeds[b"docx"] = forever
    word = new_word(windows, tmp_path, stuck=lambda: (stuck.set(), free.set()))

    with pytest.raises(WordRefuses):
        word.to_pdf(b"docx")

    assert stuck.is_set()

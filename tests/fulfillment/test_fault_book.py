"""A book of strikes: each is made once, by whichever process comes by first."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pw_pipelines import faults

CODE = """
import sys
from pw_pipelines import faults
for _ in range(40):
    try:
        faults.point("room.deed.moment")
    except faults.InjectedFault:
        print("struck")
"""
FULL = """
import errno, sys
from pathlib import Path
from pw_pipelines import faults
before = Path(sys.argv[1], "before")
before.write_text("kept")
faults.point("room.deed.moment")
try:
    Path(sys.argv[1], "after").write_text("lost")
except OSError as error:
    print(errno.errorcode[error.errno])
print(before.read_text())
"""


def _run(code: str, book: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env={"PW_FAULT_BOOK": str(book)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def _book(tmp_path: Path, *strikes: str) -> Path:
    book = tmp_path / "book"
    book.mkdir()
    for strike in strikes:
        (book / strike).touch()
    return book


def test_each_strike_is_made_once_by_many_processes(tmp_path: Path) -> None:
    strikes = [f"room.deed.moment:raise:{number}" for number in range(25)]
    book = _book(tmp_path, *strikes, "room.deed.other:raise:0")
    processes = [_run(CODE, book) for _ in range(4)]
    struck = sum(process.communicate()[0].count("struck") for process in processes)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert struck == 25
    assert [path.name for path in book.iterdir()] == ["room.deed.other:raise:0"]


def test_a_killed_process_has_taken_its_strike_along(tmp_path: Path) -> None:
    book = _book(tmp_path, "room.deed.moment:kill:0")
    first, second = _run(CODE, book), _run(CODE, book)
    codes = sorted([first.wait(), second.wait()])
    first.communicate()
    second.communicate()
    assert codes == [-9, 0]
    assert list(book.iterdir()) == []


def test_on_a_full_disk_every_further_write_fails_and_the_process_lives(tmp_path: Path) -> None:
    process = _run(FULL, _book(tmp_path, "room.deed.moment:full:0"), str(tmp_path))
    said, told = process.communicate()
    assert (process.returncode, said.split(), told) == (0, ["EFBIG", "kept"], "")
    assert (tmp_path / "after").read_bytes() == b""


def test_a_deed_nobody_knows_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW_FAULT_BOOK", str(_book(tmp_path, "room.deed.moment:burn:0")))
    with pytest.raises(ValueError, match="must be kill, raise or full"):
        faults.point("room.deed.moment")


def test_a_house_without_a_book_pays_nothing_for_its_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PW_FAULT_BOOK", raising=False)
    monkeypatch.delenv("PW_FAULT", raising=False)

    def touched(*_: object) -> None:
        raise AssertionError("an unarmed point must not look at any folder")

    monkeypatch.setattr(faults, "Path", touched)
    begun = time.process_time()
    for _ in range(10_000):
        faults.point("room.deed.moment")
    assert (time.process_time() - begun) / 10_000 < 50e-6

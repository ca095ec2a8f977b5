"""Every way a copy can be bad ends in the right rows or in a rejection a person understands; what was in force stays.

One healthy copy of yesterday is in force before each; afterwards `core` is compared row by row.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SnapshotError
from pw_pipelines.snapshots import books, road
from tests.conftest import TEMPLATE
from tests.snapshots.copies import HEADER, NOW, TODAY, WHOLE, Road, export

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(scope="module")
def home(clone_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Yesterday's healthy copy in force; only ever copied."""
    made = Road(Database(clone_database(TEMPLATE)), tmp_path_factory.mktemp("home"))
    made.in_force(export(day=YESTERDAY), as_of=YESTERDAY)
    return made


@pytest.fixture
def running(home: Road, clone_database: Callable[[str], str], tmp_path: Path) -> Road:
    """A copy of `home` for one test."""
    shutil.copytree(home.folder / "objects", tmp_path / "objects")
    return Road(Database(clone_database(conninfo_to_dict(home.db.url)["dbname"])), tmp_path)


def _without(column: str) -> bytes:
    at = HEADER.index(column)
    return export(
        header=[name for name in HEADER if name != column],
        change=lambda row: [cell for place, cell in enumerate(row) if place != at],
    )


def _renamed(old: str, new: str) -> bytes:
    return export(header=[new if name == old else name for name in HEADER])


def _in_latin_1() -> bytes:
    return export().decode("utf-8-sig").encode("latin-1")


def _never_closed() -> bytes:
    head, rest = export().split(b"\n", 1)
    return head + b'\n"' + rest.replace(b'"', b"")


def _doubled() -> bytes:
    return export(change=lambda row: ["RMD0000007" if row[0] == "RMD0000008" else row[0], *row[1:]])


# what came -> words of the reasons a person must be able to read
BAD: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    "cut at 40 %": (lambda: export()[: int(len(export()) * 0.4)], ("cut short",)),
    "cut between two rows": (
        lambda: export(WHOLE * 4 // 10),
        ("4,480 rows against at least 9,500", "4,480 rows against 11,200 on 2026-11-21 (−60.0 %"),
    ),
    "HTML with status 200": (
        lambda: (
            b"<!DOCTYPE html>\n<html><head><title>Scheduled Maintenance</title></head><body>Back soon</body></html>"
        ),
        ("HTML page instead of", "Scheduled Maintenance", "bytes against at least 500,000"),
    ),
    "header renamed": (lambda: _renamed("frn", "fcc_registration_number"), ("`frn` is now `fcc_registration_number`",)),
    "column missing": (lambda: _without("implementation"), ("column missing: implementation",)),
    "wrong encoding": (_in_latin_1, ("Not UTF-8", "0xd1")),
    "zero rows": (lambda: export(0), ("0 rows",)),
    "an empty file": (lambda: b"", ("0 bytes",)),
    "130 bytes inside valid gzip": (
        lambda: gzip.compress(b"number,frn\n".ljust(130, b"x")),
        ("column missing", "130 bytes against at least 500,000"),
    ),
    "duplicate keys": (_doubled, ("1 value of number stands more than once", "RMD0000007")),
    "shrunk by 30 %": (lambda: export(WHOLE * 7 // 10), ("7,840 rows against 11,200 on 2026-11-21 (−30.0 %",)),
    "grown by 300 %": (lambda: export(WHOLE * 4), ("44,800 rows against 11,200 on 2026-11-21 (+300.0 %",)),
    "an old copy served again": (
        lambda: export(day=TODAY - timedelta(days=9)),
        ("2026-11-12 against 2026-11-20 in the copy of 2026-11-21", "serves an old copy"),
    ),
    "gzip that unpacks to 80 MB": (
        lambda: gzip.compress(bytes(80_000_000), 9),
        ("Not read: it has more than 60,000,000 bytes when unpacked",),
    ),
    "a cell without a closing quote": (
        _never_closed,
        ("a cell is longer than 1,048,576 characters: a closing quote is missing",),
    ),
    "binary rubbish": (lambda: bytes(range(256)) * 4_000, ("Not UTF-8",)),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_copy_is_kept_and_rejected_with_a_reason_and_changes_nothing(running: Road, what: str) -> None:
    way = running
    good = books.current(way.db, "fcc_rmd")
    before = way.tables()
    make, words = BAD[what]
    body = make()

    snapshot = way.take(body)

    assert snapshot.grade == "rejected"
    told = " | ".join(snapshot.reasons)
    assert all(word in told for word in words), told
    assert way.objects.size(snapshot.raw_digest) == len(body)
    with pytest.raises(SnapshotError, match="rejected"):
        road.load(way.db, way.objects, snapshot.snapshot_id, now=NOW)
    assert way.tables() == before
    assert good is not None
    assert books.current(way.db, "fcc_rmd", TODAY) == good


def test_registration_numbers_without_their_zeros_are_padded_and_told(way: Road) -> None:
    snapshot = way.in_force(export(change=lambda row: [row[0], row[1].lstrip("0"), *row[2:]]))
    assert snapshot.grade == "complete"
    assert any("11,200" in reason and "zero" in reason for reason in snapshot.reasons), snapshot.reasons
    filings = way.tables()["fcc_rmd_filings"]
    assert [filings[0]["frn"], filings[-1]["frn"]] == ["0001000000", "0001011199"]


def test_a_clock_that_went_backwards_rejects_the_copy_and_changes_nothing(way: Road, whole: bytes) -> None:
    way.in_force(whole)
    before = way.tables()
    back = way.take(export(day=YESTERDAY), as_of=YESTERDAY)
    assert back.grade == "rejected"
    assert "as-of day 2026-11-21 against 2026-11-22" in back.reasons[0]
    assert "clock has gone backwards" in back.reasons[0]
    assert way.tables() == before


def test_an_old_copy_saved_by_hand_may_come_after_a_newer_one(way: Road, whole: bytes) -> None:
    newest = way.in_force(whole)
    way.in_force(export(day=YESTERDAY), as_of=YESTERDAY, origin="ingested", stated_by="jdoe")
    current = books.current(way.db, "fcc_rmd")
    assert current is not None
    assert current.snapshot_id == newest.snapshot_id


def test_the_same_file_twice_leaves_one_snapshot_and_its_rows_once(way: Road, whole: bytes) -> None:
    first = way.in_force(whole)
    again = way.in_force(whole)
    assert first.snapshot_id == again.snapshot_id
    assert len(way.tables()["fcc_rmd_filings"]) == WHOLE


def test_a_gzipped_whole_copy_is_a_whole_copy(way: Road, whole: bytes) -> None:
    body = gzip.compress(whole, 1, mtime=0)
    snapshot = way.take(body)
    assert (snapshot.grade, snapshot.rows) == ("complete", WHOLE), snapshot.reasons


def test_the_records_that_could_not_be_read_are_kept_with_their_line(way: Road) -> None:
    snapshot = way.take(export(change=lambda row: [*row, "one cell more"] if row[0] == "RMD0000003" else row))
    assert (snapshot.grade, snapshot.rows, snapshot.rejected_rows) == ("complete", WHOLE - 1, 1)
    assert "1 of 11,200 records could not be read" in snapshot.reasons[0]
    (kept,) = books.rejects(way.db, snapshot.snapshot_id)
    assert "24 columns instead of 23" in str(kept["reason"])
    assert "RMD0000003" in str(kept["excerpt"])


def test_a_record_with_text_that_cannot_be_stored_does_not_take_the_others_with_it(way: Road) -> None:
    def poisoned(row: list[str]) -> list[str]:
        if row[0] == "RMD0000003":
            row[2] = "Nul\x00 Telecom"
        if row[0] == "RMD0000005":
            row[7] = "One Brand; Other\x00 Brand"
        return row

    snapshot = way.in_force(export(change=poisoned))
    assert (snapshot.rows, snapshot.rejected_rows) == (WHOLE - 2, 2)
    assert [one["reason"] for one in books.rejects(way.db, snapshot.snapshot_id)] == [
        "business_name holds a NUL character or half of one, which cannot be kept as text.",
        "other_names holds a NUL character or half of one, which cannot be kept as text.",
    ]

"""From raw bytes into `core`: the rows that were graded, once, from good copies only."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SnapshotError
from pw_pipelines.snapshots import books, road
from tests.snapshots.copies import NOW, SMALL, TODAY, Road, export


@pytest.fixture
def way(db: Database, tmp_path: Path) -> Road:
    return Road(db, tmp_path, vouched=SMALL)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return export(SMALL)


def test_a_good_copy_s_rows_stand_in_core_as_they_were_read(way: Road, whole: bytes) -> None:
    snapshot = way.take(whole)
    assert books.current(way.db, "fcc_rmd") is None
    assert road.load(way.db, way.objects, snapshot.snapshot_id, now=NOW) == SMALL
    first = way.tables()["fcc_rmd_filings"][0]
    assert first["business_name"] == "Ñandú & Söhne Telecom 0, LLC"
    assert first["business_address"] == "0 Example Street\nSuite 5\nAlbany NY 12207"
    assert (first["frn"], first["contact_phone"]) == ("0001000000", "+15185550100")
    assert books.get(way.db, snapshot.snapshot_id).loaded_at == NOW


def test_which_filings_were_listed_is_noted_beside_the_rows(way: Road, whole: bytes) -> None:
    way.in_force(whole)
    tables = way.tables()
    assert [(row["number"], row["frn"], row["name_key"]) for row in tables["fcc_rmd_presence"]] == [
        (row["number"], row["frn"], row["name_key"]) for row in tables["fcc_rmd_filings"]
    ]


def test_loading_again_changes_nothing(way: Road, whole: bytes) -> None:
    snapshot = way.in_force(whole)
    before = way.tables()
    assert road.load(way.db, way.objects, snapshot.snapshot_id, now=NOW + timedelta(hours=1)) == SMALL
    assert way.tables() == before
    assert books.get(way.db, snapshot.snapshot_id).loaded_at == NOW


def test_two_loads_at_once_take_turns(way: Road, whole: bytes) -> None:
    snapshot = way.take(whole)
    loaded: list[int] = []
    both = [
        threading.Thread(target=lambda: loaded.append(road.load(way.db, way.objects, snapshot.snapshot_id, now=NOW)))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert loaded == [SMALL, SMALL]
    assert len(way.tables()["fcc_rmd_filings"]) == SMALL


def test_rows_that_are_not_the_graded_ones_are_never_loaded(way: Road, whole: bytes) -> None:
    snapshot = way.take(whole)
    with way.db.connect() as connection:
        connection.execute("update pw.snapshots set rows = rows + 1")
    with pytest.raises(SnapshotError, match=r"graded with 1,101 rows and now reads 1,100.*pw snapshot reparse"):
        road.load(way.db, way.objects, snapshot.snapshot_id, now=NOW)
    assert way.tables()["fcc_rmd_filings"] == []
    assert books.get(way.db, snapshot.snapshot_id).loaded_at is None


def test_reparsing_puts_rows_and_verdict_right_together(way: Road, whole: bytes) -> None:
    snapshot = way.in_force(whole)
    before = way.tables()
    with way.db.connect() as connection:  # as an older reader might have left them
        connection.execute("delete from core.fcc_rmd_filings where number = 'RMD0000001'")
        connection.execute("update core.fcc_rmd_filings set business_name = 'misread'")
        connection.execute("update pw.snapshots set rows = rows - 1")
    again = road.reparse(way.db, way.objects, snapshot.snapshot_id, now=NOW)
    assert (again.grade, again.rows) == ("complete", SMALL)
    assert way.tables() == before


def test_a_snapshot_nobody_knows_is_an_error_that_says_where_to_look(way: Road) -> None:
    with pytest.raises(SnapshotError, match="pw snapshot list"):
        road.load(way.db, way.objects, "fcc_rmd-2026-11-22-000000000000", now=NOW)


def test_the_books_refuse_a_rejected_snapshot_that_claims_to_be_loaded(way: Road) -> None:
    way.take(b"<html>")
    with pytest.raises(psycopg.errors.CheckViolation), way.db.connect() as connection:
        connection.execute("update pw.snapshots set loaded_at = now()")


def test_the_snapshot_in_force_is_the_newest_loaded_one_of_the_day_asked_for(way: Road, whole: bytes) -> None:
    yesterday = TODAY - timedelta(days=1)
    older = way.in_force(export(SMALL, day=yesterday), as_of=yesterday)
    newer = way.in_force(whole)
    way.take(export(SMALL, day=TODAY + timedelta(days=1)), as_of=TODAY + timedelta(days=1))  # graded, not loaded

    def current(on: object) -> str | None:
        found = books.current(way.db, "fcc_rmd", on)  # type: ignore[arg-type]
        return found.snapshot_id if found else None

    assert current(yesterday - timedelta(days=1)) is None
    assert current(yesterday) == older.snapshot_id
    assert current(TODAY) == current(None) == newer.snapshot_id
    assert books.newest_day(way.db) == TODAY

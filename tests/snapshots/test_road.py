"""Raw first, registered, graded; once, however often it is tried."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from pw_pipelines.errors import SnapshotError, UsageError
from pw_pipelines.faults import VARIABLE, InjectedFault
from pw_pipelines.snapshots import books, road
from tests.snapshots.copies import NOW, TODAY, WHOLE, Road, export

CORES_EMPTY = b"<html><head><title>FCC Registration System</title></head>\n<body></body>\n</html>"


def test_a_healthy_copy_is_complete_and_its_bytes_are_kept(way: Road, whole: bytes) -> None:
    snapshot = way.take(whole)
    assert (snapshot.grade, snapshot.rows, snapshot.proves_absence) == ("complete", WHOLE, True)
    assert snapshot.snapshot_id == f"fcc_rmd-2026-11-22-{snapshot.raw_digest[:12]}"
    with way.objects.open(snapshot.raw_digest) as raw:
        assert raw.read() == whole


def test_the_same_file_twice_is_one_snapshot(way: Road, whole: bytes) -> None:
    first = way.take(whole)
    again = way.take(whole, name="saved again.csv")
    assert again == first
    assert [one.snapshot_id for one in books.list_snapshots(way.db)] == [first.snapshot_id]


def test_the_same_bytes_on_another_day_are_another_sighting_and_told_to_be_unchanged(way: Road, whole: bytes) -> None:
    way.take(whole)
    tomorrow = way.take(whole, as_of=TODAY + timedelta(days=1))
    assert tomorrow.grade == "complete"
    assert any("byte for byte the same as the copy of 2026-11-22" in reason for reason in tomorrow.reasons)


def _upside_down(body: bytes, line_end: str = "\n") -> bytes:
    header, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end).writerows([header, *rows[::-1]])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


REWRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "packed": gzip.compress,
    "rows the other way round": _upside_down,
    "lines ended as Windows does": lambda body: _upside_down(_upside_down(body), "\r\n"),
}


@pytest.mark.parametrize("how", REWRITTEN)
def test_the_same_rows_in_other_bytes_are_told_to_be_unchanged(way: Road, whole: bytes, how: str) -> None:
    first = way.take(whole)
    tomorrow = way.take(REWRITTEN[how](whole), as_of=TODAY + timedelta(days=1))
    assert tomorrow.raw_digest != first.raw_digest
    assert tomorrow.facts["content_digest"] == first.facts["content_digest"]
    assert any("row for row the same as the copy of 2026-11-22" in reason for reason in tomorrow.reasons)


def test_a_copy_too_large_to_be_one_is_never_read(way: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road, "reader", lambda _source: pytest.fail("a reader was asked for"))
    snapshot = way.take(gzip.compress(bytes(70_000_000)))
    assert snapshot.grade == "rejected"
    assert snapshot.reasons[0].startswith("Not read: it has more than 60,000,000 bytes when unpacked")
    assert road.stated_day(way.objects, "fcc_rmd", way.file(gzip.compress(bytes(70_000_001)))) is None


@pytest.mark.parametrize("place", ["after_put", "after_register", "before_verdict"])
def test_a_take_that_broke_off_anywhere_is_finished_by_the_next(
    way: Road, whole: bytes, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv(VARIABLE, f"snapshot.take.{place}:raise")
    with pytest.raises(InjectedFault):
        way.take(whole)
    left = books.list_snapshots(way.db)
    assert [one.grade for one in left] == ([] if place == "after_put" else ["pending"])
    monkeypatch.delenv(VARIABLE)
    assert way.take(whole).grade == "complete"
    assert len(books.list_snapshots(way.db)) == 1


def test_what_a_hard_stop_left_pending_can_be_graded_without_the_file(
    way: Road, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "snapshot.take.after_register:raise")
    with pytest.raises(InjectedFault):
        way.take(whole)
    monkeypatch.delenv(VARIABLE)
    (way.file(b"")).unlink()
    assert [one.grade for one in road.finish_pending(way.db, way.objects, now=NOW)] == ["complete"]


def test_bytes_are_kept_before_anything_reads_them(way: Road) -> None:
    snapshot = way.take(b"<!doctype html><title>Maintenance</title>")
    assert snapshot.grade == "rejected"
    assert way.objects.size(snapshot.raw_digest) == snapshot.size_bytes == 41


def test_a_source_nobody_knows_keeps_nothing(way: Road) -> None:
    with pytest.raises(UsageError, match="fcc_rmd"):
        way.take(b"x", source="fcc_unknown")
    assert not (Path(way.objects.url.removeprefix("file://"))).exists()


def test_a_part_of_the_list_is_accepted_once_somebody_states_its_total(way: Road) -> None:
    part = export(700)
    refused = way.take(part, origin="ingested", stated_by="jdoe")
    assert refused.grade == "rejected"
    assert "--expect-rows" in refused.reasons[0]
    accepted = way.take(part, origin="ingested", stated_by="jdoe", expect_rows=700)
    assert (accepted.snapshot_id, accepted.grade, accepted.proves_absence) == (refused.snapshot_id, "complete", False)
    assert (accepted.stated_total, accepted.stated_by) == (700, "jdoe")


def test_a_wrong_total_rejects_and_the_right_one_afterwards_mends_it(way: Road) -> None:
    part = export(700)
    wrong = way.take(part, origin="ingested", stated_by="jdoe", expect_rows=701)
    assert wrong.grade == "rejected"
    assert wrong.reasons[0] == "700 records against 701 stated by jdoe"
    assert way.take(part, origin="ingested", stated_by="jdoe", expect_rows=700).grade == "complete"


def test_a_total_that_contradicts_a_copy_in_force_is_refused_and_points_to_recall(way: Road, whole: bytes) -> None:
    snapshot = way.in_force(whole)
    with pytest.raises(SnapshotError, match="pw snapshot recall"):
        way.take(whole, stated_by="jdoe", expect_rows=WHOLE + 1)
    assert books.get(way.db, snapshot.snapshot_id).stated_total is None


def test_a_total_without_a_name_is_refused(way: Road) -> None:
    with pytest.raises(UsageError, match="stated-by"):
        way.take(b"x", expect_rows=1)


def test_a_total_that_no_copy_holds_is_refused_before_anything_is_kept(way: Road) -> None:
    with pytest.raises(UsageError, match=r"No copy holds 99,999,999,999,999,999,999 records.*--expect-rows"):
        way.take(b"x", stated_by="jdoe", expect_rows=99_999_999_999_999_999_999)
    assert list(way.objects.digests()) == []
    assert books.list_snapshots(way.db) == []


def test_a_part_vouched_for_is_no_measure_for_the_next_whole_copy(way: Road, whole: bytes) -> None:
    way.take(export(700, day=date(2026, 11, 20)), as_of=date(2026, 11, 20), stated_by="jdoe", expect_rows=700)
    assert way.take(whole).grade == "complete"


def test_empty_cores_pages_of_two_numbers_are_two_snapshots_although_their_bytes_agree(way: Road) -> None:
    first = way.in_force(
        CORES_EMPTY, source="fcc_cores", name="0000000000.html", origin="ingested", stated_by="jdoe", expect_rows=1
    )
    other = way.in_force(
        CORES_EMPTY, source="fcc_cores", name="0000000001.html", origin="ingested", stated_by="jdoe", expect_rows=1
    )
    assert first.raw_digest == other.raw_digest
    assert first.snapshot_id != other.snapshot_id
    assert {row["frn"] for row in way.tables()["fcc_cores_registrations"]} == {"0000000000", "0000000001"}


def test_the_day_a_copy_states_itself_is_found_and_one_that_states_none_has_none(way: Road, whole: bytes) -> None:
    xml = b'<?xml version="1.0"?><Filer499QueryResults Updated="2021-06-21" RecordCount="0"></Filer499QueryResults>'
    assert road.stated_day(way.objects, "fcc_form499", way.file(xml, "499.xml")) == date(2021, 6, 21)
    assert road.stated_day(way.objects, "fcc_rmd", way.file(whole)) is None
    assert road.stated_day(way.objects, "fcc_rmd", way.file(b"<html>")) is None


def test_a_rejected_copy_is_good_once_what_spoke_against_it_is_recalled(way: Road, whole: bytes) -> None:
    from pw_pipelines.snapshots.recall import recall

    ahead = way.take(export(day=date(2026, 11, 25)), as_of=date(2026, 11, 25))
    refused = way.take(whole)
    assert (ahead.grade, refused.grade) == ("complete", "rejected")
    recall(way.db, ahead.snapshot_id, by="jdoe", reason="taken with a wrong clock", now=NOW)
    assert road.reparse(way.db, way.objects, refused.snapshot_id, now=NOW).grade == "complete"

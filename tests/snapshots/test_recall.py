"""Taking a snapshot back: it falls out of force, and everything that stood on it is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SnapshotError, UsageError
from pw_pipelines.snapshots import books, road
from pw_pipelines.snapshots.recall import recall
from tests.snapshots.copies import NOW, SMALL, TODAY, Road, export

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def way(db: Database, tmp_path: Path) -> Road:
    return Road(db, tmp_path, vouched=SMALL)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return export(SMALL)


def stand_on(way: Road, snapshot_id: str) -> None:
    """Two findings (one already cured) and two addresses (one already with Listmonk) that rest on the snapshot."""
    with way.db.connect() as connection:
        for frn, closed in (("0001000000", None), ("0001000001", NOW)):
            connection.execute(
                """insert into pw.finding_history (frn, code, severity, certainty, evidence, snapshot_ids, opened_as_of,
                       opened_at, last_seen_as_of, closed_as_of, closed_at, closed_reason)
                   values (%s, 'RMD_ROLE_NONE', 'medium', 'sure', '{}', %s, %s, %s, %s, %s, %s, %s)""",
                (frn, [snapshot_id, "fcc_cores-2026-11-20-0123456789ab"], TODAY, NOW, TODAY,
                 TODAY if closed else None, closed, "cured" if closed else None),
            )  # fmt: skip
        for email, state, listmonk_id, synced_at in (
            ("a@carrier.example", "synced", 7, NOW),
            ("b@carrier.example", "queued", None, None),
        ):
            connection.execute(
                """insert into pw.subscribers (email, frn, provider, state, listmonk_id, codes, snapshot_ids, queued_at,
                       synced_at) values (%s, '0001000000', 'other', %s, %s, '{RMD_ROLE_NONE}', %s, %s, %s)""",
                (email, state, listmonk_id, [snapshot_id], NOW, synced_at),
            )


def test_a_recalled_snapshot_is_no_longer_in_force_but_its_bytes_are_kept(way: Road, whole: bytes) -> None:
    older = way.in_force(export(SMALL, day=YESTERDAY), as_of=YESTERDAY)
    wrong = way.in_force(whole)
    report = recall(way.db, wrong.snapshot_id, by="jdoe", reason=" a test export ", now=NOW)
    assert (report.snapshot.grade, report.snapshot.recalled_by, report.snapshot.recall_reason) == (
        "recalled", "jdoe", "a test export",
    )  # fmt: skip
    current = books.current(way.db, "fcc_rmd", TODAY)
    assert current is not None
    assert current.snapshot_id == older.snapshot_id
    assert way.objects.exists(wrong.raw_digest)
    assert {row["snapshot_id"] for row in way.tables()["fcc_rmd_filings"]} == {older.snapshot_id}
    assert {row["snapshot_id"] for row in way.tables()["fcc_rmd_presence"]} == {older.snapshot_id}


def test_what_stood_on_it_and_what_had_gone_out_is_told(way: Road, whole: bytes) -> None:
    snapshot = way.in_force(whole)
    stand_on(way, snapshot.snapshot_id)
    report = recall(way.db, snapshot.snapshot_id, by="jdoe", reason="wrong", now=NOW)
    assert [(one.frn, one.code) for one in report.findings] == [("0001000000", "RMD_ROLE_NONE")]
    assert report.findings_by_code == {"RMD_ROLE_NONE": 1}
    assert [one.email for one in report.recipients] == ["a@carrier.example", "b@carrier.example"]
    assert [(one.email, one.synced_at) for one in report.gone_out] == [("a@carrier.example", NOW)]


def test_what_stands_on_other_snapshots_is_not_told(way: Road, whole: bytes) -> None:
    older = way.in_force(export(SMALL, day=YESTERDAY), as_of=YESTERDAY)
    stand_on(way, older.snapshot_id)
    newer = way.in_force(whole)
    report = recall(way.db, newer.snapshot_id, by="jdoe", reason="wrong", now=NOW)
    assert (report.findings, report.recipients) == ((), ())


def test_recalling_twice_tells_again_and_keeps_the_first_reason(way: Road, whole: bytes) -> None:
    snapshot = way.in_force(whole)
    stand_on(way, snapshot.snapshot_id)
    first = recall(way.db, snapshot.snapshot_id, by="jdoe", reason="wrong", now=NOW)
    again = recall(way.db, snapshot.snapshot_id, by="someone", reason="other", now=NOW + timedelta(days=1))
    assert (first.again, again.again) == (False, True)
    assert again.snapshot == first.snapshot
    assert again.findings == first.findings


def test_a_recalled_copy_is_not_loaded_again_and_says_who_took_it_back(way: Road, whole: bytes) -> None:
    snapshot = way.in_force(whole)
    recall(way.db, snapshot.snapshot_id, by="jdoe", reason="a test export", now=NOW)
    assert way.take(whole).grade == "recalled"
    with pytest.raises(SnapshotError, match="jdoe took it back: a test export"):
        road.load(way.db, way.objects, snapshot.snapshot_id, now=NOW)


def test_a_snapshot_that_was_never_accepted_has_nothing_to_take_back(way: Road) -> None:
    snapshot = way.take(b"<html>")
    with pytest.raises(SnapshotError, match="nothing stands on it"):
        recall(way.db, snapshot.snapshot_id, by="jdoe", reason="wrong", now=NOW)


def test_a_recall_without_a_reason_is_refused(way: Road, whole: bytes) -> None:
    snapshot = way.in_force(whole)
    with pytest.raises(UsageError, match="--reason"):
        recall(way.db, snapshot.snapshot_id, by="jdoe", reason="  ", now=NOW)
    assert books.get(way.db, snapshot.snapshot_id).is_good


def test_recalled_bytes_do_not_come_back_under_another_day(way: Road, whole: bytes) -> None:
    wrong = way.in_force(whole)
    recall(way.db, wrong.snapshot_id, by="jdoe", reason="a test export", now=NOW)
    again = way.take(whole, as_of=TODAY + timedelta(days=1))
    assert again.grade == "rejected"
    assert any("recalled by jdoe" in reason and "a test export" in reason for reason in again.reasons)

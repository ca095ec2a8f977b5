"""ECFS docket 06-36: pages of certifications."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from pw_pipelines.errors import SourceRejected
from tests.sources.builders import bundle, ecfs_bundle, ecfs_filing, ecfs_page, zipped
from tests.sources.reading import one, read

SOURCE = "fcc_cpni"


def test_a_certification_is_read_whole() -> None:
    row = one(SOURCE, ecfs_bundle([ecfs_filing(1)]))
    assert row == {
        "id_submission": "10000000000001",
        "received_at": datetime(2026, 2, 20, 15, 4, 5, 602000, tzinfo=UTC),
        "received_on_et": date(2026, 2, 20),
        "filer_names": ["Invented Telephone 1, LLC"],
        "filer_keys": ["invented telephone 1"],
        "document_names": ["CPNI 1.pdf"],
        "submission_type": "CERTIFICATION",
        "filing_status": "DISSEMINATED",
    }


@pytest.mark.parametrize(
    ("received", "eastern"),
    [
        ("2026-03-03T04:59:59.000Z", date(2026, 3, 2)),
        ("2026-03-03T05:00:00.000Z", date(2026, 3, 3)),
        ("2026-07-01T03:59:00.000Z", date(2026, 6, 30)),
    ],
)
def test_the_day_of_receipt_is_the_eastern_day(received: str, eastern: date) -> None:
    """A filing late on the due date carries the next day in UTC and is not late."""
    assert one(SOURCE, ecfs_bundle([ecfs_filing(1, date_received=received)]))["received_on_et"] == eastern


def test_nothing_of_a_private_commenter_is_kept() -> None:
    rows, report = read(SOURCE, ecfs_bundle([ecfs_filing(1), ecfs_filing(2, date_received=None)]))
    kept = json.dumps([*rows, *(reject.excerpt for reject in report.rejects)], default=str)
    assert "Private Lane" not in kept
    assert "person.example" not in kept


def test_a_filing_on_two_pages_is_one_filing() -> None:
    """Windows of days share edges; that is no damage."""
    rows, report = read(SOURCE, ecfs_bundle([ecfs_filing(1), ecfs_filing(2)], [ecfs_filing(2), ecfs_filing(3)]))
    assert [row["id_submission"][-1] for row in rows] == ["1", "2", "3"]
    assert report.duplicate_keys == []
    assert report.notes == ["1 filing(s) stood on two pages (edges of the date windows), read once"]


def test_a_filing_twice_on_one_page_is_a_duplicate() -> None:
    _, report = read(SOURCE, ecfs_bundle([ecfs_filing(1), ecfs_filing(1)]))
    assert report.duplicate_keys == ["10000000000001"]


def test_a_filing_of_another_docket_is_rejected_and_one_of_several_dockets_is_not() -> None:
    other = ecfs_filing(1, proceedings=[{"name": "17-108"}])
    several = ecfs_filing(2, proceedings=[{"name": "17-108"}, {"name": "06-36"}])
    rows, report = read(SOURCE, ecfs_bundle([other, several]))
    assert len(rows) == 1
    assert report.rejects[0].reason == "page-0001.json: filing 10000000000001 is not in docket 06-36 but in 17-108"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"date_received": "yesterday"}, "expected an ISO 8601 moment"),
        ({"date_received": "2026-02-20T15:04:05"}, "has no time zone"),
        ({"id_submission": None}, "has no id_submission"),
    ],
)
def test_a_filing_that_cannot_be_placed_is_rejected(changed: dict[str, object], reason: str) -> None:
    rows, report = read(SOURCE, ecfs_bundle([ecfs_filing(1, **changed)]))
    assert rows == []
    assert reason in report.rejects[0].reason


def test_several_filers_of_one_filing_have_a_key_each() -> None:
    filers = [{"name": "Acme Voice, Inc."}, {"name": " Beta Tel LLC "}, {"name": ""}, {}, {"name": "Acme Voice, Inc."}]
    row = one(SOURCE, ecfs_bundle([ecfs_filing(1, filers=filers)]))
    assert (row["filer_names"], row["filer_keys"]) == (["Acme Voice, Inc.", "Beta Tel LLC"], ["acme voice", "beta tel"])


def test_fields_that_are_missing_are_empty() -> None:
    row = one(SOURCE, ecfs_bundle([ecfs_filing(1, filers=None, documents=None, submissiontype=None, filingstatus={})]))
    assert (row["filer_names"], row["document_names"], row["submission_type"], row["filing_status"]) == (
        [],
        [],
        None,
        None,
    )


def test_one_reply_saved_by_hand_is_read_and_proves_no_absence() -> None:
    rows, report = read(SOURCE, ecfs_page([ecfs_filing(1)]))
    assert (len(rows), report.layout, report.proves_absence) == (1, "reply", False)


def test_facts_count_filings_by_year() -> None:
    filings = [ecfs_filing(1), ecfs_filing(2, date_received="2025-01-01T04:00:00Z")]
    _, report = read(SOURCE, ecfs_bundle(filings))
    assert report.facts == {"by_year": {"2024": 1, "2026": 1}, "pages": 1}
    assert report.newest == date(2026, 2, 20)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (bundle([("page-0001.json", b"Parameters incorrectly formatted")]), "'Parameters incorrectly formatted'"),
        (b"Parameters incorrectly formatted", "'Parameters incorrectly formatted'"),
        (b'{"aggregations": {}}', r"`filing` is missing \(found: aggregations\)"),
        (b"[1, 2]", r"`filing` is missing \(found: list\)"),
        (bundle([("page-0001.json", b'{"filing": []}')], status=500), "has status 500"),
        (ecfs_page([ecfs_filing(n) for n in range(9)])[:2_000], "cut reply instead of JSON"),
        (ecfs_bundle([ecfs_filing(n) for n in range(99)])[:900], "cut short or damaged"),
        (zipped("page.json", b"{}"), "index.json is missing"),
    ],
)
def test_what_is_no_reply_of_the_api_is_quoted(raw: bytes, said: str) -> None:
    with pytest.raises(SourceRejected, match=said):
        read(SOURCE, raw)

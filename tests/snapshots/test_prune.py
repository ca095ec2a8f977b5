"""Old rows leave `core`; raw bytes, the books and who was listed when stay for ever."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pw_pipelines.snapshots import books, road
from pw_pipelines.snapshots.prune import prune
from tests.snapshots.copies import NOW, Road, export

DAYS = [date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)]
ROWS = 600


@pytest.fixture
def five(way: Road) -> dict[date, str]:
    """Five days in force; small copies that somebody vouches for."""
    return {
        day: way.in_force(
            export(ROWS, day=day), as_of=day, stated_by="jdoe", expect_rows=ROWS, origin="ingested"
        ).snapshot_id
        for day in DAYS
    }


def in_core(way: Road, table: str) -> set[object]:
    return {row["snapshot_id"] for row in way.tables()[table]}


def test_the_newest_and_the_first_of_each_month_stay(way: Road, five: dict[date, str]) -> None:
    gone = prune(way.db, now=NOW, keep=1)
    assert set(gone.snapshot_ids) == {five[DAYS[1]], five[DAYS[3]]}
    assert gone.rows == 2 * ROWS
    assert in_core(way, "fcc_rmd_filings") == {five[DAYS[0]], five[DAYS[2]], five[DAYS[4]]}


def test_raw_bytes_and_who_was_listed_when_stay_for_ever(way: Road, five: dict[date, str]) -> None:
    prune(way.db, now=NOW, keep=1)
    assert in_core(way, "fcc_rmd_presence") == set(five.values())
    assert all(way.objects.exists(one.raw_digest) for one in books.list_snapshots(way.db))
    assert {one.grade for one in books.list_snapshots(way.db)} == {"complete"}


def test_a_pruned_snapshot_is_in_force_on_no_day_until_it_is_loaded_again(way: Road, five: dict[date, str]) -> None:
    prune(way.db, now=NOW, keep=1)
    pruned = five[DAYS[3]]
    assert books.get(way.db, pruned).pruned_at == NOW
    found = books.current(way.db, "fcc_rmd", DAYS[3])
    assert found is not None
    assert found.snapshot_id == five[DAYS[2]]
    assert road.load(way.db, way.objects, pruned, now=NOW) == ROWS
    assert (books.get(way.db, pruned).pruned_at, len(way.tables()["fcc_rmd_presence"])) == (None, 5 * ROWS)


def test_pruning_again_takes_nothing_more(way: Road, five: dict[date, str]) -> None:
    prune(way.db, now=NOW, keep=1)
    assert prune(way.db, now=NOW, keep=1).snapshot_ids == ()


def test_look_ups_are_left_alone_for_an_old_one_may_be_the_only_one(way: Road) -> None:
    page = b"<html><head><title>FCC Registration System</title></head>\n<body></body>\n</html>"
    for day in DAYS:
        way.in_force(page, as_of=day, source="fcc_cores", name="0000000000.html", origin="ingested", stated_by="jdoe",
                     expect_rows=1)  # fmt: skip
    assert prune(way.db, now=NOW + timedelta(days=90), keep=1).snapshot_ids == ()


def test_the_newest_copy_of_each_named_edition_stays_for_the_rules_that_compare_them(way: Road) -> None:
    for number, (day, edition) in enumerate(zip(DAYS, ("J24", "J24", "D24", "D24", "J25"), strict=True)):
        rows = "".join(f"{index:010d},{100_000 + index},Example {number} LLC\n" for index in range(1, 601))
        body = f"frn,provider_id,holding_company\n{rows}".encode()
        name = f"bdc_us_provider_list_{edition}_01oct2026.csv"
        way.in_force(body, as_of=day, source="fcc_bdc", name=name, origin="ingested", stated_by="jdoe", expect_rows=600)
    assert prune(way.db, now=NOW, keep=1).snapshot_ids == ()


def test_keeping_nothing_is_refused(way: Road) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        prune(way.db, now=NOW, keep=0)

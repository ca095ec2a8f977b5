"""When absence from our data may be called clear: a whole copy, not too old, no file missing, every record read."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pw_pipelines.snapshots.recall import recall
from tests.registry.florida import Company, write
from tests.registry.houses import QUARTER, House
from tests.sources.register_files import bundle, illinois, page, zipped
from tests.sources.test_illinois import assumed, master, name

FOX = Company("L00000000001", "BLUE FOX LLC")


def daily(house: House, *after: int) -> None:
    """Daily files so many days after the whole copy."""
    for number in after:
        house.daily(QUARTER + timedelta(days=number), Company(f"L9000000{number:04}", f"NAME {number} LLC"))


def test_without_a_copy_nothing_is_known(house: House) -> None:
    known = house.coverage()

    assert (known.rows, known.as_of, known.is_usable) == (0, None, False)
    assert known.why_not == "No register of FL is loaded here."


def test_a_fresh_whole_copy_is_usable(house: House) -> None:
    house.whole(FOX)

    known = house.coverage(QUARTER + timedelta(days=1))

    assert (known.rows, known.as_of, known.is_usable, known.gaps) == (1, QUARTER, True, ())


def test_daily_files_carry_the_day_on_over_weekends(house: House) -> None:
    house.whole(FOX)
    daily(house, 1, 2, 3, 4, 5, 6, 7)  # 15 November 2026 is a Sunday

    known = house.coverage()

    assert (known.as_of, known.is_usable) == (date(2026, 11, 22), True)


def test_a_missing_day_is_named_and_nothing_is_clear_until_it_comes(house: House) -> None:
    house.whole(FOX)
    daily(house, 1, 2, 5)

    known = house.coverage()

    assert not known.is_usable
    assert known.as_of == QUARTER + timedelta(days=2)
    assert "2026-11-18, 2026-11-19" in str(known.why_not)
    daily(house, 4, 3)
    assert house.coverage().is_usable
    assert house.coverage().as_of == QUARTER + timedelta(days=5)


def test_a_new_whole_copy_mends_missing_days(house: House) -> None:
    house.whole(FOX)
    daily(house, 3)

    house.whole(FOX, as_of=QUARTER + timedelta(days=4))

    assert house.coverage().is_usable


def test_an_empty_daily_file_is_a_day_that_is_missing_until_its_records_come(house: House) -> None:
    house.whole(FOX)
    daily(house, 1)
    taken = house.daily(QUARTER + timedelta(days=2))
    daily(house, 3)

    assert (taken.grade, taken.rows) == ("partial", 0)
    assert house.coverage().why_not == "1 day is missing: 2026-11-17; its whole file or a new whole copy mends that."
    daily(house, 2)
    assert house.coverage().is_usable


def test_a_daily_file_cut_short_is_a_day_that_is_missing_until_the_whole_one_comes(house: House) -> None:
    house.whole(FOX)
    daily(house, 1)
    day = QUARTER + timedelta(days=2)
    many = [Company(f"L8000000{n:04}", f"OWL {n} LLC") for n in range(20)]
    path = write(house.folder / f"{day:%Y%m%d}c.txt", many)
    path.write_bytes(path.read_bytes()[:-700])
    cut = house.take("sunbiz_cor_daily", path, day)
    daily(house, 3)

    assert (cut.facts["share"], cut.rows, cut.rejected_rows, cut.loaded_at is not None) == ("part", 19, 1, True)
    assert "1 day is missing: 2026-11-17" in str(house.coverage().why_not)
    house.daily(day, *many)
    assert house.coverage().why_not is None, "the record that was cut has come whole"
    assert many[-1].number in house.register()


def test_a_file_of_no_known_name_is_of_no_day(house: House) -> None:
    house.whole(FOX)
    daily(house, 1, 3)
    house.take("sunbiz_cor_daily", write(house.folder / "randomname.txt", [FOX]), QUARTER + timedelta(days=2))

    assert "1 day is missing: 2026-11-17" in str(house.coverage().why_not)


def test_a_daily_file_booked_under_another_day_is_of_neither(house: House) -> None:
    house.whole(FOX)
    daily(house, 1, 3)
    house.take("sunbiz_cor_daily", write(house.folder / "20261119c.txt", [FOX]), QUARTER + timedelta(days=2))

    assert "1 day is missing: 2026-11-17" in str(house.coverage().why_not)


def test_behind_a_gap_the_data_is_called_whole_up_to_it_though_newer_files_are_there(house: House) -> None:
    house.whole(FOX)
    daily(house, 1, 3, 12, 13)

    known = house.coverage(QUARTER + timedelta(days=13))

    assert known.as_of == QUARTER + timedelta(days=1)
    assert (
        "Whole up to 2026-11-16, 12 days ago, more than the 240 hours allowed; newer files are there, but of "
        "2026-11-17 none is whole."
    ) in known.gaps
    assert "9 days are missing: 2026-11-17, 2026-11-19, 2026-11-20, 2026-11-21, 2026-11-22 and 4 more" in str(
        known.why_not
    )


def test_a_register_too_small_to_be_whole_is_a_part_until_somebody_states_its_size(house: House) -> None:
    path = house.folder / "llcall.zip"
    path.write_bytes(
        zipped({
            "llcallmst.txt": illinois("LLC MASTER DATA", [master()]),
            "llcallnam.txt": illinois("LLC MASTER NAME DATA", [name("00000019", "INVENTED PRAIRIE L.L.C.")]),
            "llcallase.txt": illinois("LLC ASSUMED NAME DATA", [assumed("00000019", "PRAIRIE GOODS")]),
            "llcallold.txt": illinois("LLC OLD NAME DATA", []),
            "llcallser.txt": illinois("LLC SERIES DATA", []),
        })
    )  # fmt: skip

    taken = house.take("illinois_llc", path, QUARTER, floor_share=1.0)

    assert (taken.grade, taken.facts["share"], taken.loaded_at is not None) == ("partial", "whole", True)
    assert "3 rows are fewer than the 2,500,000 that the whole list has at least" in taken.reasons[-1]
    assert "load it with --expect-rows 3" in taken.reasons[-1]
    known = house.coverage(QUARTER, "IL")
    assert (known.rows, known.is_usable) == (2, False)
    assert "No whole copy of IL's register" in str(known.why_not)


def test_a_refused_daily_file_is_a_day_that_is_missing(house: House) -> None:
    house.whole(FOX)
    daily(house, 1)
    path = house.folder / "20261117c.txt"
    path.write_bytes(b"<html><title>Just a moment</title></html>")
    taken = house.take("sunbiz_cor_daily", path, date(2026, 11, 17))
    daily(house, 3)

    assert taken.grade == "rejected"
    assert not house.coverage().is_usable


@pytest.mark.parametrize(("days", "is_usable"), [(9, True), (15, False)])
def test_daily_files_that_stop_coming_make_the_data_too_old(house: House, days: int, is_usable: bool) -> None:
    house.whole(FOX)
    daily(house, 1)

    known = house.coverage(QUARTER + timedelta(days=1 + days))

    assert known.is_usable is is_usable
    assert is_usable or "days ago" in str(known.why_not)


def test_a_whole_copy_of_a_missed_quarter_is_too_old(house: House) -> None:
    house.whole(FOX, as_of=date(2026, 4, 1))

    assert "days old" in str(house.coverage().why_not)


def test_parts_alone_are_no_register(house: House) -> None:
    daily(house, 1)

    known = house.coverage()

    assert (known.rows, known.as_of, known.is_usable) == (1, None, False)


def test_records_without_a_name_are_counted_against_it(house: House) -> None:
    many = [Company(f"L{n:011}", f"NAME {n} LLC") for n in range(2000)]
    house.whole(*many, Company("L99999999999", ""))

    known = house.coverage(QUARTER)

    assert known.rows == 2001
    assert known.why_not == "1 record has no name here."


def test_what_the_sources_never_hold_comes_first_among_the_gaps(house: House) -> None:
    from pw_pipelines.jurisdictions.book import jurisdiction
    from pw_pipelines.registry import search

    house.whole(FOX)
    with house.db.connect() as connection:
        known = search.coverage(connection, "FL", QUARTER)

    assert known.gaps == tuple(jurisdiction("FL").data_source.gaps)
    assert known.is_usable


def test_without_its_events_a_register_says_no_clear(house: House) -> None:
    house.whole(FOX, events=False)

    known = house.coverage(QUARTER)

    assert not known.is_usable
    assert "No whole set of FL's events is loaded here" in str(known.why_not)
    house.events(QUARTER)
    assert house.coverage(QUARTER).is_usable


def test_events_that_stop_coming_make_the_data_too_old(house: House) -> None:
    house.whole(FOX)
    daily(house, *range(1, 12))
    day = QUARTER + timedelta(days=11)

    known = house.coverage(day)

    assert known.why_not == (
        f"Events: Since the whole copy no daily file came; it is of {QUARTER}, 11 days ago, "
        "more than the 240 hours allowed."
    )
    for number in range(1, 12):
        house.events(QUARTER + timedelta(days=number), "sunbiz_events_daily")
    assert house.coverage(day).is_usable


def test_a_day_of_events_that_never_came_is_named(house: House) -> None:
    house.whole(FOX)
    house.events(QUARTER + timedelta(days=3), "sunbiz_events_daily")

    known = house.coverage(QUARTER + timedelta(days=3))

    assert not known.is_usable
    assert known.why_not == "2 days of events are missing: 2026-11-16, 2026-11-17."


def test_events_that_were_taken_back_spoil_the_register_until_a_new_whole_set(house: House) -> None:
    house.whole(FOX, events=False)
    taken = house.events(QUARTER)
    recall(house.db, taken.snapshot_id, by="jdoe", reason="the wrong file", now=house.now)

    assert taken.snapshot_id in str(house.coverage(QUARTER).why_not)
    house.events(QUARTER + timedelta(days=1))
    assert house.coverage(QUARTER + timedelta(days=1)).is_usable


def test_one_querys_reply_with_its_own_count_is_no_whole_register(house: House) -> None:
    path = house.folder / "socrata_co.zip"
    rows = [{"entityid": f"2026{n:07}", "entityname": f"FOX {n} LLC"} for n in range(4)]
    bundle(path, [b'[{"count":"4"}]\n', page(rows), b'[{"count":"4"}]\n'])

    taken = house.take("socrata_co", path, QUARTER, floor_share=1.0)

    assert (taken.grade, taken.facts["share"], taken.loaded_at is not None) == ("partial", "whole", True)
    known = house.coverage(QUARTER, "CO")
    assert (known.rows, known.as_of, known.is_usable) == (4, None, False)
    assert "No whole copy of CO's register is loaded here" in str(known.why_not)

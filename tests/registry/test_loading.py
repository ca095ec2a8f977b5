"""What copies do to the register: whole ones replace, others add, and no fact is lost to silence or to age."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from pw_pipelines.registry import road
from pw_pipelines.snapshots.recall import recall
from tests.registry.florida import Company, write
from tests.registry.houses import NO_FLOOR, QUARTER, House

FOX = Company("L00000000001", "BLUE FOX LLC")
OWL = Company("P00000000002", "GREY OWL INC", kind="DOMP")
ELK = Company("L00000000003", "RED ELK LLC")
NEXT = QUARTER + timedelta(days=1)


def test_a_whole_copy_is_the_register(house: House) -> None:
    taken = house.whole(FOX, OWL)

    assert (taken.grade, taken.proves_absence, taken.rows) == ("complete", True, 2)
    assert house.register() == {
        FOX.number: ("BLUE FOX LLC", "A", "live", "llc", "TAMPA", "sunbiz_cor"),
        OWL.number: ("GREY OWL INC", "A", "live", "corporation", "TAMPA", "sunbiz_cor"),
    }
    assert house.coverage().rows == 2


def test_the_first_whole_copy_logs_no_change(house: House) -> None:
    house.whole(FOX, OWL)

    assert house.changes() == []


def test_a_reload_logs_what_appeared_was_renamed_changed_and_is_gone(house: House) -> None:
    house.whole(FOX, OWL)

    house.whole(Company(FOX.number, "BLUE FOX MEDIA LLC", status="I"), ELK, as_of=NEXT)

    assert house.changes() == [
        (FOX.number, "renamed", "BLUE FOX LLC", "BLUE FOX MEDIA LLC"),
        (FOX.number, "status_changed", "A", "I"),
        (ELK.number, "appeared", None, "A"),
        (OWL.number, "gone", "A", None),
    ]
    assert set(house.register()) == {FOX.number, ELK.number}


def test_a_daily_file_adds_and_logs_what_it_adds(house: House) -> None:
    house.whole(FOX)

    house.daily(NEXT, OWL)

    assert set(house.register()) == {FOX.number, OWL.number}
    assert house.changes() == [(OWL.number, "appeared", None, "A")]


def test_daily_files_without_a_whole_copy_can_be_searched_but_are_no_register(house: House) -> None:
    house.daily(NEXT, OWL)

    assert house.found("Grey Owl") == {OWL.number: "GREY OWL INC"}
    assert not house.coverage().is_usable


def test_silence_overwrites_nothing(house: House) -> None:
    house.whole(FOX)

    house.daily(NEXT, Company(FOX.number, FOX.name, status=" ", kind="", city=""))

    assert house.register()[FOX.number] == ("BLUE FOX LLC", "A", "live", "llc", "TAMPA", "sunbiz_cor_daily")


def test_an_older_copy_fills_gaps_only(house: House) -> None:
    house.daily(NEXT, Company(FOX.number, "BLUE FOX MEDIA LLC", city=""))

    house.take("sunbiz_cor_daily", write(house.folder / f"{QUARTER:%Y%m%d}c.txt", [FOX]), QUARTER)

    assert house.register()[FOX.number][0] == "BLUE FOX MEDIA LLC"
    assert house.register()[FOX.number][4] == "TAMPA"


def test_a_whole_copy_keeps_what_newer_daily_files_told(house: House) -> None:
    house.daily(NEXT, OWL, Company(FOX.number, "BLUE FOX MEDIA LLC"))

    house.whole(FOX, as_of=QUARTER)

    assert house.register()[OWL.number][0] == "GREY OWL INC"
    assert house.register()[FOX.number][0] == "BLUE FOX MEDIA LLC"


def test_a_whole_copy_replaces_what_daily_files_up_to_its_day_told(house: House) -> None:
    house.daily(QUARTER - timedelta(days=1), OWL)

    house.whole(FOX, as_of=QUARTER)

    assert set(house.register()) == {FOX.number}


def test_a_whole_copy_keeps_the_names_of_another_source(house: House) -> None:
    house.whole(FOX)
    fictitious = bytearray(b" " * 2098)
    fictitious[:12], fictitious[12:20] = b"G26000000001", b"FOX CAFE"
    path = house.folder / "ficdata.txt"
    path.write_bytes(bytes(fictitious) + b"\r\n")
    house.take("sunbiz_fic", path, QUARTER)

    house.whole(OWL, as_of=NEXT)

    assert set(house.register()) == {OWL.number, "G26000000001"}


def test_an_older_whole_copy_takes_nothing_away_from_a_newer_one(house: House) -> None:
    house.whole(FOX, ELK, as_of=NEXT)

    house.whole(Company(FOX.number, "OLD FOX LLC"), OWL, as_of=QUARTER)

    assert house.register()[FOX.number][0] == "BLUE FOX LLC"
    assert set(house.register()) == {FOX.number, ELK.number, OWL.number}


def test_a_whole_copy_with_unreadable_records_makes_nobody_gone(house: House) -> None:
    many = [Company(f"L{n:011}", f"NAME {n} LLC") for n in range(2000)]
    house.whole(*many)

    path = write(house.folder / "cordata.txt", many[2:])
    path.write_bytes(path.read_bytes() + b"cut short\r\n")
    taken = house.take("sunbiz_cor", path, NEXT)

    assert (taken.grade, taken.rejected_rows, taken.proves_absence) == ("complete", 1, False)
    assert house.found("Name 1") == {many[1].number: "NAME 1 LLC"}
    assert house.changes() == []
    assert "could not be read" in str(house.coverage().why_not)


def test_parts_stated_to_be_the_whole_replace_it_together(house: House) -> None:
    house.whole(FOX)
    parts = [write(house.folder / f"cordata{n}.txt", [one]) for n, one in enumerate((OWL, ELK))]

    taken = road.take_in_all(house.db, house.objects, "sunbiz_cor", parts, as_of=NEXT, now=house.now,
                             origin="ingested", stated_by="jdoe", share="whole", floor_share=NO_FLOOR)  # fmt: skip

    assert [one.snapshot.loaded_at is not None for one in taken] == [True, True]
    assert set(house.register()) == {OWL.number, ELK.number}


def test_one_bad_part_keeps_all_parts_out(house: House) -> None:
    house.whole(FOX)
    parts = [write(house.folder / "cordata0.txt", [OWL]), house.folder / "cordata1.txt"]
    parts[1].write_bytes(b"<html>Just a moment</html>")

    taken = road.take_in_all(house.db, house.objects, "sunbiz_cor", parts, as_of=NEXT, now=house.now,
                             origin="ingested", stated_by="jdoe", share="whole", floor_share=NO_FLOOR)  # fmt: skip

    assert [one.snapshot.grade for one in taken] == ["complete", "rejected"]
    assert [one.snapshot.loaded_at for one in taken] == [None, None]
    assert set(house.register()) == {FOX.number}


def test_a_loose_part_adds_and_proves_nothing(house: House) -> None:
    house.whole(FOX)

    part = house.take("sunbiz_cor", write(house.folder / "cordata3.txt", [ELK]), NEXT)

    assert (part.grade, part.proves_absence) == ("partial", False)
    assert set(house.register()) == {FOX.number, ELK.number}


def test_a_recalled_copy_s_companies_are_not_sure_until_a_new_whole_copy(house: House) -> None:
    wrong = house.whole(FOX)
    recall(house.db, wrong.snapshot_id, by="jdoe", reason="the wrong quarter", now=house.now)

    with house.db.connect() as connection:
        from pw_pipelines.registry import search

        (record,), _ = search.exact(connection, "FL", "Blue Fox")
    assert (record.standing, "taken back" in str(record.status)) == ("unknown", True)
    assert not house.coverage().is_usable
    assert "the wrong quarter" in str(house.coverage().why_not)

    house.whole(FOX, OWL, as_of=NEXT)
    assert house.coverage(NEXT).is_usable


def test_a_recalled_daily_file_spoils_the_register_until_a_new_whole_copy(house: House) -> None:
    house.whole(FOX)
    wrong = house.daily(NEXT, OWL)
    assert house.coverage(NEXT).is_usable

    recall(house.db, wrong.snapshot_id, by="jdoe", reason="wrong day", now=house.now + timedelta(minutes=1))

    assert not house.coverage(NEXT).is_usable
    house.now += timedelta(minutes=1)
    house.whole(FOX, as_of=QUARTER + timedelta(days=2))
    assert set(house.register()) == {FOX.number}
    assert house.coverage(QUARTER + timedelta(days=2)).is_usable


def test_events_are_added_and_corrected(house: House) -> None:
    def event(name: str) -> bytes:
        line = bytearray(b" " * 662)
        line[:17], line[196:204], line[17:21] = b"L0000000000100001", b"BLUE FOX", b"CORE"
        line[:12], line[12:17] = b"L00000000001", b"00001"
        return bytes(line) + b"\r\n"

    path = house.folder / "corevt.txt"
    path.write_bytes(event("BLUE FOX"))
    first = house.take("sunbiz_events", path, QUARTER)
    assert (first.grade, first.rows) == ("complete", 1)

    path.write_bytes(event("BLUE FOX") * 1 + event("x").replace(b"00001", b"00002"))
    house.take("sunbiz_events", path, NEXT)

    assert len(house.rows("select * from registry.events")) == 2


def test_two_states_and_a_day_do_not_disturb_each_other(house: House, tmp_path: Path) -> None:
    house.whole(FOX)
    page = tmp_path / "co.csv"
    page.write_text(
        "entityid,entityname,entitystatus,entitytype,entityformdate\n"
        '20261000001,"Blue Fox LLC",Good Standing,DLLC,2026-01-05T00:00:00.000\n'
    )
    taken = house.take("socrata_co", page, date(2026, 11, 20))

    assert taken.is_good, taken.reasons
    assert house.found("Blue Fox") == {FOX.number: "BLUE FOX LLC"}
    assert len(house.rows("select * from registry.entities where state = 'CO'")) == 1

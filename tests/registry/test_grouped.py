"""Registers in which several records speak of one company: Oregon's parties, Illinois' master and name files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pw_pipelines.registry import road
from tests.registry.houses import NO_FLOOR, QUARTER, House
from tests.sources.register_files import illinois, page
from tests.sources.test_illinois import master, name
from tests.sources.test_open_data_registers import oregon


def write(house: House, file_name: str, raw: bytes) -> Path:
    path = house.folder / file_name
    path.write_bytes(raw)
    return path


def rows(house: House, state: str) -> list[tuple[object, ...]]:
    found = house.rows("select * from registry.entities where state = %s order by record_id", state)
    return [tuple(row[key] for key in ("record_id", "name", "standing", "place", "form")) for row in found]


def test_oregons_rows_of_one_business_become_one_record_the_principal_place_speaks(house: House) -> None:
    sorts = ("REGISTERED AGENT", "PRINCIPAL PLACE OF BUSINESS", "MAILING ADDRESS")
    raw = page([oregon(sort, city=f"CITY {sort[0]}") for sort in sorts])

    taken = house.take("socrata_or", write(house, "page.json", raw), QUARTER)

    assert (taken.rows, taken.loaded_at is not None) == (3, True)
    (row,) = rows(house, "OR")
    assert row[3] == "CITY P"
    assert house.coverage(state="OR").rows == 1


def test_oregons_two_agents_are_one_record_and_the_next_page_adds(house: House) -> None:
    house.take("socrata_or", write(house, "page.json", page([oregon("REGISTERED AGENT", number="1")] * 2)), QUARTER)
    raw = page([oregon("REGISTERED AGENT", number="1"), oregon("REGISTERED AGENT", number="2")])
    house.take("socrata_or", write(house, "page.json", raw), QUARTER + timedelta(days=1), workers=2)

    assert [row[0] for row in rows(house, "OR")] == ["1", "2"]


def test_illinois_files_one_after_the_other_make_whole_records(house: House) -> None:
    house.take("illinois_llc", write(house, "llcallmst.txt", illinois("LLC MASTER DATA", [master()])), QUARTER)
    assert rows(house, "IL")[0][1:3] == (None, "live")
    assert "1 record has no name here." in str(house.coverage(state="IL").why_not)

    raw = illinois("LLC MASTER NAME DATA", [name("00000019", "INVENTED PRAIRIE L.L.C.")])
    house.take("illinois_llc", write(house, "llcallnam.txt", raw), QUARTER)

    assert rows(house, "IL") == [("00000019", "INVENTED PRAIRIE L.L.C.", "live", "SPRINGFIELD", "llc")]
    assert house.coverage(state="IL").rows == 1
    with house.db.connect() as connection:
        from pw_pipelines.registry import search

        (record,), _ = search.exact(connection, "IL", "Invented Prairie LLC")
    assert record.record_id == "00000019"


def test_illinois_files_stated_to_be_the_whole_come_in_together(house: House) -> None:
    files = [
        write(house, "llcallmst.txt", illinois("LLC MASTER DATA", [master(), master("00000027", ll_status_code="09")])),
        write(house, "llcallnam.txt", illinois("LLC MASTER NAME DATA", [
            name("00000019", "INVENTED PRAIRIE L.L.C."), name("00000027", "INVENTED RIVER LLC"),
        ])),
    ]  # fmt: skip

    taken = road.take_in_all(house.db, house.objects, "illinois_llc", files, as_of=QUARTER, now=house.now,
                             origin="ingested", stated_by="jdoe", share="whole", floor_share=NO_FLOOR)  # fmt: skip

    assert [one.snapshot.grade for one in taken] == ["complete", "complete"]
    assert [(row[1], row[2]) for row in rows(house, "IL")] == [
        ("INVENTED PRAIRIE L.L.C.", "live"), ("INVENTED RIVER LLC", "not_live"),
    ]  # fmt: skip
    assert not house.coverage(state="IL").is_usable  # the corporations are another register

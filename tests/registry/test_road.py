"""The road in: raw first, graded by the contract, refused whole, the same whatever the number of workers."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from pw_pipelines.errors import SnapshotError
from pw_pipelines.registry import pool, road, staging
from pw_pipelines.registry.road import take_in
from pw_pipelines.snapshots import books
from pw_pipelines.snapshots.model import Snapshot
from pw_pipelines.sources.contract import contract
from pw_pipelines.sources.register import Block, EntityColumns, Parsed, Share
from pw_pipelines.sources.registers import REGISTERS
from tests.registry.florida import Company, record, write
from tests.registry.houses import QUARTER, House
from tests.sources.register_files import page

FOX = Company("L00000000001", "BLUE FOX LLC")
MANY = [Company(f"L{n:011}", f"NAME {n} LLC", filed="02302026" if n == 7 else "01022026") for n in range(9000)]


def test_the_exact_bytes_are_kept_and_the_books_tell_the_copy(house: House) -> None:
    path = write(house.folder / "20261116c.txt", [FOX])

    taken = house.take("sunbiz_cor_daily", path, QUARTER + timedelta(days=1))

    with house.objects.open(taken.raw_digest) as raw:
        assert raw.read() == path.read_bytes()
    assert (taken.source, taken.origin, taken.stated_by, taken.file_name) == (
        "sunbiz_cor_daily", "ingested", "jdoe", "20261116c.txt",
    )  # fmt: skip
    assert (taken.facts["share"], taken.facts["state"], taken.facts["day"]) == ("increment", "FL", "2026-11-16")
    assert {check.name for check in taken.checks} >= {"readable", "rows_ceiling", "unique_keys", "reject_rate"}


def test_workers_and_none_load_the_same(house: House) -> None:
    alone = house.whole(*MANY, workers=0)
    records = house.register()

    beside = house.whole(*MANY, as_of=QUARTER + timedelta(days=1), workers=3)

    assert (alone.rows, beside.rows) == (9000, 9000)
    assert house.register() == records
    assert house.changes() == []
    assert alone.reasons == beside.reasons


def test_rejects_are_kept_with_line_and_reason_by_workers_too(house: House) -> None:
    path = write(house.folder / "cordata.txt", MANY)
    lines = path.read_bytes().split(b"\r\n")
    lines[5000] += b"one byte too many"
    path.write_bytes(b"\r\n".join(lines))

    taken = house.take("sunbiz_cor", path, QUARTER, workers=2)

    (reject,) = books.rejects(house.db, taken.snapshot_id)
    assert (taken.rows, taken.rejected_rows, reject["line"]) == (8999, 1, 5001)


def test_too_many_rejects_refuse_the_copy_and_leave_what_stood(house: House) -> None:
    house.whole(FOX)
    path = house.folder / "cordata.txt"
    path.write_bytes(b"".join(record(one)[: 1440 - n % 2] + b"\n" for n, one in enumerate(MANY[:100])))

    taken = house.take("sunbiz_cor", path, QUARTER + timedelta(days=1))

    assert (taken.grade, taken.loaded_at) == ("rejected", None)
    assert "could not be read" in taken.reasons[0]
    assert set(house.register()) == {FOX.number}


def test_doubled_numbers_refuse_the_copy(house: House) -> None:
    taken = house.whole(FOX, Company(FOX.number, "GREY OWL LLC"))

    assert taken.grade == "rejected"
    assert taken.reasons[0] == f"1 value of record_id stands more than once against 0 allowed: {FOX.number}"
    assert house.tables() == []


def test_a_whole_copy_that_shrank_is_refused(strict_house: House) -> None:
    strict_house.whole(*MANY[:100])

    taken = strict_house.whole(*MANY[:80], as_of=QUARTER + timedelta(days=1))

    assert taken.grade == "rejected"
    assert "−20.0 %" in taken.reasons[0]
    assert len(strict_house.register()) == 100


def test_a_part_becomes_the_whole_when_a_person_states_its_size_of_the_same_bytes(strict_house: House) -> None:
    def load(expect_rows: int | None = None, share: Share | None = None) -> Snapshot:
        return take_in(strict_house.db, strict_house.objects, "socrata_co", path, as_of=QUARTER, now=strict_house.now,
                       origin="ingested", stated_by="jdoe", expect_rows=expect_rows, share=share)  # fmt: skip

    rows = [{"entityid": f"2026{n:07}", "entityname": f"FOX {n} LLC"} for n in range(4)]
    path = strict_house.folder / "rows.json"
    path.write_bytes(page(rows))
    assert (load().grade, strict_house.coverage(QUARTER, "CO").is_usable) == ("partial", False)
    with pytest.raises(SnapshotError, match="would be refused: 4 rows against at least 2,600 "):
        load(share="whole")
    assert load().loaded_at is not None, "it stays in force as it was"

    whole = load(expect_rows=4, share="whole")

    assert (whole.grade, whole.facts["share"], whole.loaded_at is not None) == ("complete", "whole", True)
    assert (len(strict_house.register()), strict_house.coverage(QUARTER, "CO").as_of) == (4, QUARTER)


def test_a_copy_refused_as_the_whole_is_taken_as_a_part_when_nobody_calls_it_whole(strict_house: House) -> None:
    path = strict_house.folder / "rows.json"
    path.write_bytes(page([{"entityid": "20261", "entityname": "FOX LLC"}]))

    assert strict_house.take("socrata_co", path, QUARTER, share="whole", floor_share=1.0).grade == "rejected"
    assert strict_house.take("socrata_co", path, QUARTER, floor_share=1.0).loaded_at is not None


@pytest.mark.parametrize("expect_rows", [None, 4])
def test_a_part_saved_by_hand_is_not_held_against_the_last_whole_copy(
    strict_house: House, expect_rows: int | None
) -> None:
    rows = [{"entityid": f"2026{n:07}", "entityname": f"FOX {n} LLC"} for n in range(100)]
    whole, part = strict_house.folder / "whole.json", strict_house.folder / "rows.json"
    whole.write_bytes(page(rows))
    part.write_bytes(page(rows[:4]))
    strict_house.take("socrata_co", whole, QUARTER, share="whole")
    day = QUARTER + timedelta(days=1)

    taken = take_in(strict_house.db, strict_house.objects, "socrata_co", part, as_of=day, now=strict_house.now,
                    origin="ingested", stated_by="jdoe", expect_rows=expect_rows)  # fmt: skip

    assert (taken.is_good, taken.facts["share"], taken.loaded_at is not None) == (True, "part", True)
    assert "4 rows: a part of the list, not compared with a whole copy" in [one.reason for one in taken.checks]
    assert len(strict_house.register()) == 100
    assert strict_house.coverage(day, "CO").as_of == QUARTER, "a part is no news of the whole"


@pytest.mark.parametrize(
    ("note", "count", "said"),
    [
        ("{n} records have no name", 1, "1 record has no name."),
        ("{n} records have no name", 1200, "1,200 records have no name."),
        ("{n} rows have the unknown status 'X'; kept", 1, "1 row has the unknown status 'X'; kept."),
        ("{n} fields held bytes that cannot be printed", 1, "1 field held bytes that cannot be printed."),
        ("{n} empty lines", 1, "1 empty line."),
        ("{n} empty lines", 2, "2 empty lines."),
    ],
)
def test_a_note_is_told_in_the_singular_where_it_is_of_one(note: str, count: int, said: str) -> None:
    assert road.counted(note, count) == said


@pytest.mark.parametrize(("share", "grade"), [(1.0, "rejected"), (1e-6, "complete")])
def test_floors_are_scaled_for_whole_copies(strict_house: House, share: float, grade: str) -> None:
    taken = strict_house.whole(*MANY[:100], floor_share=share)

    assert taken.grade == grade


def test_a_daily_file_has_no_floor(strict_house: House) -> None:
    assert strict_house.daily(QUARTER, FOX, floor_share=1.0).is_good


def test_a_page_of_html_is_refused_in_words(house: House) -> None:
    path = house.folder / "cordata.txt"
    path.write_bytes(b"<html><title>Just a moment...</title></html>")

    taken = house.take("sunbiz_cor", path, QUARTER)

    assert taken.grade == "rejected"
    assert "HTML" in taken.reasons[0]


def test_a_copy_of_more_bytes_than_can_be_is_not_read_to_its_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    promised = contract("sunbiz_cor")
    small = promised.model_copy(update={"bytes": promised.bytes.model_copy(update={"max": 10_000})})
    monkeypatch.setattr(road, "contract", lambda source: small)

    taken = house.whole(*MANY[:100])

    assert taken.grade == "rejected"
    assert "more than 10,000 bytes" in taken.reasons[0]


def test_taking_the_same_copy_again_changes_nothing(house: House) -> None:
    first = house.whole(FOX)
    tables = house.tables()

    again = house.whole(FOX)

    assert (again.snapshot_id, again.loaded_at, house.tables()) == (first.snapshot_id, first.loaded_at, tables)


def test_two_loads_of_one_state_take_turns(house: House) -> None:
    first = write(house.folder / "20261116c.txt", MANY[:4000])
    second = write(house.folder / "20261117c.txt", MANY[4000:])
    loads = [
        threading.Thread(target=house.take, args=("sunbiz_cor_daily", path, QUARTER + timedelta(days=n)))
        for n, path in enumerate((first, second), start=1)
    ]

    for load in loads:
        load.start()
    for load in loads:
        load.join()

    assert len(house.register()) == len(MANY)


def block(**columns: list[str | None]) -> Parsed:
    rows = EntityColumns(record_id=["1", "2"], entity_id=["1", "2"], name=["A", "B"])
    for name, values in columns.items():
        setattr(rows, name, values)
    return Parsed(rows=rows, read=2)


@pytest.mark.parametrize("awkward", ["TAB\tHERE", "LINE\nEND", "BACK\\SLASH", "CR\rHERE", "\\N", "\\.", "CAFÉ", ""])
def test_any_text_arrives_as_it_is(house: House, awkward: str) -> None:
    parsed = block(place=[awkward, None])
    table = "stage_x"
    with house.db.connect() as connection:
        staging.create(connection, table, state="FL", snapshot_id="x", what="entities", ranked=False)
        statement = staging.copy_statement(table, what="entities", ranked=False)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(staging.copy_text(parsed, ranked=False))
        found = connection.execute("select place from registry.stage_x order by record_id").fetchall()

    assert [row["place"] for row in found] == [awkward or None, None]


@pytest.mark.parametrize("wrong", ["NUL\x00", "HALF \ud800"])
def test_text_that_cannot_be_kept_is_a_reject(wrong: str) -> None:
    parsed = block(place=[None, wrong])

    text = staging.copy_text(parsed, ranked=False, first_line=10)

    assert text.count(b"\n") == 1
    assert (parsed.rejected, parsed.rejects[0].line) == (1, 11)
    assert "place" in parsed.rejects[0].reason


def test_a_block_counts_the_same_whether_or_not_a_record_cannot_be_kept() -> None:
    reader = REGISTERS["sunbiz_cor"]
    task = pool.Task(url="", source="sunbiz_cor", statement="", ranked=False, counted=("name", "place", "home"))
    good = Block(b"".join(record(one) + b"\n" for one in (FOX, replace(FOX, number="L2", city=""))), first_line=1)

    totals, text = pool.finished(good, reader, task)

    assert (totals.rows, totals.rejected, text.count(b"\n")) == (2, 0, 2)
    assert dict(totals.filled) == {"name": 2, "place": 1, "home": 0}


def test_the_benchmark_s_companies_are_records_like_any_other(house: House) -> None:
    from pw_pipelines.bench.florida_file import Companies

    invented = Companies(6_000)

    taken = house.take("sunbiz_cor", invented.write(house.folder / "cordata.txt"), QUARTER)

    assert (taken.rows, taken.rejected_rows, taken.reasons) == (6_000, 0, ())
    name = invented.names(5_000, 6_000)[-1]
    assert name in house.found(name).values()

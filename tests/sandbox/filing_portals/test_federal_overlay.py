"""What was filed, in the public records of the days after; and nothing of it anywhere when nothing was filed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.sandbox.bdc_register import VINTAGES
from pw_pipelines.sandbox.fcc_bdc import listed, provider_zip
from pw_pipelines.sandbox.fcc_form499 import cached_file, xml_chunks
from pw_pipelines.sandbox.fcc_rmd import published
from pw_pipelines.sandbox.filed import Filings
from pw_pipelines.sandbox.filing_portals.book import FilingBook
from pw_pipelines.sandbox.form499_register import updated_on
from pw_pipelines.sandbox.rmd_register import Filing
from pw_pipelines.sandbox.world import World
from tests.fixtures_sandbox import SANDBOX_DAY
from tests.sandbox.filing_portals.conftest import PDF
from tests.sources.reading import read

NEXT_DAY = SANDBOX_DAY + timedelta(days=1)
NOON = datetime(2026, 11, 22, 17, tzinfo=UTC)
FRN = "0099000001"
ROW = {
    "business_name": "+Larkmoor Voice, LLC", "business_address": "12 Quillfeather Road, Suite 4, Larkmoor, WY 82001",
    "dba_names": "", "previous_names": "", "foreign_provider": "No", "role_voice": "true", "role_gateway": "false",
    "role_intermediate": "false", "implementation": "Complete S/S Implementation", "contact_name": "Robin Example",
    "contact_title": "Manager", "contact_phone": "307-555-0101",
}  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> FilingBook:
    return FilingBook(tmp_path / "filings")


@pytest.fixture
def view(world: World, book: FilingBook) -> World:
    return world.with_filings(Filings(book))


@pytest.fixture
def untouched(world: World) -> Iterator[Filing]:
    """A filing of 2021 that nobody touched since."""
    yield next(
        filing
        for filing in world.rmd.listed(SANDBOX_DAY.toordinal())
        if filing.is_untouched and not filing.is_carried and filing.number != world.rmd.blank_frn_number
    )


def file(book: FilingBook, portal: str, form: str, frn: str, *, at: datetime = NOON, **fields: str) -> None:
    book.add(portal, form, frn, {"frn": frn, **fields}, at=at, confirmation=lambda number: f"{portal}-{number}")


def rmd_row(view: World, on: date, number: str) -> dict[str, Any] | None:
    rows, report = read("fcc_rmd", view.rmd_csv(on))
    assert report.rejects == []
    return next((row for row in rows if row["number"] == number), None)


def test_with_nothing_filed_every_record_is_byte_for_byte_what_it_was(
    world: World, view: World, tmp_path: Path
) -> None:
    vintage = world.bdc_vintages(SANDBOX_DAY)[-1]
    assert view.rmd_csv(SANDBOX_DAY) == world.rmd_csv(SANDBOX_DAY)
    assert view.ecfs_filings(SANDBOX_DAY) == world.ecfs_filings(SANDBOX_DAY)
    assert view.bdc_zip(vintage, SANDBOX_DAY) == world.bdc_zip(vintage, SANDBOX_DAY)
    assert view.counts(SANDBOX_DAY) == world.counts(SANDBOX_DAY)
    some = world.form499.present(updated_on(SANDBOX_DAY).toordinal())[::50]
    seen, known = (
        hashlib.sha256(b"".join(xml_chunks(one, updated_on(SANDBOX_DAY), filers=some))).hexdigest()
        for one in (view, world)
    )
    assert seen == known


def test_a_filing_shows_from_the_day_after_it_and_not_in_the_world_itself(
    world: World, view: World, book: FilingBook, untouched: Filing
) -> None:
    frn, same_day = world.carriers[untouched.carrier].frn, view.rmd_csv(SANDBOX_DAY)
    file(book, "fcc_rmd", "recertification", frn, _rmd_number=untouched.number, _is_new="false")

    assert view.rmd_csv(SANDBOX_DAY) == same_day
    row = rmd_row(view, NEXT_DAY, untouched.number)
    assert row
    assert (row["last_updated_on"], row["last_recertified_on"]) == (SANDBOX_DAY, SANDBOX_DAY)
    before = rmd_row(world, NEXT_DAY, untouched.number)
    assert before
    assert before["last_recertified_on"] is None
    changed = {name for name in row if row[name] != before[name]}
    assert changed == {"last_updated_on", "last_recertified_on"}


def test_late_in_the_evening_in_new_york_is_still_the_same_day(view: World, book: FilingBook, world: World) -> None:
    file(book, "fcc_rmd", "filing", FRN, at=datetime(2026, 11, 23, 4, 30, tzinfo=UTC), **ROW, **new("RMD0042990"))
    assert rmd_row(view, NEXT_DAY, "RMD0042990")


def new(number: str) -> dict[str, str]:
    return {"_rmd_number": number, "_is_new": "true"}


def test_a_new_filing_is_a_new_row_without_recertification_until_a_later_day_recertifies(
    view: World, book: FilingBook
) -> None:
    upload = book.keep("plan", "plan.pdf", PDF)
    fields = {"frn": FRN, **ROW, **new("RMD0042990")}
    book.add("fcc_rmd", "filing", FRN, fields, [upload], at=NOON, confirmation=lambda _: "RMD0042990")
    row = rmd_row(view, NEXT_DAY, "RMD0042990")
    assert row
    assert (row["frn"], row["business_name"], row["implementation"]) == (FRN, "+Larkmoor Voice, LLC", "complete")
    assert (row["is_voice"], row["is_gateway"]) == (True, False)
    assert row["contact_address"] == "12 Quillfeather Road\nSuite 4\nLarkmoor WY 82001"
    assert (row["last_updated_on"], row["last_recertified_on"]) == (SANDBOX_DAY, None)
    assert b"'+Larkmoor" in view.rmd_csv(NEXT_DAY), "guarded as the portal guards it"

    file(book, "fcc_rmd", "recertification", FRN, at=datetime(2027, 2, 3, 17, tzinfo=UTC), **new("RMD0042990"))
    again = rmd_row(view, date(2027, 2, 4), "RMD0042990")
    assert again
    assert again["last_recertified_on"] == date(2027, 2, 3)


def test_the_rows_stay_in_the_order_of_their_numbers(view: World, book: FilingBook) -> None:
    file(book, "fcc_rmd", "filing", FRN, **ROW, **new("RMD0020000"))
    rows, _ = read("fcc_rmd", view.rmd_csv(NEXT_DAY))
    numbers = [row["number"] for row in rows]
    assert numbers == sorted(numbers)
    assert view.counts(NEXT_DAY)["fcc_rmd"] == len(rows)


def test_a_whole_filing_takes_the_place_of_all_others_of_the_frn(world: World, view: World, book: FilingBook) -> None:
    on = SANDBOX_DAY.toordinal()
    second = next(filing for filing in world.rmd.listed(on) if filing.copy >= 2)
    frn = world.carriers[second.carrier].frn

    def numbers() -> set[str]:
        return {row[0] for row in published(view, NEXT_DAY, frn)}

    assert len(numbers()) > 1
    file(book, "fcc_rmd", "recertification", frn, _rmd_number=second.number, _is_new="false")
    assert len(numbers()) > 1
    file(book, "fcc_rmd", "filing", frn, **ROW, _rmd_number=second.number, _is_new="false")
    assert numbers() == {second.number}


def test_who_filed_is_not_removed_later_for_not_filing(world: World, view: World, book: FilingBook) -> None:
    doomed = next(
        filing for filing in world.rmd.listed(SANDBOX_DAY.toordinal())
        if filing.is_untouched and filing.removed_on < SANDBOX_DAY.toordinal() + 360
    )  # fmt: skip
    gone, frn = date.fromordinal(doomed.removed_on), world.carriers[doomed.carrier].frn
    file(book, "fcc_rmd", "filing", frn, **ROW, _rmd_number=doomed.number, _is_new="false")
    assert rmd_row(world, gone, doomed.number) is None
    assert rmd_row(view, gone, doomed.number)


def test_an_update_of_stir_shaken_recertifies_nothing(
    world: World, view: World, book: FilingBook, untouched: Filing
) -> None:
    fields = {"implementation": "Complete S/S Implementation", "_rmd_number": untouched.number, "_is_new": "false"}
    file(book, "fcc_rmd", "update", world.carriers[untouched.carrier].frn, **fields)
    row = rmd_row(view, NEXT_DAY, untouched.number)
    assert row
    assert (row["implementation"], row["last_updated_on"], row["last_recertified_on"]) == (
        "complete",
        SANDBOX_DAY,
        None,
    )


def test_a_public_filing_is_in_ecfs_the_day_after_and_a_confidential_one_never(
    world: World, view: World, book: FilingBook
) -> None:
    filed = {"filer_name": "Larkmoor Voice, LLC", "law_firm": "", "filing_type": "CERTIFICATION"}
    file(book, "fcc_ecfs", "standard:06-36", "Larkmoor Voice, LLC", proceeding="06-36", **filed)
    file(book, "fcc_ecfs", "confidential:97-213", "Larkmoor Voice, LLC", proceeding="97-213", **filed)
    file(book, "fcc_ecfs", "standard:INBOX-63.71", "Larkmoor Voice, LLC", proceeding="INBOX-63.71", **filed)

    def mine(on: date) -> list[str]:
        return [one.docket for one in view.ecfs_received(on) if one.filers == ("Larkmoor Voice, LLC",)]

    assert mine(SANDBOX_DAY) == []
    assert mine(NEXT_DAY) == ["06-36", "INBOX-63.71"]
    assert len(view.ecfs_filings(NEXT_DAY)) == len(world.ecfs_filings(NEXT_DAY)) + 1
    received = [one.received for one in view.ecfs_received(NEXT_DAY)]
    assert received == sorted(received)


def test_a_499_a_moves_its_filer_in_the_next_mondays_edition(
    world: World, view: World, book: FilingBook, tmp_path: Path
) -> None:
    monday = date(2026, 11, 23)
    stale = next(
        filer for filer in world.form499.present(monday.toordinal())
        if filer.frn and filer.ended_on > monday.toordinal() and len(world.form499.by_frn[filer.frn]) == 1
        and world.form499.current_as_of(filer, monday.toordinal()) < date(2026, 4, 1).toordinal()
    )  # fmt: skip
    before = cached_file(view, SANDBOX_DAY, tmp_path)
    file(book, "usac_efile", "form_499a", stale.frn, filer_id="", filing_year="2026")
    file(book, "usac_efile", "form_499q", stale.frn, filer_id="", quarter="2026Q4")

    def current(on: date) -> date:
        raw = b"".join(xml_chunks(view, updated_on(on), filers=[stale]))
        rows, _ = read("fcc_form499", raw)
        shown: date = rows[0]["registration_current_as_of"]
        return shown

    assert current(SANDBOX_DAY) < date(2026, 4, 1)
    assert current(monday) == date(2026, 4, 1)
    assert cached_file(view, SANDBOX_DAY, tmp_path) == before, "Sunday's edition stays what it was"
    assert cached_file(view, monday, tmp_path).name.count("-") == before.name.count("-") + 1


def test_availability_filed_for_a_vintage_is_in_its_list_when_that_comes_out(
    world: World, view: World, book: FilingBook
) -> None:
    vintage = next(one for one in VINTAGES if one.as_of == date(2026, 6, 30))
    first = vintage.revisions[0]
    file(book, "fcc_bdc", "availability", FRN, provider_name="Larkmoor Voice, LLC", period="2026-06-30")
    file(book, "fcc_bdc", "subscription", "0099000002", provider_name="Voice Only, LLC", period="2026-06-30")
    late = datetime(first.year, first.month, first.day, 17, tzinfo=UTC)
    file(book, "fcc_bdc", "availability", "0099000003", at=late, provider_name="Late, LLC", period="2026-06-30")

    def added(on: date) -> set[str]:
        return {row.frn for row in listed(view, vintage, on)} - {row.frn for row in listed(world, vintage, on)}

    assert added(first) == {FRN}
    assert added(vintage.revisions[1]) == {FRN, "0099000003"}
    rows, report = read(
        "fcc_bdc", provider_zip(view, vintage, first), file_name="bdc_us_provider_list_J26_03mar2027.zip"
    )
    assert report.rejects == []
    assert next(row for row in rows if row["frn"] == FRN)["holding_company"] == "Larkmoor Voice, LLC"


def test_a_wiped_book_leaves_no_trace_in_what_was_rendered(view: World, world: World, book: FilingBook) -> None:
    file(book, "fcc_rmd", "filing", FRN, **ROW, **new("RMD0042990"))
    with_it = view.rmd_csv(NEXT_DAY)
    book.wipe()
    assert view.rmd_csv(NEXT_DAY) == world.rmd_csv(NEXT_DAY) != with_it

"""What an item needs to know is gathered from where it stands; what is missing is named; what is done is not wanted."""

from __future__ import annotations

from datetime import date

import pytest

from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.facts import facts, keep_values, known_values
from pw_pipelines.fulfillment.gathering import newest_vintage, quarter_reported
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.playbook import playbook_of, playbooks
from pw_pipelines.fulfillment.stages import prepare
from tests.commerce.making import NOW
from tests.fixtures_marts import form499_filer, given_rows, given_snapshot, rmd_filing
from tests.fulfillment.conftest import House

FRN = "0012345678"
ASKED = {"uses_cpni_for_marketing", "cpni_procedures", "signer_title"}


def prepared(house: House, item: int) -> str | Gate:
    with house.working(item) as work:
        try:
            return prepare.run(work)
        except Gate as gate:
            return gate


def missing(house: House, item: int) -> set[str]:
    came = prepared(house, item)
    return set(came.detail["missing"]) if isinstance(came, Gate) and came.kind == "details" else set()


def told(house: House, item: int, **values: str) -> None:
    private = {name for name, fact in facts().items() if fact.private}
    with house.connect() as connection:
        open_ones = {name: value for name, value in values.items() if name not in private}
        keep_values(connection, item, open_ones, source="customer", by="customer", now=NOW)
        for name in values.keys() & private:
            house.ground.vault.put(connection, item, name, values[name], now=NOW)


def everything(house: House, item: int) -> None:
    told(house, item, **dict.fromkeys(missing(house, item), "as asked"))


def known(house: House, item: int) -> dict[str, str]:
    with house.connect() as connection:
        return known_values(connection, item)


def test_every_service_has_a_playbook_that_knows_its_facts() -> None:
    for book in playbooks().values():
        unknown = set(book.facts) - facts().keys()
        assert not unknown, book.service
        assert book.procedure != "whole" or book.filing or book.service == "operating_agreement"
        assert book.signer is None or {"signer_name", "signer_email"} <= set(book.facts), book.service


def test_a_state_whose_portal_is_not_on_record_is_filed_by_a_person() -> None:
    assert playbook_of("formation_basic", "WY").filing is not None
    elsewhere = playbook_of("formation_basic", "DE")
    assert (elsewhere.procedure, elsewhere.filing) == ("packet", None)
    assert "DE is not on record" in str(elsewhere.packet_why)


def test_what_is_missing_is_named(house: House) -> None:
    item = house.paid_item()
    assert missing(house, item) >= ASKED | {"carrier_street", "signer_name", "signer_email"}
    everything(house, item)
    assert isinstance(prepared(house, item), str)


def test_the_public_record_is_not_asked_for(house: House) -> None:
    copy = given_snapshot(house.db, "fcc_form499", date(2026, 11, 20))
    given_rows(
        house.db, "fcc_form499_filers", copy,
        [form499_filer("831188", FRN, "Acme Telecom LLC", hq_address="1 Main St", hq_city="Cheyenne", hq_zip="82001")],
    )  # fmt: skip
    item = house.paid_item(frn=FRN)
    assert missing(house, item).isdisjoint({"carrier_name", "carrier_street", "carrier_city", "form_499_id"})
    assert known(house, item)["carrier_name"] == "Acme Telecom LLC"


def test_what_the_customer_says_comes_before_what_the_record_says(house: House) -> None:
    copy = given_snapshot(house.db, "fcc_rmd", date(2026, 11, 20))
    given_rows(house.db, "fcc_rmd_filings", copy, [rmd_filing("RMD0001410", FRN, "Old Name LLC")])
    item = house.paid_item(frn=FRN)
    prepared(house, item)
    assert known(house, item)["carrier_name"] == "Old Name LLC"
    told(house, item, carrier_name="New Name LLC")
    prepared(house, item)
    assert known(house, item)["carrier_name"] == "New Name LLC"


def test_what_the_record_may_have_wrong_is_asked_anew(house: House) -> None:
    """Somebody who buys the mending of "no STIR/SHAKEN" must not have just that filed again."""
    copy = given_snapshot(house.db, "fcc_rmd", date(2026, 11, 20))
    given_rows(house.db, "fcc_rmd_filings", copy, [rmd_filing("RMD0001410", FRN, "Acme LLC", implementation="none")])
    item = house.paid_item(frn=FRN)
    for table in ("order_items", "item_work"):
        with house.connect() as connection:
            connection.execute(
                f"update pw.{table} set service = 'stir_shaken_implementation' where item_id = %s", (item,)
            )
    assert missing(house, item) >= {"implementation", "is_voice_provider"}
    assert "carrier_name" not in missing(house, item)


def test_the_year_of_the_first_try_stays(house: House) -> None:
    """What was drawn up and signed in December must not become another year's in January."""
    item = house.paid_item()
    prepared(house, item)
    with house.connect() as connection:
        connection.execute("update pw.item_answers set value = '2025' where item_id = %s and name = 'year'", (item,))
    prepared(house, item)
    assert known(house, item)["year"] == "2025"


def test_private_values_never_stand_among_the_answers(house: House) -> None:
    item = house.paid_item()
    everything(house, item)
    assert {"signer_name", "signer_email"}.isdisjoint(known(house, item))


@pytest.mark.parametrize(("recertified", "waits"), [(date(2025, 2, 20), False), (date(2026, 2, 20), True)])
def test_a_recertification_that_the_record_shows_is_not_filed_again(
    house: House, recertified: date, waits: bool
) -> None:
    copy = given_snapshot(house.db, "fcc_rmd", date(2026, 11, 20))
    given_rows(
        house.db, "fcc_rmd_filings", copy,
        [rmd_filing("RMD0001410", FRN, "Acme LLC", last_recertified_on=recertified)],
    )  # fmt: skip
    item = house.paid_item(frn=FRN)
    for table in ("order_items", "item_work"):
        with house.connect() as connection:
            connection.execute(f"update pw.{table} set service = 'rmd_recertification' where item_id = %s", (item,))
    everything(house, item)
    came = prepared(house, item)
    assert (isinstance(came, Gate) and came.kind == "duplicate") is waits
    if waits:
        told(house, item, file_anyway="yes")
        assert isinstance(prepared(house, item), str)


def test_what_is_ordered_twice_waits_for_a_person_to_say_for_which_years(house: House) -> None:
    item = house.paid_item()
    with house.connect() as connection:
        connection.execute("update pw.order_items set quantity = 2 where item_id = %s", (item,))
    came = prepared(house, item)
    assert isinstance(came, Gate)
    assert came.kind == "held"
    with house.connect() as connection:
        assert items.read_item(connection, item).due_on == date(2026, 3, 2)  # of the year that is filed, late as it is


@pytest.mark.parametrize(
    ("day", "quarter", "vintage"),
    [
        (date(2026, 1, 15), "2025Q4", "2025-12-31"),
        (date(2026, 2, 3), "2026Q1", "2025-12-31"),
        (date(2026, 7, 1), "2026Q2", "2026-06-30"),
        (date(2026, 11, 22), "2026Q4", "2026-06-30"),
        (date(2026, 12, 31), "2026Q4", "2026-12-31"),
    ],
)
def test_the_quarter_and_the_vintage_follow_the_calendar(day: date, quarter: str, vintage: str) -> None:
    assert (quarter_reported(day), newest_vintage(day)) == (quarter, vintage)

"""The same filing by other words is the same filing; a form says what was signed."""

from __future__ import annotations

from typing import Any

import pytest

from pw_pipelines.fulfillment import answers, deeds, filing, items
from pw_pipelines.fulfillment.facts import keep_values
from pw_pipelines.fulfillment.filing import plain
from pw_pipelines.fulfillment.model import FulfillmentError, Gate
from pw_pipelines.fulfillment.packets import FilingByHand, demand_unfiled
from pw_pipelines.fulfillment.stages import file
from tests.commerce.making import NOW
from tests.fulfillment.conftest import House

VINTAGE = {"frn": "0012345678", "vintage": "2026-06-30"}


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("company_name", "Birch Fork, L.L.C.", "BIRCH  FORK LLC"),
        ("company_name", "Ｂirch Fork LLC", "birch fork llc"),
        ("company_name", "O'Hara Voice Inc.", "O’Hara Voice Inc"),
        ("frn", "12345678", "0012345678"),
        ("frn", "00-1234-5678", "0012345678"),
        ("quarter", "2026 q4", "2026Q4"),
        ("state", "wy", "WY"),
    ],
)
def test_two_ways_to_write_one_thing_are_one_key(name: str, one: str, other: str) -> None:
    assert plain(name, one) == plain(name, other)


def test_other_companies_keep_other_keys() -> None:
    assert plain("company_name", "Birch Fork LLC") != plain("company_name", "Birch Fork Inc")


def as_service(house: House, service: str, values: dict[str, str]) -> int:
    item = house.paid_item()
    with house.connect() as connection:
        connection.execute("update pw.item_work set service = %s where item_id = %s", (service, item))
        connection.execute("update pw.order_items set service = %s where item_id = %s", (service, item))
        keep_values(connection, item, values, source="staff", by="test", now=NOW)
    return item


def ledger(connection: Any, key: str, item: int, state: str) -> None:
    connection.execute(
        """insert into pw.effects (key, item_id, kind, payload_digest, state, attempts, intended_at, deadline_at,
             done_at, owner)
           values (%s, %s, 'filing', %s, %s, 1, %s, %s, %s, %s)""",
        (key, item, "a" * 64, state, NOW, NOW, NOW if state == "done" else None, "o" if state == "intended" else None),
    )


@pytest.mark.parametrize("state", ["done", "unknown", "intended"])
@pytest.mark.parametrize(
    ("first", "second"), [("bdc_voice", "bdc_both"), ("bdc_broadband", "bdc_both"), ("bdc_both", "bdc_voice")]
)
def test_a_part_and_the_whole_are_not_both_filed(house: House, first: str, second: str, state: str) -> None:
    one, other = as_service(house, first, VINTAGE), as_service(house, second, VINTAGE)
    with house.connect() as connection:
        ledger(connection, filing.effect_key(connection, items.read_item(connection, one)), one, state)
        item = items.read_item(connection, other)
        with pytest.raises(Gate) as gate:
            filing.demand_only_one(connection, item, filing.effect_key(connection, item))
        assert gate.value.kind == "duplicate"
        with pytest.raises(FulfillmentError):
            demand_unfiled(connection, other)


def test_voice_and_broadband_are_two_filings(house: House) -> None:
    one, other = as_service(house, "bdc_voice", VINTAGE), as_service(house, "bdc_broadband", VINTAGE)
    with house.connect() as connection:
        ledger(connection, filing.effect_key(connection, items.read_item(connection, one)), one, "done")
        item = items.read_item(connection, other)
        filing.demand_only_one(connection, item, filing.effect_key(connection, item))


def test_an_item_that_filed_files_nothing_under_another_name(house: House) -> None:
    item_id = as_service(house, "cpni_certification", {"frn": "0012345678", "prior_year": "2025"})
    with house.connect() as connection:
        ledger(connection, filing.effect_key(connection, items.read_item(connection, item_id)), item_id, "done")
        keep_values(connection, item_id, {"prior_year": "2024"}, source="staff", by="ada", now=NOW)
        item = items.read_item(connection, item_id)
        key = filing.effect_key(connection, item)
        assert key.endswith(":2024")
        with pytest.raises(Gate) as gate:
            filing.demand_only_one(connection, item, key)
    assert gate.value.kind == "duplicate"


def test_what_a_refunded_order_did_not_file_another_may(house: House) -> None:
    values = {"frn": "0012345678", "prior_year": "2025"}
    refunded, other = (as_service(house, "cpni_certification", values) for _ in range(2))
    with house.connect() as connection:
        ledger(connection, filing.effect_key(connection, items.read_item(connection, refunded)), refunded, "not_done")
        assert filing.effect_key(connection, items.read_item(connection, other)).endswith(":2025")
        items.stop(connection, refunded, by="orders", why="The order was refunded.", now=NOW)
        key = filing.effect_key(connection, items.read_item(connection, other))
        assert key.endswith(f":after:{refunded}")
        third = as_service(house, "cpni_certification", values)
        assert filing.effect_key(connection, items.read_item(connection, third)) == key


def test_what_a_refunded_order_may_have_filed_no_other_may(house: House) -> None:
    values = {"frn": "0012345678", "prior_year": "2025"}
    refunded, other = (as_service(house, "cpni_certification", values) for _ in range(2))
    with house.connect() as connection:
        key = filing.effect_key(connection, items.read_item(connection, refunded))
        ledger(connection, key, refunded, "unknown")
        items.stop(connection, refunded, by="orders", why="The order was refunded.", now=NOW)
        assert filing.effect_key(connection, items.read_item(connection, other)) == key


@pytest.mark.parametrize(
    ("values", "stage"),
    [({"carrier_city": "Boise"}, "documents"), ({"signer_name": "Grace Hopper"}, "documents"),
     ({"frn": "0099999999"}, "prepare"), ({"file_anyway": "yes"}, "file")],
)  # fmt: skip
def test_details_changed_after_the_signature_are_drawn_up_and_signed_anew(
    house: House, values: dict[str, str], stage: str
) -> None:
    item = house.paid_item()
    for done in ("prepare", "documents", "signature", "review"):
        assert house.advance(item, done).goes_on
    with house.connect() as connection:
        answers.give(connection, house.ground.vault, item, values, source="staff", by="ada", now=NOW)
    assert house.row(item)["stage"] == stage


def test_the_same_details_said_again_change_nothing(house: House) -> None:
    item = house.paid_item()
    with house.connect() as connection:
        keep_values(connection, item, {"carrier_city": "Boise"}, source="staff", by="ada", now=NOW)
    for done in ("prepare", "documents", "signature", "review"):
        assert house.advance(item, done).goes_on
    with house.connect() as connection:
        answers.give(
            connection, house.ground.vault, item, {"carrier_city": "Boise"}, source="staff", by="ada", now=NOW
        )  # fmt: skip
    assert house.row(item)["stage"] == "file"


def packet(house: House, service: str, state: str) -> int:
    item = as_service(house, service, {"company_name": "Birch Fork LLC", "state": state, "year": "2026"})
    with house.connect() as connection:
        connection.execute("update pw.order_items set for_state = %s where item_id = %s", (state, item))
        connection.execute("update pw.item_work set stage = 'file' where item_id = %s", (item,))
    return item


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [("annual_report", "annual_report", "TX"), ("formation_basic", "formation_complete", "TX")],
)
def test_no_second_packet_is_prepared_for_the_same(house: House, first: str, second: str, state: str) -> None:
    one, other = packet(house, first, state), packet(house, second, state)
    house.stages["file"] = file.run
    assert house.advance(one, "file").came == house.advance(other, "file").came == "gate"
    assert (house.row(one)["gate"], house.row(other)["gate"]) == ("packet", "duplicate")
    filed = FilingByHand("TX-2026-1", "c" * 64, "application/pdf")
    with house.connect() as connection:
        deeds.filed_by_hand(connection, one, filed, by="ada", now=NOW)
    assert house.advance(one, "file").came == "done"


def test_what_may_have_been_sent_is_not_given_to_a_person_to_file(house: House) -> None:
    item = packet(house, "annual_report", "TX")
    house.stages["file"] = file.run
    with house.connect() as connection:
        ledger(connection, filing.effect_key(connection, items.read_item(connection, item)), item, "unknown")
    house.advance(item, "file")
    assert house.row(item)["gate"] == "unknown_effect"

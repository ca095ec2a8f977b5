"""Whose filing goes first, and what becomes of an item whose order ends around its filing."""

from __future__ import annotations

import pytest

from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.commerce.orders import change
from pw_pipelines.errors import ConfigError
from pw_pipelines.fulfillment import items, turns
from pw_pipelines.fulfillment.facts import keep_values
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.playbook import parse_playbooks, playbooks
from tests.commerce.making import NOW
from tests.fulfillment.conftest import House
from tests.fulfillment.test_same_filing import as_service, ledger

FRN = "0012345678"


def ordered(house: House, service: str, *, frn: str = FRN, stage: str = "file") -> int:
    item = as_service(house, service, {})
    with house.connect() as connection:
        connection.execute("update pw.order_items set frn = %s where item_id = %s", (frn, item))
        connection.execute("update pw.item_work set stage = %s where item_id = %s", (stage, item))
    return item


def demand(house: House, item: int) -> None:
    with house.connect() as connection:
        turns.demand_turn(connection, items.read_item(connection, item), now=NOW)


def test_a_recertification_waits_for_the_filing_it_recertifies(house: House) -> None:
    first, second = ordered(house, "rmd_filing", stage="documents"), ordered(house, "rmd_recertification")
    with pytest.raises(Gate, match="goes first") as gate:
        demand(house, second)
    assert (gate.value.kind, gate.value.detail) == ("pacing", {"after_item": first})
    demand(house, first)


@pytest.mark.parametrize("stage", ["review", "file", "confirm"])
def test_it_waits_until_the_first_is_confirmed(house: House, stage: str) -> None:
    first, second = ordered(house, "rmd_filing", stage=stage), ordered(house, "stir_shaken_implementation")
    with pytest.raises(Gate):
        demand(house, second)
    with house.connect() as connection:
        connection.execute("update pw.item_work set stage = 'deliver' where item_id = %s", (first,))
    demand(house, second)


def test_another_carrier_and_what_ended_are_not_waited_for(house: House) -> None:
    ordered(house, "rmd_filing", frn="0087654321")
    ended = ordered(house, "rmd_filing")
    with house.connect() as connection:
        items.stop(connection, ended, by="test", why="over", now=NOW)
    demand(house, ordered(house, "rmd_recertification"))


def test_companies_are_told_apart_by_name_and_state(house: House) -> None:
    first, second = as_service(house, "formation_basic", {}), as_service(house, "ein", {})
    with house.connect() as connection:
        connection.execute("update pw.order_items set frn = null, for_state = 'WY'")
        connection.execute("update pw.compliance_orders set frn = null, carrier_name = 'Birch Fork, LLC'")
    with pytest.raises(Gate, match="goes first"):
        demand(house, second)
    with house.connect() as connection:
        connection.execute("update pw.order_items set for_state = 'DE' where item_id = %s", (first,))
    demand(house, second)


def test_the_first_opens_the_gate_of_those_that_waited_for_it(house: House) -> None:
    first, second = ordered(house, "rmd_filing"), ordered(house, "rmd_recertification")
    other = ordered(house, "rmd_recertification", frn="0087654321")
    with house.connect() as connection:
        for item, after in ((second, first), (other, first + 1_000)):
            gate = Gate("pacing", "…", not_before=NOW + turns.LOOK_AGAIN, detail={"after_item": after})
            items.wait_at(connection, item, gate, by="test", run_id=None, now=NOW)
        assert turns.let_others_go_on(connection, first, now=NOW) == [second]
    assert (house.row(second)["state"], house.row(other)["state"]) == ("ready", "waiting")


def test_confirming_the_first_lets_the_others_go_on(house: House) -> None:
    first, second = ordered(house, "rmd_filing", stage="confirm"), ordered(house, "rmd_recertification")
    house.stages["confirm"] = lambda _: "It is there."
    with house.connect() as connection:
        gate = Gate("pacing", "…", not_before=NOW + turns.LOOK_AGAIN, detail={"after_item": first})
        items.wait_at(connection, second, gate, by="test", run_id=None, now=NOW)
    house.advance(first, "confirm")
    assert house.row(second)["state"] == "ready"


def test_a_circle_of_turns_is_refused_when_the_playbooks_load() -> None:
    text = "\n".join(
        f"- {{service: {book.service}, procedure: free, delivery_words: Nothing is done for it.{turn}}}"
        for book in playbooks().values()
        for turn in [{"ein": ", after: [dc_agent]", "dc_agent": ", after: [ein]"}.get(book.service, "")]
    )
    with pytest.raises(ConfigError, match="goes in a circle"):
        parse_playbooks(text, catalogue())


@pytest.mark.parametrize("state", ["unknown", "intended"])
def test_what_may_have_been_filed_does_not_end_with_its_order_before_somebody_knows(house: House, state: str) -> None:
    item = ordered(house, "cpni_certification")
    with house.connect() as connection:
        keep_values(connection, item, {"prior_year": "2025"}, source="staff", by="test", now=NOW)
        ledger(connection, "filing:cpni:0012345678:2025", item, state)
        order_id = items.read_item(connection, item).order_id
        change(connection, order_id, "refunded", by="test", why="Asked for.", now=NOW)
        for _ in range(2):  # asked again nothing more is written
            assert items.follow_orders(connection, now=NOW) == ([], [])
    row = house.row(item)
    assert (row["state"], row["gate"]) == ("waiting", "unknown_effect")
    assert len(house.rows("select 1 from pw.item_events where gate = 'unknown_effect'")) == 1
    with house.connect() as connection:
        connection.execute("update pw.effects set state = 'done', done_at = now(), owner = null, reference = 'C-1'")
        assert items.follow_orders(connection, now=NOW) == ([], [item])
    [event] = house.rows("select text from pw.item_events order by event_id desc limit 1")
    assert "after it was filed: C-1" in event["text"]

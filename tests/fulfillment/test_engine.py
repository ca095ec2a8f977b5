"""One item, stage by stage: what goes on, what waits, and who opens it again."""

from __future__ import annotations

import multiprocessing
from datetime import timedelta

import pytest

from pw_pipelines import faults
from pw_pipelines.clock import machine_now
from pw_pipelines.commerce import orders
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.fulfillment import items, starting
from pw_pipelines.fulfillment.model import STAGES, FulfillmentError, Gate
from pw_pipelines.fulfillment.work import Work
from tests.commerce.making import NOW
from tests.fulfillment.conftest import House

LOST = timedelta(seconds=30)


def start(house: House, *under_way: int, later: timedelta = timedelta(0)) -> list[tuple[int, int]]:
    with house.connect() as connection:
        return starting.to_start(
            connection, under_way, now=house.ground.clock.now() + later, machine_now=machine_now() + later,
            lost_after=LOST, most=100,
        )  # fmt: skip


def test_an_item_goes_through_its_stages_and_takes_its_order_along(house: House) -> None:
    item = house.paid_item()
    seen = []
    for stage in STAGES:
        assert house.advance(item, stage).came == "done"
        seen.append(house.order_status(item))
    assert seen == ["processing"] * 4 + ["submitted", "filed", "delivered", "delivered"]
    assert (house.row(item)["stage"], house.row(item)["state"]) == ("done", "done")


def test_a_stage_done_before_is_passed_and_a_later_one_waits_its_turn(house: House) -> None:
    item = house.paid_item()
    house.advance(item, "prepare")
    assert house.advance(item, "prepare").came == "passed"
    assert house.advance(item, "file").came == "not_yet"
    assert house.row(item)["stage"] == "documents"


def test_an_order_of_two_items_follows_the_slower_one(house: House) -> None:
    item = house.paid_item()
    with house.connect() as connection:
        connection.execute(
            "insert into pw.order_items (order_id, position, service, title, unit_price, frn)"
            " select order_id, 2, service, title, 0, frn from pw.order_items where item_id = %s",
            (item,),
        )
        [other] = items.open_items(connection, now=NOW)
    for stage in STAGES:
        house.advance(item, stage)
    assert house.order_status(item) == "processing"
    for stage in STAGES:
        house.advance(other, stage)
    assert house.order_status(item) == "delivered"


def test_a_gate_ends_the_run_and_its_opening_starts_the_next(house: House) -> None:
    item = house.paid_item()
    assert start(house) == [(item, 1)]

    def waits(_work: Work) -> str:
        raise Gate("signature", "The officer has to sign.")

    house.stages["prepare"] = waits
    assert not house.advance(item, "prepare").goes_on
    assert not house.advance(item, "prepare").goes_on  # whoever launches a run by hand meets the same gate
    assert (house.row(item)["gate"], start(house)) == ("signature", [])

    del house.stages["prepare"]
    with house.connect() as connection:
        assert not items.reopen(connection, item, gates=["review"], by="ada", why="approved", now=NOW)
        assert items.reopen(connection, item, gates=["signature"], by="signer", why="signed", now=NOW)
    assert start(house) == [(item, 2)]
    assert house.advance(item, "prepare").came == "done"


def test_a_clock_opens_its_gate_when_its_time_has_come(house: House) -> None:
    item = house.paid_item()

    def closed(_work: Work) -> str:
        raise Gate("hours", "The portal opens at 7.", not_before=house.ground.clock.now() + timedelta(hours=1))

    house.stages["prepare"] = closed
    house.advance(item, "prepare")
    assert start(house) == []
    assert start(house, later=timedelta(hours=2)) == [(item, 2)]


def test_an_outside_system_that_is_away_is_asked_later_and_later_and_in_the_end_by_a_person(house: House) -> None:
    item = house.paid_item()
    house.ground.settings = house.ground.settings.model_copy(update={"retries": 2})

    def away(_work: Work) -> str:
        raise OutsideUnavailable("The portal does not answer.")

    house.stages["prepare"] = away
    waits = []
    for _ in range(3):
        house.advance(item, "prepare")
        row = house.row(item)
        waits.append(
            (row["gate"], row["not_before"] and round((row["not_before"] - row["gate_since"]).total_seconds()))
        )
        with house.connect() as connection:
            items.open_clocks(connection, now=house.ground.clock.now() + timedelta(days=1))
    assert waits == [("retry", 60), ("retry", 120), ("error", None)]


def test_what_breaks_fails_the_run_and_waits_for_a_person(house: House) -> None:
    item = house.paid_item()

    def breaks(_work: Work) -> str:
        raise ValueError("Ada Lovelace, 123-45-6789")

    house.stages["prepare"] = breaks
    with pytest.raises(ValueError, match="Ada"):
        house.advance(item, "prepare")
    row = house.row(item)
    assert (row["gate"], row["lease_owner"]) == ("error", None)
    assert "Ada" not in row["gate_why"]  # a foreign error may quote what a customer wrote
    assert start(house) == []


def test_an_order_that_is_held_is_not_worked(house: House) -> None:
    item = house.paid_item()
    with house.connect() as connection:
        orders.hold(connection, house.row(item)["order_id"], by="ada", why="money in doubt", now=NOW)
    assert not house.advance(item, "prepare").goes_on
    assert house.row(item)["gate"] == "order"


def test_an_item_that_is_worked_is_not_worked_by_another(house: House) -> None:
    item = house.paid_item()
    came = []

    def meanwhile(_work: Work) -> str:
        came.append(house.advance(item, "prepare", run_id="second").came)
        return "worked"

    house.stages["prepare"] = meanwhile
    assert house.advance(item, "prepare").came == "done"
    assert came == ["busy"]


@pytest.mark.parametrize("point", ["begin", "end", "moved"])
def test_a_killed_run_is_noticed_and_another_one_goes_on(
    house: House, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = house.paid_item()
    [(_, generation)] = start(house)
    monkeypatch.setenv(faults.VARIABLE, f"fulfillment.prepare.{point}:kill")
    died = multiprocessing.get_context("fork").Process(target=house.advance, args=(item, "prepare"))
    died.start()
    died.join(30)
    assert died.exitcode == -9
    monkeypatch.delenv(faults.VARIABLE)

    assert start(house, item) == []  # while Dagster still calls the run started
    assert start(house) == []  # asked for a moment ago
    assert start(house, later=LOST * 2) == [(item, generation + 1)]
    assert house.advance(item, "prepare").goes_on


def test_what_is_asked_for_is_not_asked_for_again_at_the_next_tick(house: House) -> None:
    first, second = house.paid_item(), house.paid_item()
    assert start(house) == [(first, 1), (second, 1)]
    assert start(house) == []


def test_only_paid_orders_are_opened_and_each_item_once(house: House) -> None:
    item = house.paid_item()
    with house.connect() as connection:
        assert items.open_items(connection, now=NOW) == []
        connection.execute("update pw.item_work set generation = 5 where item_id = %s", (item,))
        assert items.open_items(connection, now=NOW) == []
    assert house.row(item)["generation"] == 5


def test_a_person_holds_an_item_and_lets_it_go_on_from_an_earlier_stage(house: House) -> None:
    item = house.paid_item()
    house.advance(item, "prepare")
    house.advance(item, "documents")
    with house.connect() as connection:
        items.hold(connection, item, by="ada", why="The name is wrong.", now=NOW)
    assert not house.advance(item, "signature").goes_on
    with house.connect() as connection:
        with pytest.raises(FulfillmentError, match="can't go on from book"):
            items.retry(connection, item, by="ada", why="later", now=NOW, stage="book")
        items.retry(connection, item, by="ada", why="mended", now=NOW, stage="prepare")
    assert (house.row(item)["stage"], house.row(item)["state"]) == ("prepare", "ready")
    history = house.rows('select what, "by" from pw.item_events where item_id = %s order by event_id', item)
    assert [(row["what"], row["by"]) for row in history][-2:] == [("gate", "ada"), ("opened", "ada")]

"""Attacks on the item and its ledger: two hosts, clocks that step, people who act while a run works."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import psutil
import pytest

from pw_pipelines.commerce import orders
from pw_pipelines.fulfillment import board, deeds, effects, items, owner
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.effects import Effect
from pw_pipelines.fulfillment.facts import keep_values
from pw_pipelines.fulfillment.model import Done, FulfillmentError, Gate, LeaseLost, Seen
from pw_pipelines.fulfillment.work import Work
from tests.commerce.making import NOW
from tests.fulfillment.conftest import House

KEY, CONTENT = "filing:cpni:0012345678:2025", "a" * 64


def test_a_living_process_is_not_taken_for_gone_when_the_clock_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        monkeypatch.setattr(os, "getpid", lambda: child.pid)
        its = owner.new_owner()
        monkeypatch.undo()
        # Whoever looks after a step of the clock is told another moment of the boot, and so of every start.
        monkeypatch.setattr(psutil.Process, "create_time", lambda _: 0.0)
        assert not owner.is_gone(its)
    finally:
        child.kill()
        child.wait()
    assert owner.is_gone(its)


@pytest.mark.parametrize(
    ("machine_id", "boot", "namespace", "is_gone"),
    [
        ("same", "other", "same", True),  # this machine, before it was booted anew
        ("other", "other", "same", False),  # another machine of the same name
        ("same", "same", "other", False),  # another container of this machine, of the same name
        ("unknown", "other", "same", False),
    ],
)
def test_only_this_very_machine_is_known_to_have_been_booted_anew(
    monkeypatch: pytest.MonkeyPatch, machine_id: str, boot: str, namespace: str, is_gone: bool
) -> None:
    monkeypatch.setattr(owner, "_machine", lambda: "pw:same:same:same")
    its = f"pw:{machine_id}:{boot}:{namespace}:4711:12345:token"
    assert owner.is_gone(its) is is_gone
    assert not owner.is_here(its)


def test_a_run_that_comes_too_late_unmakes_nothing_of_the_one_that_took_over(house: House) -> None:
    item = house.paid_item()
    mine: list[Effect] = []

    def stalls(effect: Effect) -> Done:
        mine.append(effect)
        with house.connect() as connection:  # meanwhile the other machine takes over, looks it up and begins anew
            connection.execute(
                "update pw.effects set attempts = attempts + 1, owner = 'other:a:b:c:1:2:3' where effect_id = %s",
                (effect.effect_id,),
            )
        raise LeaseLost("Somebody else works it.")

    with house.working(item) as work, pytest.raises(LeaseLost):
        effects.once(
            work, kind="filing", key=KEY, payload_digest=CONTENT, perform=stalls,
            probe=lambda _: Seen(False, "Nothing there."),
        )  # fmt: skip
    [row] = house.rows("select state, owner from pw.effects where effect_id = %s", mine[0].effect_id)
    assert row == {"state": "intended", "owner": "other:a:b:c:1:2:3"}


def test_a_probe_that_answers_late_unmakes_no_later_attempt(house: House) -> None:
    item = house.paid_item()

    def breaks(_: Effect) -> Done:
        raise ConnectionResetError

    def slow(effect: Effect) -> Seen:
        with house.connect() as connection:
            connection.execute("update pw.effects set state = 'not_done' where effect_id = %s", (effect.effect_id,))
            connection.execute(
                "update pw.effects set state = 'intended', attempts = attempts + 1, owner = 'o:a:b:c:1:2:3', "
                "deadline_at = %s where effect_id = %s",
                (NOW, effect.effect_id),
            )
        return Seen(False, "Nothing there.")

    with house.working(item) as work, pytest.raises((Gate, LeaseLost)):
        effects.once(work, kind="filing", key=KEY, payload_digest=CONTENT, perform=breaks, probe=slow)
    [row] = house.rows("select state, attempts from pw.effects")
    assert row == {"state": "intended", "attempts": 2}


def test_a_hold_outlasts_the_gate_the_run_meets_meanwhile(house: House) -> None:
    item = house.paid_item()

    def held_then_waits(work: Work) -> str:
        with house.connect() as connection:
            items.hold(connection, item, by="ada", why="The customer called.", now=NOW)
        raise Gate("retry", "The portal is away.", not_before=NOW)

    house.stages["prepare"] = held_then_waits
    assert house.advance(item, "prepare").came == "gate"
    with house.connect() as connection:
        assert items.open_clocks(connection, now=NOW) == []
    assert (house.row(item)["state"], house.row(item)["gate"]) == ("waiting", "held")


def test_an_item_taken_back_while_it_is_worked_stays_back(house: House) -> None:
    item = house.paid_item()
    for stage in ("prepare", "documents", "signature"):
        assert house.advance(item, stage).goes_on

    def taken_back(_: Work) -> str:
        with house.connect() as connection:
            connection.execute("update pw.item_work set stage = 'documents' where item_id = %s", (item,))
        return "Reviewed."

    house.stages["review"] = taken_back
    house.advance(item, "review")
    assert house.row(item)["stage"] == "documents"
    assert not house.advance(item, "file").goes_on


def test_a_hold_in_the_last_stage_leaves_no_done_item_with_a_gate(house: House) -> None:
    item = house.paid_item()
    for stage in ("prepare", "documents", "signature", "review", "file", "confirm", "deliver"):
        assert house.advance(item, stage).goes_on

    def held(_: Work) -> str:
        with house.connect() as connection:
            items.hold(connection, item, by="ada", why="Look again.", now=NOW)
        return "Booked."

    house.stages["book"] = held
    assert house.advance(item, "book").came == "done"
    assert (house.row(item)["state"], house.row(item)["gate"]) == ("done", None)


def test_an_order_that_is_worked_again_takes_its_items_along(house: House) -> None:
    item = house.paid_item()
    order = house.row(item)["order_id"]
    with house.connect() as connection:
        orders.hold(connection, order, by="ada", why="money in doubt", now=NOW)
    house.advance(item, "prepare")
    assert house.row(item)["gate"] == "order"
    with house.connect() as connection:
        orders.release(connection, order, by="ada", why="the money is there", now=NOW)
        items.open_items(connection, now=NOW)
    assert house.row(item)["state"] == "ready"
    assert house.advance(item, "prepare").goes_on


def test_a_refunded_orders_items_end_so_that_their_personal_data_is_erased_in_time(house: House) -> None:
    item = house.paid_item()
    with house.connect() as connection:
        orders.change(connection, house.row(item)["order_id"], "refunded", by="ada", why="asked for", now=NOW)
        items.open_items(connection, now=NOW)
    assert house.row(item)["state"] == "stopped"
    assert not house.advance(item, "prepare").goes_on


def test_a_refunded_order_that_is_worked_at_this_moment_is_ended_afterwards(house: House) -> None:
    item = house.paid_item()
    with house.working(item), house.connect() as connection:
        orders.change(connection, house.row(item)["order_id"], "refunded", by="ada", why="asked for", now=NOW)
        items.open_items(connection, now=NOW)
        assert house.row(item)["state"] == "ready"
    with house.connect() as connection:
        items.open_items(connection, now=NOW)
    assert house.row(item)["state"] == "stopped"


def test_two_runs_never_hold_one_lease(house: House) -> None:
    item = house.paid_item()
    with house.working(item), house.connect() as connection:
        assert leases.take(connection, item, owner=owner.new_owner(), run_id="b", seconds=1) is None


def test_what_a_dead_run_began_for_a_refunded_order_is_shown_to_a_person(house: House) -> None:
    item = house.paid_item()
    with house.connect() as connection:
        connection.execute(
            """insert into pw.effects (key, item_id, kind, payload_digest, state, attempts, intended_at, deadline_at,
                 owner) values (%s, %s, 'filing', %s, 'intended', 1, %s, %s, 'elsewhere:a:b:c:1:2:3')""",
            (KEY, item, CONTENT, NOW, NOW),
        )
        assert board.unknown_effects(connection) == []  # its next run asks the portal itself
        orders.change(connection, house.row(item)["order_id"], "refunded", by="ada", why="asked for", now=NOW)
        items.open_items(connection, now=NOW)
        [row] = board.unknown_effects(connection)
        with pytest.raises(FulfillmentError):  # the other machine may be at it still
            effects.settle_by_person(
                connection, row["effect_id"], happened=False, by="ada", note="Looked.", reference=None, now=NOW
            )
        settled = effects.settle_by_person(
            connection, row["effect_id"], happened=True, by="ada", note="Looked.", reference="C-1",
            now=NOW + timedelta(hours=2),
        )  # fmt: skip
    assert settled.state == "done"


def test_a_hold_does_not_hide_that_a_person_files_it_by_hand(house: House) -> None:
    item = house.paid_item()
    with house.connect() as connection:
        connection.execute("update pw.item_work set stage = 'file' where item_id = %s", (item,))
        items.wait_at(connection, item, Gate("challenge", "A captcha."), by="run", run_id=None, now=NOW)
        keep_values(connection, item, {"prior_year": "2025"}, source="staff", by="ada", now=NOW)
        deeds.hand_over(connection, item, by="ada", why="A captcha.", now=NOW)
        with pytest.raises(FulfillmentError, match="handed over"):
            deeds.hold(connection, item, by="bob", why="Wait.", now=NOW)
        with pytest.raises(FulfillmentError, match="handed over"):
            deeds.retry(connection, item, by="bob", now=NOW)
    assert house.row(item)["gate"] == "packet"

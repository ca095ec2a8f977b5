"""Moves one item one stage on. The only writer of an item's stage.

Whatever calls it (a run, a retry from Dagster's UI, `pw orders`, two of them at once) the books decide: the item's
own stage, its lease, the ledger of effects. Nothing here sleeps for a person or a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pw_pipelines import faults
from pw_pipelines.errors import OutsideUnavailable, PwError, SourceUnavailable
from pw_pipelines.fulfillment import items, progress, turns
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.model import STAGES, FulfillmentError, Gate, ItemView, LeaseLost, NotDone, Stage
from pw_pipelines.fulfillment.owner import leave, new_owner
from pw_pipelines.fulfillment.stages import runner_of
from pw_pipelines.fulfillment.work import Work

Came = Literal["done", "passed", "gate", "busy", "not_yet"]


@dataclass(frozen=True)
class Outcome:
    """What became of one stage.

    done: worked now · passed: it was done before, or is not of this playbook · gate: the item waits · busy: another
    run works the item · not_yet: the item stands at an earlier stage. The next stage begins after done and passed only.
    """

    came: Came
    text: str

    @property
    def goes_on(self) -> bool:
        return self.came in ("done", "passed")


def advance(
    ground: Ground, item_id: int, stage: Stage, *, run_id: str, log: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Works `stage` of the item if it stands there.

    Raises whatever the stage raised that is no gate and no lack of an outside system; the item then waits at the
    gate `error` for a person, with the kind of the error.
    """
    owner = new_owner()
    try:
        with ground.db.connect(application="pw-fulfillment") as connection:
            lease = leases.take(connection, item_id, owner=owner, run_id=run_id, seconds=ground.settings.lease_seconds)
            if lease is None:
                return Outcome("busy", "Another run works this item.")
            item = items.read_item(connection, item_id)
        work = Work(ground, item, lease, run_id, log)
        try:
            return _passed_or_waiting(work.item, stage) or _worked(work, stage)
        except LeaseLost:
            return Outcome("busy", "Another run took the item over.")
        finally:
            with work.connect(patiently=True) as connection:
                leases.give_back(connection, lease)
    finally:
        leave(owner)


def _passed_or_waiting(item: ItemView, stage: Stage) -> Outcome | None:
    """The outcome where there is nothing to work at this stage now."""
    if item.state in ("done", "stopped"):
        return Outcome("passed" if item.state == "done" else "gate", f"The item is {item.state}.")
    if item.state == "waiting":
        return Outcome("gate", f"It waits: {item.gate}.")
    here, asked = STAGES.index(item.stage), STAGES.index(stage)
    if asked < here:
        return Outcome("passed", "Done before.")
    if asked > here:
        return Outcome("not_yet", f"The item stands at {item.stage}.")
    return None


def _worked(work: Work, stage: Stage) -> Outcome:
    item = work.item
    if gate := _order_gate(item):
        return _waits(work, gate)
    if stage not in work.playbook.stages:
        _move_on(work, stage, "Not part of this playbook.")
        return Outcome("passed", "Not part of this playbook.")
    faults.point(f"fulfillment.{stage}.begin")
    try:
        text = runner_of(stage)(work)
    except Gate as gate:
        return _waits(work, gate)
    except LeaseLost:
        raise
    except (OutsideUnavailable, SourceUnavailable, NotDone) as away:
        return _waits(work, _retry_gate(work, away))
    except Exception as error:
        _waits(work, Gate("error", _in_words(error), detail={"kind": type(error).__name__}))
        raise
    faults.point(f"fulfillment.{stage}.end")
    _move_on(work, stage, text)
    faults.point(f"fulfillment.{stage}.moved")
    return Outcome("done", text)


def _order_gate(item: ItemView) -> Gate | None:
    if item.order_status in items.WORKED:
        return None
    return Gate("order", f"Order {item.order_number} is {item.order_status}.", detail={"status": item.order_status})


def _waits(work: Work, gate: Gate) -> Outcome:
    with work.connect(patiently=True) as connection:
        leases.demand(connection, work.lease)
        if not items.is_ready(connection, work.item.item_id):  # a person held it meanwhile, and no gate opens a hold
            text = f"Held while it was worked; it would wait: {gate.kind}."
            items.record(
                connection, work.item.item_id, work.now(), stage=work.item.stage, what="note", text=text, by="run",
                run_id=work.run_id,
            )  # fmt: skip
            return Outcome("gate", f"{text} {gate.why}")
        items.wait_at(connection, work.item.item_id, gate, by="run", run_id=work.run_id, now=work.now())
    work.log(f"item {work.item.item_id} waits at {gate.kind}")
    return Outcome("gate", f"{gate.kind}: {gate.why}")


def _retry_gate(work: Work, away: PwError) -> Gate:
    """Waits longer each time; after the last try for a person."""
    with work.connect(patiently=True) as connection:
        row = connection.execute(
            "update pw.item_work set attempts = attempts + 1, last_error = %s where item_id = %s returning attempts",
            (str(away), work.item.item_id),
        ).fetchone()
    assert row is not None
    tries = int(row["attempts"])
    if tries > work.settings.retries:
        return Gate("error", f"Tried {tries} times; the last time: {away}", detail={"kind": type(away).__name__})
    wait = timedelta(minutes=work.settings.retry_minutes * 2 ** (tries - 1))
    return Gate("retry", str(away), not_before=work.now() + wait)


def _move_on(work: Work, stage: Stage, text: str) -> None:
    item_id, now = work.item.item_id, work.now()
    following = STAGES[STAGES.index(stage) + 1] if stage != STAGES[-1] else "done"
    with work.connect(patiently=True) as connection:
        leases.demand(connection, work.lease)
        moved = connection.execute(
            """update pw.item_work set stage = %(next)s, attempts = 0, last_error = null, changed_at = %(now)s,
                 state = case when %(next)s = 'done' then 'done' else state end,
                 gate = case when %(next)s <> 'done' then gate end,
                 done_at = case when %(next)s = 'done' then %(now)s::timestamptz end
               where item_id = %(item)s and stage = %(stage)s""",
            {"next": following, "now": now, "item": item_id, "stage": stage},
        )
        if not moved.rowcount:  # a person took it back meanwhile: what was done now is looked at again from there
            text = f"Worked {stage}; the item was taken back meanwhile and does not move on."
            items.record(connection, item_id, now, stage=stage, what="note", text=text, by="run", run_id=work.run_id)
            return
        items.record(connection, item_id, now, stage=stage, what="stage_done", text=text, by="run", run_id=work.run_id)
        progress.roll_up(connection, work.item.order_id, now=now)
        if stage == "confirm":
            turns.let_others_go_on(connection, item_id, now=now)


def _in_words(error: Exception) -> str:
    """Our own errors in full; of foreign ones the kind alone, for their text may quote what a customer wrote."""
    return str(error) if isinstance(error, PwError) else f"{type(error).__name__}; the run's log has the place."


__all__ = ["FulfillmentError", "Outcome", "advance"]

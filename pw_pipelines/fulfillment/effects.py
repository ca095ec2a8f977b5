"""The ledger of effects: what is done to the outside world is done once, however often we die or lose an answer.

    intended   committed before anything is sent; names its owner, so that a dead one is noticed
    done       it happened; never changes again
    unknown    interrupted: it may have happened. Never repeated blindly: a probe asks outside, or a person says
    not_done   it certainly did not happen; may be intended again

The key says what is meant, so the same filing wanted by two items, or by one item with other bytes, is one effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from pw_pipelines import faults
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.model import Connection, Done, FulfillmentError, Gate, LeaseLost, NotDone, Seen
from pw_pipelines.fulfillment.owner import is_gone, is_here

if TYPE_CHECKING:
    from pw_pipelines.fulfillment.work import Work

DEADLINE_SECONDS = 300.0
ABANDONED_AFTER = timedelta(hours=1)  # past the deadline of what another machine began


@dataclass(frozen=True)
class Effect:
    """One row of the ledger."""

    effect_id: int
    key: str
    item_id: int
    kind: str
    payload_digest: str
    state: str
    attempts: int
    owner: str | None
    intended_at: datetime
    deadline_at: datetime
    done_at: datetime | None
    reference: str | None
    detail: Mapping[str, Any]
    last_error: str | None
    run_id: str | None


def once(
    work: Work,
    *,
    kind: str,
    key: str,
    payload_digest: str,
    perform: Callable[[Effect], Done],
    probe: Callable[[Effect], Seen],
    seconds: float = DEADLINE_SECONDS,
) -> Effect:
    """The effect `key`, done: now by `perform`, or before.

    perform   does it; raises NotDone when it certainly did not happen. Whatever else it raises leaves it unknown
    probe     asks the outside world whether it happened; must have no effect of its own

    Raises Gate: `unknown_effect` when neither knows, `settling` while it is too early to ask, `duplicate` when another
    item did it or is at it, or this one did it with another content; NotDone as `perform` raised it.
    """
    effect = _begin(work, kind=kind, key=key, payload_digest=payload_digest, seconds=seconds)
    if effect.state == "done":
        return effect
    if effect.state == "unknown":
        effect = settle(work, effect, probe)
        if effect.state == "done":
            return effect
        effect = _begin(work, kind=kind, key=key, payload_digest=payload_digest, seconds=seconds)
    faults.point(f"effects.{kind}.intended")
    try:
        done = perform(effect)
    except NotDone as why:
        _close(work, effect, "not_done", by="run", text=str(why), error=str(why))
        raise
    except LeaseLost:
        _close(work, effect, "not_done", by="run", text="The lease was lost before anything was sent.")
        raise
    except BaseException as error:
        _close(work, effect, "unknown", by="run", text=f"Interrupted: {_kind_of(error)}", error=_kind_of(error))
        if not isinstance(error, Exception):
            raise
        work.log(f"effect {effect.effect_id} ({kind}) was interrupted: {_kind_of(error)}")
        return _settled_or_gate(work, effect, probe)
    faults.point(f"effects.{kind}.performed")
    closed = _close(work, effect, "done", by="run", text="Done.", done=done)
    faults.point(f"effects.{kind}.done")
    return closed


def _settled_or_gate(work: Work, effect: Effect, probe: Callable[[Effect], Seen]) -> Effect:
    settled = read(work, effect.effect_id)
    if settled.state == "unknown":
        settled = settle(work, settled, probe)
    if settled.state == "done":
        return settled
    if settled.state != "not_done":
        raise LeaseLost(f"Effect {effect.effect_id} is in other hands now; this run stops and touches nothing.")
    raise NotDone(f"It was interrupted and did not happen: {settled.last_error or 'no trace of it was found'}.")


def settle(work: Work, effect: Effect, probe: Callable[[Effect], Seen]) -> Effect:
    """Asks the outside world about an unknown effect; afterwards it is done or not_done.

    Raises Gate `settling` while what was sent may still be on its way, `unknown_effect` when the probe can't tell.
    """
    seen = probe(effect)
    if seen.happened is None:
        _note(work, effect, f"Asked, and it can't be told: {seen.text}")
        raise Gate(
            "unknown_effect",
            f"It is not known whether this happened: {effect.kind} {effect.key}. {seen.text}",
            detail={"effect_id": effect.effect_id, "seen": seen.text},
        )
    if seen.happened:
        done = Done(seen.reference, {**seen.detail, "settled_by": "probe", "seen": seen.text})
        return _close(work, effect, "done", by="probe", text=seen.text, done=done)
    if work.now() < effect.deadline_at:
        raise Gate("settling", f"Not seen yet; asked again later: {seen.text}", not_before=effect.deadline_at)
    return _close(work, effect, "not_done", by="probe", text=seen.text)


def settle_by_person(
    connection: Connection, effect_id: int, *, happened: bool, by: str, note: str, reference: str | None, now: datetime
) -> Effect:
    """A person's word on an unknown effect. Raises FulfillmentError when it is not unknown (any more)."""
    row = connection.execute("select * from pw.effects where effect_id = %s for update", (effect_id,)).fetchone()
    if row is None:
        raise FulfillmentError(f"There is no effect {effect_id}.")
    if row["state"] == "intended" and _is_abandoned(row, now):
        _write(connection, effect_id, "unknown", by="ledger", text="The run that did it is gone.", now=now)
    elif row["state"] != "unknown":
        raise FulfillmentError(f"Effect {effect_id} is {row['state']}; only what is unknown is settled by a person.")
    done = Done(reference, {"settled_by": by, "note": note}) if happened else None
    return _write(connection, effect_id, "done" if happened else "not_done", by=by, text=note, now=now, done=done)


def first_word(connection: Connection, effect_id: int, *, by: str, note: str, now: datetime) -> bool:
    """Notes one person's word that an unknown filing did not happen; True when another person gave the same word since
    it became unknown. Whoever says so alone would have it filed again alone, and a wrong word files twice.

    Raises FulfillmentError when the effect is not unknown.
    """
    row = connection.execute("select * from pw.effects where effect_id = %s for update", (effect_id,)).fetchone()
    if row is None:
        raise FulfillmentError(f"There is no effect {effect_id}.")
    if row["state"] == "intended" and _is_abandoned(row, now):
        row = vars(_write(connection, effect_id, "unknown", by="ledger", text="The run that did it is gone.", now=now))
    if row["state"] != "unknown":
        raise FulfillmentError(f"Effect {effect_id} is {row['state']}; only what is unknown is settled by a person.")
    said = connection.execute(
        """select "by" from pw.effect_events where effect_id = %(effect)s and detail ->> 'says' = 'not_happened'
             and detail ->> 'attempt' = %(attempt)s""",
        {"effect": effect_id, "attempt": str(row["attempts"])},
    ).fetchall()
    if any(one["by"] != by for one in said):
        return True
    if not said:
        detail = {"says": "not_happened", "attempt": row["attempts"]}
        _record(connection, effect_id, "unknown", by=by, text=note, now=now, detail=detail)
    return False


def _is_abandoned(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether who intended it certainly is gone, or on another machine is long past its time."""
    owner = row["owner"]
    return is_gone(owner) or (not is_here(owner) and now > row["deadline_at"] + ABANDONED_AFTER)


def read(work: Work, effect_id: int) -> Effect:
    """One effect as it stands now."""
    with work.connect() as connection:
        row = connection.execute("select * from pw.effects where effect_id = %s", (effect_id,)).fetchone()
    assert row is not None
    return Effect(**row)


def _begin(work: Work, *, kind: str, key: str, payload_digest: str, seconds: float) -> Effect:
    """The effect: `intended` by us now, `done`, or `unknown` and to be settled first."""
    now = work.now()
    deadline = now + timedelta(seconds=seconds)
    with work.connect() as connection:
        leases.demand(connection, work.lease)
        connection.execute(
            """insert into pw.effects (key, item_id, kind, payload_digest, state, attempts, intended_at, deadline_at)
               values (%s, %s, %s, %s, 'not_done', 0, %s, %s) on conflict (key) do nothing""",
            (key, work.item.item_id, kind, payload_digest, now, deadline),
        )
        row = connection.execute("select * from pw.effects where key = %s for update", (key,)).fetchone()
        assert row is not None
        effect = Effect(**row)
        _refuse_duplicate(effect, work.item.item_id, payload_digest)
        if effect.state == "done":
            return effect
        if effect.state == "unknown":
            return effect
        if effect.state == "intended":
            assert effect.owner is not None
            over = effect.deadline_at + timedelta(seconds=work.settings.settle_seconds)
            if not is_gone(effect.owner) and (is_here(effect.owner) or now < over):
                raise Gate(
                    "settling",
                    f"Another run is at it: {kind} {key}.",
                    not_before=now + timedelta(seconds=max(1.0, work.settings.settle_seconds)),
                )
            return _write(
                connection,
                effect.effect_id,
                "unknown",
                by="ledger",
                text="The run that did it is gone.",
                now=now,
                ripe=_ripe(work),
            )
        return _intend(connection, work, effect, payload_digest=payload_digest, now=now, deadline=deadline)


def _refuse_duplicate(effect: Effect, item_id: int, payload_digest: str) -> None:
    if effect.item_id != item_id and effect.state != "not_done":
        raise Gate(
            "duplicate",
            f"The same was {'done' if effect.state == 'done' else 'begun'} for item {effect.item_id}: {effect.key}.",
            detail={"effect_id": effect.effect_id, "other_item": effect.item_id},
        )
    if effect.payload_digest != payload_digest and effect.state == "done":
        raise Gate(
            "duplicate",
            f"{effect.key} was done with another content than is wanted now.",
            detail={
                "effect_id": effect.effect_id, "content_then": effect.payload_digest, "content_now": payload_digest,
            },
        )  # fmt: skip


def _intend(
    connection: Connection, work: Work, effect: Effect, *, payload_digest: str, now: datetime, deadline: datetime
) -> Effect:
    if effect.item_id != work.item.item_id:
        # Nothing happened for the other item; the effect stays in its name, so this one may not take it over.
        raise Gate(
            "duplicate",
            f"Item {effect.item_id} wants the same and has not done it: {effect.key}. Stop one of the two.",
            detail={"effect_id": effect.effect_id, "other_item": effect.item_id},
        )
    row = connection.execute(
        """update pw.effects set state = 'intended', payload_digest = %s, attempts = attempts + 1, owner = %s,
             intended_at = %s, deadline_at = %s, run_id = %s, last_error = null
           where effect_id = %s returning *""",
        (payload_digest, work.lease.owner, now, deadline, work.run_id, effect.effect_id),
    ).fetchone()
    assert row is not None
    _record(connection, effect.effect_id, "intended", by="run", text=f"Attempt {row['attempts']}.", now=now, detail={})
    return Effect(**row)


def _close(
    work: Work, effect: Effect, state: str, *, by: str, text: str, done: Done | None = None, error: str | None = None
) -> Effect:
    with work.connect(patiently=True) as connection:
        ripe = _ripe(work) if state == "unknown" else None
        # What did not happen in one attempt says nothing of a later one, which another run may have begun meanwhile.
        of = None if state == "done" else effect
        return _write(
            connection, effect.effect_id, state, by=by, text=text, now=work.now(), done=done, error=error, ripe=ripe,
            of=of,
        )  # fmt: skip


def _ripe(work: Work) -> datetime:
    """From when on "not seen" counts: what was sent may still be on its way until then."""
    return work.now() + timedelta(seconds=work.settings.settle_seconds)


def _write(
    connection: Connection,
    effect_id: int,
    state: str,
    *,
    by: str,
    text: str,
    now: datetime,
    done: Done | None = None,
    error: str | None = None,
    ripe: datetime | None = None,
    of: Effect | None = None,
) -> Effect:
    """Moves an effect on, unless somebody settled it meanwhile; either way the row as it stands. of: only while it
    still stands as this says, in this very attempt."""
    row = connection.execute(
        """update pw.effects set state = %(state)s, owner = null,
             done_at = case when %(state)s = 'done' then %(now)s::timestamptz end,
             reference = coalesce(%(reference)s, reference), detail = detail || %(detail)s,
             last_error = %(error)s, deadline_at = coalesce(%(ripe)s, deadline_at)
           where effect_id = %(effect)s and state <> 'done'
             and (%(attempt)s::int is null or (attempts = %(attempt)s and state = %(before)s
                                               and owner is not distinct from %(owner)s))
           returning *""",
        {
            "attempt": of.attempts if of else None, "before": of.state if of else None,
            "owner": of.owner if of else None,
            "state": state, "now": now, "reference": done.reference if done else None,
            "detail": Jsonb(dict(done.detail) if done else {}), "error": error, "ripe": ripe, "effect": effect_id,
        },
    ).fetchone()  # fmt: skip
    if row is None:
        row = connection.execute("select * from pw.effects where effect_id = %s", (effect_id,)).fetchone()
        assert row is not None
        return Effect(**row)
    _record(connection, effect_id, state, by=by, text=text, now=now, detail=done.detail if done else {})
    return Effect(**row)


def _note(work: Work, effect: Effect, text: str) -> None:
    with work.connect() as connection:
        _record(connection, effect.effect_id, effect.state, by="probe", text=text, now=work.now(), detail={})


def _record(
    connection: Connection, effect_id: int, state: str, *, by: str, text: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    connection.execute(
        'insert into pw.effect_events (effect_id, at, state, "by", text, detail) values (%s, %s, %s, %s, %s, %s)',
        (effect_id, now, state, by, text, Jsonb(dict(detail))),
    )


def _kind_of(error: BaseException) -> str:
    """The kind of an error and, of our own ones, its sentence; a foreign text may quote what a customer wrote."""
    from pw_pipelines.errors import PwError

    return f"{type(error).__name__}: {error}" if isinstance(error, PwError) else type(error).__name__

"""What people of the firm do to an item, at the desk and by `pw orders`. Each deed leaves a row in pw.staff_actions.

Callers hold the transaction, and have checked that the person may. Nobody's word skips a stage: a deed opens a gate,
and the stage asks the books anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from pw_pipelines.fulfillment import effects, items
from pw_pipelines.fulfillment.answers import Given, give
from pw_pipelines.fulfillment.model import Connection, FulfillmentError, Gate
from pw_pipelines.fulfillment.packets import FilingByHand, demand_unfiled, record_filing
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.probes.books import accept

LONGEST_NOTE = 2_000
SAME_LOOK = timedelta(hours=1)  # whoever opened something looks at it for a while; it is one line in the log
HANDED_OVER_AT = ("challenge", "changed_page", "portal_closed", "error", "held", "review")
BEFORE_FILED = ("review", "file")


@dataclass(frozen=True)
class Settled:
    """What a person's word made of an effect: `done`, `not_done`, or `unknown` while a second word is wanted."""

    item_id: int
    state: str


def record(
    connection: Connection,
    *,
    by: str,
    what: str,
    now: datetime,
    item_id: int | None = None,
    order_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """One line of the log of deeds. `detail` carries no personal data and no secret."""
    connection.execute(
        'insert into pw.staff_actions (at, "by", what, item_id, order_id, detail) values (%s, %s, %s, %s, %s, %s)',
        (now, by, what, item_id, order_id, Jsonb(dict(detail or {}))),
    )


def record_page_opened(
    connection: Connection, *, by: str, page: str, now: datetime, order_id: int | None = None
) -> None:
    """One line for each person, page with personal data, order and hour."""
    connection.execute(
        """insert into pw.staff_actions (at, "by", what, order_id, detail)
           select %(now)s, %(by)s, 'opened', %(order)s, %(detail)s where not exists (
             select from pw.staff_actions where "by" = %(by)s and what = 'opened' and at > %(since)s
               and order_id is not distinct from %(order)s and detail ->> 'page' = %(page)s)""",
        {
            "now": now, "by": by, "order": order_id, "page": page, "detail": Jsonb({"page": page}),
            "since": now - SAME_LOOK,
        },
    )  # fmt: skip


def approve(connection: Connection, item_id: int, digest: str, *, by: str, note: str | None, now: datetime) -> None:
    """Approves the filled form with this digest, and no other; the item goes on.

    Raises FulfillmentError when the item does not wait for a review of this very form.
    """
    _reviewed(connection, item_id, digest, "approved", by=by, note=note, now=now)
    items.reopen(connection, item_id, gates=["review"], by=by, why="The filled form was approved.", now=now)


def send_back(connection: Connection, item_id: int, digest: str, *, by: str, note: str, now: datetime) -> None:
    """Returns the filled form with this digest: nothing is filed, the item is held until somebody mends what is wrong.

    Raises FulfillmentError without a note, or when the item does not wait for a review of this very form.
    """
    why = _said(note, "Say what is wrong with the form.")
    _reviewed(connection, item_id, digest, "returned", by=by, note=why, now=now)
    items.wait_at(
        connection, item_id, Gate("held", "The reviewer returned the form.", detail={"form_digest": digest}), by=by,
        run_id=None, now=now,
    )  # fmt: skip


def _reviewed(
    connection: Connection, item_id: int, digest: str, decision: str, *, by: str, note: str | None, now: datetime
) -> None:
    row = connection.execute(
        "select state, gate, gate_detail from pw.item_work where item_id = %s for update", (item_id,)
    ).fetchone()
    if row is None:
        raise FulfillmentError(f"There is no work for an item {item_id}.")
    if row["state"] != "waiting" or row["gate"] != "review":
        raise FulfillmentError(f"Item {item_id} does not wait for a review (any more).")
    if row["gate_detail"].get("form_digest") != digest:
        raise FulfillmentError(
            f"The form of item {item_id} is not the one you looked at: it was filled anew. Look at it again."
        )
    connection.execute(
        'insert into pw.approvals (item_id, form_digest, decision, "by", at, note) values (%s, %s, %s, %s, %s, %s)',
        (item_id, digest, decision, by, now, _short(note)),
    )
    items.record(
        connection,
        item_id,
        now,
        stage="review",
        what="decision",
        text=f"The form {digest[:12]}… was {decision}.",
        by=by,
    )
    record(connection, by=by, what=decision, item_id=item_id, now=now, detail={"form_digest": digest})


def hold(connection: Connection, item_id: int, *, by: str, why: str, now: datetime) -> None:
    """Stops an item for a person.

    Raises FulfillmentError as items.hold does, without a reason, and for an item that was handed over: a hold would
    hide that a person may be filing it at this moment, and a retry opens it.
    """
    why = _said(why, "Say why the item is held.")
    if _is_handed_over(connection, item_id):
        raise FulfillmentError(f"Item {item_id} was handed over to be filed by hand. Take it back first.")
    items.hold(connection, item_id, by=by, why=why, now=now)
    record(connection, by=by, what="held", item_id=item_id, now=now)


def retry(
    connection: Connection, item_id: int, *, by: str, now: datetime, why: str = "", stage: str | None = None
) -> None:
    """Makes a waiting item ready again, from `stage` on if one is given; raises as items.retry does.

    Raises FulfillmentError for an item that was handed over: a person may be filing it at this moment.
    """
    if _is_handed_over(connection, item_id):
        raise FulfillmentError(f"Item {item_id} was handed over to be filed by hand. Take it back first.")
    items.retry(connection, item_id, by=by, why=_short(why) or "Tried again.", now=now, stage=stage or None)
    record(connection, by=by, what="retried", item_id=item_id, now=now, detail={"stage": stage} if stage else None)


def resolve(
    connection: Connection,
    effect_id: int,
    *,
    happened: bool,
    by: str,
    note: str,
    reference: str | None,
    now: datetime,
) -> Settled:
    """A person's word on an unknown effect; the item that waits for it goes on.

    That a filing did not happen is said by two people: until the second does, it stays unknown.

    Raises FulfillmentError without a note, without a reference of what happened, or when it is not unknown any more.
    """
    why = _said(note, "Say how you know.")
    reference = (reference or "").strip() or None
    if happened and reference is None:
        raise FulfillmentError("What happened has a reference: the confirmation number, Message-ID or name. Give it.")
    row = connection.execute("select item_id, kind from pw.effects where effect_id = %s", (effect_id,)).fetchone()
    if (
        row is not None
        and row["kind"] == "filing"
        and not happened
        and not effects.first_word(connection, effect_id, by=by, note=why, now=now)
    ):
        detail = {"effect_id": effect_id, "happened": False}
        record(connection, by=by, what="first_word", item_id=row["item_id"], now=now, detail=detail)
        return Settled(row["item_id"], "unknown")
    effect = effects.settle_by_person(
        connection, effect_id, happened=happened, by=by, note=why, reference=reference, now=now
    )
    record(
        connection, by=by, what="settled", item_id=effect.item_id, now=now,
        detail={"effect_id": effect_id, "happened": happened, "reference": reference},
    )  # fmt: skip
    word = "It happened" if happened else "It did not happen"
    items.reopen(
        connection, effect.item_id, gates=["unknown_effect", "settling"], by=by, why=f"{word}: {effect.key}.", now=now
    )
    return Settled(effect.item_id, effect.state)


def details(
    connection: Connection, vault: Vault, item_id: int, values: Mapping[str, str], *, by: str, now: datetime
) -> Given:
    """Keeps details that staff learned of; the item goes on when nothing is missing. Raises as `give` does."""
    given = give(connection, vault, item_id, values, source="staff", by=by, now=now)
    record(connection, by=by, what="details", item_id=item_id, now=now, detail={"names": sorted(given.kept)})
    return given


def filed_by_hand(connection: Connection, item_id: int, filing: FilingByHand, *, by: str, now: datetime) -> None:
    """Books what a person filed with the prepared packet; the item goes on. Raises as `record_filing` does."""
    record_filing(connection, item_id, filing, by=by, now=now)
    record(
        connection, by=by, what="filed_by_hand", item_id=item_id, now=now,
        detail={"reference": filing.reference, "confirmation": filing.confirmation_digest},
    )  # fmt: skip
    items.reopen(connection, item_id, gates=["packet"], by=by, why="A person filed it.", now=now)


def hand_over(connection: Connection, item_id: int, *, by: str, why: str, now: datetime) -> None:
    """A person files by hand what a program can't get through (a challenge, a page that changed).

    Raises FulfillmentError when the item does not wait before its filing, or something of it is unknown or under way.
    """
    why = _said(why, "Say why a person files it.")
    row = connection.execute(
        "select stage, state, gate from pw.item_work where item_id = %s for update", (item_id,)
    ).fetchone()
    if (
        row is None
        or row["state"] != "waiting"
        or row["gate"] not in HANDED_OVER_AT
        or row["stage"] not in BEFORE_FILED
    ):
        raise FulfillmentError(f"Item {item_id} does not wait where it could be handed over.")
    demand_unfiled(connection, item_id)
    items.wait_at(
        connection, item_id, Gate("packet", f"A person files it by hand: {why}", detail={"handed_over": True}), by=by,
        run_id=None, now=now,
    )  # fmt: skip
    record(connection, by=by, what="handed_over", item_id=item_id, now=now)


def take_back(connection: Connection, item_id: int, *, by: str, why: str, now: datetime) -> None:
    """Nothing was filed by hand: the program goes on. Raises FulfillmentError when it was not handed over."""
    why = _said(why, "Say that nothing was filed by hand, and how you know.")
    if not _is_handed_over(connection, item_id):
        raise FulfillmentError(f"Item {item_id} was not handed over.")
    items.reopen(connection, item_id, gates=["packet"], by=by, why="It was taken back; nothing was filed.", now=now)
    record(connection, by=by, what="taken_back", item_id=item_id, now=now, detail={"why": why})


def _is_handed_over(connection: Connection, item_id: int) -> bool:
    row = connection.execute(
        "select gate, gate_detail from pw.item_work where item_id = %s for update", (item_id,)
    ).fetchone()
    return row is not None and row["gate"] == "packet" and bool(row["gate_detail"].get("handed_over"))


def passed_on(
    connection: Connection, item_id: int, *, gates: tuple[str, ...], by: str, why: str, now: datetime
) -> None:
    """Opens a gate after a person did what it asked for (a challenge solved, a page looked at).

    Raises FulfillmentError when the item does not wait there (any more).
    """
    why = _said(why, "Say what was done.")
    if not items.reopen(connection, item_id, gates=gates, by=by, why=why, now=now):
        raise FulfillmentError(f"Item {item_id} does not wait for this (any more).")
    record(connection, by=by, what="passed_on", item_id=item_id, now=now, detail={"gates": list(gates)})


def close_portal(connection: Connection, portal: str, *, by: str, why: str, now: datetime) -> None:
    """Nothing is filed on this portal until it is opened. Raises FulfillmentError without a reason."""
    why = _said(why, "Say why the portal is closed.")
    connection.execute(
        """insert into pw.filing_portals (portal, closed_at, closed_why, closed_by) values (%s, %s, %s, %s)
           on conflict (portal) do update set closed_at = excluded.closed_at, closed_why = excluded.closed_why,
             closed_by = excluded.closed_by""",
        (portal, now, why, by),
    )
    record(connection, by=by, what="portal_closed", now=now, detail={"portal": portal, "why": why})


def open_portal(connection: Connection, portal: str, *, by: str, why: str, now: datetime) -> int:
    """Filing on this portal goes on; returns how many items waited for it. Raises FulfillmentError without a reason.

    What stands where its selectors point is from now on what is meant there (probes.books.accept). If the last probe
    saw it changed, it is looked at anew before anything is filed, and closes again when something is still missing.
    """
    why = _said(why, "Say why the portal may be filed with again.")
    row = connection.execute("select * from pw.filing_portals where portal = %s for update", (portal,)).fetchone()
    if row is None or row["closed_at"] is None:
        raise FulfillmentError(f"The portal {portal} is not closed.")
    connection.execute(
        """update pw.filing_portals set closed_at = null, closed_why = null, closed_by = null, opened_at = %s,
             opened_by = %s, opened_why = %s where portal = %s""",
        (now, by, why, portal),
    )
    accepted = accept(connection, portal)
    detail = {"portal": portal, "why": why, "was_closed": row["closed_why"], "accepted": accepted}
    record(connection, by=by, what="portal_opened", now=now, detail=detail)
    gates = ["portal_closed", "changed_page"]
    waiting = connection.execute(
        "select item_id, w.service, for_state from pw.item_work w join pw.order_items using (item_id) "
        "where state = 'waiting' and gate = any(%s) order by item_id",
        (gates,),
    ).fetchall()
    return sum(
        items.reopen(connection, row["item_id"], gates=gates, by=by, why="The portal is open.", now=now)
        for row in waiting
        if (filing := playbook_of(row["service"], row["for_state"]).filing) and filing.portal == portal
    )


def _said(text: str, otherwise: str) -> str:
    text = _short(text) or ""
    if not text:
        raise FulfillmentError(otherwise)
    return text


def _short(text: str | None) -> str | None:
    """One person's words: no control characters, not endless; None when nothing was said."""
    said = "".join(letter for letter in text or "" if letter.isprintable() or letter == "\n").strip()
    return said[:LONGEST_NOTE] or None

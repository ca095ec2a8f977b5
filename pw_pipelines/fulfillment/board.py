"""What the desk and `pw orders` show: what waits for whom since when, one item with all that proves where it stands.

Reads only. Values of private facts are not read here; their names are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.fulfillment.items import read_item
from pw_pipelines.fulfillment.model import CLOCK_GATES, GATE_WORDS, STAGES, Connection, FulfillmentError, ItemView
from pw_pipelines.fulfillment.playbook import Playbook, playbook_of

Row = dict[str, Any]
PAGE = 50
# Whose turn it is at a gate.
WAITS_FOR: Mapping[str, str] = {
    "details": "customer", "signature": "customer", "review": "reviewer", "unknown_effect": "reviewer",
    **dict.fromkeys(CLOCK_GATES, "clock"),
    "challenge": "ops", "packet": "ops", "duplicate": "ops", "changed_page": "ops", "portal_closed": "ops",
    "order": "ops", "held": "ops", "error": "ops",
}  # fmt: skip
STAGE_WORDS: Mapping[str, str] = {
    "prepare": "Details gathered",
    "documents": "Documents drawn up",
    "signature": "Signed",
    "review": "Form reviewed",
    "file": "Filed",
    "confirm": "Arrival proved",
    "deliver": "Delivered",
    "book": "Booked, calendar set",
}
_WAITING = """
    select w.item_id, w.order_id, o.number as order_number, o.kind as order_kind, o.status as order_status,
           w.service, i.title, coalesce(i.frn, co.frn) as frn, i.for_state,
           coalesce(f.company_name, ca.company_name, b.company_name, co.carrier_name, c.company) as company_name,
           w.stage, w.state, w.gate, w.gate_why, w.gate_detail, coalesce(w.gate_since, w.changed_at) as since,
           w.not_before, w.due_on, w.attempts, w.last_error, w.run_id, w.generation,
           w.lease_owner is not null as is_worked
    from pw.item_work w join pw.order_items i using (item_id) join pw.orders o on o.order_id = w.order_id
    join pw.customers c using (customer_id)
    left join pw.compliance_orders co on co.order_id = o.order_id
    left join pw.formation_orders f on f.order_id = o.order_id
    left join pw.canada_crtc_orders ca on ca.order_id = o.order_id
    left join pw.bundle_orders b on b.order_id = o.order_id
"""

_CHECK = """
    select l.check_id, l.checked_at, l.channel, l.codes from pw.item_work w
    join pw.compliance_orders co using (order_id) join pw.compliance_check_log l using (check_id) where w.item_id = %s
"""


@dataclass(frozen=True)
class Filter:
    """What of the queue is wanted. gate: one kind. who: customer, reviewer, ops, clock. number: one order's."""

    gate: str | None = None
    who: str | None = None
    number: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class StageLine:
    """One stage of an item: done, now or later; when and with what words; what proves it (title, digest)."""

    stage: str
    title: str
    state: str
    at: datetime | None
    text: str
    proofs: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class ItemPage:
    """Everything the desk shows of one item."""

    item: ItemView
    row: Row
    playbook: Playbook
    stages: Sequence[StageLine]
    events: Sequence[Row]
    documents: Sequence[Row]
    requests: Sequence[Row]
    evidence: Sequence[Row]
    effects: Sequence[Row]
    approvals: Sequence[Row]
    answers: Sequence[Row]
    private: Sequence[Row]
    cures: Sequence[Row]
    actions: Sequence[Row] = field(default_factory=tuple)
    check: Row | None = None  # the compliance check that led to the order


def _where(wanted: Filter) -> tuple[str, dict[str, Any]]:
    said = ["w.state <> 'done'"]
    values: dict[str, Any] = {}
    if wanted.state:
        said = ["w.state = %(state)s"]
        values["state"] = wanted.state
    if wanted.gate:
        said.append("w.gate = %(gate)s")
        values["gate"] = wanted.gate
    if wanted.who:
        said.append("w.gate = any(%(gates)s)")
        values["gates"] = [gate for gate, who in WAITS_FOR.items() if who == wanted.who]
    if wanted.number:
        said = ["o.number = %(number)s"]
        values["number"] = wanted.number
    return " and ".join(said), values


def queue(connection: Connection, wanted: Filter | None = None, *, page: int = 0, size: int = PAGE) -> list[Row]:
    """Items that are not done, those that waited longest first."""
    condition, values = _where(wanted or Filter())
    return connection.execute(
        f"{_WAITING} where {condition} order by since, w.item_id limit %(size)s offset %(skip)s".encode(),
        {**values, "size": size, "skip": page * size},
    ).fetchall()


def counts(connection: Connection) -> dict[str, Any]:
    """How many items wait at each gate and since when the oldest does, most urgent people first."""
    rows = connection.execute(
        "select coalesce(gate, state) as gate, count(*)::int as items, min(coalesce(gate_since, changed_at)) as oldest "
        "from pw.item_work where state not in ('done', 'stopped') group by 1"
    ).fetchall()
    order = [*(gate for gate, who in WAITS_FOR.items() if who != "clock"), *CLOCK_GATES, "ready"]
    return {row["gate"]: row for row in sorted(rows, key=lambda row: order.index(row["gate"]))}


def unknown_effects(connection: Connection) -> list[Row]:
    """Effects nobody knows the outcome of, oldest first; and those whose run seems to be over."""
    return connection.execute(
        """select e.*, o.number as order_number, i.title from pw.effects e join pw.order_items i using (item_id)
           join pw.orders o using (order_id) join pw.item_work w on w.item_id = e.item_id
           where e.state = 'unknown' or (e.state = 'intended' and w.lease_owner is distinct from e.owner
                                         and not (w.state = 'ready' or coalesce(w.gate, '') = any(%s)))
           order by e.intended_at, e.effect_id limit 500""",
        (list(CLOCK_GATES),),
    ).fetchall()


def effect_with_events(connection: Connection, effect_id: int) -> tuple[Row, list[Row], list[Row]]:
    """One effect, its life, and the evidence that was kept for it. Raises FulfillmentError when there is none."""
    row = connection.execute(
        """select e.*, o.number as order_number, i.title from pw.effects e join pw.order_items i using (item_id)
           join pw.orders o using (order_id) where e.effect_id = %s""",
        (effect_id,),
    ).fetchone()
    if row is None:
        raise FulfillmentError(f"There is no effect {effect_id}.")
    events = connection.execute("select * from pw.effect_events where effect_id = %s order by event_id", (effect_id,))
    evidence = connection.execute(
        "select * from pw.evidence where item_id = %s and (effect_id = %s or effect_id is null) "
        "order by evidence_id desc limit 50",
        (row["item_id"], effect_id),
    )
    return row, events.fetchall(), evidence.fetchall()


def item_page(connection: Connection, item_id: int) -> ItemPage:
    """One item. Raises FulfillmentError when there is none."""
    item = read_item(connection, item_id)

    def rows(query: str) -> list[Row]:
        return list(connection.execute(query.encode(), (item_id,)).fetchall())

    (row,) = rows(f"{_WAITING} where w.item_id = %s")
    events = rows("select * from pw.item_events where item_id = %s order by event_id desc limit 300")
    documents = rows(
        "select * from pw.item_documents where item_id = %s order by withdrawn_at nulls first, template, edition desc"
    )
    evidence = rows("select * from pw.evidence where item_id = %s order by evidence_id desc limit 300")
    effects = rows("select * from pw.effects where item_id = %s order by effect_id")
    approvals = rows("select * from pw.approvals where item_id = %s order by approval_id desc")
    requests = rows(
        "select request_id, purpose, state, attempts_left, created_at, expires_at, signed_at, closed_why, "
        "reminders_sent, documents from pw.signature_requests where item_id = %s order by request_id desc"
    )
    cures = rows("select * from pw.cures where item_id = %s order by code")
    playbook = playbook_of(item.service, item.for_state)
    proofs = _proofs(documents, evidence, effects, approvals)
    return ItemPage(
        item=item, row=row, playbook=playbook, stages=_stages(item, playbook, events, proofs), events=events,
        documents=documents, requests=requests, evidence=evidence, effects=effects, approvals=approvals,
        answers=rows("select * from pw.item_answers where item_id = %s order by name"),
        private=rows(
            "select name, given_at, erase_on, erased_at from pw.private_values where item_id = %s order by name"
        ),
        cures=cures,
        actions=rows("select * from pw.staff_actions where item_id = %s order by action_id desc limit 100"),
        check=next(iter(rows(_CHECK)), None),
    )  # fmt: skip


def _stages(
    item: ItemView, playbook: Playbook, events: Sequence[Row], proofs: Mapping[str, list[tuple[str, str]]]
) -> list[StageLine]:
    ended: dict[str, Row] = {}
    for event in reversed(events):
        if event["what"] == "stage_done":
            ended[event["stage"]] = event
    here = len(STAGES) if item.stage == "done" else STAGES.index(item.stage)
    lines = []
    for stage in playbook.stages:
        place = STAGES.index(stage)
        state = "done" if place < here else "now" if place == here else "later"
        done = ended.get(stage) if state == "done" else None
        text = str(done["text"]) if done else ""
        lines.append(
            StageLine(
                stage, STAGE_WORDS[stage], state, done["at"] if done else None, text,
                tuple(proofs.get(stage, ())) if state != "later" else (),
            )
        )  # fmt: skip
    return lines


def _proofs(
    documents: Sequence[Row], evidence: Sequence[Row], effects: Sequence[Row], approvals: Sequence[Row]
) -> dict[str, list[tuple[str, str]]]:
    """What proves each stage: (title, digest or reference)."""
    current = [one for one in documents if one["withdrawn_at"] is None]
    found: dict[str, list[tuple[str, str]]] = {
        "documents": [(one["title"], one["pdf_digest"]) for one in current],
        "signature": [(f"{one['title']}, signed", one["signed_digest"]) for one in current if one["signed_digest"]],
        "review": [
            (f"Approved by {one['by']}", one["form_digest"]) for one in approvals if one["decision"] == "approved"
        ][:1],
    }
    for one in effects:
        if one["state"] == "done":
            stage = stage_of_effect(one["kind"])
            found.setdefault(stage, []).append((one["kind"].replace("_", " "), one["reference"] or "done"))
    for one in evidence:
        if one["kind"] in ("confirmation", "mail") and one["stage"] in STAGES:
            found.setdefault(one["stage"], []).append((one["title"], one["digest"]))
    return found


def stage_of_effect(kind: str) -> str:
    """Where an effect of this kind belongs: filings to `file`, invoices to `book`, mails to what they carry."""
    if kind.startswith(("filing", "order")):
        return "file"
    if kind.startswith(("invoice", "payment", "sales", "erpnext")):
        return "book"
    if "sign" in kind:
        return "signature"
    return "deliver"


def question_of(name: str) -> str:
    """The question a fact answers; its bare name where facts.yaml has none."""
    fact = facts().get(name)
    return fact.ask if fact else name


def words_of(gate: str | None) -> str:
    """What a gate waits for, in a sentence."""
    return GATE_WORDS.get(gate or "", "")

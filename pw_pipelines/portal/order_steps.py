"""An order's items in the customer's words: what was done, what proves it, what is asked of them.

Nothing of the firm's inside: no gate's own text, no name of staff, nothing personal of the signer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from pw_pipelines.clock import EASTERN
from pw_pipelines.compliance.rules import rules
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.model import STAGES, Connection, ItemView
from pw_pipelines.fulfillment.playbook import Playbook, playbook_of
from pw_pipelines.fulfillment.resending import may_resend
from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.portal.order_summary import Stand

Row = Mapping[str, Any]
SHOWN = {"application/pdf", "image/png"}
# What a gate means for the customer. None of them says what a person of the firm wrote.
WAITS: Mapping[str, str] = {
    "details": "We need some details from you before we can go on.",
    "signature": "The documents wait for their signature. The link went to the signer’s own email address.",
    "review": "We check the filled form before it is sent.",
    "hours": "The agency’s site is closed at this hour; it is filed when it opens.",
    "pacing": "It is filed in its turn.",
    "settling": "We are making sure that the agency has it.",
    "packet": "A person of ours files this by hand.",
    "order": "Nothing goes on until a person of ours has looked at the order.",
}
OTHERWISE = "A person of ours is looking after it. You need not do anything."
WITH_THE_AGENCY = ("hours", "pacing", "settling", "cure_window")
LOOKED_AT_BY_A_PERSON = ("held", "error", "order", "duplicate", "unknown_effect", "challenge", "changed_page")
CURE = {
    "cured": "the public record shows it mended",
    "still_there": "the public record does not show it yet; a person of ours looks into it",
    "not_visible": "nothing public shows this, so nothing can be read back",
}


# What the delivery's mail carried, or left for this page because it was too large.
_DELIVERED = """
    select coalesce(d.title, v.title) as title, p ->> 'digest' as digest,
           coalesce(v.media_type, 'application/pdf') as media_type
    from pw.effects e join pw.item_work w using (item_id)
    cross join jsonb_array_elements(case when jsonb_typeof(e.detail -> 'delivered') = 'array'
                                    then e.detail -> 'delivered' else '[]' end) p
    left join lateral (select title from pw.item_documents o where o.item_id = e.item_id
                       and p ->> 'digest' in (o.pdf_digest, o.signed_digest) limit 1) d on true
    left join lateral (select title, media_type from pw.evidence o where o.item_id = e.item_id and d.title is null
                       and o.digest = p ->> 'digest' limit 1) v on true
    where w.order_id = %s and e.kind = 'delivery_mail' and e.state = 'done'
      and coalesce(d.title, v.title) is not null
    order by e.effect_id
"""


@dataclass(frozen=True)
class Paper:
    """Something the customer may download, by its digest."""

    title: str
    digest: str
    media_type: str = "application/pdf"


@dataclass(frozen=True)
class ItemStep:
    """One step of an item: done at, now, or not yet; what proves it, in words and as papers."""

    title: str
    state: str  # done | now | later
    at: datetime | None = None
    text: str = ""
    papers: Sequence[Paper] = ()


@dataclass(frozen=True)
class ItemState:
    """One item as its customer sees it. asks: details, signature, or "". wait_first: why no link is sent now."""

    item_id: int
    title: str
    subject: str
    due_on: date | None
    words: str
    asks: str
    wait_first: str | None
    stand: Stand = "us"
    steps: Sequence[ItemStep] = field(default_factory=tuple)


def item_states(connection: Connection, order_id: int, *, now: datetime) -> list[ItemState]:
    """Every item of a paid order, in the order's own order."""
    return [_state(connection, item, now) for item in items.items_of(connection, order_id)]


def stands_of(connection: Connection, order_id: int) -> list[Stand]:
    """Where each item of a paid order stands."""
    return [_stand(item) for item in items.items_of(connection, order_id)]


def papers_of(connection: Connection, order_id: int) -> dict[str, Paper]:
    """What the customer of an order may download, by digest: what they signed, and what was delivered to them."""
    signed = connection.execute(
        """select d.title, d.signed_digest as digest, 'application/pdf' as media_type from pw.item_documents d
           join pw.item_work w using (item_id)
           where w.order_id = %s and d.signed_digest is not null and d.withdrawn_at is null order by d.document_id""",
        (order_id,),
    ).fetchall()
    delivered = connection.execute(_DELIVERED, (order_id,)).fetchall()
    found: dict[str, Paper] = {}
    for row in [*signed, *delivered]:
        if row["media_type"] in SHOWN:
            found.setdefault(row["digest"], Paper(row["title"], row["digest"], row["media_type"]))
    return found


def _state(connection: Connection, item: ItemView, now: datetime) -> ItemState:
    playbook = playbook_of(item.service, item.for_state)
    asks = item.gate if item.state == "waiting" and item.gate in ("details", "signature") else ""
    return ItemState(
        item_id=item.item_id,
        title=item.title,
        subject=item.subject if item.frn or item.for_state else "",
        due_on=item.due_on if item.state not in ("done", "stopped") else None,
        words=_words(item),
        asks=asks or "",
        wait_first=may_resend(connection, item.item_id, now=now) if asks == "signature" else None,
        steps=_steps(connection, item, playbook, now),
        stand=_stand(item),
    )


def _stand(item: ItemView) -> Stand:
    if item.state in ("done", "stopped"):
        return "done" if item.state == "done" else "ended"
    if item.state == "waiting" and item.gate in ("details", "signature"):
        return "details" if item.gate == "details" else "signature"
    if item.gate in WITH_THE_AGENCY or (item.stage == "confirm" and item.gate in (None, "retry")):
        return "agency"
    return "person" if item.gate in LOOKED_AT_BY_A_PERSON else "us"


def _words(item: ItemView) -> str:
    if item.state == "done":
        return "Done."
    if item.state == "stopped":
        return "The order ended; nothing more is done."
    if item.state == "ready" or item.gate == "retry":
        return "Being worked on."
    if item.gate == "cure_window":
        return "We read the public record again when its next copy is out."
    return WAITS.get(item.gate or "", OTHERWISE)


def _steps(connection: Connection, item: ItemView, playbook: Playbook, now: datetime) -> list[ItemStep]:
    def rows(query: str) -> list[dict[str, Any]]:
        return connection.execute(query.encode(), (item.item_id,)).fetchall()

    ended = {
        row["stage"]: row["at"]
        for row in rows(
            "select stage, max(at) as at from pw.item_events where item_id = %s and what = 'stage_done' group by stage"
        )
    }
    documents = rows(
        "select title, signed_digest from pw.item_documents where item_id = %s and withdrawn_at is null "
        "order by document_id"
    )
    filed = rows(
        "select reference, done_at from pw.effects where item_id = %s and kind in ('filing', 'filing_by_hand') "
        "and state = 'done' order by (kind = 'filing') desc, effect_id desc limit 1"
    )
    cures = rows("select code, state, looked_at, settled_at from pw.cures where item_id = %s order by code")
    here = len(STAGES) if item.stage == "done" else STAGES.index(item.stage)

    def step(stage: str, title: str, text: str = "", papers: Sequence[Paper] = ()) -> ItemStep:
        place = STAGES.index(stage)
        state = "done" if place < here else "now" if place == here else "later"
        return ItemStep(title, state, ended.get(stage) if state == "done" else None, text, papers)

    steps = [step("prepare", "Details complete")]
    if "documents" in playbook.stages:
        steps.append(step("documents", "Documents drawn up", ", ".join(one["title"] for one in documents)))
    if "signature" in playbook.stages:
        papers = [Paper(one["title"], one["signed_digest"]) for one in documents if one["signed_digest"]]
        steps.append(step("signature", "Signed", "", papers))
    if "file" in playbook.stages:
        steps.append(_filed(step, playbook, filed))
    steps.append(step("deliver", "Delivered to you"))
    for cure in cures:
        rule = rules().get(cure["code"])
        title = f"Public record: {rule.title if rule else cure['code']}"
        state = "done" if cure["state"] == "cured" else "later"
        text = _next_look(cure["looked_at"], now) if cure["state"] == "waiting" else CURE[cure["state"]]
        steps.append(ItemStep(title, state, cure["settled_at"] if state == "done" else None, text))
    return _one_now(steps)


def _next_look(looked_at: datetime | None, now: datetime) -> str:
    """Why it does not show yet, and when the record is read next: with each morning's copies of the lists."""
    morning = AUTOMATIC["acquire_daily"].at
    assert morning is not None, "acquisition is a schedule"
    local = now.astimezone(EASTERN)
    day = local.date() if local.time() < morning else local.date() + timedelta(days=1)
    seen = f"It did not show on {_day(looked_at.astimezone(EASTERN).date())}. " if looked_at else ""
    return (
        f"{seen}The agency’s public lists show a filing days after it was made, sometimes weeks. We read them anew "
        f"every morning, next on {_day(day)}; once it shows, it says so here. You need not do anything."
    )


def _day(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"


def _filed(step: Any, playbook: Playbook, filed: Sequence[Row]) -> ItemStep:
    text, at = "", None
    if filed:
        text, at = f"Confirmation number {filed[0]['reference']}" if filed[0]["reference"] else "", filed[0]["done_at"]
    elif playbook.procedure == "packet":
        text = "A person of ours files it, with the documents prepared."
    # Filed is filed once the agency's own confirmation was read back, where there is one to read.
    made: ItemStep = step("confirm" if "confirm" in playbook.stages else "file", "Filed", text)
    return ItemStep(made.title, made.state, at if made.state == "done" else None, made.text)


def _one_now(steps: list[ItemStep]) -> list[ItemStep]:
    """Exactly one step is the one under way: the first that is not done, for stages the customer is not shown too."""
    found, marked = [], False
    for step in steps:
        state = step.state
        if state != "done":
            state, marked = ("later" if marked or step.title.startswith("Public record") else "now"), True
        found.append(ItemStep(step.title, state, step.at, step.text, step.papers))
    return found

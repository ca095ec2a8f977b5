"""/desk: what waits for whom since when, and one item with everything that shows where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import answers, board, deeds, duplicates
from pw_pipelines.fulfillment.facts import Fact, fact_of, facts
from pw_pipelines.fulfillment.model import STAGES, FulfillmentError
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.portal import desk_order
from pw_pipelines.portal.desk_pages import HOME, ItemId, Sent, SiteHere, books, page, refused, sent_by
from pw_pipelines.portal.desk_session import Session, may
from pw_pipelines.portal.site import Site

router = APIRouter(include_in_schema=False)
router.include_router(desk_order.router)
Reader = Annotated[Session, Depends(may("read"))]
WHO = {"reviewer": "Reviewer", "ops": "Ops", "customer": "Customer", "clock": "A clock"}
REASON = re.compile(r"decline_reason_\d+", re.ASCII)  # where the vault keeps why a signer declined
RUN_STATES = {"ready": "Ready for a run", "stopped": "Order ended"}


@dataclass(frozen=True)
class Question:
    """One detail of an item as its form asks it. value: what is known; of a private one only that it is."""

    fact: Fact
    value: str
    is_known: bool
    is_missing: bool


def questions_of(item_page: board.ItemPage, missing: tuple[str, ...]) -> list[Question]:
    """Every detail the item's playbook names, what is missing first."""
    known = {row["name"]: row["value"] for row in item_page.answers}
    private = {row["name"] for row in item_page.private if row["erased_at"] is None}
    names: list[str] = [*item_page.playbook.facts]
    if item_page.item.gate == "held":
        names += sorted(answers.STAFF_ONLY - {duplicates.FACT})  # that one is a decision, with its own form
    found = []
    for name in names:
        fact = fact_of(name)
        value = "" if fact.private else known.get(name, "")
        is_known = name in private if fact.private else bool(value)
        found.append(Question(fact, value, is_known, name in missing))
    return sorted(found, key=lambda one: not one.is_missing)


def is_readable(name: str) -> bool:
    """Whether a sealed value says something to a person: a fact, or a signer's reason; no key, no state, no record."""
    return name in facts() or REASON.fullmatch(name) is not None


def question_of_private(name: str) -> str:
    """What a sealed value is, in words."""
    return "Why the signer declined" if REASON.fullmatch(name) else board.question_of(name)


def hours_since(since: datetime, now: datetime) -> float:
    """For the template's `age`."""
    return max(0.0, (now - since).total_seconds() / 3600)


@router.get(HOME)
def queue(  # noqa: PLR0917 - each is a field of the address
    request: Request,
    site: SiteHere,
    session: Reader,
    gate: str = "",
    who: str = "",
    number: str = "",
    place: Annotated[int, Query(alias="page", ge=0, le=1000)] = 0,
) -> Response:
    """The queue, those that waited longest first. A number that was looked for leads to its order, whatever became of
    it."""
    asked = number.strip().upper()
    wanted = board.Filter(
        gate=gate if gate in board.WAITS_FOR else None,
        who=who if who in WHO else None,
        state="ready" if gate == "ready" else None,
    )
    with books(site) as connection:
        if asked and desk_order.is_there(connection, asked):
            return RedirectResponse(f"{HOME}/orders/{asked}", 303)
        rows = board.queue(connection, wanted, page=place, size=board.PAGE + 1)
        counts = board.counts(connection)
        unknown = len(board.unknown_effects(connection))
    return page(
        request, site, session, "desk_queue.html", rows=[] if asked else rows[: board.PAGE], counts=counts,
        unknown=unknown, wanted=wanted, asked=number[:40], who=WHO, waits_for=board.WAITS_FOR, words=board.words_of,
        more=len(rows) > board.PAGE and not asked, place=place, hours=hours_since, states=RUN_STATES,
    )  # fmt: skip


@router.get(HOME + "/items/{item_id}")
def item(item_id: ItemId, request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """One item."""
    return show_item(item_id, request, site, session)


def show_item(
    item_id: int, request: Request, site: Site, session: Session, *, revealed: dict[str, str] | None = None
) -> HTMLResponse:
    """The item's page. `revealed`: a personal value that was just asked for, with its reason."""
    with books(site) as connection:
        shown = board.item_page(connection, item_id)
        missing = answers.missing_of(connection, Vault(site.settings), item_id)
        siblings = board.queue(connection, board.Filter(number=shown.item.order_number))
    here = shown.item.stage
    readable = [
        (row["name"], question_of_private(row["name"]))
        for row in shown.private
        if row["erased_at"] is None and is_readable(row["name"])
    ]
    return page(
        request, site, session, "desk_item.html", shown=shown, item=shown.item, row=shown.row,
        questions=questions_of(shown, missing), missing=missing, siblings=siblings, words=board.words_of,
        question_of=question_of_private, readable=readable, waits_for=board.WAITS_FOR, who=WHO, revealed=revealed,
        hours=hours_since,
        form_digest=str(shown.row["gate_detail"].get("form_digest") or ""),
        stages=STAGES[: STAGES.index(here) + 1] if here != "done" else (),
        can_hand_over=shown.row["gate"] in deeds.HANDED_OVER_AT and here in deeds.BEFORE_FILED
        and shown.playbook.filing is not None,
        is_open=shown.item.state not in ("done", "stopped"), is_before_filing=here not in answers.AFTER_FILING,
        detail=plain_detail(shown.row["gate_detail"]), states=RUN_STATES,
    )  # fmt: skip


def plain_detail(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """What a gate says of itself, as words; lists with commas."""
    found = []
    for name, value in detail.items():
        text = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
        if text:
            found.append((name.replace("_", " "), text[:1000]))
    return found


@router.post(HOME + "/items/{item_id}/private", response_model=None)
def reveal(
    item_id: ItemId, request: Request, site: SiteHere, sent: Annotated[Sent, Depends(sent_by("private"))]
) -> HTMLResponse:
    """Shows one personal value, once, to whoever says why; the reading and its reason are logged."""
    name, why = sent.get("name"), sent.get("why").strip()[:300]
    back = f"{HOME}/items/{item_id}"
    if not is_readable(name):
        error = UsageError("This is kept for the program alone and says nothing to a person.")
        return refused(request, site, sent.session, error, back)
    if len(why) < 5:
        error = UsageError("Say why you need it; the reason is kept.")
        return refused(request, site, sent.session, error, back)
    try:
        with site.db.connect() as connection:
            value = Vault(site.settings).get(connection, item_id, name, by=sent.by, why=why, now=site.clock.now())
    except FulfillmentError as error:
        return refused(request, site, sent.session, error, back)
    if value is None:
        return refused(request, site, sent.session, UsageError("There is no such value (any more)."), back)
    return show_item(item_id, request, site, sent.session, revealed={"name": name, "value": value})

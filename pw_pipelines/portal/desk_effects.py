"""Effects nobody knows the outcome of: shown with what is known of them, and settled by a person's word."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import board, deeds
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.portal.desk import hours_since
from pw_pipelines.portal.desk_pages import HOME, ItemId, Sent, SiteHere, books, done, page, sent_by
from pw_pipelines.portal.desk_session import Session, may

router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(may("read"))]


@router.get(HOME + "/effects")
def effects(request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """Unknown effects, oldest first."""
    with books(site) as connection:
        rows = board.unknown_effects(connection)
    return page(request, site, session, "desk_effects.html", rows=rows, hours=hours_since)


@router.get(HOME + "/effects/{effect_id}")
def effect(effect_id: ItemId, request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """One effect: what was asked, what was answered, the evidence, and two buttons while it is unknown."""
    with books(site) as connection:
        row, events, evidence = board.effect_with_events(connection, effect_id)
    return page(
        request, site, session, "desk_effect.html", effect=row, events=events, evidence=evidence, hours=hours_since,
        can_settle=row["state"] in ("unknown", "intended"),
    )  # fmt: skip


@router.post(HOME + "/effects/{effect_id}", response_model=None)
def settle(
    effect_id: ItemId, request: Request, site: SiteHere, sent: Annotated[Sent, Depends(sent_by("review"))]
) -> Any:
    """A person's word: it happened, or it did not."""

    def deed(connection: Connection) -> str:
        if sent.get("do") not in ("happened", "not_happened"):
            raise UsageError("Press one of the two buttons.")
        settled = deeds.resolve(
            connection, effect_id, happened=sent.get("do") == "happened", by=sent.by, note=sent.get("note"),
            reference=sent.get("reference") or None, now=site.clock.now(),
        )  # fmt: skip
        return "second_word" if settled.state == "unknown" else "settled"

    return done(request, site, sent, deed, to=f"{HOME}/effects/{effect_id}")

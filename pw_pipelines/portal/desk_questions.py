"""Questions at the desk: everything that waits for a person's answer, and books that are held, each with its deed."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.commerce import questions
from pw_pipelines.commerce.order_view import NUMBER
from pw_pipelines.fulfillment import deeds
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.portal.desk import hours_since
from pw_pipelines.portal.desk_pages import HOME, ItemId, Sent, SiteHere, books, done, page, sent_by
from pw_pipelines.portal.desk_session import Session, may
from pw_pipelines.portal.problems import NotFound

router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(may("read"))]
Worker = Annotated[Sent, Depends(sent_by("work"))]
PATH = HOME + "/questions"
_NAMES = {"frn": "FRN", "about": "About them"}


@router.get(PATH)
def list_questions(request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """Open questions and held books, oldest first. Whom to answer, and what they wrote, is for those who may open
    documents; that they saw it is in the log."""
    names_people = session.user.may("open")
    with books(site) as connection:
        rows = questions.open_questions(connection)
        held = questions.held_books(connection)
        closed = questions.closed_lately(connection)
        if names_people and any(one.contact or one.is_theirs for one in rows):
            deeds.record_page_opened(connection, by=session.user.name, page="questions", now=site.clock.now())
    return page(
        request, site, session, "desk_questions.html", rows=rows, held=held, closed=closed, hours=hours_since,
        names_people=names_people, told=told, most=questions.MOST,
    )  # fmt: skip


@router.post(PATH + "/{flag_id}", response_model=None)
def close(flag_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """A person did what it asked for, and says what."""

    def deed(connection: Connection) -> str:
        questions.close(connection, flag_id, why=sent.get("why"), by=sent.by, now=site.clock.now())
        return "settled"

    return done(request, site, sent, deed, to=PATH)


@router.post(PATH + "/books/{number}", response_model=None)
def look_again(number: str, request: Request, site: SiteHere, sent: Worker) -> Any:
    """What held an order's books was mended; ERPNext is asked again."""
    if not NUMBER.fullmatch(number):
        raise NotFound("There is no such order.")

    def deed(connection: Connection) -> str:
        questions.look_again(connection, number, why=sent.get("why"), by=sent.by, now=site.clock.now())
        return "retried"

    return done(request, site, sent, deed, to=PATH)


def told(text: str) -> list[tuple[str, str]]:
    """What a form of ours kept as JSON, as names and values; any other text is one value without a name."""
    try:
        said = json.loads(text)
    except ValueError:
        return [("", text)]
    if not isinstance(said, dict):
        return [("", text)]
    return [
        (_NAMES.get(name) or name.replace("_", " ").capitalize(), words)
        for name, value in said.items()
        if (words := _words(value))
    ]


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {words}" for name, one in value.items() if (words := _words(one)))
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    return "" if value is None else str(value)

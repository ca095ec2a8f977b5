"""/tools/name-search: is this name available? A page that works without scripts and on a phone."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, cast

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.errors import UsageError
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.portal import words
from pw_pipelines.portal.check_page import CHECKOUT
from pw_pipelines.portal.checkout_form import FORMED
from pw_pipelines.portal.site import Site, address, site_of
from pw_pipelines.portal.states_api import told_here
from pw_pipelines.registry.answer import answers
from pw_pipelines.registry.model import EntityForm, NameVerdict
from pw_pipelines.registry.wording import how_alike, status_in_words

PATH = "/tools/name-search"
TONE = {"taken": "alert", "clear": "good", "a person must look": "warn"}
VERDICT_WORDS = {"taken": "taken", "clear": "clear on our data", "a person must look": "a person must look"}
FORMS: dict[str, str] = {"llc": "Limited liability company", "corporation": "Corporation"}
LONGEST = 300
FORMATION = "formation_basic"
FEW = 5  # up to so many states each answer is told in full; more are a table, the rest of each folded in its row
_ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
router = APIRouter(include_in_schema=False)


@router.api_route(PATH, methods=["GET", "HEAD"])
async def names_page(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    name: Annotated[str, Query()] = "",
    form: Annotated[str, Query()] = "llc",
) -> HTMLResponse:
    """The empty form, or the answers for `name` in every `state` that is ticked, by the states' names."""
    chosen = [code for code in request.query_params.getlist("state") if code]
    context: dict[str, Any] = {
        "path": PATH, "name": name[:LONGEST], "form": form, "forms": FORMS, "chosen": {code.upper() for code in chosen},
        "states": sorted(book().values(), key=lambda one: one.name), "answers": [], "error": "", "wrong": "",
        "tone": TONE, "few": FEW, "how": how_alike, "status_words": status_in_words, "in_days": in_days, "told": told,
        "verdict_words": VERDICT_WORDS, "order_link": partial(order_link, name, form), "formed": FORMED.get(form, ""),
        "held": {one.code for one in book().values() if one.data_source.sources},
    }  # fmt: skip
    if not name.strip() and not chosen:
        return site.page("names.html", **context)
    try:
        context["answers"] = await _answers(site, name, chosen, form)
    except UsageError as error:
        wrong = {"error": str(error), "wrong": error.field or "name"}
        return site.page("names.html", status=HTTPStatus.BAD_REQUEST, **{**context, **wrong})
    return site.page("names.html", **context)


def order_link(name: str, form: str, state: str) -> str:
    """From a name that is clear to having the company formed under it."""
    company = " ".join(name.split())[:200]
    return address(CHECKOUT, {"services": FORMATION, "state": state, "company": company, "form": form})


def told(answer: NameVerdict) -> list[str]:
    """The reasons as the page says them: the official search is linked beside them, not spelt out once more."""
    return [in_days(reason.replace(f" Look at {answer.look}.", "")) for reason in answer.reasons]


def in_days(text: str) -> str:
    """A sentence with its days as the other pages write them: 2026-11-22 as Nov 22, 2026."""
    return _ISO_DAY.sub(_as_day, text)


def _as_day(found: re.Match[str]) -> str:
    try:
        return words.day(date.fromisoformat(found.group()))
    except ValueError:  # figures that are no day, in a name perhaps
        return found.group()


async def _answers(site: Site, name: str, chosen: list[str], form: str) -> list[NameVerdict]:
    if len(name) > LONGEST:
        raise UsageError(f"A name of {len(name):,} characters; no state takes more than {LONGEST}.", field="name")
    if not name.strip():
        raise UsageError("Give a name.", field="name")
    if form not in FORMS:
        raise UsageError(
            f"{form[:40]!r} is no form that can be chosen here; choose a company or a corporation.", field="form"
        )
    if not chosen:
        raise UsageError("No state is chosen. Choose at least one.", field="state")
    found = await to_thread.run_sync(
        partial(
            answers,
            site.db,
            chosen,
            name,
            today=site.clock.today(),
            form=cast("EntityForm", form),
            ask_portal=told_here(site),
        ),
        limiter=site.quick,
    )
    return sorted(found, key=lambda one: book()[one.state].name)

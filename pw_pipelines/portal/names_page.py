"""/tools/name-search: may this name be had? A page that works without scripts and on a phone."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, cast

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.errors import UsageError
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.portal.site import Site, site_of
from pw_pipelines.registry.answer import answers
from pw_pipelines.registry.model import EntityForm, NameVerdict

PATH = "/tools/name-search"
TONE = {"taken": "alert", "clear": "good", "a person must look": "warn"}
FORMS: dict[str, str] = {"llc": "Limited liability company", "corporation": "Corporation"}
LONGEST = 300
router = APIRouter(include_in_schema=False)


@router.api_route(PATH, methods=["GET", "HEAD"])
async def names_page(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    name: Annotated[str, Query()] = "",
    form: Annotated[str, Query()] = "llc",
) -> HTMLResponse:
    """The empty form, or the answers for `name` in every `state` that is ticked."""
    chosen = [code for code in request.query_params.getlist("state") if code]
    context: dict[str, Any] = {
        "path": PATH, "name": name[:LONGEST], "form": form, "forms": FORMS, "chosen": {code.upper() for code in chosen},
        "states": sorted(book().values(), key=lambda one: one.name), "answers": [], "error": "", "tone": TONE,
    }  # fmt: skip
    if not name.strip() and not chosen:
        return site.page("names.html", **context)
    try:
        context["answers"] = await _answers(site, name, chosen, form)
    except UsageError as error:
        return site.page("names.html", status=HTTPStatus.BAD_REQUEST, **{**context, "error": str(error)})
    return site.page("names.html", **context)


async def _answers(site: Site, name: str, chosen: list[str], form: str) -> list[NameVerdict]:
    if len(name) > LONGEST:
        raise UsageError(f"A name of {len(name):,} characters; no state takes more than {LONGEST}.")
    if form not in FORMS:
        raise UsageError(f"{form[:40]!r} is no form that can be chosen here; choose a company or a corporation.")
    if not chosen:
        raise UsageError("No state is chosen. Choose at least one.")
    return await to_thread.run_sync(
        partial(answers, site.db, chosen, name, today=site.clock.today(), form=cast("EntityForm", form)),
        limiter=site.quick,
    )

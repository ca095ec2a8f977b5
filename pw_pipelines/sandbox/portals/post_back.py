"""A register's search as ASP.NET Web Forms made it (Wyoming's): one form posted back to itself, its state in the page.

The view state is signed and carries question and page; a post without the one it was given is refused, as the real
ones do. The list is cut at `MOST`, and says so.
"""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pw_pipelines.sandbox.portals.companies import Listed, find
from pw_pipelines.sandbox.portals.mood import Moods, moody, page
from pw_pipelines.sandbox.view_state import digest, opened, seal

PAGE = 20
MOST = 400
_TYPES = {"llc": "Limited Liability Company - Domestic", "corporation": "Profit Corporation - Domestic",
          "nonprofit": "NonProfit Corporation - Domestic", "partnership": "Limited Partnership - Domestic"}  # fmt: skip
_ENDED = ("Inactive - Administratively Dissolved (Tax)", "Inactive - Dissolved", "Inactive - Withdrawn")
NEXT = "ctl00$MainContent$lbtnNextHeader"
PREVIOUS = "ctl00$MainContent$lbtnPreviousHeader"


def routes(seed: int, moods: Moods) -> list[Route]:
    """Below `/portals/wy`."""

    async def show(request: Request) -> Response:
        return _form(moods)

    async def posted(request: Request) -> Response:
        form = await request.form()
        state = opened(str(form.get("__VIEWSTATE", "")))
        if state is None or form.get("__EVENTVALIDATION") != digest(state):
            return page("wy_error.html", status=500)
        if "ctl00$MainContent$cmdSearch" in form:
            state = {
                "name": str(form.get("ctl00$MainContent$txtFilingName", "")).strip(),
                "begins": form.get("ctl00$MainContent$SearchType") == "chkSearchStartWith",
                "page": 1,
            }
            if len(state["name"]) < 2:
                return _form(moods, message="Enter at least two letters of a filing name.")
        elif not _turned(form, state):
            return _form(moods)
        return _results(seed, moods, state)

    path = "/Business/FilingSearch.aspx"
    return [
        Route(path, moody(moods, "wy", show, challenges=False), methods=["GET"]),
        Route(path, moody(moods, "wy", posted), methods=["POST"]),
    ]


def _turned(form: FormData, state: dict[str, Any]) -> bool:
    """Whether the post turns a page of a list shown before; the state is moved on."""
    step = {NEXT: 1, PREVIOUS: -1}.get(str(form.get("__EVENTTARGET", "")), 0)
    if not step or not state.get("name"):
        return False
    state["page"] = max(1, state["page"] + step)
    return True


def _form(moods: Moods, message: str = "") -> Response:
    state: dict[str, Any] = {"name": "", "page": 0}
    return page(
        "wy.html", state=seal(state), validation=digest(state), message=message, rows=None,
        changed=moods.of("wy") == "changed",
    )  # fmt: skip


def _results(seed: int, moods: Moods, state: dict[str, Any]) -> Response:
    mood = moods.of("wy")
    found = find(seed, "WY", state["name"], begins=state["begins"])
    most = 1 if mood == "truncated" else MOST
    shown = found[:most]
    pages = max(1, -(-len(shown) // PAGE))
    number = min(state["page"], pages)
    return page(
        "wy.html", state=seal({**state, "page": number}), validation=digest({**state, "page": number}),
        rows=[_row(one) for one in shown[(number - 1) * PAGE : number * PAGE]],
        asked=state["name"], number=number, pages=pages, total=len(shown), is_cut=len(found) > most, most=most,
        next=NEXT, previous=PREVIOUS, silent=mood == "silent", changed=False, message="",
    )  # fmt: skip


def _row(one: Listed) -> dict[str, str]:
    return {
        "name": one.name,
        "id": f"{one.formed.year}-{one.index:09d}",
        "status": "Active" if one.is_live else _ENDED[one.index % 3],
        "type": _TYPES[one.form],
        "formed": f"{one.formed:%m/%d/%Y}",
    }

"""A register's search as a wizard (Missouri's stand-in): three steps and a session. Who comes in late starts anew.

What was chosen lives on the server under a cookie; the page of results shows the last step's list in parts.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.portals.companies import Listed, find
from pw_pipelines.sandbox.portals.mood import Moods, moody, page

COOKIE = "BESearchSession"
PAGE = 10
MOST = 300
MOST_SESSIONS = 1_000
START = "/portals/mo/BusinessEntity/BESearch.aspx"
_TYPES = {"llc": "Limited Liability Company", "corporation": "Gen. Business - For Profit",
          "nonprofit": "Non-Profit Corporation", "partnership": "Limited Partnership"}  # fmt: skip
_ENDED = ("Admin. Dissolved", "Vol. Dissolved", "Merged", "Withdrawn")


def routes(seed: int, moods: Moods) -> list[Route]:
    """Below `/portals/mo`."""
    sessions: OrderedDict[str, dict[str, str]] = OrderedDict()

    def session(request: Request) -> dict[str, str] | None:
        return sessions.get(request.cookies.get(COOKIE, ""))

    async def start(request: Request) -> Response:
        """Step 1. A new session with every new beginning."""
        key = secrets.token_urlsafe(16)
        sessions[key] = {}
        while len(sessions) > MOST_SESSIONS:
            sessions.popitem(last=False)
        ended = request.query_params.get("ended") == "1"
        reply = page("mo.html", step=1, ended=ended, changed=moods.of("mo") == "changed")
        reply.set_cookie(COOKIE, key, path="/portals/mo", httponly=True)
        return reply

    async def chosen(request: Request) -> Response:
        """Steps 1 and 2 posted; step 3 leads to the results."""
        mine, form = session(request), await request.form()
        if mine is None:
            return _begin_again()
        step = str(form.get("step", ""))
        if step == "1" and form.get("by") in ("name", "number"):
            mine["by"] = str(form["by"])
        elif step == "2" and mine.get("by") and form.get("match") in ("contains", "begins"):
            mine["match"] = str(form["match"])
        elif step == "3" and mine.get("match"):
            name = str(form.get("name", "")).strip()
            if len(name) < 2:
                return page("mo.html", step=3, message="Please enter at least two characters.")
            mine["name"] = name
            return RedirectResponse("/portals/mo/BusinessEntity/BESearchResults.aspx?page=1", status_code=303)
        else:
            return _begin_again()
        return page("mo.html", step=int(step) + 1)

    async def results(request: Request) -> Response:
        mine = session(request)
        if mine is None or "name" not in mine:
            return _begin_again()
        mood, number = moods.of("mo"), request.query_params.get("page", "1")
        found = find(seed, "MO", mine["name"], begins=mine["match"] == "begins")
        most = 1 if mood == "truncated" else MOST
        shown, at = found[:most], int(number) if number.isdecimal() else 1
        first = (at - 1) * PAGE
        rows = [_row(one) for one in shown[first : first + PAGE]]
        return page(
            "mo_results.html", asked=mine["name"], rows=rows, total=len(found), is_cut=len(found) > most, number=at,
            first=first + 1, last=first + len(rows), has_next=first + PAGE < len(shown), silent=mood == "silent",
        )  # fmt: skip

    return [
        Route("/BusinessEntity/BESearch.aspx", moody(moods, "mo", start, challenges=False), methods=["GET"]),
        Route("/BusinessEntity/BESearch.aspx", moody(moods, "mo", chosen, challenges=False), methods=["POST"]),
        Route("/BusinessEntity/BESearchResults.aspx", moody(moods, "mo", results)),
    ]


def _begin_again() -> Response:
    return RedirectResponse(f"{START}?ended=1", status_code=303)


def _row(one: Listed) -> dict[str, str]:
    prefix = {"llc": "LC", "corporation": "00", "nonprofit": "N0", "partnership": "LP"}[one.form]
    return {
        "name": one.name.upper(),
        "id": f"{prefix}{1_000_000 + one.index}",
        "type": _TYPES[one.form],
        "status": "Good Standing" if one.is_live else _ENDED[one.index % 4],
        "formed": f"{one.formed.month}/{one.formed.day}/{one.formed.year}",
    }

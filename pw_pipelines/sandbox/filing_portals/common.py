"""What every stand-in of a filing portal shares: its house, sign-in, how its page is changed, and the control routes.

A portal stands at `/filing/<portal>/`. Every page is behind a sign-in with the sandbox's account. The address of the
one POST that files ends with `/submit`, so that a fault of the system `filing` with `match` can be set on it alone:
`{"system": "filing", "fault": "done_but_timeout", "match": "fcc_rmd/api/x_g_fmc_rmd/rmd/submit"}`.

Chromium itself sends a POST a second time when a connection kept open from earlier requests is lost before the answer
begins. A stand-in takes and counts both, as a real portal would: whoever clicks has to guard against it.

`POST /_control/filing/<portal>/page {"change": …}` changes the pages until `{"change": "none"}`;
`GET /_control/filings?portal=` lists every submission, `DELETE` forgets them.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, get_args
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.filing_portals.book import FilingBook
from pw_pipelines.sandbox.world import World

USERNAME, PASSWORD = "sandbox", "sandbox-password"  # the account every stand-in knows
MOST_SESSIONS = 1_000
Change = Literal["none", "renamed_field", "extra_required", "moved_submit", "captcha", "maintenance"]
"""renamed_field   a field has another name, id and label
extra_required  a field more, without which nothing is accepted
moved_submit    what files stands elsewhere under another name
captcha         asks whether a human is there, once per session
maintenance     is closed for now (503)
"""
CHANGES: tuple[str, ...] = get_args(Change)
Session = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class House:
    """What the portals share. `world` is the invented world without what was filed."""

    now: Callable[[], datetime]
    world: World
    book: FilingBook
    changes: dict[str, Change] = field(default_factory=dict)
    signed_in: OrderedDict[str, Session] = field(default_factory=OrderedDict)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    loader = PackageLoader("pw_pipelines.sandbox.filing_portals")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


class Desk:
    """The front desk of one portal: who is signed in, and what its pages look like today.

    office: the name over its sign-in. start: where a visitor goes after it, below the portal.
    """

    def __init__(self, house: House, portal: str, office: str, start: str) -> None:
        self.house = house
        self.portal = portal
        self.office = office
        self.base = f"/filing/{portal}"
        self._start = start

    @property
    def change(self) -> Change:
        return self.house.changes.get(self.portal, "none")

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A page made of `templates/`; each knows `base`, `change` and `office`."""
        known = {"base": self.base, "change": self.change, "office": self.office, **values}
        return HTMLResponse(_templates().get_template(template).render(**known), status_code=status)

    def to(self, address: str) -> Response:
        """Leads the browser to a page below the portal."""
        return RedirectResponse(f"{self.base}/{address}", status_code=303)

    def session(self, request: Request) -> Session | None:
        """What is kept for a visitor; with a `user` for one who signed in."""
        return self.house.signed_in.get(request.cookies.get(self._cookie, ""))

    def visited(self, handler: Handler) -> Handler:
        """A page for everybody; closed in maintenance, behind the challenge where there is one."""
        return self._guarded(handler, needs_user=False, challenges=True)

    def signed_in(self, handler: Handler) -> Handler:
        """A page behind the sign-in too. GET comes back here afterwards."""
        return self._guarded(handler, needs_user=True, challenges=True)

    def open_to_all(self, handler: Handler) -> Handler:
        """A page for everybody that never asks whether a human is there: a list, a service, the sign-in."""
        return self._guarded(handler, needs_user=False, challenges=False)

    def _guarded(self, handler: Handler, *, needs_user: bool, challenges: bool) -> Handler:
        async def answer(request: Request) -> Response:
            if self.change == "maintenance":
                return self.page("common_maintenance.html", status=503)
            session = self.session(request) or {}
            query = f"?{request.url.query}" if request.url.query else ""
            back = request.url.path.removeprefix(f"{self.base}/") + query if request.method == "GET" else self._start
            if needs_user and "user" not in session:
                return self.to(f"login?next={quote(back, safe='')}")
            if challenges and self.change == "captcha" and "is_human" not in session:
                return self.to(f"challenge?next={quote(back, safe='')}")
            return await handler(request)

        return answer

    def routes(self) -> list[Route]:
        """`login`, `logout` and `challenge`."""
        return [
            Route("/", self.open_to_all(self._front), methods=["GET"]),
            Route("/login", self.open_to_all(self._login), methods=["GET", "POST"]),
            Route("/logout", self._logout, methods=["GET"]),
            Route("/challenge", self.open_to_all(self._challenge), methods=["GET", "POST"]),
        ]

    @property
    def _cookie(self) -> str:
        return f"{self.portal}_session"

    async def _front(self, request: Request) -> Response:
        return self.to(self._start)

    async def _login(self, request: Request) -> Response:
        back = self._back(request)
        if request.method == "GET":
            return self.page("common_login.html", next=back, error="")
        form = await request.form()
        if (str(form.get("username", "")), str(form.get("password", ""))) != (USERNAME, PASSWORD):
            error = "Invalid username or password. Please try again."
            return self.page("common_login.html", next=back, error=error)
        return self._with_session(self.to(back), {"user": USERNAME})

    def _with_session(self, reply: Response, session: Session) -> Response:
        key = secrets.token_urlsafe(24)
        self.house.signed_in[key] = session
        while len(self.house.signed_in) > MOST_SESSIONS:
            self.house.signed_in.popitem(last=False)
        reply.set_cookie(self._cookie, key, path=self.base, httponly=True, samesite="lax")
        return reply

    async def _logout(self, request: Request) -> Response:
        self.house.signed_in.pop(request.cookies.get(self._cookie, ""), None)
        return self.to("login")

    async def _challenge(self, request: Request) -> Response:
        """Letters that a person types; there is nothing to guess them by."""
        session, back, error = self.session(request), self._back(request), ""
        if session is None:
            again = self.to(f"challenge?next={quote(back, safe='')}")
            return self._with_session(again, {})
        letters = session.setdefault("letters", secrets.token_hex(3).upper())
        if request.method == "POST":
            if str((await request.form()).get("letters", "")).strip().upper() == letters:
                session["is_human"] = True
                return self.to(back)
            error = "The letters do not match. Please try again."
        return self.page("common_challenge.html", next=back, letters=letters, error=error)

    def _back(self, request: Request) -> str:
        """A page of this portal, never an address elsewhere."""
        return request.query_params.get("next", "").lstrip("/") or self._start


def control(house: House, portals: tuple[str, ...]) -> list[Route]:
    """`/filings` and `/filing/<portal>/page` below the mount `/_control`."""

    async def change(request: Request) -> Response:
        portal = request.path_params["portal"]
        if portal not in portals:
            return JSONResponse({"error": f"There is no portal {portal}; there are {', '.join(portals)}."}, 404)
        try:
            wanted = (await request.json())["change"]
        except (ValueError, KeyError, TypeError):
            wanted = None
        if wanted not in CHANGES:
            return JSONResponse({"error": f'Send {{"change": one of {", ".join(CHANGES)}}}.'}, 422)
        house.changes[portal] = wanted
        return JSONResponse({"changes": house.changes})

    def filings(request: Request) -> Response:
        found = house.book.all(request.query_params.get("portal"))
        return JSONResponse({"count": len(found), "filings": [filing.shown() for filing in found]})

    def forget(request: Request) -> Response:
        house.book.wipe()
        return JSONResponse({"count": 0, "filings": []})

    return [
        Route("/filing/{portal}/page", change, methods=["POST"]),
        Route("/filings", filings, methods=["GET"]),
        Route("/filings", forget, methods=["DELETE"]),
    ]

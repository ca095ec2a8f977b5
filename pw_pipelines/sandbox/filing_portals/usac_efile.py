"""USAC's E-File: Forms 499-A and 499-Q as a wizard of pages laid in tables, rendered by the server, with a session.

What was answered stays in the session until another form is begun, so the last page sent again files again. A filer is
known by its FRN, or by its ID where it is not (a filer that never stated an FRN). There is no service to read filings
back, only the history page of the account.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pw_pipelines.clock import eastern_day
from pw_pipelines.sandbox.filing_portals import usac_forms
from pw_pipelines.sandbox.filing_portals.common import Desk, House, Session
from pw_pipelines.sandbox.filing_portals.usac_forms import Page

PORTAL = "usac_efile"
OFFICE = "USAC E-File"
TITLES = {"form_499a": "FCC Form 499-A", "form_499q": "FCC Form 499-Q"}


class Wizard:
    """The pages of both forms for whoever is signed in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._house = desk.house

    async def home(self, request: Request) -> Response:
        return self._desk.page("usac_home.html", user=self._session(request)["user"], titles=TITLES)

    async def begin(self, request: Request) -> Response:
        form = str(request.path_params["form"])
        pages = usac_forms.pages(form, self._desk.change)
        if not pages:
            return self._desk.to("efile/home")
        self._session(request)["draft"] = {"form": form, "answers": {}}
        return self._desk.to(f"efile/{form}/{pages[0].name}")

    async def page(self, request: Request) -> Response:
        """A page, blank or with what was answered; a page whose predecessors lack answers leads back to the first."""
        draft, page = self._draft(request), self._page(request)
        if draft is None or page is None:
            return self._desk.to("efile/home")
        return self._shown(request, draft, page, {})

    async def next(self, request: Request) -> Response:
        draft, page = self._draft(request), self._page(request)
        if draft is None or page is None:
            return self._desk.to("efile/home")
        if errors := await self._take(request, draft, page):
            return self._shown(request, draft, page, errors)
        pages = usac_forms.pages(draft["form"], self._desk.change)
        at = [one.name for one in pages].index(page.name)
        return self._desk.to(f"efile/{draft['form']}/{pages[at + 1].name}")

    async def submit(self, request: Request) -> Response:
        """The certification, and with it the whole form."""
        draft = self._draft(request)
        if draft is None:
            return self._desk.to("efile/home")
        form, pages = draft["form"], usac_forms.pages(draft["form"], self._desk.change)
        if errors := await self._take(request, draft, pages[-1]):
            return self._shown(request, draft, pages[-1], errors)
        given: dict[str, str] = draft["answers"]
        for page in pages[:-1]:
            if errors := usac_forms.errors(page, given, self._year()):
                return self._shown(request, draft, page, errors)
        letter, now = "A" if form == "form_499a" else "Q", self._house.now()
        made = self._house.book.add(
            PORTAL, form, given["frn"], given, at=now,
            confirmation=lambda number: f"499{letter}-{now:%Y%m%d}-{number:06d}",
        )  # fmt: skip
        return self._desk.page("usac_confirmation.html", user="", made=made, title=TITLES[form])

    async def history(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name, "").strip() for name in ("frn", "form")}
        found = [
            one
            for one in reversed(self._house.book.all(PORTAL))
            if asked["frn"] in ("", one.subject) and asked["form"] in ("", one.form)
        ]
        is_asked, user = bool(request.query_params), self._session(request)["user"]
        return self._desk.page(
            "usac_history.html", user=user, asked=asked, is_asked=is_asked, rows=found, titles=TITLES
        )

    def _session(self, request: Request) -> Session:
        return self._desk.session(request) or {"user": ""}

    def _draft(self, request: Request) -> dict[str, Any] | None:
        draft = self._session(request).get("draft")
        return draft if draft and draft["form"] == request.path_params["form"] else None

    def _page(self, request: Request) -> Page | None:
        pages = usac_forms.pages(str(request.path_params["form"]), self._desk.change)
        return next((one for one in pages if one.name == request.path_params["page"]), None)

    def _year(self) -> int:
        return eastern_day(self._house.now()).year

    async def _take(self, request: Request, draft: dict[str, Any], page: Page) -> dict[str, str]:
        """Keeps a page's answers; returns what is wrong with them."""
        sent = await request.form()
        given: dict[str, str] = draft["answers"]
        given.update({field.name: str(sent.get(field.name, "")).strip() for field in page.fields})
        errors = usac_forms.errors(page, given, self._year())
        if not errors and page.name == "identification" and not given["filer_id"] and not self._is_filer(given["frn"]):
            errors["frn"] = f"No filer is registered under FRN {given['frn']}. Enter the Filer 499 ID."
        return errors

    def _is_filer(self, frn: str) -> bool:
        on = eastern_day(self._house.now()).toordinal()
        return any(one.started_on <= on < one.ended_on for one in self._house.world.form499.by_frn.get(frn, ()))

    def _shown(self, request: Request, draft: dict[str, Any], page: Page, errors: dict[str, str]) -> Response:
        pages = usac_forms.pages(draft["form"], self._desk.change)
        return self._desk.page(
            "usac_page.html", user=self._session(request)["user"], form=draft["form"], title=TITLES[draft["form"]],
            pages=pages, page=page, given=draft["answers"], errors=errors, is_last=page.name == pages[-1].name,
        )  # fmt: skip


def routes(house: House) -> list[Route]:
    """Below `/filing/usac_efile`."""
    desk = Desk(house, PORTAL, OFFICE, "efile/home")
    wizard = Wizard(desk)
    return [
        *desk.routes(),
        Route("/efile/home", desk.signed_in(wizard.home), methods=["GET"]),
        Route("/efile/history", desk.signed_in(wizard.history), methods=["GET"]),
        Route("/efile/{form}/begin", desk.signed_in(wizard.begin), methods=["GET"]),
        Route("/efile/{form}/submit", desk.signed_in(wizard.submit), methods=["POST"]),
        Route("/efile/{form}/{page}", desk.signed_in(wizard.page), methods=["GET"]),
        Route("/efile/{form}/{page}", desk.signed_in(wizard.next), methods=["POST"]),
    ]

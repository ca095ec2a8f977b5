"""The IRS assistant for an Employer Identification Number: questions page by page, one sitting, no way to look back.

It begins in its opening hours only (`OPEN`, or those set by the control), drops a session that rested 15 minutes, and
gives one number per responsible party and day. A session ends with the submit, whatever became of it. The letter
(CP 575) is handed out once. There is no search: whoever lost the last page learns nothing here, and asking again on
another day gets a second number. Nobody signs in; of an SSN only a keyed digest is kept.

Control: `POST /filing/irs_ein/_sandbox` {"reference": "101" | "109", "assigned": false, "times": 1} makes the next
submits end in that reference number, with a number assigned behind it or not; {"hours": [["mon", "06:00", "25:00"]]}
sets other opening hours, {"hours": null} the published ones again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.clock import EASTERN, eastern_day
from pw_pipelines.jurisdictions.book import book as jurisdictions
from pw_pipelines.sandbox.filing_portals.book import Submission
from pw_pipelines.sandbox.filing_portals.common import MOST_SESSIONS, Desk, House
from pw_pipelines.sandbox.filing_portals.irs_ein_pages import PAGES, Question, page_after
from pw_pipelines.sandbox.filing_portals.papers import paper

PORTAL = "irs_ein"
OFFICE = "Internal Revenue Service"
START = "applyein/"
COOKIE = "EINSESSION"
Sitting = dict[str, Any]
RESTS = timedelta(minutes=15)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Day of the week, first and last minute as local time in New York; hours above 24 are of the next day.
Window = tuple[str, str, str]
OPEN: tuple[Window, ...] = (
    *((day, "06:00", "25:00") for day in DAYS[:5]),
    ("sat", "06:00", "21:00"),
    ("sun", "18:00", "24:00"),
)
_SECRET = b"the stand-in's key of taxpayers"
_REFERENCES = {"101": "The name is too much like one on our files.", "109": "A technical problem."}


def is_open(now: datetime, windows: Sequence[Window] = OPEN) -> bool:
    """Whether the assistant begins at this aware moment. Hours are those of a clock on a wall in New York."""
    here = now.astimezone(EASTERN)
    minute = here.hour * 60 + here.minute
    today, yesterday = DAYS[here.weekday()], DAYS[here.weekday() - 1]
    return any(
        (day == today and _minutes(begins) <= minute < _minutes(ends))
        or (day == yesterday and minute + 24 * 60 < _minutes(ends))
        for day, begins, ends in windows
    )


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


@dataclass
class _Assistant:
    """The assistant: its desk, what it was told to do, and letters not yet fetched."""

    desk: Desk
    windows: Sequence[Window] = OPEN
    troubles: list[tuple[str, bool]] = field(default_factory=list)
    letters: dict[str, int] = field(default_factory=dict)
    sittings: OrderedDict[str, Sitting] = field(default_factory=OrderedDict)

    @property
    def house(self) -> House:
        return self.desk.house

    async def landing(self, request: Request) -> Response:
        return self.desk.page("ein_landing.html", is_open=is_open(self.house.now(), self.windows))

    async def begin(self, request: Request) -> Response:
        if not is_open(self.house.now(), self.windows):
            return self.desk.page("ein_landing.html", is_open=False)
        key = secrets.token_urlsafe(24)
        self.sittings[key] = {"answers": {}, "at": PAGES[0].name, "touched": self.house.now()}
        while len(self.sittings) > MOST_SESSIONS:
            self.sittings.popitem(last=False)
        reply = self.desk.to(f"applyein/{PAGES[0].name}")
        reply.set_cookie(COOKIE, key, path=self.desk.base, httponly=True, samesite="lax")
        return reply

    async def ask(self, request: Request) -> Response:
        """The page the sitting stands at; another one is not given."""
        sitting = self._sitting(request)
        if sitting is None:
            return self._over()
        if request.path_params["page"] != sitting["at"]:
            return self.desk.to(f"applyein/{sitting['at']}")
        return self._page(sitting)

    async def answer(self, request: Request) -> Response:
        sitting, form = self._sitting(request), await request.form()
        if sitting is None or request.path_params["page"] != sitting["at"] or sitting["at"] == "summary":
            return self._over()
        said: dict[str, str] = {}
        for question in self._questions(sitting["at"]):
            given = str(form.get(question.name, "")).replace("\r\n", "\n").strip()
            if complaint := question.complaint(given):
                return self._page(sitting, error=complaint)
            said[question.name] = given
        if "entityLegalName" in said:
            said["legalName"] = said.pop("entityLegalName")
        sitting["answers"] |= said
        sitting["at"] = page_after(sitting["at"], sitting["answers"])
        return self.desk.to(f"applyein/{sitting['at']}")

    async def submit(self, request: Request) -> Response:
        """Assigns the number. The sitting is over, whatever comes of it."""
        sitting = self._sitting(request)
        if sitting is None or sitting["at"] != "summary":
            return self._over()
        del self.sittings[request.cookies[COOKIE]]
        answers = sitting["answers"]
        trouble, assigned = self.troubles.pop(0) if self.troubles else ("", True)
        if not trouble and self._had_one_today(answers["ssn"]):
            return self.desk.page("ein_quota.html")
        filed = self._assign(answers) if assigned else None
        if trouble or filed is None:
            return self.desk.page("ein_reference.html", reference=trouble, words=_REFERENCES[trouble])
        token = secrets.token_urlsafe(18)
        self.letters[token] = filed.number
        return self.desk.page(
            "ein_assigned.html", ein=filed.confirmation, name=answers["legalName"], token=token, day=filed.day
        )

    async def letter(self, request: Request) -> Response:
        """CP 575, once."""
        number = self.letters.pop(request.path_params["token"], None)
        filed = next((one for one in self.house.book.all(PORTAL) if one.number == number), None)
        if filed is None:
            return self.desk.page("ein_letter_gone.html", status=410)
        headers = {"Content-Disposition": 'attachment; filename="CP575Notice.pdf"', "Cache-Control": "no-store"}
        return Response(_cp575(filed), media_type="application/pdf", headers=headers)

    async def told(self, request: Request) -> Response:
        """The control; see above."""
        try:
            order = await request.json()
            if "reference" in order:
                if order["reference"] not in _REFERENCES:
                    return JSONResponse({"error": f"reference is one of {', '.join(_REFERENCES)}."}, 422)
                self.troubles += [(order["reference"], bool(order.get("assigned")))] * int(order.get("times", 1))
            if "hours" in order:
                windows = [(str(day), str(begins), str(ends)) for day, begins, ends in order["hours"] or OPEN]
                is_open(self.house.now(), windows)
                self.windows = windows
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": f"It can't be read: {error}"}, 422)
        return JSONResponse({"troubles": self.troubles, "hours": self.windows})

    def _sitting(self, request: Request) -> Sitting | None:
        """The sitting, unless it rested too long; being asked keeps it awake."""
        key, now = request.cookies.get(COOKIE, ""), self.house.now()
        sitting = self.sittings.get(key)
        if sitting is None or not timedelta() <= now - sitting["touched"] < RESTS:
            self.sittings.pop(key, None)
            return None
        sitting["touched"] = now
        return sitting

    def _questions(self, name: str) -> tuple[Question, ...]:
        """The questions of a page, as it looks today."""
        asked = next((page.questions for page in PAGES if page.name == name), ())
        if name == "details" and self.desk.change == "renamed_field":
            asked = tuple(
                one if one.name != "legalName" else Question("entityLegalName", "Name of the entity as organized")
                for one in asked
            )
        if name == "details" and self.desk.change == "extra_required":
            asked = (*asked, Question("naics", "Industry code (NAICS, six digits)", pattern=r"\d{6}"))
        return asked

    def _page(self, sitting: Sitting, error: str = "") -> Response:
        name = sitting["at"]
        if name == "summary":
            shown = [
                (question.label, _masked(question, sitting["answers"][question.name]))
                for page in PAGES for question in page.questions if question.name in sitting["answers"]
            ]  # fmt: skip
            return self.desk.page("ein_summary.html", shown=shown)
        page = next(page for page in PAGES if page.name == name)
        return self.desk.page(
            "ein_question.html", name=name, title=page.title, questions=self._questions(name), error=error,
            states=[(one.code, one.name) for one in jurisdictions().values() if one.code != "BC"],
        )  # fmt: skip

    def _over(self) -> Response:
        return self.desk.page("ein_over.html")

    def _had_one_today(self, ssn: str) -> bool:
        today, key = eastern_day(self.house.now()), _keyed(ssn)
        return any(one.fields["party"] == key and one.day == today for one in self.house.book.all(PORTAL))

    def _assign(self, answers: dict[str, str]) -> Submission:
        fields = {name: value for name, value in answers.items() if name != "ssn"} | {"party": _keyed(answers["ssn"])}
        return self.house.book.add(
            PORTAL, "ss4", f"{answers['organizedIn']} {answers['legalName']}", fields, at=self.house.now(),
            confirmation=lambda number: f"00-{1_000_000 + number:07d}",  # no number of the IRS begins with 00
        )  # fmt: skip


def routes(house: House) -> list[Route]:
    """Below `/filing/irs_ein`."""
    desk = Desk(house, PORTAL, OFFICE, START)
    assistant = _Assistant(desk)
    return [
        *desk.routes(),
        Route("/_sandbox", assistant.told, methods=["POST"]),
        Route("/applyein/", desk.visited(assistant.landing), methods=["GET"]),
        Route("/applyein/begin", desk.visited(assistant.begin), methods=["POST"]),
        Route("/applyein/submit", desk.visited(assistant.submit), methods=["POST"]),
        Route("/applyein/cp575/{token}", desk.visited(assistant.letter), methods=["GET"]),
        Route("/applyein/{page}", desk.visited(assistant.ask), methods=["GET"]),
        Route("/applyein/{page}", desk.visited(assistant.answer), methods=["POST"]),
    ]


def _keyed(ssn: str) -> str:
    return hmac.new(_SECRET, re.sub(r"\D", "", ssn).encode(), hashlib.sha256).hexdigest()


def _masked(question: Question, value: str) -> str:
    if question.kind == "ssn":
        return "XXX-XX-XXXX"
    return dict(question.choices).get(value, value)


def _cp575(filed: Submission) -> bytes:
    return paper(
        "Department of the Treasury, Internal Revenue Service",
        "Notice CP 575 A",
        [
            f"{filed.fields['legalName']}",
            f"We assigned you Employer Identification Number (EIN) {filed.confirmation}.",
            f"Date of this notice: {filed.day:%m-%d-%Y}. Keep it in your permanent records; it is issued once.",
        ],
    )

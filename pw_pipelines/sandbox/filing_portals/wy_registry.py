"""Wyoming's Business Center: forming a company page by page, and the search of what was filed.

One address posted back to itself; what was answered travels sealed in the page (view_state), so an old last page that
is posted again files again, and is charged again. Names are held against the register of the day before: two filings
of one name on one day are both taken, as they are while filings wait to be indexed. Nobody signs in; the fee, the
jurisdiction's, is taken from the firm's prepaid account.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pw_pipelines.clock import eastern_day
from pw_pipelines.jurisdictions.book import jurisdiction
from pw_pipelines.jurisdictions.model import FeeName
from pw_pipelines.sandbox.filing_portals.book import Submission, Upload
from pw_pipelines.sandbox.filing_portals.common import Desk, House
from pw_pipelines.sandbox.filing_portals.papers import paper
from pw_pipelines.sandbox.portals.companies import find, register
from pw_pipelines.sandbox.view_state import opened, seal

PORTAL = "wy_registry"
OFFICE = "Wyoming Secretary of State"
START = "Business/Create.aspx"
ACCOUNT, PIN = "PW-40017", "4711"  # the prepaid account the sandbox knows
STEPS = ("type", "name", "agent", "office", "organizer", "articles", "review", "payment", "signature")
TITLES = {
    "type": "Business type", "shares": "Shares", "name": "Name", "agent": "Registered agent", "office": "Addresses",
    "organizer": "Organizer", "articles": "Articles", "review": "Review", "payment": "Payment",
    "signature": "Signature",
}  # fmt: skip
MOST_BYTES = 10 * 1024 * 1024
_TYPES = {"llc": "Limited Liability Company - Domestic", "corporation": "Profit Corporation - Domestic"}
_FEES: dict[str, FeeName] = {"llc": "llc_formation", "corporation": "corporation_formation"}
# Boxes of each page: name of the box, name of the answer, what is said when it is empty.
_BOXES = {
    "shares": (("txtShares", "shares", "Enter the number of authorized shares."),),
    "name": (("txtEntityName", "name", "Enter the name of the company."),),
    "agent": (
        ("txtAgentName", "agent_name", "Enter the name of the registered agent."),
        ("txtAgentAddress", "agent_address", "Enter the address of the registered agent."),
    ),
    "office": (
        ("txtPrincipal", "principal", "Enter the principal office."),
        ("txtMailing", "mailing", "Enter the mailing address."),
    ),
    "organizer": (("txtOrganizer", "organizer", "Enter the organizer."),),
    "signature": (
        ("txtSignature", "signer", "Type the full name of the signer."),
        ("txtCapacity", "capacity", "Enter the capacity of the signer."),
    ),
}
_TICKS = {
    "type": ("chkRead", "Confirm that you have read the requirements."),
    "agent": ("chkConsent", "The agent must have consented."),
    "signature": ("chkCertify", "Certify the filing."),
}
_DESIGNATORS = frozenset("llc lc ltd limited liability company co inc incorporated corp corporation".split())
_UNHEARD = frozenset(("the", "a", "and"))


class Refused(Exception):
    """What is wrong with the page that was posted; `taken`: names on record that are in the way."""

    def __init__(self, message: str, taken: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.taken = taken


@dataclass(frozen=True)
class _Counter:
    """The registry's counter: its desk and the pages it hands out."""

    desk: Desk

    @property
    def house(self) -> House:
        return self.desk.house

    def page(self, state: dict[str, Any], message: str = "", taken: tuple[str, ...] = ()) -> Response:
        """The page of the step that `state` stands at."""
        answers, step = state["answers"], state["step"]
        return self.desk.page(
            "wy_wizard.html", state=seal(state), step=step, steps=_steps(answers), titles=TITLES, message=message,
            taken=taken, answers=_Blank(answers), review=_review(answers), fee=_fee(answers),
        )  # fmt: skip

    async def begin(self, request: Request) -> Response:
        return self.page({"step": "type", "answers": {}})

    async def post(self, request: Request) -> Response:
        """One page answered; the next, or this one again with what is wrong. The last one is posted to `submit`."""
        async with request.form(max_part_size=MOST_BYTES) as form:
            state = opened(str(form.get("__VIEWSTATE", "")))
            if state is None or (state["step"] == "signature") != request.url.path.endswith("/submit"):
                return self.desk.page("wy_error.html", status=500)
            try:
                state["answers"] |= await self._answered(state, form)
            except Refused as refused:
                return self.page(state, refused.message, refused.taken)
        if state["step"] == "signature":
            return self._file(state["answers"])
        steps = _steps(state["answers"])
        state["step"] = steps[steps.index(state["step"]) + 1]
        return self.page(state)

    async def _answered(self, state: dict[str, Any], form: FormData) -> dict[str, Any]:
        step: str = state["step"]
        said: dict[str, Any] = {}
        for box, answer, complaint in _BOXES.get(step, ()):
            given = "txtCompanyName" if box == "txtEntityName" and self.desk.change == "renamed_field" else box
            said[answer] = str(form.get(given, "")).replace("\r\n", "\n").strip()
            if not said[answer]:
                raise Refused(complaint)
        if step in _TICKS and form.get(_TICKS[step][0]) != "1":
            raise Refused(_TICKS[step][1])
        if step == "type":
            if form.get("rblType") not in _TYPES:
                raise Refused("Choose the type of business.")
            said["type"] = str(form["rblType"])
        if step == "name" and (taken := self._taken(said["name"])):
            raise Refused("Choose another name.", taken)
        if step == "organizer" and self.desk.change == "extra_required":
            said["naics"] = str(form.get("txtNaics", ""))
            if not re.fullmatch(r"\d{6}", said["naics"]):
                raise Refused("Enter the kind of trade (six digits).")
        if step == "articles":
            said["articles"] = await self._upload(form.get("fuArticles"))
        if step == "payment":
            if form.get("rblPay") != "account":
                raise Refused("Choose a way to pay. Cards can't be taken at this time.")
            if (form.get("txtAccount"), form.get("txtPin")) != (ACCOUNT, PIN):
                raise Refused("The account number or PIN is not valid.")
        return said

    async def _upload(self, file: object) -> list[Any]:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Refused("Attach the articles of organization.")
        content = await file.read()
        if not content.startswith(b"%PDF-") or len(content) > MOST_BYTES:
            raise Refused("The articles must be a PDF of 10 MB at most.")
        kept = self.house.book.keep("articles", file.filename, content)
        return [kept.field, kept.name, kept.size, kept.sha256]

    def _taken(self, name: str) -> tuple[str, ...]:
        """Names on record that this one can't be told from: of the register, and of filings of earlier days."""
        wanted, today = _heard(name), eastern_day(self.house.now())
        filed = [one.fields["name"] for one in self.house.book.all(PORTAL) if one.day < today]
        listed = [one.name for one in register(self.house.world.seed, "WY") if one.is_live]
        return tuple(other for other in (*filed, *listed) if _heard(other) == wanted)[:5]

    def _file(self, answers: dict[str, Any]) -> Response:
        now = self.house.now()
        fields = {name: value for name, value in answers.items() if isinstance(value, str)} | {"fee": _fee(answers)}
        filed = self.house.book.add(
            PORTAL, "formation", f"WY {answers['name']}", fields, [Upload(*answers["articles"])], at=now,
            confirmation=lambda number: f"{eastern_day(now).year}-{1_700_000 + number:09d}",
        )  # fmt: skip
        return self.desk.page(
            "wy_filed.html", name=answers["name"], number=filed.confirmation, filed=f"{filed.day:%m/%d/%Y}",
            fee=_fee(answers), receipt=f"R{filed.number:08d}",
        )  # fmt: skip

    async def certificate(self, request: Request) -> Response:
        wanted = request.query_params.get("eFNum", "")
        for one in self.house.book.all(PORTAL):
            if one.confirmation.replace("-", "") == wanted:
                headers = {"Content-Disposition": f'attachment; filename="certificate-{wanted}.pdf"'}
                return Response(_certificate(one), media_type="application/pdf", headers=headers)
        return self.desk.page("wy_error.html", status=404)

    async def search(self, request: Request) -> Response:
        """What was filed shows at once, before it is indexed for the check of names; newest first."""
        asked = request.query_params.get("name", "").strip()
        rows = []
        if asked:
            filed = [one for one in self.house.book.all(PORTAL) if asked.casefold() in one.fields["name"].casefold()]
            rows = [
                _row(one.fields["name"], one.confirmation, one.fields["type"], "Active", one.day)
                for one in reversed(filed)
            ]
            rows += [
                _row(one.name, f"{one.formed.year}-{one.index:09d}", one.form, "Active" if one.is_live else "Inactive",
                     one.formed)
                for one in find(self.house.world.seed, "WY", asked)
            ]  # fmt: skip
        return self.desk.page("wy_search.html", asked=asked, rows=rows[:100])


class _Blank(dict[str, Any]):
    """Answers for a page: one not given yet is blank."""

    def __missing__(self, key: str) -> str:
        return ""


def routes(house: House) -> list[Route]:
    """Below `/filing/wy_registry`."""
    desk = Desk(house, PORTAL, OFFICE, START)
    counter = _Counter(desk)
    return [
        *desk.routes(),
        Route("/Business/Create.aspx", desk.visited(counter.begin), methods=["GET"]),
        Route("/Business/Create.aspx", desk.visited(counter.post), methods=["POST"]),
        Route("/Business/submit", desk.visited(counter.post), methods=["POST"]),
        Route("/Business/Certificate.aspx", desk.visited(counter.certificate)),
        Route("/Business/FilingSearch.aspx", desk.visited(counter.search)),
    ]


def _steps(answers: dict[str, Any]) -> tuple[str, ...]:
    """The pages of this filing: a corporation is asked for its shares."""
    return (STEPS[0], "shares", *STEPS[1:]) if answers.get("type") == "corporation" else STEPS


def _fee(answers: dict[str, Any]) -> str:
    amount = jurisdiction("WY").fees[_FEES[answers.get("type", "llc")]].value
    return f"{amount:.2f}"


def _review(answers: dict[str, Any]) -> list[tuple[str, str]]:
    shown = (
        ("Name", "name"), ("Shares", "shares"), ("Registered agent", "agent_name"),
        ("Agent's address", "agent_address"), ("Principal office", "principal"),
        ("Mailing address", "mailing"), ("Organizer", "organizer"),
    )  # fmt: skip
    found = [(label, answers[name]) for label, name in shown if name in answers]
    return [*found, *([("Articles", answers["articles"][1])] if "articles" in answers else [])]


def _heard(name: str) -> tuple[str, ...]:
    """What Wyoming tells names apart by: words without designator, articles, `and`, marks, capitals and plural."""
    words = re.findall(r"[a-z0-9]+", name.casefold().replace("&", " and ").replace("'", "").replace(".", ""))
    kept = [word for word in words if word not in _UNHEARD]
    while kept and kept[-1] in _DESIGNATORS:
        kept.pop()
    return tuple(re.sub(r"(es|s)$", "", word) if len(word) > 3 else word for word in kept)


def _row(name: str, number: str, form: str, status: str, filed: date) -> dict[str, str]:
    return {"name": name, "number": number, "type": _TYPES.get(form, "Other"), "status": status,
            "filed": f"{filed:%m/%d/%Y}"}  # fmt: skip


def _certificate(one: Submission) -> bytes:
    return paper(
        "State of Wyoming, Office of the Secretary of State",
        "Certificate of Organization",
        [
            f"I certify that {one.fields['name']} has filed its articles of organization in this office.",
            f"Filing ID {one.confirmation}. Filed on {one.day:%B} {one.day.day}, {one.day.year}.",
            f"Registered agent: {one.fields['agent_name']}.",
        ],
    )

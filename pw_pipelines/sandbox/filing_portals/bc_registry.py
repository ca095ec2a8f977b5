"""British Columbia's business filings: one page whose script draws the forms and talks to a service.

A company is incorporated under an approved name (number of the approval) or under its own number; annual reports are
for companies incorporated here, and for those of the sandbox's register. The same filing sent twice is two filings, and
two fees, which are the jurisdiction's, in Canadian dollars.

Control: `POST /filing/bc_registry/_sandbox` {"approve": "Blue Fox Telecom Ltd.", "number": "NR 1234567"} approves a
name for 56 days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import resources

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.clock import eastern_day
from pw_pipelines.jurisdictions.book import jurisdiction
from pw_pipelines.jurisdictions.model import FeeName
from pw_pipelines.sandbox.filing_portals.book import Submission, Upload
from pw_pipelines.sandbox.filing_portals.common import USERNAME, Desk, House
from pw_pipelines.sandbox.filing_portals.papers import paper
from pw_pipelines.sandbox.portals.companies import register

PORTAL = "bc_registry"
OFFICE = "BC Registries and Online Services"
START = "app"
MOST_BYTES = 30 * 1024 * 1024
APPROVAL_HOLDS = timedelta(days=56)
KINDS = {"incorporation": "Incorporation Application", "annual_report": "Annual Report"}
_FEES: dict[str, FeeName] = {"incorporation": "corporation_formation", "annual_report": "annual_report"}
_REQUIRED = {
    "incorporation": ("registeredOffice", "recordsOffice", "directors", "incorporator", "contactEmail", "certifiedBy"),
    "annual_report": ("incorporationNumber", "year", "contactEmail", "certifiedBy"),
}


class Refused(Exception):
    """What is wrong with what was sent."""


@dataclass
class _Registry:
    """The service behind the page. approvals: number of a name approval -> name and last day."""

    desk: Desk
    approvals: dict[str, tuple[str, date]] = field(default_factory=dict)

    @property
    def house(self) -> House:
        return self.desk.house

    @property
    def today(self) -> date:
        return eastern_day(self.house.now())

    async def app(self, request: Request) -> Response:
        return self.desk.page("bc_app.html", user=USERNAME)

    async def fees(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        return JSONResponse(
            {"fee": fee(kind)} if kind in KINDS else {"message": "Unknown."}, 200 if kind in KINDS else 404
        )

    async def approval(self, request: Request) -> Response:
        name, until = self.approvals.get(_numbered(request.path_params["number"]), ("", date.min))
        if until < self.today:
            return JSONResponse({"message": "There is no approved name of this number, or it has expired."}, 404)
        return JSONResponse({"name": name, "expires": until.isoformat()})

    async def approve(self, request: Request) -> Response:
        """The control; see above."""
        try:
            order = await request.json()
            number, name = _numbered(str(order["number"])), str(order["approve"])
        except (KeyError, TypeError, ValueError):
            return JSONResponse({"error": 'Send {"approve": name, "number": "NR 1234567"}.'}, 422)
        self.approvals[number] = (name, self.today + APPROVAL_HOLDS)
        return JSONResponse({"number": number, "name": name})

    async def submit(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in KINDS:
            return JSONResponse({"message": "Unknown."}, 404)
        async with request.form(max_part_size=MOST_BYTES) as form:
            said = {
                name: str(value).replace("\r\n", "\n").strip() for name, value in form.items() if isinstance(value, str)
            }
            try:
                self._check(kind, said)
                uploads = [await self._upload(form.get("articles"))] if kind == "incorporation" else []
            except Refused as refused:
                return JSONResponse({"message": str(refused)}, 422)
        filed = self._filed(kind, said, uploads)
        return JSONResponse(
            {
                "filingId": filed.confirmation, "name": filed.fields["companyName"],
                "identifier": filed.fields["incorporationNumber"], "paid": fee(kind),
            },
            201,
        )  # fmt: skip

    def _check(self, kind: str, said: dict[str, str]) -> None:
        """Raises Refused. Names of a changed page are put back to those of the book."""
        for new, old in (("incorporatorLegalName", "incorporator"), ("identifier", "incorporationNumber")):
            if self.desk.change == "renamed_field" and new in said:
                said[old] = said.pop(new)
        if missing := [name for name in _REQUIRED[kind] if not said.get(name)]:
            raise Refused(f"Please complete: {', '.join(missing)}.")
        if self.desk.change == "extra_required" and not re.fullmatch(r"\d{9}", said.get("businessNumber", "")):
            raise Refused("Please complete: businessNumber.")
        if kind == "annual_report":
            if self._name_of(said["incorporationNumber"]) is None:
                raise Refused("There is no company of this incorporation number.")
            if not said.get("officesUnchanged") or not said.get("directorsUnchanged"):
                raise Refused("Change offices or directors by a notice of their own first.")
            if said["year"] not in (str(self.today.year), str(self.today.year - 1)):
                raise Refused("There is no report due for this year.")
        elif said.get("nameType") == "named":
            if self.approvals.get(_numbered(said.get("nrNumber", "")), ("", date.min))[1] < self.today:
                raise Refused("The name approval number is not valid.")
        elif said.get("nameType") != "numbered":
            raise Refused("Choose the name of the company.")

    async def _upload(self, file: object) -> Upload:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Refused("Attach the incorporation agreement and the articles.")
        content = await file.read()
        if not content.startswith(b"%PDF-"):
            raise Refused("The attachment must be a PDF.")
        return self.house.book.keep("articles", file.filename, content)

    def _filed(self, kind: str, said: dict[str, str], uploads: list[Upload]) -> Submission:
        if kind == "incorporation":
            digits = 1_500_001 + len([one for one in self.house.book.all(PORTAL) if one.form == "incorporation"])
            said["incorporationNumber"] = f"BC{digits}"
            approved = self.approvals.get(_numbered(said.get("nrNumber", "")))
            is_named = said["nameType"] == "named" and approved is not None
            said["companyName"] = approved[0] if is_named and approved else f"{digits} B.C. Ltd."
        else:
            said["companyName"] = self._name_of(said["incorporationNumber"]) or ""
        return self.house.book.add(
            PORTAL, kind, f"BC {said['companyName']}", said | {"fee": fee(kind)}, uploads, at=self.house.now(),
            confirmation=lambda number: f"{150_000_000 + number}",
        )  # fmt: skip

    def _name_of(self, identifier: str) -> str | None:
        """The company of an incorporation number: of those incorporated here, else of the sandbox's register."""
        for one in self.house.book.all(PORTAL):
            if one.form == "incorporation" and one.fields["incorporationNumber"] == identifier:
                return one.fields["companyName"]
        listed = re.fullmatch(r"BC0?1(\d{5})", identifier)
        known = {one.index: one.name for one in register(self.house.world.seed, "BC")} if listed else {}
        return known.get(int(listed.group(1))) if listed else None

    async def filings(self, request: Request) -> Response:
        asked = request.query_params.get("q", "").casefold()
        found = [one for one in reversed(self.house.book.all(PORTAL)) if asked in _searched(one)]
        return JSONResponse({"filings": [_row(one) for one in found[:100]]})

    async def certificate(self, request: Request) -> Response:
        found = self.house.book.all(PORTAL, confirmation=request.path_params["number"])
        if not found:
            return JSONResponse({"message": "Unknown."}, 404)
        headers = {"Content-Disposition": f'attachment; filename="filing-{found[0].confirmation}.pdf"'}
        return Response(_certificate(found[0]), media_type="application/pdf", headers=headers)


def fee(kind: str) -> str:
    """The fee of a filing, as people read it."""
    return f"C${jurisdiction('BC').fees[_FEES[kind]].value:.2f}"


def routes(house: House) -> list[Route]:
    """Below `/filing/bc_registry`."""
    desk = Desk(house, PORTAL, OFFICE, START)
    registry = _Registry(desk)

    async def script(request: Request) -> Response:
        text = (resources.files(__package__) / "templates" / "bc_app.js").read_text(encoding="utf-8")
        return Response(text, media_type="text/javascript")

    return [
        *desk.routes(),
        Route("/_sandbox", registry.approve, methods=["POST"]),
        Route("/app", desk.signed_in(registry.app), methods=["GET"]),
        Route("/app.js", script, methods=["GET"]),
        Route("/api/v1/fees/{kind}", desk.signed_in(registry.fees), methods=["GET"]),
        Route("/api/v1/namerequests/{number}", desk.signed_in(registry.approval), methods=["GET"]),
        Route("/api/v1/filings", desk.signed_in(registry.filings), methods=["GET"]),
        Route("/api/v1/filings/{kind}/submit", desk.signed_in(registry.submit), methods=["POST"]),
        Route("/api/v1/filings/{number}/certificate", desk.signed_in(registry.certificate), methods=["GET"]),
    ]


def _numbered(text: str) -> str:
    """`NR 1234567`, however it is written."""
    return "NR " + re.sub(r"\D", "", text)


def _searched(one: Submission) -> str:
    known = (
        one.fields["companyName"],
        one.fields["incorporationNumber"],
        one.fields.get("folio", ""),
        one.confirmation,
    )
    return "\n".join(known).casefold()


def _row(one: Submission) -> dict[str, object]:
    return {
        "filingId": one.confirmation,
        "identifier": one.fields["incorporationNumber"],
        "name": one.fields["companyName"],
        "kind": KINDS[one.form],
        "folio": one.fields.get("folio", ""),
        "filed": f"{one.day:%Y-%m-%d}",
        "digests": [file.sha256 for file in one.uploads],
    }


def _certificate(one: Submission) -> bytes:
    words = "was incorporated under" if one.form == "incorporation" else "has filed its annual report under"
    return paper(
        "Province of British Columbia, BC Registries",
        "Certificate of Incorporation" if one.form == "incorporation" else "Receipt of an Annual Report",
        [
            f"{one.fields['companyName']} {words} the Business Corporations Act.",
            f"Incorporation number {one.fields['incorporationNumber']}.",
            f"Filing {one.confirmation} of {one.day:%Y-%m-%d}.",
        ],
    )

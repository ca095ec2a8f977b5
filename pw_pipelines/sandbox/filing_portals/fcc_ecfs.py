"""The Electronic Comment Filing System: a form, a review page, a confirmation; rendered by the server, laid in tables.

The standard filing needs no account and is public. Lawful-intercept policies (CALEA SSI, docket 97-213) are refused
there: they are confidential, have a way of their own behind the sign-in, and are seen again only there. What was
answered waits on the server between form and review, under a number in the page; that page sent again files again.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pw_pipelines.sandbox.filing_portals.book import Submission, Upload
from pw_pipelines.sandbox.filing_portals.common import Change, Desk, House

PORTAL = "fcc_ecfs"
OFFICE = "FCC Electronic Comment Filing System"
MOST_BYTES = 25 * 1024 * 1024
MOST_DRAFTS = 1_000
STANDARD, CONFIDENTIAL = "standard", "confidential"
CONFIDENTIAL_DOCKET = "97-213"
# Docket or inbox -> what it is called: those our filings go to, and neighbours.
PROCEEDINGS = {
    "06-36": "Annual 64.2009(e) CPNI Certification",
    "INBOX-63.71": "Inbox for Section 63.71 Discontinuance Applications",
    "17-97": "Call Authentication Trust Anchor",
    "17-59": "Advanced Methods to Target and Eliminate Unlawful Robocalls",
    CONFIDENTIAL_DOCKET: "Communications Assistance for Law Enforcement Act",
}
TYPES = ("CERTIFICATION", "APPLICATION", "COMMENT", "LETTER", "OTHER")
_LABELS = {
    "proceeding": "Proceeding",
    "filer_name": "Name of filer",
    "contact_email": "Primary contact email",
    "law_firm": "Law firm",
    "filing_type": "Type of filing",
    "address_line": "Address",
    "city": "City",
    "state": "State",
    "zip": "ZIP code",
    "brief": "Brief comments",
}
_OPTIONAL = frozenset({"law_firm", "brief", "contact_email"})


@dataclass(frozen=True)
class Draft:
    """What waits for its review."""

    fields: dict[str, str]
    uploads: tuple[Upload, ...]


class Way:
    """One way of filing: the form, its review, the submit."""

    def __init__(self, desk: Desk, kind: str) -> None:
        self._desk = desk
        self._kind = kind
        self._drafts: OrderedDict[str, Draft] = OrderedDict()

    async def blank(self, request: Request) -> Response:
        return self._form({"proceeding": CONFIDENTIAL_DOCKET} if self._kind == CONFIDENTIAL else {}, [])

    async def review(self, request: Request) -> Response:
        """What came from the form, shown once more; or the form with what is wrong."""
        async with request.form(max_part_size=MOST_BYTES) as sent:
            fields = {name: str(sent.get(given, "")).strip() for name, given in _names(self._desk.change).items()}
            uploads, problems = await self._uploads(sent)
        errors = _errors(self._kind, fields) + problems
        if errors:
            return self._form(fields, errors)
        key = secrets.token_urlsafe(18)
        self._drafts[key] = Draft(fields, uploads)
        while len(self._drafts) > MOST_DRAFTS:
            self._drafts.popitem(last=False)
        return self._review(key)

    async def submit(self, request: Request) -> Response:
        sent = await request.form()
        draft = self._drafts.get(key := str(sent.get("draft", "")))
        if draft is None:
            return self._form({}, ["Your session has expired. Please enter your filing again."])
        if sent.get("reviewed") != "yes":
            return self._review(key, "Please confirm that you reviewed your filing.")
        house, frn = self._desk.house, re.search(r"\b\d{10}\b", draft.fields["brief"])
        fields = draft.fields | ({"frn": frn.group()} if frn else {})
        form = f"{self._kind}:{fields['proceeding']}"
        now = house.now()
        made = house.book.add(
            PORTAL, form, fields["filer_name"], fields, draft.uploads, at=now,
            confirmation=lambda number: f"{now:%Y%m%d}{number:09d}",
        )  # fmt: skip
        return self._desk.page("ecfs_confirmation.html", made=made)

    async def search(self, request: Request) -> Response:
        """Filings of this way by docket and part of the filer's name, newest first."""
        asked = {name: request.query_params.get(name, "").strip() for name in ("proceeding", "filer")}
        is_asked = bool(request.query_params)
        found = [one for one in reversed(self._desk.house.book.all(PORTAL)) if self._fits(one, asked)]
        here = "ecfs/search/search-filings" if self._kind == STANDARD else "ecfs/filings/mine"
        return self._desk.page("ecfs_search.html", here=here, asked=asked, is_asked=is_asked, rows=found)

    def _fits(self, one: Submission, asked: dict[str, str]) -> bool:
        return (
            one.form.startswith(f"{self._kind}:")
            and asked["proceeding"] in ("", one.fields["proceeding"])
            and asked["filer"].lower() in one.fields["filer_name"].lower()
        )

    def _form(self, values: dict[str, str], errors: list[str]) -> Response:
        return self._desk.page(
            "ecfs_form.html", kind=self._kind, labels=_labels(self._desk.change), names=_names(self._desk.change),
            values=values, errors=errors, types=TYPES, optional=_OPTIONAL, proceedings=PROCEEDINGS,
        )  # fmt: skip

    def _review(self, key: str, error: str = "") -> Response:
        draft = self._drafts[key]
        rows = [(label, draft.fields[name]) for name, label in _LABELS.items() if draft.fields[name]]
        title = PROCEEDINGS[draft.fields["proceeding"]]
        return self._desk.page(
            "ecfs_review.html", kind=self._kind, key=key, rows=rows, uploads=draft.uploads, title=title, error=error
        )

    async def _uploads(self, sent: FormData) -> tuple[tuple[Upload, ...], list[str]]:
        kept, problems = [], []
        for file in sent.getlist("documents"):
            if isinstance(file, UploadFile) and file.filename:
                content = await file.read()
                if not content.startswith(b"%PDF-"):
                    problems.append(f"Documents: {file.filename} is not a PDF.")
                kept.append(self._desk.house.book.keep("documents", file.filename, content))
        return tuple(kept), problems if kept else ["Documents: attach at least one document."]


def routes(house: House) -> list[Route]:
    """Below `/filing/fcc_ecfs`; the paths are the portal's own."""
    desk = Desk(house, PORTAL, OFFICE, "ecfs/filings/standard")
    public, confidential = Way(desk, STANDARD), Way(desk, CONFIDENTIAL)
    return [
        *desk.routes(),
        Route("/ecfs/filings/standard", desk.visited(public.blank), methods=["GET"]),
        Route("/ecfs/filings/standard", desk.visited(public.review), methods=["POST"]),
        Route("/ecfs/filings/standard/submit", desk.visited(public.submit), methods=["POST"]),
        Route("/ecfs/search/search-filings", desk.open_to_all(public.search), methods=["GET"]),
        Route("/ecfs/filings/confidential", desk.signed_in(confidential.blank), methods=["GET"]),
        Route("/ecfs/filings/confidential", desk.signed_in(confidential.review), methods=["POST"]),
        Route("/ecfs/filings/confidential/submit", desk.signed_in(confidential.submit), methods=["POST"]),
        Route("/ecfs/filings/mine", desk.signed_in(confidential.search), methods=["GET"]),
    ]


def _labels(change: Change) -> dict[str, str]:
    extra = {"fee_control": "Fee control number"} if change == "extra_required" else {}
    renamed = {"filer_name": "Filing party"} if change == "renamed_field" else {}
    return _LABELS | renamed | extra


def _names(change: Change) -> dict[str, str]:
    """Field -> the name it has in the page today."""
    return {name: "filing_party" if label == "Filing party" else name for name, label in _labels(change).items()}


def _errors(kind: str, fields: dict[str, str]) -> list[str]:
    found = [
        f"{_LABELS.get(name, 'Fee control number')}: this field is required."
        for name, value in fields.items()
        if not value and name not in _OPTIONAL
    ]
    proceeding = fields["proceeding"]
    if proceeding and proceeding not in PROCEEDINGS:
        found.append(f"Proceeding: {proceeding} is not a valid proceeding.")
    if fields["filing_type"] and fields["filing_type"] not in TYPES:
        found.append("Type of filing: choose one of the list.")
    if fields["state"] and not re.fullmatch(r"[A-Z]{2}", fields["state"]):
        found.append("State: use the two-letter abbreviation.")
    if fields["zip"] and not re.fullmatch(r"\d{5}(-\d{4})?", fields["zip"]):
        found.append("ZIP code: use five or nine digits.")
    if kind == STANDARD and proceeding == CONFIDENTIAL_DOCKET:
        found.append(
            "Proceeding: system security and integrity filings are confidential; use Submit a Confidential Filing."
        )
    if kind == CONFIDENTIAL and proceeding not in ("", CONFIDENTIAL_DOCKET):
        found.append(f"Proceeding: confidential filings are taken in {CONFIDENTIAL_DOCKET} only.")
    return found

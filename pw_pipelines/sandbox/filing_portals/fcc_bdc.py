"""The Broadband Data Collection's filing system: a form, files that are processed while one waits, a certification in
a window over the page.

A submission is begun on a page of its own, its files are uploaded and processed one by one, and only then does the
button open the certification. The draft stays after the submit; submitting it again is another submission.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib import resources
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.clock import eastern_day
from pw_pipelines.sandbox.filing_portals.book import Upload
from pw_pipelines.sandbox.filing_portals.common import Change, Desk, House

PORTAL = "fcc_bdc"
OFFICE = "FCC Broadband Data Collection"
MOST_BYTES = 25 * 1024 * 1024
MOST_DRAFTS = 1_000
PROCESSING_SECONDS = 0.4
KINDS = {
    "subscription": "Voice subscription",
    "availability": "Broadband availability and subscription",
    "both": "Broadband and voice",
}
_VOICE_FILES = {"voice_file": "Voice subscription data"}
_BROADBAND_FILES = {
    "availability_file": "Broadband availability data",
    "subscription_file": "Broadband subscription data",
    "engineering_file": "Engineering certification",
}
_FILER = {
    "frn": "FCC Registration Number",
    "provider_name": "Provider name",
    "filer_id": "Filer 499 ID, if any",
    "contact_name": "Contact name",
    "contact_phone": "Contact telephone",
    "contact_email": "Contact email",
}
_VOICE = {"voice_residential": "Residential voice lines", "voice_business": "Business voice lines"}
_BROADBAND = {
    "connections": "Broadband connections",
    "technologies": "Technologies used",
    "engineer": "Certifying engineer",
}
_NUMBERS = ("voice_residential", "voice_business", "connections")


@dataclass
class Draft:
    """A submission under way. `files`: what was uploaded, by field, and when it came (of this machine's clock)."""

    kind: str
    fields: dict[str, str]
    files: dict[str, tuple[Upload, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    confirmation: str
    filed: str


def files_of(kind: str) -> dict[str, str]:
    """The files a kind of submission consists of, and their labels."""
    return {
        **(_VOICE_FILES if kind in ("subscription", "both") else {}),
        **(_BROADBAND_FILES if kind in ("availability", "both") else {}),
    }


def fields_of(kind: str, change: Change) -> dict[str, str]:
    """The fields of the first page, and their labels."""
    return {
        **_FILER,
        **(_VOICE if kind in ("subscription", "both") else {}),
        **(_BROADBAND if kind in ("availability", "both") else {}),
        **({"holding_company": "Holding company"} if change == "extra_required" else {}),
    }


def periods(today: date) -> dict[str, str]:
    """The days that data may be as of: the newest four half-years, the newest first."""
    years = range(today.year - 2, today.year + 1)
    ends = [end for year in years for end in (date(year, 6, 30), date(year, 12, 31)) if end <= today]
    return {end.isoformat(): f"{end:%B} {end.day}, {end.year}" for end in reversed(ends[-4:])}


class Collection:
    """The pages and the service behind them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._house = desk.house
        self._drafts: OrderedDict[str, Draft] = OrderedDict()

    async def dashboard(self, request: Request) -> Response:
        asked = request.query_params.get("frn", "").strip()
        rows = [one for one in reversed(self._house.book.all(PORTAL)) if asked in ("", one.subject)]
        return self._page(request, "bdc_dashboard.html", asked=asked, rows=rows, kinds=KINDS)

    async def new(self, request: Request) -> Response:
        kind = str(request.path_params["kind"])
        return self._form(request, kind, {}, {}) if kind in KINDS else self._desk.to("bdc/submissions")

    async def begin(self, request: Request) -> Response:
        """The first page's answers; leads to the files."""
        kind, sent = str(request.path_params["kind"]), await request.form()
        if kind not in KINDS:
            return self._desk.to("bdc/submissions")
        change = self._desk.change
        given = {name: str(sent.get(_name(name, change), "")).strip() for name in ("period", *fields_of(kind, change))}
        errors = self._errors(kind, given)
        if errors:
            return self._form(request, kind, given, errors)
        key = f"{len(self._drafts) + 1}-{time.time_ns():x}"
        self._drafts[key] = Draft(kind, given)
        while len(self._drafts) > MOST_DRAFTS:
            self._drafts.popitem(last=False)
        return self._desk.to(f"bdc/submissions/{key}/files")

    async def files(self, request: Request) -> Response:
        draft = self._drafts.get(key := str(request.path_params["key"]))
        if draft is None:
            return self._desk.to("bdc/submissions")
        return self._page(
            request, "bdc_files.html", key=key, kind=draft.kind, files=files_of(draft.kind), fields=draft.fields,
            title=KINDS[draft.kind],
        )  # fmt: skip

    async def upload(self, request: Request) -> Response:
        draft = self._drafts.get(str(request.path_params["key"]))
        if draft is None:
            return JSONResponse({"error": "There is no such submission."}, 404)
        async with request.form(max_part_size=MOST_BYTES) as sent:
            file, name = sent.get("file"), str(sent.get("field", ""))
            if not isinstance(file, UploadFile) or name not in files_of(draft.kind):
                return JSONResponse({"error": "Choose a file."}, 422)
            kept = self._house.book.keep(name, file.filename or "", await file.read())
        draft.files[name] = (kept, time.monotonic())
        return JSONResponse(self._status(draft, name), 202)

    async def status(self, request: Request) -> Response:
        draft, name = self._drafts.get(str(request.path_params["key"])), str(request.path_params["field"])
        if draft is None or name not in draft.files:
            return JSONResponse({"error": "There is no such file."}, 404)
        return JSONResponse(self._status(draft, name))

    async def submit(self, request: Request) -> Response:
        """The certification, and with it the submission."""
        sent: dict[str, Any] = await request.json()
        draft = self._drafts.get(str(sent.get("key")))
        if draft is None:
            return JSONResponse({"errors": ["There is no such submission."]}, 404)
        given = {name: str(sent.get(name, "")).strip() for name in ("officer_name", "officer_title", "officer_email")}
        lacking = [name.replace("_", " ").capitalize() for name in given if not given[name]]
        errors = [f"{label}: this field is required." for label in lacking]
        if sent.get("certified") is not True:
            errors.append("The certification must be accepted.")
        waiting = [
            label
            for name, label in files_of(draft.kind).items()
            if name not in draft.files or self._status(draft, name)["status"] != "Processed"
        ]
        errors += [f"{label}: not uploaded and processed." for label in waiting]
        if errors:
            return JSONResponse({"errors": errors}, 422)
        now = self._house.now()
        made = self._house.book.add(
            PORTAL, draft.kind, draft.fields["frn"], draft.fields | given, [kept for kept, _ in draft.files.values()],
            at=now, confirmation=lambda number: f"BDC-{now:%Y%m%d}-{number:06d}",
        )  # fmt: skip
        return JSONResponse(asdict(Receipt(made.confirmation, f"{made.day:%m/%d/%Y}")), 201)

    def _status(self, draft: Draft, name: str) -> dict[str, object]:
        kept, came = draft.files[name]
        is_done = time.monotonic() - came >= PROCESSING_SECONDS
        return {"file": kept.name, "size": kept.size, "status": "Processed" if is_done else "Processing"}

    def _form(self, request: Request, kind: str, given: Mapping[str, str], errors: Mapping[str, str]) -> Response:
        change = self._desk.change
        fields = {_name(name, change): (name, label) for name, label in fields_of(kind, change).items()}
        return self._page(
            request, "bdc_new.html", kind=kind, title=KINDS[kind], fields=fields, given=given, errors=errors,
            periods=periods(eastern_day(self._house.now())),
        )  # fmt: skip

    def _page(self, request: Request, template: str, **values: Any) -> Response:
        user = (self._desk.session(request) or {}).get("user", "")
        return self._desk.page(template, user=user, **values)

    def _errors(self, kind: str, given: Mapping[str, str]) -> dict[str, str]:
        labels = fields_of(kind, self._desk.change)
        found = {
            name: f"{label}: this field is required."
            for name, label in labels.items()
            if not given[name] and name != "filer_id"
        }
        if given["period"] not in periods(eastern_day(self._house.now())):
            found["period"] = "Data as of: choose a filing period."
        if given["frn"] and not re.fullmatch(r"(?!0{10})\d{10}", given["frn"]):
            found["frn"] = f"FRN {given['frn']} is not valid."
        for name in _NUMBERS:
            if given.get(name) and not re.fullmatch(r"\d{1,3}(,?\d{3})*", given[name]):
                found[name] = f"{labels[name]}: write a whole number."
        return found


def _name(field: str, change: Change) -> str:
    """The name of a field in the page today."""
    return "provider_legal_name" if field == "provider_name" and change == "renamed_field" else field


def routes(house: House) -> list[Route]:
    """Below `/filing/fcc_bdc`."""
    desk = Desk(house, PORTAL, OFFICE, "bdc/submissions")
    bdc = Collection(desk)

    async def script(request: Request) -> Response:
        text = (resources.files(__package__) / "templates" / "bdc_files.js").read_text(encoding="utf-8")
        return Response(text, media_type="text/javascript")

    return [
        *desk.routes(),
        Route("/bdc/files.js", script),
        Route("/bdc/submissions", desk.signed_in(bdc.dashboard), methods=["GET"]),
        Route("/bdc/submissions/new/{kind}", desk.signed_in(bdc.new), methods=["GET"]),
        Route("/bdc/submissions/new/{kind}", desk.signed_in(bdc.begin), methods=["POST"]),
        Route("/bdc/submissions/{key}/files", desk.signed_in(bdc.files), methods=["GET"]),
        Route("/bdc/api/submissions/{key}/files", desk.signed_in(bdc.upload), methods=["POST"]),
        Route("/bdc/api/submissions/{key}/files/{field}", desk.signed_in(bdc.status), methods=["GET"]),
        Route("/bdc/api/submit", desk.signed_in(bdc.submit), methods=["POST"]),
    ]

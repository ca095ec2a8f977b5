"""The Robocall Mitigation Database's filing portal, in ServiceNow's manner: one page that a script draws.

The script asks the server for the form, draws its sections one after another, uploads each attachment as it is chosen,
and shows fields only when others ask for them. What is filed stands in the portal's public list at once.

An FRN that has a published filing keeps its number, whatever is filed for it and however often, and a whole filing
takes the place of all others it has. One without gets a number as the real ones run: above all given out by that day.
A recertification needs a published filing.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import date
from importlib import resources
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.clock import eastern_day
from pw_pipelines.sandbox.filing_portals import rmd_forms
from pw_pipelines.sandbox.filing_portals.book import Submission, Upload
from pw_pipelines.sandbox.filing_portals.common import Desk, House, Session

PORTAL = "fcc_rmd"
OFFICE = "FCC Robocall Mitigation Database"
MOST_BYTES = 25 * 1024 * 1024
KINDS = {"filing": "Filing", "recertification": "Recertification", "update": "Update"}


@dataclass(frozen=True)
class Listed:
    """One row of the public list. `digests` of what was uploaded here."""

    number: str
    frn: str
    business_name: str
    kind: str
    filed: str
    documents: tuple[str, ...]
    digests: tuple[str, ...]


def routes(house: House) -> list[Route]:
    """Below `/filing/fcc_rmd`; the paths are the portal's own."""
    desk = Desk(house, PORTAL, OFFICE, "rmd?id=rmd_welcome")

    async def show(request: Request) -> Response:
        """Pages by `id`, as ServiceNow has them."""
        wanted = request.query_params.get("id", "rmd_welcome")
        session = desk.session(request)
        if wanted == "rmd_login":
            return desk.to("login")
        if wanted == "rmd_listings":
            return desk.page("rmd_listings.html", user=session["user"] if session else "")
        return await inside(request)

    async def form_page(request: Request) -> Response:
        kind = request.query_params.get("kind", "")
        session = desk.session(request) or {}
        if request.query_params.get("id") != "rmd_form" or kind not in KINDS:
            return desk.page("rmd_welcome.html", user=session["user"], kinds=KINDS)
        session["attachments"] = {}
        return desk.page("rmd_form.html", user=session["user"], kind=kind, title=KINDS[kind])

    inside = desk.signed_in(form_page)

    async def script(request: Request) -> Response:
        name = request.path_params["name"]
        text = (resources.files(__package__) / "templates" / f"rmd_{name}.js").read_text(encoding="utf-8")
        return Response(text, media_type="text/javascript")

    async def widget(request: Request) -> Response:
        form = rmd_forms.form(request.query_params.get("kind", ""), desk.change)
        return JSONResponse({"result": {"data": asdict(form)}})

    async def attach(request: Request) -> Response:
        session: Session = desk.session(request) or {}
        async with request.form(max_part_size=MOST_BYTES) as form:
            file = form.get("uploadFile")
            if not isinstance(file, UploadFile):
                return JSONResponse({"error": {"message": "No file came."}}, 400)
            content = await file.read()
            if not content.startswith(b"%PDF-"):
                return JSONResponse({"error": {"message": f"{file.filename} is not a PDF."}}, 422)
            kept = house.book.keep(str(form.get("field", "")), file.filename or "", content)
        sys_id = secrets.token_hex(16)
        session.setdefault("attachments", {})[sys_id] = kept
        return JSONResponse({"result": {"sys_id": sys_id, "file_name": kept.name, "size_bytes": kept.size}}, 201)

    async def submit(request: Request) -> Response:
        session: Session = desk.session(request) or {}
        sent: dict[str, Any] = await request.json()
        kind, values = str(sent.get("kind", "")), {name: str(value) for name, value in sent["values"].items()}
        known: dict[str, Upload] = session.get("attachments", {})
        uploads = [known[sys_id] for sys_id in sent["attachments"] if sys_id in known]
        today = eastern_day(house.now())
        number = standing_number(house, values.get("frn", ""), today)
        errors = rmd_forms.errors(rmd_forms.form(kind, desk.change), values, {file.field for file in uploads})
        if not errors and kind != "filing" and number is None:
            errors = [{"field": "frn", "message": f"No published certification was found for FRN {values['frn']}."}]
        if errors:
            return JSONResponse({"errors": errors}, 422)
        fields = values | {
            "_rmd_number": number or _next_number(house, today),
            "_is_new": "false" if number else "true",
        }
        made = house.book.add(
            PORTAL, kind, values["frn"], fields, uploads, at=house.now(), confirmation=lambda _: fields["_rmd_number"]
        )
        return JSONResponse({"result": {"number": made.confirmation, "filed": f"{made.day:%m/%d/%Y}"}}, 201)

    async def public(request: Request) -> Response:
        frn = request.query_params.get("sysparm_query", "").removeprefix("frn_str=").strip()
        return JSONResponse({"result": [asdict(row) for row in listed(house, frn)]})

    base = "/api/x_g_fmc_rmd/rmd"
    return [
        *desk.routes(),
        Route("/rmd", desk.open_to_all(show), methods=["GET"]),
        Route("/scripts/{name:str}.js", script),
        Route("/api/now/sp/widget/rmd_form", desk.signed_in(widget), methods=["GET"]),
        Route("/api/now/attachment/upload", desk.signed_in(attach), methods=["POST"]),
        Route(f"{base}/submit", desk.signed_in(submit), methods=["POST"]),
        Route(f"{base}/public", desk.open_to_all(public), methods=["GET"]),
    ]


def standing_number(house: House, frn: str, on: date) -> str | None:
    """The number under which an FRN's filing is published now; of several the one changed last."""
    filed = [one.fields["_rmd_number"] for one in house.book.all(PORTAL, subject=frn)]
    if filed:
        return filed[-1]
    ordinal, rmd = on.toordinal(), house.world.rmd
    carrier = house.world.by_frn.get(frn)
    mine = [
        filing
        for filing in (rmd.listed(ordinal) if carrier else ())
        if carrier and filing.carrier == carrier.index and filing.number != rmd.blank_frn_number
    ]
    return max(mine, key=lambda filing: (rmd.dates(filing, ordinal), filing.number)).number if mine else None


def listed(house: House, frn: str) -> list[Listed]:
    """What the public list has of an FRN: what was filed here, and a filing of before that nothing here changed."""
    filed = house.book.all(PORTAL, subject=frn)
    rows = [_row(one) for one in reversed(filed)]
    today = eastern_day(house.now())
    changed = {row.number for row in rows}
    for filing in house.world.rmd.listed(today.toordinal()):
        carrier = house.world.carriers[filing.carrier]
        if carrier.frn == frn and filing.number not in changed | {house.world.rmd.blank_frn_number}:
            day = f"{date.fromordinal(filing.filed_on):%m/%d/%Y}"
            rows.append(Listed(filing.number, frn, carrier.name, "Filing", day, (), ()))
    return rows


def _row(one: Submission) -> Listed:
    return Listed(
        number=one.confirmation,
        frn=one.subject,
        business_name=one.fields.get("business_name", ""),
        kind=KINDS[one.form],
        filed=f"{one.day:%m/%d/%Y}",
        documents=tuple(file.name for file in one.uploads),
        digests=tuple(file.sha256 for file in one.uploads),
    )


def _next_number(house: House, today: date) -> str:
    """The next one free above the newest published; numbers that the world gives out later are left to it."""
    filings = house.world.rmd.filings
    taken = {filing.number for filing in filings} | {one.confirmation for one in house.book.all(PORTAL)}
    last = max(filing.number for filing in filings if filing.filed_on <= today.toordinal())
    number = int(last.removeprefix("RMD")) + 1
    while f"RMD{number:07d}" in taken:
        number += 1
    return f"RMD{number:07d}"

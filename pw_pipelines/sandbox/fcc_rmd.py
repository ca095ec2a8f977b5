"""The RMD bulk export and its neighbours, rendered from the register: bytes in the real format, and the HTTP routes.

UTF-8 with BOM, line feeds, quoted line breaks; 23 columns since the 2026 cycle, 22 before (`last_recertified` is new).
Rates of the quirks are those of the exports of January 2025 and August 2026.
"""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.carriers import Carrier, Cohort
from pw_pipelines.sandbox.geography import USA
from pw_pipelines.sandbox.profiles import Profile
from pw_pipelines.sandbox.rmd_register import Filing
from pw_pipelines.sandbox.streams import Draw, Subject, Weighted, day, pick, stream
from pw_pipelines.sandbox.today import day_asked

if TYPE_CHECKING:
    from pw_pipelines.sandbox.filed import RmdEntry
    from pw_pipelines.sandbox.world import World

COLUMNS = (
    "number frn business_name business_address foreign_voice_provider country other_frns other_dba_names "
    "previous_dba_names robocall_mitigation_contact_name contact_title contact_department contact_business_address "
    "contact_country contact_telephone_number contact_phone_extension implementation voice_service_provider_choice "
    "gateway_provider_choice intermediate_provider_choice last_updated last_recertified filing_url"
).split()
_RECERTIFICATION_SHOWN = day(2026, 2, 1)
_UPDATED, _RECERTIFIED = COLUMNS.index("last_updated"), COLUMNS.index("last_recertified")
_FORM = (
    "https://fccprod.servicenowservices.com/rmd?id=rmd_form&table=x_g_fmc_rmd_robocall_mitigation_database"
    "&sys_id={}&view=sp"
)
NOT_APPLICABLE = "N/A"
_IMPLEMENTATION = Weighted(
    (
        ("Complete STIR/SHAKEN Implementation", 4_592),
        ("Partial STIR/SHAKEN Implementation - Performing Robocall Mitigation", 1_693),
        ("No STIR/SHAKEN Implementation - Performing Robocall Mitigation", 2_610),
    )
)
_Y, _N = "Yes", "No"
_ROLES = Weighted(
    (
        ((_Y, _N, _N), 6_204),
        ((_N, _N, _Y), 402),
        ((_Y, _Y, _N), 258),
        ((_Y, _N, _Y), 200),
        ((_N, _Y, _N), 83),
        ((_Y, _Y, _Y), 58),
        ((_N, _Y, _Y), 21),
    )
)
_ROLES_OF_OTHERS = Weighted((((_Y, _N, _N), 40), ((_N, _N, _Y), 40), ((_N, _Y, _N), 12), ((_N, _Y, _Y), 8)))
_NO_ROLE_SHARE = 0.21  # of filings untouched since 2021: about 1.6 % of all
_EMPTY_WORDS = ("none", "None", "NONE", "N/A", "none.")


def csv_bytes(world: World, on: date) -> bytes:
    """The export as downloaded on a day."""
    ordinal = on.toordinal()
    dropped = None if ordinal >= _RECERTIFICATION_SHOWN else _RECERTIFIED
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    header = list(COLUMNS)
    rows = published(world, on)
    for row in (header, *rows):
        if dropped is not None:
            del row[dropped]
        writer.writerow(row)
    return b"\xef\xbb\xbf" + sink.getvalue().encode()


def published(world: World, on: date, frn: str | None = None) -> list[list[str]]:
    """Rows of a day (of one FRN), by number: the world's own, with what was filed with the portal's stand-in laid over
    them."""
    ordinal = on.toordinal()
    entries = world.filed.rmd(on) if world.filed else {}
    entries = {number: entry for number, entry in entries.items() if frn in (None, entry.frn)}
    replaced = {entry.frn for entry in entries.values() if entry.is_whole}
    rows = []
    for filing in world.rmd.listed(ordinal):
        if replaced and filing.number not in entries and _is_filed_by(world, filing, replaced):
            continue
        if frn is not None and not _is_filed_by(world, filing, {frn}):
            continue
        entry = entries.pop(filing.number, None)
        row = _row(world, filing, ordinal)
        rows.append(_laid_over(row, entry) if entry else row)
    if entries:  # new filings, and those that were kept from removal
        known = {filing.number: filing for filing in world.rmd.filings}
        for number, entry in entries.items():
            before = _blank(entry) if entry.is_new else _row(world, known[number], ordinal)
            rows.append(_laid_over(before, entry))
        rows.sort(key=lambda row: row[0])
    return rows


def _is_filed_by(world: World, filing: Filing, frns: set[str]) -> bool:
    return world.carriers[filing.carrier].frn in frns and filing.number != world.rmd.blank_frn_number


def _blank(entry: RmdEntry) -> list[str]:
    sys_id = hashlib.md5(entry.number.encode(), usedforsecurity=False).hexdigest()
    known = {"number": entry.number, "frn": entry.frn, "filing_url": _FORM.format(sys_id)}
    return [known.get(column, "") for column in COLUMNS]


def _laid_over(row: list[str], entry: RmdEntry) -> list[str]:
    cells = dict(zip(COLUMNS, row, strict=True))
    cells |= {column: _guarded(text) for column, text in entry.cells.items()}
    cells["last_updated"] = max(cells["last_updated"], _iso(entry.updated))
    cells["last_recertified"] = max(cells["last_recertified"], _iso(entry.recertified))
    return list(cells.values())


def _row(world: World, filing: Filing, on: int) -> list[str]:
    row = world.rmd_cells.get(filing.number)
    if row is None:
        row = world.rmd_cells[filing.number] = tuple(_cells(world, filing))
    updated, recertified = world.rmd.dates(filing, on)
    cells = list(row)
    cells[_UPDATED], cells[_RECERTIFIED] = _iso(updated), _iso(recertified)
    return cells


def _iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat() if ordinal else ""


def _cells(world: World, filing: Filing) -> list[str]:
    """What does not change with time."""
    carrier = world.carriers[filing.carrier]
    profile = world.profile(filing.carrier)
    draw = stream(world.seed, Subject.RMD, filing.carrier, 60_000 + filing.copy)
    address = _address(carrier, profile)
    country = "" if filing.is_carried else carrier.country
    name = "" if filing.is_carried and draw() < 0.23 else carrier.name
    implementation = NOT_APPLICABLE if filing.is_carried else _IMPLEMENTATION.draw(draw)
    return [
        filing.number,
        "" if filing.number == world.rmd.blank_frn_number else carrier.frn,
        _guarded(name),
        "null\nnull" if filing.is_carried and draw() < 0.5 else address,
        _foreign_choice(draw, filing, carrier),
        country,
        _other_frns(world, draw, carrier),
        _names(draw, profile.dbas),
        _names(draw, profile.dbas[1:] if draw() < 0.2 else ()),
        *_contact(draw, filing, carrier, profile, address),
        implementation,
        *_roles(draw, filing, carrier),
        "",
        "",
        _FORM.format(filing.sys_id),
    ]


def _guarded(cell: str) -> str:
    """As the portal exports it: an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(("+", "@")) else cell


def _address(carrier: Carrier, profile: Profile) -> str:
    if carrier.is_foreign:
        return "\n".join((*profile.street, f"{profile.city}, {carrier.country}"))
    return "\n".join((*profile.street, f"{profile.city} {carrier.state} {profile.zip_code}"))


def _foreign_choice(draw: Draw, filing: Filing, carrier: Carrier) -> str:
    chance = draw()
    if filing.is_carried or chance < 0.0004:
        return ""
    if carrier.is_foreign:
        return _Y if chance < 0.88 else _N
    return _Y if chance > 0.9975 else _N


def _other_frns(world: World, draw: Draw, carrier: Carrier) -> str:
    """Affiliates covered by this filing, written in one of the ways people write them; or a word for nothing."""
    chance = draw()
    affiliates = [world.carriers[index] for index in world.covered_by.get(carrier.index, ())]
    if not affiliates and carrier.group >= 0 and chance < 0.12:
        members = world.groups[carrier.group].members
        affiliates = [world.carriers[index] for index in members if index != carrier.index][:4]
    if affiliates:
        numbers = [member.frn for member in affiliates]
        return (
            "; ".join(numbers),
            ", ".join(numbers) + ".",
            "\r\n".join(numbers),
            "; ".join(f"{member.name}: {member.frn}" for member in affiliates),
            "  ".join(f"{member.frn} - {member.name}" for member in affiliates),
        )[int(draw() * 5)]
    if chance < 0.16:
        return pick(draw, _EMPTY_WORDS)
    if chance < 0.165:
        return pick(draw, ("see list in attached RMP", "See Exhibit A", "0004-3210-06 0004-3210-97", "123456789"))
    return ""


def _names(draw: Draw, names: tuple[str, ...]) -> str:
    if names:
        return _guarded(pick(draw, ("; ", ", ", "\n", "  ")).join(names))
    return pick(draw, _EMPTY_WORDS) if draw() < 0.25 else ""


def _contact(draw: Draw, filing: Filing, carrier: Carrier, profile: Profile, address: str) -> list[str]:
    """Name, title, department, address, country, telephone, extension."""
    if filing.is_carried:
        where = "null\nnull" if draw() < 0.5 else ""
        return [NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE, where, "", NOT_APPLICABLE, ""]
    chance = draw()
    where = "null\nnull" if chance < 0.002 else address
    extension = pick(draw, ("Opt 2", "101", "100", "1221", "x4", "N/A")) if draw() < 0.18 else ""
    return [
        _guarded(profile.contact),
        profile.title,
        profile.department,
        where,
        carrier.country,
        _guarded(_phone(draw, carrier, profile.phone)),
        extension,
    ]


def _phone(draw: Draw, carrier: Carrier, phone: str) -> str:
    chance = draw()
    if carrier.country != USA:
        return phone if chance < 0.6 else f"00{phone[1:]}" if chance < 0.8 else phone[1:]
    area, exchange, line = phone[:3], phone[3:6], phone[6:]
    if chance < 0.55:
        return phone
    if chance < 0.8:
        return f"{area}-{exchange}-{line}"
    if chance < 0.86:
        return f"{area}.{exchange}.{line}"
    if chance < 0.93:
        return f"({area}) {exchange}-{line}"
    return f"+1{phone}" if chance < 0.98 else f"+1 {area}-{exchange}-{line}"


def _roles(draw: Draw, filing: Filing, carrier: Carrier) -> tuple[str, str, str]:
    if filing.is_carried:
        return (_N, _N, _Y)
    if filing.is_untouched and draw() < _NO_ROLE_SHARE:
        return (_N, _N, _N)
    return (_ROLES_OF_OTHERS if carrier.cohort is Cohort.RMD_ONLY else _ROLES).draw(draw)


def routes(world: World) -> list[Route]:
    """Routes below the mount `/rmd`; the paths are the portal's own."""

    def download(request: Request) -> Response:
        return Response(
            world.rmd_csv(day_asked(request)),
            media_type="text/csv;charset=utf-8",
            headers={"Content-Disposition": "attachment;filename=RMD.csv"},
        )

    def public(request: Request) -> Response:
        """One FRN as JSON. The real reply's shape is not documented in public: this one is ours."""
        query = request.query_params.get("sysparm_query", "")
        asked = query.removeprefix("frn_str=")
        rows = published(world, day_asked(request), asked)
        return JSONResponse({"result": [dict(zip(COLUMNS, row, strict=True)) for row in rows]})

    def attachment(request: Request) -> Response:
        """The mitigation plan: one in forty has none (404)."""
        on, asked = day_asked(request).toordinal(), request.query_params.get("sys", "")
        for entry in (world.filed.rmd(day_asked(request)) if world.filed else {}).values():
            if entry.plan and hashlib.md5(entry.number.encode(), usedforsecurity=False).hexdigest() == asked:
                return Response(entry.plan, media_type="application/pdf")
        filing = next((filing for filing in world.rmd.listed(on) if filing.sys_id == asked), None)
        if filing is None or filing.is_carried or stream(world.seed, Subject.RMD, filing.carrier, 61_000)() < 0.025:
            return JSONResponse({"error": {"message": "No Record found"}, "status": "failure"}, status_code=404)
        return Response(_plan(world.carriers[filing.carrier].name), media_type="application/pdf")

    base = "/api/x_g_fmc_rmd/rmd"
    return [
        Route(f"{base}/csv_download", download),
        Route(f"{base}/public", public),
        Route(f"{base}/attachment", attachment),
    ]


def _plan(name: str) -> bytes:
    """A PDF of one page that says whose plan it is."""
    text = f"Robocall mitigation plan of {name}".encode("ascii", "replace").replace(b"(", b"[").replace(b")", b"]")
    content = b"BT /F1 12 Tf 72 720 Td (" + text + b") Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    pdf, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return pdf + b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        len(pdf),
    )

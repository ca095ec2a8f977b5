"""The Form 499 filer database: the XML reply as the query page gives it, and the HTTP route.

ISO-8859-1; characters outside it are numeric references. Absent element = empty, as in the real reply.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox import geography, naming
from pw_pipelines.sandbox.form499_register import END_REASONS, Filer, updated_on
from pw_pipelines.sandbox.profiles import Profile
from pw_pipelines.sandbox.streams import Draw, Subject, Weighted, between, pick, stream
from pw_pipelines.sandbox.today import day_asked

if TYPE_CHECKING:
    from pw_pipelines.sandbox.world import World

# Code of the query page -> text of Principal_Communications_Type, in the words of line 105 of the form.
TYPE_TEXTS = {
    "ABS": "Audio Bridge Service",
    "ALLD": "All Distance",
    "COAX": "Coaxial Cable",
    "VOIP": "Interconnected VoIP",
    "CAP": "CAP/CLEC",
    "CEL": "Cellular/PCS/SMR",
    "DAT": "Wireless Data",
    "IXC": "Interexchange Carrier (IXC)",
    "LEC": "Incumbent LEC",
    "LRES": "Local Reseller",
    "OSP": "Operator Service Provider (OSP)",
    "OTHL": "Other Local",
    "OTHM": "Other Mobile",
    "OTHT": "Other Toll",
    "PAG": "Paging & Messaging",
    "PAY": "Payphone Service Provider",
    "PRE": "Pre-paid Card",
    "PRIV": "Private Service Provider",
    "SAT": "Satellite Service Provider",
    "SMR": "SMR (dispatch)",
    "TEN": "Shared-Tenant Service Provider",
    "TRES": "Toll Reseller",
}
JURISDICTIONS = tuple(
    """alabama alaska american_samoa arizona arkansas california colorado connecticut delaware district_of_columbia
    florida georgia guam hawaii idaho illinois indiana iowa johnston_atoll kansas kentucky louisiana maine maryland
    massachusetts michigan midway_atoll minnesota mississippi missouri montana nebraska nevada new_hampshire new_jersey
    new_mexico new_york north_carolina north_dakota northern_mariana_islands ohio oklahoma oregon pennsylvania
    puerto_rico rhode_island south_carolina south_dakota tennessee texas us_virgin_islands utah vermont virginia
    wake_island washington west_virginia wisconsin wyoming""".split()
)
_HOME = {code: row[0].replace("U.S.", "us").lower().replace(" ", "_") for code, row in geography.STATES.items()}
_REACH = Weighted((((0, 0), 46), ((1, 6), 26), ((7, 25), 14), ((40, 58), 14)))
_AGENTS = tuple(
    (firm, f"service@{host}", f"{1000 + 50 * turn} Fictional Avenue, NW", f"202555010{turn}", f"202555011{turn}")
    for turn, (firm, host) in enumerate(naming.CONSULTANTS)
)
_OPEN = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
    '<Filer499QueryResults xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation='
    '"http://apps.fcc.gov/cgb/form499/XMLSchema/Filer499QueryResults_Schema.xsd"\n'
    ' Updated="{updated}" RecordCount="{count}" >\n\t\t\n'
)
_CLOSE = "</Filer499QueryResults>\n"
_PER_CHUNK = 500
_FILES_KEPT = 3
_WRITING = Lock()
ERRORS = {
    1: "Invalid state",
    2: "Invalid parameters",
    3: "No results found",
    4: "Invalid FRN",
    5: "Invalid Filer ID",
    6: "Invalid communications type",
    7: "Only GET is supported",
}


def xml_chunks(
    world: World, updated: date, *, filers: Iterable[Filer] | None = None, inflate_to: int | None = None
) -> Iterator[bytes]:
    """The reply for `filers` (everybody when None) in the vintage `updated`."""
    chosen = world.form499.present(updated.toordinal()) if filers is None else list(filers)
    moved = _moved(world, updated)
    more = 0
    if inflate_to and chosen:
        sample = chosen[:: max(1, len(chosen) // 400)]
        mean = sum(len(_filer(world, filer, updated, 0, moved)) for filer in sample) / len(sample)
        more = max(0, round((inflate_to / len(chosen) - mean) / 60) + 3)
    yield _OPEN.format(updated=updated.isoformat(), count=len(chosen)).encode("ascii")
    for start in range(0, len(chosen), _PER_CHUNK):
        text = "".join(_filer(world, filer, updated, more, moved) for filer in chosen[start : start + _PER_CHUNK])
        yield text.encode("iso-8859-1", "xmlcharrefreplace")
    yield _CLOSE.encode("ascii")


def _line(indent: int, tag: str, value: str) -> str:
    return f"{' ' * indent}<{tag}>{escape(value)}</{tag}>\n" if value else ""


def _moved(world: World, updated: date) -> dict[str, int]:
    """Filer ID -> 1 April of the newest cycle filed with the stand-in before a vintage. An FRN alone means its newest
    active filer."""
    found: dict[str, int] = {}
    for one in world.filed.form499(updated) if world.filed else ():
        on = updated.toordinal()
        mine = [filer for filer in world.form499.by_frn.get(one.frn, ()) if filer.started_on <= on < filer.ended_on]
        filer_id = one.filer_id or (max(mine, key=lambda filer: filer.started_on).filer_id if mine else "")
        found[filer_id] = max(found.get(filer_id, 0), date(one.year, 4, 1).toordinal())
    return found


def _filer(world: World, filer: Filer, updated: date, more: int, moved: Mapping[str, int]) -> str:
    draw = stream(world.seed, Subject.FORM499, filer.position + 1)
    on = updated.toordinal()
    current = max(world.form499.current_as_of(filer, on), moved.get(filer.filer_id, 0))
    profile = world.profile(filer.carrier) if filer.carrier >= 0 else None
    holding = ""
    if filer.carrier >= 0:
        group = world.carriers[filer.carrier].group
        holding = world.groups[group].name if group >= 0 else filer.name if draw() < 0.3 else ""
    parts = [
        "        <Filer>\n",
        _line(12, "Form_499_ID", filer.filer_id),
        "            <Filer_ID_Info>\n",
        _line(16, "Registration_Current_as_of", date.fromordinal(current).isoformat() if current else ""),
        _line(16, "start_date", date.fromordinal(filer.started_on).isoformat()),
    ]
    if filer.ended_on <= on:
        parts.append(_line(16, "end_date", date.fromordinal(filer.ended_on).isoformat()))
        parts.append(_line(16, "end_reason_desc", END_REASONS.draw(draw) if draw() < 0.93 else ""))
    dbas = profile.dbas if profile else ()
    parts += [
        _line(16, "USF_Contributor", "Yes" if draw() < 0.58 else "No"),
        _line(16, "Legal_Name", filer.name),
        _line(16, "doing_business_as", dbas[0] if dbas else filer.name if draw() < 0.4 else ""),
        _line(16, "Principal_Communications_Type", TYPE_TEXTS[filer.comm_type]),
        _line(16, "holding_company", holding.upper() if draw() < 0.3 else holding),
        _line(16, "management_company", "Fjord & Fell Management, Inc." if draw() < 0.02 else ""),
        _line(16, "FRN", filer.frn),
        _addresses(draw, filer, profile),
        *(_line(16, "other_trade_name", name) for name in dbas),
        "            </Filer_ID_Info>\n",
        _agent(draw),
        _officers(draw, profile),
        _jurisdictions(draw, filer, more),
        "        </Filer>\n",
    ]
    return "".join(parts)


def _addresses(draw: Draw, filer: Filer, profile: Profile | None) -> str:
    if profile:
        street, city, zip_code, phone = profile.street, profile.city, profile.zip_code, profile.phone
    else:
        street, city = tuple(geography.street_lines(draw)), geography.city(draw)
        zip_code, phone = geography.zip_code(draw, filer.state), geography.phone_digits(draw, filer.state)
    inner = "".join(_line(20, "address_line", line) for line in street)
    inner += _line(20, "city", city) + _line(20, "state", filer.state) + _line(20, "zip_code", zip_code)
    return (
        f"                <hq_address>\n{inner}                </hq_address>\n"
        f"                <customer_inquiries_address>\n{inner}                </customer_inquiries_address>\n"
        + _line(16, "Customer_Inquiries_telephone", phone)
    )


def _agent(draw: Draw) -> str:
    """The agent for service of process in DC: one in ninety has none, one in sixty sits elsewhere."""
    chance = draw()
    if chance < 0.011:
        return ""
    firm, mail, street, phone, fax = pick(draw, _AGENTS)
    city, state, zip_code = ("Washington", "DC", "20036") if chance > 0.028 else ("Arlington", "VA", "22201")
    return "".join(
        (
            "            <Agent_for_Service_Of_Process>\n",
            _line(16, "dc_agent", firm),
            _line(16, "dc_agent_telephone", phone),
            _line(16, "dc_agent_fax", fax if draw() < 0.6 else ""),
            _line(16, "dc_agent_email", mail if draw() < 0.9 else ""),
            "                <dc_agent_address>\n",
            _line(20, "address_line", street),
            _line(20, "address_line", f"Suite {between(draw, 100, 990)}" if draw() < 0.6 else ""),
            _line(20, "city", city),
            _line(20, "state", state),
            _line(20, "zip_code", zip_code),
            "                </dc_agent_address>\n            </Agent_for_Service_Of_Process>\n",
        )
    )


def _officers(draw: Draw, profile: Profile | None) -> str:
    officers = (profile.contact if profile and draw() < 0.5 else naming.person(draw), naming.person(draw))
    return "".join(
        (
            "            <FCC_Registration_information>\n",
            _line(16, "Chief_Executive_Officer", officers[0]),
            _line(16, "Chairman_or_Senior_Officer", officers[1] if draw() < 0.7 else ""),
            _line(16, "President_or_Senior_Officer", officers[1] if draw() < 0.3 else ""),
            "            </FCC_Registration_information>\n",
        )
    )


def _jurisdictions(draw: Draw, filer: Filer, more: int) -> str:
    low, high = _REACH.draw(draw)
    count, start = between(draw, low, high) + more, between(draw, 0, len(JURISDICTIONS) - 1)
    chosen = {JURISDICTIONS[(start + turn) % len(JURISDICTIONS)] for turn in range(count)}
    if filer.state:
        chosen.add(_HOME[filer.state])
    repeats = max(0, count - len(JURISDICTIONS))  # inflation beyond the 59 there are
    names = [*sorted(chosen), *JURISDICTIONS[:repeats]]
    return "".join(f"            <jurisdiction_state>{name}</jurisdiction_state>\n" for name in names)


def cached_file(world: World, on: date, folder: Path) -> Path:
    """The whole database of a day as a file under `folder`, written once per vintage."""
    updated = updated_on(on)
    with _WRITING:
        filed = world.filed.edition("usac_efile", updated) if world.filed else ""
        likeness = _likeness(world, updated) + (f"-{filed}" if filed else "")
        path = folder / f"form499-{world.seed}-{updated.isoformat()}-{likeness}.xml"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
            with draft.open("wb") as sink:
                sink.writelines(xml_chunks(world, updated))
            draft.replace(path)
            for old in sorted(folder.glob("form499-*.xml"), key=lambda file: file.stat().st_mtime)[:-_FILES_KEPT]:
                old.unlink(missing_ok=True)
    return path


def _likeness(world: World, updated: date) -> str:
    """A digest of some filers: a file left by an older rendering of the same world is not served for this one."""
    some = world.form499.present(updated.toordinal())[::500]
    return hashlib.sha256(b"".join(xml_chunks(world, updated, filers=some))).hexdigest()[:8]


def routes(world: World, cache: Path) -> list[Route]:
    """Routes below the mount `/form499`."""

    def results(request: Request) -> Response:
        asked = {name.lower(): value for name, value in request.query_params.items()}
        on = day_asked(request)
        if asked.get("xml", "").upper() != "TRUE":
            return HTMLResponse("<html><body><h1>Form 499 Filer Database</h1></body></html>")
        criteria = {name: value.strip() for name, value in asked.items() if name not in ("xml", "r1") and value.strip()}
        if not criteria:
            return FileResponse(cached_file(world, on, cache), media_type="text/xml;charset=ISO-8859-1")
        code, chosen = _query(world, on, criteria)
        if code:
            return _error(code)
        body = b"".join(xml_chunks(world, updated_on(on), filers=chosen))
        return Response(body, media_type="text/xml;charset=ISO-8859-1")

    return [Route("/499results.cfm", results)]


def _error(code: int) -> Response:
    head = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    body = f"{head}\n<Error><Code>{code}</Code><Message>{ERRORS[code]}</Message></Error>\n"
    return Response(body.encode("ascii"), media_type="text/xml;charset=ISO-8859-1")


def _query(world: World, on: date, criteria: dict[str, str]) -> tuple[int, list[Filer]]:
    """(error code or 0, filers). All criteria must hold; `state` is the home jurisdiction."""
    monday = updated_on(on).toordinal()
    if criteria.keys() - {"frn", "filerid", "legalname", "operational", "comm_type", "state"}:
        return 2, []
    frn = criteria.get("frn")
    if frn is not None and not (frn.isdigit() and len(frn) == 10):
        return 4, []
    filer_id = criteria.get("filerid")
    if filer_id is not None and not (filer_id.isdigit() and len(filer_id) == 6):
        return 5, []
    kind = criteria.get("comm_type")
    if kind is not None and kind.upper() not in TYPE_TEXTS:
        return 6, []
    states = {state.strip() for state in criteria["state"].split(",")} if "state" in criteria else set()
    if states - set(JURISDICTIONS):
        return 1, []
    name = criteria.get("legalname", "").lower()
    pool = world.form499.by_frn.get(frn, []) if frn else world.form499.filers
    chosen = [
        filer
        for filer in pool
        if filer.started_on <= monday
        and (filer_id is None or filer.filer_id == filer_id)
        and (kind is None or filer.comm_type == kind.upper())
        and (not name or name in filer.name.lower())
        and (not states or _HOME.get(filer.state, "") in states)
        and (criteria.get("operational") != "1" or filer.ended_on > monday)
    ]
    return (0 if chosen else 3), chosen

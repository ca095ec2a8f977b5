"""CORES pages in the real HTML: 200 always, with an empty body for a number nobody has."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from html import escape
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pw_pipelines.sandbox import geography, naming
from pw_pipelines.sandbox.carriers import Carrier, Cohort
from pw_pipelines.sandbox.profiles import Profile
from pw_pipelines.sandbox.streams import Draw, Subject, Weighted, between, day, pick, stream
from pw_pipelines.sandbox.today import day_asked

if TYPE_CHECKING:
    from pw_pipelines.sandbox.world import World

UNKNOWN_SHARE = 0.006  # of carriers whose number CORES does not know
_OTHER_NAME_SHARE = 0.07
_OTHER_ADDRESS_SHARE = 0.09
_KINDS = Weighted(
    (
        ("Private Sector , Limited Liability Company", 55),
        ("Private Sector , Corporation", 34),
        ("Private Sector , Partnership", 3),
        ("Private Sector , Cooperative", 4),
        ("Government , Municipality", 4),
    )
)
_HEAD = """<html>
	<head>
		<title>FCC Registration System</title>
		<link rel="stylesheet" type="text/css" href="images/registration/cores.css" />
	</head>

"""
EMPTY_PAGE = f"{_HEAD}\t<body></body>\n</html>\n".encode()
_TOP = """	<body>
		<div id="srchDetailContent">
			<div id="srchDetailClose"><a href="javascript:self.close()">Close Window</a></div>

			<div id="srchDetailHeader">Registration Detail</div>

			<table role="table">
"""
_BOTTOM = """			</table>
		</div>
		<!-- Close srchDetailContent -->
	</body>
</html>
"""


def page(world: World, frn: str, on: date) -> bytes:
    """The page of one FRN on a day."""
    carrier = world.by_frn.get(frn)
    ordinal = on.toordinal()
    if carrier is None or carrier.registered_on > ordinal or is_unknown(world, carrier):
        return EMPTY_PAGE
    draw = stream(world.seed, Subject.CORES, carrier.index)
    profile = world.profile(carrier.index)
    name = naming.variant(draw, carrier.name) if draw() < _OTHER_NAME_SHARE else carrier.name
    organization = profile.dbas[0] if profile.dbas and draw() < 0.5 else profile.consultant or carrier.name
    rows = (
        ("FRN:", frn),
        ("Registration Date:", _moment(draw, carrier.registered_on)),
        ("Last Updated:", _moment(draw, _last_update(world, carrier, ordinal))),
        ("Entity Name:", name),
        ("Entity Type:", _KINDS.draw(draw)),
        ("Contact Organization:", organization),
        ("Contact Position:", profile.title),
        ("Contact Name:", f"{pick(draw, ('Mr', 'Ms', 'Mx', ''))} {profile.contact}".strip()),
        ("Contact Address:", _address(draw, carrier, profile)),
        ("Contact Email:", profile.email or ""),
        ("ContactPhone:", _phone(profile.phone)),
        ("ContactFax:", ""),
    )
    table = "".join(
        f'\t\t\t\t<tr>\n\t\t\t\t\t<th scope="col">{label}</th>\n\t\t\t\t\t<td>'
        f"{value if label == 'Contact Address:' else escape(value, quote=False)}</td>\n\t\t\t\t</tr>\n\n"
        for label, value in rows
    )
    return f"{_HEAD}{_TOP}{table}{_BOTTOM}".encode()


def is_unknown(world: World, carrier: Carrier) -> bool:
    """Whether CORES has lost or never had this number."""
    return (
        carrier.cohort not in (Cohort.NEWCOMER, Cohort.LICENSEE)
        and stream(world.seed, Subject.CORES, carrier.index, 1)() < UNKNOWN_SHARE
    )


def _last_update(world: World, carrier: Carrier, on: int) -> int:
    """The newest change by a day: one in three years has one."""
    latest = carrier.registered_on
    for year in range(date.fromordinal(on).year, max(2005, date.fromordinal(latest).year), -1):
        draw = stream(world.seed, Subject.CORES, carrier.index, year)
        changed = day(year, 1, 1) + between(draw, 0, 364)
        if draw() < 0.33 and latest < changed <= on:
            return changed
    return latest


def _moment(draw: Draw, ordinal: int) -> str:
    midnight = datetime.combine(date.fromordinal(ordinal), time())
    return (midnight + timedelta(seconds=between(draw, 7 * 3600, 22 * 3600))).strftime("%m/%d/%Y %I:%M:%S %p")


def _address(draw: Draw, carrier: Carrier, profile: Profile) -> str:
    street, city = profile.street, profile.city
    if draw() < _OTHER_ADDRESS_SHARE:
        street = tuple(geography.street_lines(draw))
    if carrier.is_foreign:
        lines = [*street, city, carrier.country]
    else:
        lines = [*street, f"{city}, {carrier.state} {profile.zip_code}", "United States"]
    joined = "<br />\n\n\t\t\t\t\t\t".join(escape(line, quote=False) for line in lines)
    return f"\n\t\t\t\t\t\t{joined}\n\t\t\t\t\t"


def _phone(digits: str) -> str:
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}" if len(digits) == 10 else digits


def routes(world: World) -> list[Route]:
    """Routes below the mount `/cores`."""

    async def detail(request: Request) -> Response:
        frn = request.query_params.get("frn", "")
        return Response(page(world, frn, day_asked(request)), media_type="text/html;charset=UTF-8")

    return [Route("/searchDetail.do", detail)]

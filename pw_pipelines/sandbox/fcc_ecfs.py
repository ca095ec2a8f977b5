"""The ECFS public API over docket 06-36: records in the real shape, and the rules of `/filings`.

A key is needed (403 without); whole days only in date filters (400 for timestamps); offset + limit may not pass
10,000; malformed parameters are answered with a sentence of text and status 200; X-RateLimit headers count down.
"""

from __future__ import annotations

import hashlib
import re
import time
from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.cpni_register import Certificate
from pw_pipelines.sandbox.today import day_asked

if TYPE_CHECKING:
    from pw_pipelines.sandbox.world import World

DOCKET = "06-36"
WINDOW = 10_000
HOURLY_LIMIT = 1_000
DEFAULT_LIMIT = 25
MOST_PER_PAGE = 1_000
MALFORMED = "Parameters incorrectly formatted"
_PROCEEDING = {
    "id_proceeding": "10936",
    "name": DOCKET,
    "description": "Annual 64.2009(e) CPNI Certification",
    "bureau_code": "EB",
    "bureau_name": "Enforcement Bureau",
}
_OTHER_TYPES = {"APPLICATION": (36, "AP"), "COMMENT": (7, "CO"), "LETTER": (20, "LT"), "OTHER": (23, "OT")}
_KNOWN = frozenset(
    """api_key limit offset sort q proceedings.name filers.name submissiontype.description date_received
    date_disseminated""".split()
)
_RANGE = re.compile(r"(?:\[gte\](?P<first>[^\[]*))?(?:\[lte\](?P<last>[^\[]*))?")
_SORTS = ("date_received", "date_disseminated", "date_submission")


class Span(NamedTuple):
    """UTC days, both included; None is open."""

    first: date | None
    last: date | None


class _Refusal(Exception):
    """Carries the reply to a request that breaks a rule."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.reply = PlainTextResponse(text, status_code=status)


def stamp(moment: datetime) -> str:
    """UTC to the millisecond, as ECFS writes it."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def record(filing: Certificate) -> dict[str, object]:
    """One filing as `/filings` shows it."""
    received = stamp(filing.received)
    number, abbreviation = _OTHER_TYPES.get(filing.type, (110, "CF"))
    document = hashlib.md5(filing.id_submission.encode(), usedforsecurity=False).hexdigest()[:14]
    return {
        "id_submission": filing.id_submission,
        "submissiontype": {
            "id": number,
            "description": filing.type,
            "short": filing.type,
            "abbreviation": abbreviation,
        },
        "proceedings": [_PROCEEDING if filing.docket == DOCKET else {"name": filing.docket}],
        "date_received": received,
        "date_submission": received,
        "date_disseminated": stamp(filing.received + timedelta(hours=15)),
        "filingstatus": {"id": 30, "description": "DISSEMINATED"},
        "viewingstatus": {"id": "10", "description": "Unrestricted"},
        "express_comment": 0,
        "exparte_or_late_filed": "N",
        "filers": [{"name": name} for name in filing.filers],
        "authors": [{"name": filing.author}],
        "lawfirms": [{"name": filing.law_firm}] if filing.law_firm else [],
        "bureaus": [],
        "documents": [
            {"filename": name, "src": f"https://www.fcc.gov/ecfs/document/{document}/{number}"}
            for number, name in enumerate(filing.documents, 1)
        ],
        "text_data": None,
        "total_page_count": 2 + len(filing.covered) % 5,
        "confirmation_number": filing.confirmation,
    }


def _span(text: str) -> Span:
    found = _RANGE.fullmatch(text)
    if not text or found is None:
        raise _Refusal(200, MALFORMED)
    days: list[date | None] = []
    for part in (found["first"], found["last"]):
        if part and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", part):
            raise _Refusal(400, "date_received takes whole days: [gte]YYYY-MM-DD[lte]YYYY-MM-DD")
        try:
            days.append(date.fromisoformat(part) if part else None)
        except ValueError as error:
            raise _Refusal(200, MALFORMED) from error
    return Span(days[0], days[1])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _received(filing: Certificate) -> datetime:
    return filing.received


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit():
        raise _Refusal(200, MALFORMED)
    return int(text)


def search(filings: list[Certificate], query: Mapping[str, str]) -> list[dict[str, object]]:
    """The page of `filings` (oldest first) that `query` asks for. Raises _Refusal."""
    if not _KNOWN.issuperset(query):
        raise _Refusal(200, MALFORMED)
    limit, offset = _number(query, "limit", DEFAULT_LIMIT), _number(query, "offset", 0)
    if limit > MOST_PER_PAGE:
        raise _Refusal(200, MALFORMED)
    if limit + offset > WINDOW:
        raise _Refusal(400, f"Result window is too large, offset + limit must be less than or equal to: [{WINDOW}]")
    field, _, direction = query.get("sort", "date_received,DESC").partition(",")
    if field not in _SORTS or direction not in ("ASC", "DESC"):
        raise _Refusal(200, MALFORMED)
    docket = query.get("proceedings.name", DOCKET).strip('"')
    kind = query.get("submissiontype.description", "").upper()
    first, last = _span(query["date_received"]) if "date_received" in query else Span(None, None)
    low = bisect_left(filings, _midnight(first), key=_received) if first else 0
    high = bisect_left(filings, _midnight(last + timedelta(days=1)), key=_received) if last else len(filings)
    name = query.get("filers.name", "").strip('"').lower()
    words = query.get("q", "").strip('"').lower()
    chosen = [
        filing
        for filing in filings[low:high]
        if filing.docket == docket
        and kind in ("", filing.type)
        and (not name or any(name in filer.lower() for filer in filing.filers))
        and (not words or any(words in text.lower() for text in (*filing.filers, *filing.documents)))
    ]
    if direction == "DESC":
        chosen.reverse()
    return [record(filing) for filing in chosen[offset : offset + limit]]


def routes(world: World) -> list[Route]:
    """Routes below the mount `/ecfs`. The hourly count is kept for show; the fault `rate_limit` enforces one."""
    used = {"hour": 0, "count": 0}

    def filings(request: Request) -> Response:
        query = dict(request.query_params)
        if not query.get("api_key"):
            body = {"error": {"code": "API_KEY_MISSING", "message": "No api_key was supplied."}}
            return JSONResponse(body, status_code=403)
        hour = int(time.time() // 3600)
        used.update(hour=hour, count=used["count"] + 1 if used["hour"] == hour else 1)
        headers = {
            "X-RateLimit-Limit": str(HOURLY_LIMIT),
            "X-RateLimit-Remaining": str(max(0, HOURLY_LIMIT - used["count"])),
        }
        try:
            received = world.ecfs_received(day_asked(request))
            return JSONResponse({"filing": search(received, query)}, headers=headers)
        except _Refusal as refusal:
            return refusal.reply

    return [Route("/filings", filings)]

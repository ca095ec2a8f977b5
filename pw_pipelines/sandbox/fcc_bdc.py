"""The Broadband Data Collection public data API: vintages, file lists, provider lists as zipped CSV."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.bdc_register import VINTAGES, Provider, Vintage
from pw_pipelines.sandbox.today import day_asked

if TYPE_CHECKING:
    from pw_pipelines.sandbox.world import World

COLUMNS = ("frn", "provider_id", "holding_company")
_FIXED_TIME = (2026, 1, 1, 0, 0, 0)
_OTHER_FILES = (
    ("State", "Fixed Broadband Coverage", "Fixed Broadband", "50", "Fiber to the Premises", "01", "Alabama"),
    ("State", "Fixed Broadband Coverage", "Fixed Broadband", "40", "Coaxial Cable / HFC", "01", "Alabama"),
    ("Summary", "Summary by Geography Type - Other Geographies", "Fixed Broadband", None, None, None, None),
    ("Provider", "Location Coverage", "Fixed Broadband", "50", "Fiber to the Premises", None, None),
)
_EMPTY = (
    "provider_id provider_name category subcategory technology_type technology_code technology_code_desc speed_tier "
    "state_fips state_name"
).split()


def file_stem(vintage: Vintage, revision: date) -> str:
    """`bdc_us_provider_list_J25_03mar2026`."""
    return f"bdc_us_provider_list_{vintage.name}_{revision:%d%b%Y}".replace(f"{revision:%b}", f"{revision:%b}".lower())


def listed(world: World, vintage: Vintage, on: date) -> list[Provider]:
    """The providers of a vintage in its newest revision of a day, by FRN; with those who filed for it with the
    stand-in before that revision came out."""
    published = vintage.published(on)
    rows = world.bdc.listed(vintage, len(published) - 1)
    known = {row.frn for row in rows}
    filed = world.filed.bdc(published[-1]) if world.filed else []
    added = {one.frn: one.name for one in filed if one.as_of == vintage.as_of and one.frn not in known}
    if not added:
        return rows
    return sorted([*rows, *(world.bdc.added(frn, name) for frn, name in added.items())], key=lambda row: row.frn)


def provider_csv(world: World, vintage: Vintage, on: date) -> bytes:
    """The provider list of a vintage in its newest revision of a day: UTF-8, CRLF."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(COLUMNS)
    writer.writerows((row.frn, row.provider_id, row.holding_company) for row in listed(world, vintage, on))
    return sink.getvalue().encode()


def provider_zip(world: World, vintage: Vintage, on: date) -> bytes:
    """The same zipped, with a fixed time so that a revision is always the same bytes."""
    stem = file_stem(vintage, vintage.published(on)[-1])
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        entry = zipfile.ZipInfo(f"{stem}.csv", _FIXED_TIME)
        archive.writestr(entry, provider_csv(world, vintage, on), zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def file_id(vintage: Vintage, revisions: int) -> int:
    """The number of a vintage's provider list; another one for each revision."""
    return 1_000_000 + vintage.position * 100 + revisions


def _file_list(world: World, vintage: Vintage, on: date) -> list[dict[str, object]]:
    published = vintage.published(on)
    rows = [
        {
            **dict.fromkeys(_EMPTY),
            "file_id": file_id(vintage, len(published)),
            "category": "State",
            "subcategory": "Provider List",
            "file_type": "csv",
            "file_name": file_stem(vintage, published[-1]),
            "record_count": str(len(listed(world, vintage, on))),
        }
    ]
    for number, (category, subcategory, technology, code, meaning, fips, state) in enumerate(_OTHER_FILES, 50):
        rows.append(
            {
                **dict.fromkeys(_EMPTY),
                "file_id": file_id(vintage, number),
                "category": category,
                "subcategory": subcategory,
                "technology_type": technology,
                "technology_code": code,
                "technology_code_desc": meaning,
                "state_fips": fips,
                "state_name": state,
                "file_type": "csv",
                "file_name": f"bdc_other_{number}_{vintage.name}",
                "record_count": "1000",
            }
        )
    return rows


def _envelope(data: list[dict[str, object]]) -> Response:
    return JSONResponse(
        {
            "data": data,
            "result_count": len(data),
            "status_code": 200,
            "message": "Request processed successfully",
            "status": "successful",
        }
    )


def _failure(status: int, message: str) -> Response:
    return JSONResponse({"message": message, "status": "fail", "status_code": status}, status_code=status)


def routes(world: World) -> list[Route]:
    """Routes below the mount `/bdc`. Every call needs the headers `username` and `hash_value`."""

    def may(request: Request) -> bool:
        return bool(request.headers.get("username")) and bool(request.headers.get("hash_value"))

    def as_of_dates(request: Request) -> Response:
        if not may(request):
            return _failure(401, "Unauthorized")
        days = [f"{vintage.as_of.isoformat()}T00:00:00.000Z" for vintage in world.bdc_vintages(day_asked(request))]
        kinds = ("availability", "challenge")
        return _envelope([{"data_type": kind, "as_of_date": day} for kind in kinds for day in days])

    def availability(request: Request) -> Response:
        if not may(request):
            return _failure(401, "Unauthorized")
        on, asked = day_asked(request), request.path_params["as_of_date"][:10]
        vintage = next((item for item in world.bdc_vintages(on) if item.as_of.isoformat() == asked), None)
        if vintage is None:
            return _failure(422, f"Unprocessable Entity: no availability data as of {asked}")
        rows = _file_list(world, vintage, on)
        for name in ("category", "subcategory", "technology_type"):
            if wanted := request.query_params.get(name):
                rows = [row for row in rows if row[name] == wanted]
        return _envelope(rows)

    def download(request: Request) -> Response:
        if not may(request):
            return _failure(401, "Unauthorized")
        on, asked = day_asked(request), request.path_params["file_id"]
        for vintage in VINTAGES:
            revisions = asked - file_id(vintage, 0)
            published = vintage.published(on)
            if request.path_params["data_type"] == "availability" and 0 < revisions <= len(published):
                revision = published[revisions - 1]
                name = f"{file_stem(vintage, revision)}.zip"
                return Response(
                    provider_zip(world, vintage, revision),
                    media_type="application/zip",
                    headers={"Content-Disposition": f'attachment; filename="{name}"'},
                )
        return _failure(404, "Not Found")

    base = "/api/public/map"
    return [
        Route(f"{base}/listAsOfDates", as_of_dates),
        Route(f"{base}/downloads/listAvailabilityData/{{as_of_date}}", availability),
        Route(f"{base}/downloads/downloadFile/{{data_type}}/{{file_id:int}}", download),
        Route(f"{base}/downloads/downloadFile/{{data_type}}/{{file_id:int}}/{{file_type:int}}", download),
    ]

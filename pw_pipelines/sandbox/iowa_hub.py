"""The Iowa Data Hub's whole-set download: a 303 to a signed address, where a ZIP (stored) of JSON lines lies.

Monthly, active entities only, upper case, numbers with their leading zeros.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.companies import Companies, address
from pw_pipelines.sandbox.renderings import Renderings
from pw_pipelines.sandbox.today import day_asked

DATASET = 554
MEMBER = "active_iowa_business_entities.json"
_TYPES = {
    "llc": ("DOMESTIC LIMITED LIABILITY COMPANY", "FOREIGN LIMITED LIABILITY COMPANY"),
    "corporation": ("DOMESTIC PROFIT", "FOREIGN PROFIT"),
    "nonprofit": ("REVISED DOMESTIC NON-PROFIT", "FOREIGN NON-PROFIT"),
    "partnership": ("DOMESTIC LIMITED PARTNERSHIP", "FOREIGN LIMITED PARTNERSHIP"),
    "cooperative": ("CO-OP STOCK", "CO-OP NON STOCK"),
    "trust": ("DOMESTIC PROFIT", "FOREIGN PROFIT"),
}
_PLACE = ("address_1", "address_2", "city", "state", "zip")


def rows(companies: Companies, on: date) -> Iterator[dict[str, str | None]]:
    """Active entities as of the first of the month. Missing values are null here."""
    day = on.replace(day=1).toordinal()
    for index in range(companies.count("IA", day)):
        company = companies.of("IA", index)
        if not company.lives(day):
            continue
        bits = company.more("IA")
        row: dict[str, str | None] = {
            "corp_number": f"{index + 60_000:06d}",
            "legal_name": company.name_on(day).upper(),
            "corporation_type": _TYPES[company.form][company.is_foreign],
            "effective_date": date.fromordinal(company.formed).isoformat(),
            "registered_agent": f"REGISTERED AGENT {bits.below(900)}",
            "home_office": None,
            "ho_country": "USA",
        }
        for prefix in ("ra", "ho"):
            where = address(bits, "IA")
            parts = (where.street, where.unit, where.city, where.state, where.zip)
            row |= {f"{prefix}_{name}": part.upper() or None for name, part in zip(_PLACE, parts, strict=True)}
        yield row


def _write(companies: Companies, on: date, path: Path) -> None:
    entry = zipfile.ZipInfo(MEMBER, (on.year, on.month, 1, 6, 0, 0))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive, archive.open(entry, "w", force_zip64=True) as sink:
        for row in rows(companies, on):
            sink.write(json.dumps(row).encode() + b"\n")


def routes(companies: Companies, renderings: Renderings) -> list[Route]:
    """Routes below the mount `/iowa_hub`."""

    def signature(day: date) -> str:
        return hashlib.sha256(f"{companies.seed}/{day:%Y-%m}".encode()).hexdigest()

    def whole(request: Request) -> Response:
        if request.path_params["dataset"] != DATASET:
            return JSONResponse({"message": "Dataset not found"}, status_code=404)
        signed = f"../../../../storage/{DATASET}.zip?X-Amz-Expires=900&X-Amz-Signature={signature(day_asked(request))}"
        return RedirectResponse(signed, status_code=303)

    def stored(request: Request) -> Response:
        day = day_asked(request)
        if request.query_params.get("X-Amz-Signature") != signature(day):
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        path = renderings.file("iowa-hub", f"{day:%Y-%m}.zip", lambda draft: _write(companies, day, draft))
        return FileResponse(path, media_type="application/zip")

    return [
        Route("/api/v1/datasets/{dataset:int}/rows.json", whole),
        Route(f"/storage/{DATASET}.zip", stored),
    ]

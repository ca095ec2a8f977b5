"""The Illinois Secretary of State's data files, for a person to save and load by hand: fixed width, CRLF.

A line `RUN DATE=CCYYMMDD   FILE: …` before the records, one with their count behind them, as the real files have.
LLCs and corporations have a set each; no program of ours asks for them, because the terms forbid automated queries.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.companies import Companies, Company, address
from pw_pipelines.sandbox.companies_names import stem
from pw_pipelines.sandbox.renderings import Renderings
from pw_pipelines.sandbox.today import day_asked

STATE = "IL"
_LLC_ENDED = {"voluntary": "08", "administrative": "09", "delinquent": "09", "merged": "10", "withdrawn": "06",
              "converted": "04", "revoked": "07", "expired": "11"}  # fmt: skip
_CORP_ENDED = {"voluntary": "08", "administrative": "08", "delinquent": "08", "merged": "09", "withdrawn": "06",
               "converted": "15", "revoked": "07", "expired": "11"}  # fmt: skip
_HOME_CODES = {"AL": "01", "AK": "02", "AZ": "04", "AR": "05", "CA": "06", "CO": "08", "CT": "09", "DE": "10"}
_ILLINOIS_CODE = "17"
Records = Callable[[Company, int], Iterator[str]]


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).strftime("%Y%m%d") if ordinal else "00000000"


def _number(company: Company) -> str:
    return f"{company.index + 1_000_000:08d}"


def _status(company: Company, on: int, ended: dict[str, str]) -> tuple[str, str]:
    """(code, day of it)."""
    if not company.lives(on):
        return ended[company.ending], _day(company.ended)
    late = ended is _LLC_ENDED and company.index % 23 == 0  # its report is late, and it lives all the same
    return "02" if late else "00", _day(company.formed)


def _llc_master(company: Company, on: int) -> Iterator[str]:
    where = address(company.more(STATE), STATE)
    status, since = _status(company, on, _LLC_ENDED)
    yield (
        f"{_number(company)}000001{status}{since}{_day(company.formed)}{'0' * 8}1{company.home:<2}"
        f"{where.street.upper()[:45]:<45}{where.city.upper()[:30]:<30}{where.zip:<9}IL0"
        f"{int(0 < company.renamed <= on)}00 00"
    )


def _llc_name(company: Company, on: int) -> Iterator[str]:
    yield f"{_number(company)}{company.name_on(on).upper()[:120]:<120}"


def _llc_assumed(company: Company, on: int) -> Iterator[str]:
    bits = company.more("IL assumed")
    if bits.below(14) == 0:
        cancelled = _day(min(on, company.formed + 900)) if bits.below(3) == 0 else "0" * 8
        yield (
            f"{_number(company)}{_day(company.formed)}{cancelled}{int(cancelled != '0' * 8)}20250000000010"[:38]
            + f"{stem(bits, 'name').upper()[:240]:<240}000"
        )


def _llc_old(company: Company, on: int) -> Iterator[str]:
    if 0 < company.renamed <= on:
        yield f"{_number(company)}{_day(company.renamed)}{company.former_name.upper()[:120]:<120}000"


def _llc_series(company: Company, on: int) -> Iterator[str]:
    if company.index % 40 == 0:
        for number in (1, 2):
            name = f"{company.name_on(on).upper()} SERIES {number}"[:240]
            yield f"{_number(company)}{number:03d}00{_day(company.formed)}{_day(company.formed)}{'0' * 8}{name:<240}"


def _corp_master(company: Company, on: int) -> Iterator[str]:
    status, since = _status(company, on, _CORP_ENDED)
    kind = "5" if company.form == "nonprofit" else "6" if company.is_foreign else "4"
    home = _HOME_CODES.get(company.home, _ILLINOIS_CODE)
    yield f"{_number(company)}{_day(company.formed)}{'0' * 8}{home}000{status}{kind}{since}{'':<120}"


def _corp_name(company: Company, on: int) -> Iterator[str]:
    yield f"{_number(company)}{company.name_on(on).upper()[:189]:<189}"


def _corp_further(company: Company, on: int) -> Iterator[str]:
    """Assumed names (1) and old ones (2)."""
    bits = company.more("IL assumed")
    none = "0" * 8
    if bits.below(14) == 0:
        name = stem(bits, "name").upper()[:189]
        yield f"{_number(company)}{none}{_day(company.formed)}1{_day(company.formed)}{name:<189}"
    if 0 < company.renamed <= on:
        former = company.former_name.upper()[:189]
        yield f"{_number(company)}{none}{none}2{_day(company.renamed)}{former:<189}"


# published name -> (what its first line says, its records), per set
SETS: dict[str, dict[str, tuple[str, Records]]] = {
    "llcall": {
        "llcallmst": ("LLC MASTER", _llc_master),
        "llcallnam": ("LLC NAME", _llc_name),
        "llcallase": ("LLC ASSUMED NAME", _llc_assumed),
        "llcallold": ("LLC OLD NAME", _llc_old),
        "llcallser": ("LLC SERIES", _llc_series),
    },
    "cdxall": {
        "cdxallmst": ("CORP MASTER", _corp_master),
        "cdxallnam": ("CORP NAME", _corp_name),
        "cdxallaon": ("CORP ASSUMED/OLD NAMES", _corp_further),
    },
}


def lines(companies: Companies, on: date, label: str, records: Records, *, llc: bool) -> Iterator[bytes]:
    """One file as of a day, first and last line included."""
    day, count = on.toordinal(), 0
    yield f"RUN DATE={on:%Y%m%d}   FILE: {label}\r\n".encode()
    for index in range(companies.count(STATE, day)):
        company = companies.of(STATE, index)
        if (company.form == "llc") is llc and company.form in ("llc", "corporation", "nonprofit"):
            for record in records(company, day):
                count += 1
                yield record.encode("latin-1") + b"\r\n"
    yield f"END OF FILE RECORD COUNT= {count:07d}\r\n".encode()


def write_set(companies: Companies, on: date, name: str, path: Path) -> None:
    """All files of a set in one ZIP."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, (label, records) in SETS[name].items():
            entry = zipfile.ZipInfo(f"{file}.txt", (on.year, on.month, on.day, 3, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as sink:
                for line in lines(companies, on, label, records, llc=name == "llcall"):
                    sink.write(line)


def routes(companies: Companies, renderings: Renderings) -> list[Route]:
    """Routes below the mount `/illinois`: what there is, and each set."""

    def index(request: Request) -> Response:
        return JSONResponse({"files": [f"/illinois/{name}.zip" for name in SETS], "load_with": "pw names load IL FILE"})

    def download(request: Request) -> Response:
        name, on = request.path_params["name"], day_asked(request)
        if name not in SETS:
            return Response("Not Found", 404)
        path = renderings.file(f"illinois-{name}", f"{on}.zip", lambda draft: write_set(companies, on, name, draft))
        return FileResponse(path, media_type="application/zip", filename=f"{name}.zip")

    return [Route("/", index), Route("/{name}.zip", download)]

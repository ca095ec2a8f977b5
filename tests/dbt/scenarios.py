"""A small world of carriers, each in one situation, judged together by one build as of 22 November 2026.

A carrier is spotless unless its scenario says otherwise: recertified and certified in time, current in Form 499,
known to CORES. `frn("name")` gives a scenario's FRN. Copies in hand: RMD of 31 January and of two days in November;
Form 499, the docket and CORES of two days; five editions of the broadband data, the latest seen on two days.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from pw_pipelines.db.connection import Database
from tests import fixtures_marts as given

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)
YESTERDAY = date(2026, 11, 21)
JANUARY = date(2026, 1, 31)
RMD, F499, CPNI, CORES = ("jan", "1", "2"), ("1", "2"), ("1", "2"), ("1", "2")
EDITIONS = ("J23", "D23", "J24", "D24", "J25")  # the latest is D25
SYLLABLES = "ba ke lo mi nu ra se ti vo zu da fe go hi ju ka".split()

_rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
_frns: dict[str, str] = {}
_serial = itertools.count()


def frn(scenario: str) -> str:
    """The FRN of one scenario's carrier."""
    return _frns[scenario]


def everyone() -> dict[str, str]:
    """scenario -> FRN."""
    cast()
    return dict(_frns)


def name(scenario: str) -> str:
    """An invented name that resembles no other scenario's."""
    digest = hashlib.sha256(scenario.encode()).digest()
    word = "".join(SYLLABLES[byte % 16] for byte in digest[:5])
    second = "".join(SYLLABLES[byte % 16] for byte in digest[5:9])
    return f"{word.title()} {second.title()} LLC"


def new_frn(scenario: str) -> str:
    """A carrier that stands nowhere yet."""
    assert scenario not in _frns, scenario
    _frns[scenario] = f"{1000 + len(_frns):010d}"
    return _frns[scenario]


def number(scenario: str) -> str:
    """The number of a scenario's RMD filing: of 2021, unless a scenario sets another."""
    return f"RMD{2000 + int(frn(scenario)) - 1000:07d}"


def rmd(scenario: str, *, copies: Iterable[str] = RMD, **changes: Any) -> None:
    """A filing in the copies named."""
    row = given.rmd_filing(
        changes.pop("number", number(scenario)), changes.pop("frn", frn(scenario)),
        changes.pop("business_name", name(scenario)), **changes,
    )  # fmt: skip
    for copy in copies:
        old = {"last_recertified_on": None} if copy == "jan" else {}
        _rows[f"rmd {copy}"].append(row | old)


def form499(scenario: str, *, copies: Iterable[str] = F499, **changes: Any) -> None:
    """A Form 499 registration in the copies named."""
    filer_id = changes.pop("filer_id", f"{800000 + next(_serial)}")
    row = given.form499_filer(
        filer_id, changes.pop("frn", frn(scenario)), changes.pop("legal_name", name(scenario)), **changes
    )
    for copy in copies:
        _rows[f"f499 {copy}"].append(row)


def cpni(scenario: str, received_on: date = date(2026, 2, 20), *, copies: Iterable[str] = CPNI, **changes: Any) -> None:
    """A filing of the docket in the copies named."""
    filers = changes.pop("filers", [name(scenario)])
    row = given.cpni_filing(f"1026{next(_serial):08d}", filers, received_on, **changes)
    for copy in copies:
        _rows[f"cpni {copy}"].append(row)


def bdc(scenario: str, editions: Iterable[str], *, holding: str | None = None, provider_id: str | None = None) -> None:
    """A provider in the editions named; D25 stands for both copies of the latest."""
    row = given.bdc_provider(
        frn(scenario), provider_id or f"{200000 + int(frn(scenario))}", holding or f"{name(scenario)} Holding"
    )
    for edition in editions:
        for copy in ("D25 1", "D25 2") if edition == "D25" else (edition,):
            _rows[f"bdc {copy}"].append(row)


def cores(scenario: str, *, copies: Iterable[str] = CORES, **changes: Any) -> None:
    """A CORES page in the copies named."""
    row = given.cores_page(frn(scenario), changes.pop("entity_name", name(scenario)), **changes)
    for copy in copies:
        _rows[f"cores {copy}"].append(row)


def carrier(scenario: str, **parts: dict[str, Any] | None) -> None:
    """A spotless VoIP provider, but for what `rmd`, `form499`, `cpni`, `cores` change; None: not there at all."""
    new_frn(scenario)
    for part, write_part in (("rmd", rmd), ("form499", form499), ("cpni", cpni), ("cores", cores)):
        changes = parts.get(part, {})
        if changes is not None:
            write_part(scenario, **changes)


def voice_only_in_rmd(scenario: str, **changes: Any) -> None:
    """A carrier of the RMD alone that owes no Form 499: a gateway provider."""
    carrier(scenario, rmd={"is_voice": False, "is_gateway": True} | changes, form499=None, cpni=None)


@cache
def cast() -> None:
    """Puts every scenario on, once, in the order of the rule table."""
    from tests.dbt import scenarios_form499, scenarios_others, scenarios_rmd

    carrier("spotless")
    scenarios_rmd.cast()
    scenarios_form499.cast()
    scenarios_others.cast()


def write(db: Database) -> None:
    """Writes the copies and their rows; the marts are not built."""
    cast()
    copies = {
        "rmd jan": ("fcc_rmd", JANUARY, {"layout": "2026"}),
        "rmd 1": ("fcc_rmd", YESTERDAY, {"layout": "2026"}),
        "rmd 2": ("fcc_rmd", TODAY, {"layout": "2026"}),
        "f499 1": ("fcc_form499", YESTERDAY, {"vintage": "2026-10-20"}),
        "f499 2": ("fcc_form499", TODAY, {"vintage": "2026-10-20"}),
        "cpni 1": ("fcc_cpni", YESTERDAY, {}),
        "cpni 2": ("fcc_cpni", TODAY, {}),
        "cores 1": ("fcc_cores", YESTERDAY, {}),
        "cores 2": ("fcc_cores", TODAY, {}),
        "bdc D25 1": ("fcc_bdc", YESTERDAY, {"vintage": "D25"}),
        "bdc D25 2": ("fcc_bdc", TODAY, {"vintage": "D25"}),
    } | {f"bdc {edition}": ("fcc_bdc", YESTERDAY, {"vintage": edition}) for edition in EDITIONS}
    tables = {
        "fcc_rmd": "fcc_rmd_filings", "fcc_form499": "fcc_form499_filers", "fcc_cpni": "fcc_cpni_filings",
        "fcc_bdc": "fcc_bdc_providers", "fcc_cores": "fcc_cores_registrations",
    }  # fmt: skip
    for copy, (source, as_of, about) in copies.items():
        snapshot_id = given.given_snapshot(db, source, as_of, digest_of=copy, **about)
        given.given_rows(db, tables[source], snapshot_id, _rows[copy])

"""What the stand-ins' registers hold: invented companies, the same for the same seed, and how they are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from pw_pipelines.sandbox.companies_names import Bits, company_name, town

SIZES = {"WY": 5_000, "BC": 5_000, "MO": 3_000}
_FIRST_DAY = date(1974, 1, 2)
_DAYS = (date(2026, 10, 31) - _FIRST_DAY).days
_FORMS = (*(("llc",) * 62), *(("corporation",) * 26), *(("nonprofit",) * 7), *(("partnership",) * 5))

# Names to try a search with, in every register: number of the filing in it, form, name, whether it is live.
KNOWN = (
    (101, "llc", "The Blue Fox LLC", True),
    (102, "corporation", "Blackbird Logistics, Inc.", True),
    (103, "llc", "Black-Bird Logistic L.L.C.", False),
    (104, "corporation", "O'Fallmere & Sons' Cartage Co.", True),
    (105, "llc", "Wolf Creek Larches LLC", True),
)


@dataclass(frozen=True)
class Listed:
    """One company on a register."""

    index: int
    form: str
    name: str
    is_live: bool
    formed: date
    town: str


@lru_cache(maxsize=8)
def register(seed: int, state: str) -> tuple[Listed, ...]:
    """Every company of a state's stand-in, by the order of names a clerk would give."""
    known = {index: (form, name, live) for index, form, name, live in KNOWN}
    return tuple(sorted(_all(seed, state, known), key=lambda one: (one.name.casefold(), one.index)))


def _all(seed: int, state: str, known: dict[int, tuple[str, str, bool]]) -> Iterator[Listed]:
    for index in range(SIZES[state]):
        bits = Bits(seed, "portal", state, index)
        formed = _FIRST_DAY + timedelta(days=index * _DAYS // SIZES[state])
        form = bits.of(_FORMS)
        name, live = company_name(bits, form), bits.below(100) < 58
        if state == "BC":
            name = _canadian(name, form)
        if index in known:
            form, name, live = known[index]
        yield Listed(index, form, name, live, formed, town(bits))


def _canadian(name: str, form: str) -> str:
    """British Columbia has no LLC."""
    for ending in (", L.L.C.", " L.L.C.", " Limited Liability Company", ", LLC", ",LLC", " LLC"):
        if name.endswith(ending):
            return f"{name.removesuffix(ending)} Ltd."
    return f"{name} Ltd." if form == "llc" else name


def find(seed: int, state: str, letters: str, *, begins: bool = False) -> list[Listed]:
    """Companies whose name holds (or begins with) these letters; case does not matter, everything else does."""
    wanted = letters.strip().casefold()
    if not wanted:
        return []
    if begins:
        return [one for one in register(seed, state) if one.name.casefold().startswith(wanted)]
    return [one for one in register(seed, state) if wanted in one.name.casefold()]

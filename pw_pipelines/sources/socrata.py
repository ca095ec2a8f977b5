"""The registers read from Socrata sites: Colorado, New York, Oregon, Pennsylvania and Connecticut."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from functools import cache

from pw_pipelines.sources.open_data import OpenDataReader, Values
from pw_pipelines.sources.register import EntityColumns
from pw_pipelines.sources.register_terms import terms

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


class ColoradoReader(OpenDataReader):
    """Colorado writes the status behind the name of an entity that is not live: `…, Delinquent May 1, 2022`."""

    def columns_of(self, values: Values, ids: list[str], names: list[str]) -> EntityColumns:
        rows = super().columns_of(values, ids, names)
        standing = rows.standing if isinstance(rows.standing, list) else []
        parted = [
            without_tail(name) if one != "live" else (name, None) for name, one in zip(names, standing, strict=True)
        ]
        rows.name = [name for name, _ in parted]
        rows.changed_on = [day for _, day in parted]
        return rows


@cache
def _tail() -> re.Pattern[str]:
    words = "|".join(terms("CO", "socrata_co").tail_words)
    return re.compile(
        rf",\s*(?:[A-Za-z]+\s+){{0,3}}?(?:{words})[a-z]*(?:\s+\([^()]*\))?"
        rf"(?:,?\s+({'|'.join(_MONTHS)})\s+(\d{{1,2}}),\s*(\d{{4}}))?\s*\Z",
        re.IGNORECASE,
    )


def without_tail(name: str) -> tuple[str, str | None]:
    """(the name without its status, the day of that status as ISO text). A name that is nothing else stays."""
    found = _tail().search(name)
    if found is None or not name[: found.start()].strip():
        return name, None
    month, day, year = found.groups()
    when = None
    if month:
        number = [one.lower() for one in _MONTHS].index(month.lower()) + 1
        with suppress(ValueError):
            when = date(int(year), number, int(day)).isoformat()
    return name[: found.start()].strip(), when


READERS = (
    ColoradoReader("socrata_co", "CO"),
    OpenDataReader("socrata_ny", "NY"),
    OpenDataReader("socrata_or", "OR", is_grouped=True),
    OpenDataReader("socrata_pa", "PA", is_grouped=True),
    OpenDataReader("socrata_ct", "CT"),
)

"""When a company's next annual report falls due, as far as the state's words surely say.

The words are those of jurisdictions/data (`annual_report_due`). What they do not plainly say is not worked out: a
person does that, and the calendar says so.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pw_pipelines.jurisdictions.model import Jurisdiction

Form = Literal["llc", "corporation"]
_DAY = re.compile(r"(?:1 January-)?(\d{1,2}) ([A-Z][a-z]+)")
_SHORT = {"llc": "LLC", "corporation": "corp"}
_FIRST = "that the first report falls in the year after the formation is not on record; a person confirms it"


@dataclass(frozen=True)
class Due:
    """on None: not known, or none. why: what a person should know. is_none: no report is due at all."""

    on: date | None
    why: str | None = None
    is_none: bool = False


def next_report(place: Jurisdiction, form: Form, *, formed_on: date | None, reported_on: date | None) -> Due:
    """The next report after the formation (`formed_on`), or after one that was handed in (`reported_on`)."""
    stated = place.annual_report_due
    said = f"{place.name} says: {stated.words}"
    words = None if stated.confidence in ("low", "unknown") else _of_form(stated.words, form)
    if words == "none":
        return Due(None, said, is_none=True)
    if words is not None and (fixed := _fixed(words)) is not None:
        year = (reported_on or formed_on or date.min).year + 1
        return Due(date(year, *fixed), f"{said}; {_FIRST}." if reported_on is None else None)
    if words is not None and formed_on is not None:
        after = reported_on or formed_on
        days = [_anniversary(words, formed_on, year) for year in range(formed_on.year + 1, after.year + 3)]
        if found := [day for day in days if day is not None and day > after]:
            return Due(found[0])
    unknown = " When the company was formed is not in our books." if formed_on is None else ""
    return Due(None, f"The day is not known.{unknown} {said}. A person works it out.")


def _of_form(words: str, form: Form) -> str | None:
    """The words for this form of company; None where they speak of the other alone, or not plainly."""
    if words.startswith("LLC none"):
        return "none" if form == "llc" else None
    for part in words.split(";"):
        match = re.fullmatch(r"(.+?) \((LLC|corp)\)", part.strip())
        if match and match[2] == _SHORT[form]:
            return match[1]
    return None if "(" in words or ";" in words else words.strip()


def _fixed(words: str) -> tuple[int, int] | None:
    """(month, day) of a day of the year, or of the end of a span that begins on 1 January."""
    match = _DAY.fullmatch(words)
    if match is None:
        return None
    try:
        day = datetime.strptime(f"{match[1]} {match[2]} 2027", "%d %B %Y")  # noqa: DTZ007 - a day of the year
    except ValueError:
        return None
    return day.month, day.day


def _anniversary(words: str, formed: date, year: int) -> date | None:
    last = monthrange(year, formed.month)[1]
    if words == "anniversary date":
        return date(year, formed.month, min(formed.day, last))
    if words == "end of anniversary month":
        return date(year, formed.month, last)
    if words == "1st day of anniversary month":
        return date(year, formed.month, 1)
    if words == "end of the anniversary quarter":
        month = (formed.month - 1) // 3 * 3 + 3
        return date(year, month, monthrange(year, month)[1])
    return None

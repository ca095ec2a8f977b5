"""Single cells as the public record writes them -> values. Shared by the readers; knows no layout.

An unreadable value raises ValueError with a sentence; the reader turns it into a reject with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime

from pw_pipelines import frn as frns
from pw_pipelines import names
from pw_pipelines.clock import EASTERN
from pw_pipelines.errors import BadFrn

EMPTY_WORDS = frozenset({"n/a", "none", "null"})  # written where a cell is empty, in any case (RMD export)
NOBODY = "0" * frns.LENGTH  # an FRN that was never issued; written where there is none

_GUARDED = ("'+", "'-", "'@", "'=")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_DBA = re.compile(
    r"\b(?:d\s?[/.]\s?b\s?[/.]\s?a\.?|dba(?:'?s)?|doing business as|f/?k/?a)(?![\w'])\s*:?", re.IGNORECASE
)
_LINE = re.compile(r"[\r\n;|]+|(?<!,)\s{2,}")
_FORM_THEN_NAME = re.compile(r"((?:inc|corp|ltd|co|llc|l\.l\.c|lp|llp)\b\.?)\s+(\S.*)", re.IGNORECASE)
_LONGEST_NAME_CHARACTERS = 120  # longer ones are explanations; the longest business_name seen has 100
_COMMA = re.compile(r"\s*,\s*")
_NOT_A_NAME = frozenset({"", "no", "non", "na", "nil", "same", "not applicable", "various", "none other"})
_SENTENCE = re.compile(r"^(?:see|please|there (?:are|is)|list(?:ed)?|attached|refer)\b", re.IGNORECASE)


def text(value: str) -> str | None:
    """Trimmed; None when blank or one of the words that stand for an empty cell."""
    trimmed = value.strip()
    return None if trimmed.lower() in EMPTY_WORDS or not trimmed else trimmed


def unguarded(value: str) -> str:
    """`value` without the apostrophe that exports put before a leading + - @ = (against spreadsheet formulas)."""
    return value[1:] if value.startswith(_GUARDED) else value


def lines(value: str) -> str | None:
    """A cell of several lines: each trimmed, empty ones and `null`s dropped, joined by a line feed."""
    kept = [found for line in value.splitlines() if (found := text(line)) is not None]
    return "\n".join(kept) or None


def yes_no(value: str, column: str) -> bool | None:
    """Yes/No in any case; None when blank. Raises ValueError for any other word."""
    match value.strip().lower():
        case "yes":
            return True
        case "no":
            return False
        case "" | "n/a" | "null":
            return None
        case _:
            raise ValueError(f"{column} is {value.strip()!r}, expected Yes, No or blank")


def iso_date(value: str, column: str) -> date | None:
    """`YYYY-MM-DD`; None when blank. Raises ValueError for anything else, the 30th of February included."""
    trimmed = text(value)
    if trimmed is None:
        return None
    if _ISO_DATE.fullmatch(trimmed):
        with suppress(ValueError):  # the shape is right but the day does not exist: the sentence below
            return date.fromisoformat(trimmed)
    raise ValueError(f"{column} is {trimmed!r}, expected a day as YYYY-MM-DD")


def us_date(value: str, column: str) -> date | None:
    """`M/D/YYYY`; None when blank. Raises ValueError for anything else."""
    trimmed = text(value)
    if trimmed is None:
        return None
    if found := _US_DATE.fullmatch(trimmed):
        month, day, year = (int(part) for part in found.groups())
        with suppress(ValueError):  # the shape is right but the day does not exist: the sentence below
            return date(year, month, day)
    raise ValueError(f"{column} is {trimmed!r}, expected a day as M/D/YYYY")


def eastern_moment(value: str, column: str) -> datetime | None:
    """`MM/DD/YYYY HH:MM:SS AM` on an Eastern wall clock -> aware UTC; None when blank.

    In the hour that a night in autumn has twice, the first one is meant. Raises ValueError otherwise.
    """
    trimmed = text(" ".join(value.split()))
    if trimmed is None:
        return None
    try:
        wall = datetime.strptime(trimmed, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=EASTERN)
    except ValueError:
        raise ValueError(f"{column} is {trimmed!r}, expected MM/DD/YYYY HH:MM:SS AM/PM") from None
    return wall.astimezone(UTC)


def registration_number(value: str) -> tuple[str | None, str | None]:
    """An FRN cell -> (FRN or None, what was mended or None).

    Blank and all-zero mean that there is none. Raises ValueError for anything that is not 1 to 10 digits.
    """
    trimmed = text(value)
    if trimmed is None:
        return None, None
    try:
        padded = frns.pad(trimmed)
    except BadFrn:
        raise ValueError(f"FRN is {trimmed!r}, expected 10 digits") from None
    if padded == NOBODY:
        return None, "{n} FRN(s) were all zeros, read as no FRN"
    return padded, "{n} FRN(s) had lost leading zeros" if len(trimmed) < frns.LENGTH else None


def split_names(*cells: str) -> list[str]:
    """Names out of free text, separated by `;` `|` line breaks, wide blanks, commas or `d/b/a`, in order, each once.

    A comma before a legal form (`Acme, Inc.`) separates nothing. Words for "none" and pointers to an
    attachment are dropped.
    """
    found: dict[str, None] = {}
    for cell in cells:
        for chunk in _LINE.split(_DBA.sub("\n", cell)):
            for name in _comma_names(chunk):
                found.setdefault(name)
    return list(found)


def _comma_names(chunk: str) -> Iterable[str]:
    parts: list[str] = []
    for part in _COMMA.split(chunk):
        if parts and part and _is_legal_form(part):
            parts[-1] += f", {part}"
        elif parts and (joined := _FORM_THEN_NAME.fullmatch(part)):
            parts[-1] += f", {joined[1]}"
            parts.append(joined[2])
        else:
            parts.append(part)
    for part in parts:
        name = unguarded(part.strip().removeprefix("and ").strip(" ,\"'"))
        if len(name) > _LONGEST_NAME_CHARACTERS:
            continue
        if text(name.rstrip(".")) and names.plain(name) not in _NOT_A_NAME and not _SENTENCE.match(name):
            yield name


def _is_legal_form(words: str) -> bool:
    """`Inc.`, `L.L.C.`, `LLC dba` … : words that only say the legal form, which a key of a longer name drops."""
    return names.key(f"x {words}") == "x"


def keyed(found: Iterable[str], *, without: str = "") -> tuple[list[str], list[str]]:
    """(names, their comparison keys) of equal length: one name per key, none with an empty key or the key `without`."""
    by_key: dict[str, str] = {}
    for name in found:
        key = names.key(name)
        if key and key != without:
            by_key.setdefault(key, name)
    return list(by_key.values()), list(by_key)

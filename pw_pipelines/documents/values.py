"""A fact's value as a document shows it. Values are data: whatever a customer wrote stays the text they wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment.facts import Fact, fact_of
from pw_pipelines.jurisdictions.book import jurisdiction

LONGEST = 20_000  # characters of one value: about seven pages
# What no document can hold or that makes it read otherwise than it is written: control characters but for tab and
# line end, halves of surrogate pairs, non-characters, and the marks that turn the direction of text around.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
# The place of the signer's mark, which is the template's to name (documents/signing/pictures.py).
_MARKER = re.compile(r"\[\[\s*signature\s*\]\]", re.IGNORECASE)
_LINE_END = re.compile("\r\n?|[\x0b\u2028\u2029]")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)


class RefusedValues(UsageError):
    """Values that can't stand in a document: hidden characters, a signature's place, too long. `names`: of facts."""

    def __init__(self, names: list[str]) -> None:
        self.names = sorted(names)
        super().__init__(
            f"These values can't stand in a document: {', '.join(self.names)}. They hold hidden control characters, a "
            f"signature's mark, or more than {LONGEST:,} characters; write them anew."
        )


def plain(values: Mapping[str, str]) -> dict[str, str]:
    """`values` with one kind of line end and no blanks around them; those that are empty are left out.

    Raises RefusedValues naming every one that no document can hold, UsageError for a name facts.yaml does not have.
    """
    made = {fact_of(name).name: _LINE_END.sub("\n", value).strip() for name, value in values.items()}
    if refused := [name for name, value in made.items() if _is_refused(value)]:
        raise RefusedValues(refused)
    return {name: value for name, value in made.items() if value}


def _is_refused(value: str) -> bool:
    return len(value) > LONGEST or bool(_REFUSED.search(value) or _MARKER.search(value))


def shown(name: str, value: str) -> str:
    """The value as readers expect it: a day as `March 1, 2027`, money as `$1,234.50`, an SSN but for its last four.

    A value that is not of its kind is shown as it was written.
    """
    fact = fact_of(name)
    if fact.kind == "ssn":
        return f"XXX-XX-{re.sub('[^0-9]', '', value)[-4:]}"
    if fact.kind == "date":
        return _day(value)
    if fact.kind in ("money", "number"):
        return _number(fact, value)
    if name == "state":  # in an address the postal abbreviation stays
        return _state(value)
    words = {"yes": "Yes", "no": "No"} if fact.kind == "yes_no" else fact.choices
    return words.get(value, value)


def _day(value: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return value
    return f"{day:%B} {day.day}, {day.year}"


def _number(fact: Fact, value: str) -> str:
    digits = value.replace(",", "").replace("$", "").strip()
    if _NUMBER.fullmatch(digits) is None:
        return value
    number = Decimal(digits)
    if fact.kind == "money":
        return f"-${-number:,.2f}" if number < 0 else f"${number:,.2f}"
    return f"{number:,f}"


def _state(value: str) -> str:
    try:
        return jurisdiction(value).name
    except UsageError:
        return value

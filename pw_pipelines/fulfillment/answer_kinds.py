"""What a person may answer to each kind of fact, and how the answer is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment.facts import Fact, Kind
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.mail_address import is_mail_address

LONGEST_LINE = 300
LONGEST = 4_000
_PHONE = re.compile(r"\+?[0-9 ().x-]{7,30}", re.ASCII)
_SSN = re.compile(r"(\d{3})-?(\d{2})-?(\d{4})", re.ASCII)
# Control characters, and those that turn the direction of what follows, so that a text reads otherwise than it is.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(fact: Fact, value: str) -> str:
    """The value as it is kept. Raises UsageError saying what to give instead; what was given is never repeated."""
    value = value.replace("\r\n", "\n").replace("\t", " ").strip()
    try:
        if not value:
            raise ValueError("This is needed.")
        if _CONTROL.search(value) or len(value) > (LONGEST if fact.kind == "multiline" else LONGEST_LINE):
            raise ValueError(
                f"Plain text of at most {LONGEST if fact.kind == 'multiline' else LONGEST_LINE:,} letters."
            )
        if fact.kind == "multiline":
            return value
        line = " ".join(value.split())
        read = _READ.get(fact.kind)
        return read(fact, line) if read else line
    except ValueError as wrong:
        raise UsageError(f"{fact.ask}: {wrong}", field=fact.name, remedy=str(wrong)) from None


def _day(_fact: Fact, value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError("A day as 2026-12-31.") from None


def _yes_no(_fact: Fact, value: str) -> str:
    if value.lower() not in ("yes", "no"):
        raise ValueError("Yes or no.")
    return value.lower()


def _choice(fact: Fact, value: str) -> str:
    if value not in fact.choices:
        raise ValueError(f"One of: {', '.join(fact.choices)}.")
    return value


def _number(_fact: Fact, value: str) -> str:
    digits = value.replace(",", "")
    if not re.fullmatch(r"\d{1,12}", digits, re.ASCII):
        raise ValueError("A whole number.")
    return str(int(digits))


def _money(_fact: Fact, value: str) -> str:
    try:
        amount = Decimal(value.replace(",", "").removeprefix("$").strip())
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or not 0 <= amount < Decimal("1e13") or amount != round(amount, 2):
        raise ValueError("An amount in US dollars, such as 1234.50.")
    return f"{amount:.2f}"


def _email(_fact: Fact, value: str) -> str:
    if not is_mail_address(value):
        raise ValueError("An email address.")
    return value


def _phone(_fact: Fact, value: str) -> str:
    if not _PHONE.fullmatch(value):
        raise ValueError("A telephone number with its area code.")
    return value


def _ssn(_fact: Fact, value: str) -> str:
    found = _SSN.fullmatch(value.replace(" ", ""))
    if not found or found[1] in ("000", "666") or found[2] == "00" or found[3] == "0000":
        raise ValueError("Nine digits, such as 123-45-6789.")
    return "-".join(found.groups())


def _state(_fact: Fact, value: str) -> str:
    if value.upper() not in book():
        raise ValueError("The two letters of a state.")
    return value.upper()


_READ: Mapping[Kind, Callable[[Fact, str], str]] = {
    "date": _day, "yes_no": _yes_no, "choice": _choice, "number": _number, "money": _money, "email": _email,
    "phone": _phone, "ssn": _ssn, "state": _state,
}  # fmt: skip

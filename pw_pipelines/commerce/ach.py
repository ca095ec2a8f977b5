"""A NACHA file of credits: what the bank is handed to pay the agents. Pure.

Source: Nacha Operating Rules, Appendix Three (ACH Record Format Specifications): records of 94 characters, blocks of
ten, persons in a PPD batch, companies in a CCD batch. Amounts are US dollars, Decimal, written in cents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Literal

from pydantic import Field, field_validator

from pw_pipelines.errors import ConfigError
from pw_pipelines.yaml_data import Strict

RECORD = 94
BLOCK = 10
CREDITS_ONLY = "220"
LARGEST = Decimal("99999999.99")  # ten digits of cents in an entry
_HASH = 10**10  # sums of routing numbers keep their ten last digits
_CHECKING, _SAVINGS = "22", "32"


def is_routing_number(text: str) -> bool:
    """Nine digits whose check digit is right (weights 3, 7, 1)."""
    if len(text) != 9 or not (text.isascii() and text.isdigit()):
        return False
    return sum(weight * int(digit) for weight, digit in zip((3, 7, 1) * 3, text, strict=True)) % 10 == 0


def _routing(text: str) -> str:
    if not is_routing_number(text):
        raise ValueError(f"{text!r} is no routing number: nine digits with a right check digit, in quotes")
    return text


class Originator(Strict):
    """Who pays, as its bank knows it. bank_routing: of the bank the file is handed to, which also originates it."""

    bank_name: str = Field(min_length=1, max_length=23)
    bank_routing: str
    company_name: str = Field(min_length=1, max_length=23)
    company_id: str = Field(pattern=r"^[0-9A-Z]{10}$")

    _checked = field_validator("bank_routing")(_routing)


class Account(Strict):
    """A payee's account. is_company: paid in a CCD batch; persons in a PPD batch."""

    reference: str = Field(min_length=1)
    holder: str = Field(min_length=1)
    routing: str
    number: str = Field(pattern=r"^[0-9A-Za-z-]{1,17}$")
    kind: Literal["checking", "savings"]
    is_company: bool

    _checked = field_validator("routing")(_routing)


@dataclass(frozen=True)
class Credit:
    """One payment. identification: ours of the payee, at most 15 characters."""

    account: Account
    amount: Decimal
    identification: str


def ach_file(originator: Originator, credits: Sequence[Credit], *, created: datetime, effective: date) -> str:
    """The whole file, lines ended by a line feed. created: New York's time; effective: the day money is to move.

    Raises ConfigError for no credits at all, or an amount that is not positive, not in cents or too large.
    """
    for one in credits:
        if one.amount <= 0 or one.amount > LARGEST or one.amount != round(one.amount, 2):
            raise ConfigError(f"{one.amount} for {one.identification} is no amount an ACH entry can carry.")
    if not credits:
        raise ConfigError("An ACH file needs at least one credit.")
    trace = count(1)
    persons = [one for one in credits if not one.account.is_company]
    companies = [one for one in credits if one.account.is_company]
    batches = [(code, group) for code, group in (("PPD", persons), ("CCD", companies)) if group]
    records = [_file_header(originator, created)]
    for number, (code, group) in enumerate(batches, start=1):
        records += _batch(
            originator,
            group,
            code=code,
            number=number,
            created=created,
            effective=effective,
            next_trace=lambda: next(trace),
        )
    blocks = -(-(len(records) + 1) // BLOCK)
    records.append(
        "9" + _digits(len(batches), 6) + _digits(blocks, 6) + _digits(len(credits), 8) + _totals(credits) + " " * 39
    )
    records += ["9" * RECORD] * (blocks * BLOCK - len(records))
    return "".join(f"{record}\n" for record in records)


def _file_header(originator: Originator, created: datetime) -> str:
    return (
        "101"
        + f" {originator.bank_routing}"
        + originator.company_id
        + f"{created:%y%m%d%H%M}"
        + f"A{RECORD:03d}{BLOCK}1"
        + _text(originator.bank_name, 23)
        + _text(originator.company_name, 23)
        + " " * 8
    )


def _batch(
    originator: Originator,
    credits: Sequence[Credit],
    *,
    code: str,
    number: int,
    created: datetime,
    effective: date,
    next_trace: Callable[[], int],
) -> list[str]:
    bank = originator.bank_routing[:8]
    header = (
        "5" + CREDITS_ONLY + _text(originator.company_name, 16) + " " * 20 + originator.company_id + code
        + _text("COMMISSION", 10) + f"{created:%y%m%d}{effective:%y%m%d}" + " " * 3 + "1" + bank + _digits(number, 7)
    )  # fmt: skip
    control = (
        "8" + CREDITS_ONLY + _digits(len(credits), 6) + _totals(credits) + originator.company_id + " " * 25 + bank
        + _digits(number, 7)
    )  # fmt: skip
    return [header, *(_entry(one, bank, next_trace()) for one in credits), control]


def _entry(one: Credit, bank: str, trace: int) -> str:
    return (
        "6" + (_CHECKING if one.account.kind == "checking" else _SAVINGS) + one.account.routing
        + _text(one.account.number, 17) + _digits(_cents(one.amount), 10) + _text(one.identification, 15)
        + _text(one.account.holder, 22) + "  " + "0" + bank + _digits(trace, 7)
    )  # fmt: skip


def _totals(credits: Sequence[Credit]) -> str:
    """Entry hash, debits, credits: as they stand in batch and file controls."""
    hashed = sum(int(one.account.routing[:8]) for one in credits) % _HASH
    return _digits(hashed, 10) + _digits(0, 12) + _digits(sum(_cents(one.amount) for one in credits), 12)


def _cents(amount: Decimal) -> int:
    return int(amount * 100)


def _digits(value: int, width: int) -> str:
    text = str(value)
    if len(text) > width:
        raise ConfigError(f"{value} does not fit {width} digits of an ACH record; split the payment in two months.")
    return text.zfill(width)


def _text(value: str, width: int) -> str:
    """Capital letters, digits and plain signs only, cut and filled with blanks: banks refuse anything else."""
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().upper()
    return "".join(sign if sign.isalnum() or sign in " .-&/'," else " " for sign in plain)[:width].ljust(width)

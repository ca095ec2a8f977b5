"""The fees of the 52 jurisdictions as rows of `pw.state_filing_fees`: the data files, row for row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, get_args

from pw_pipelines.jurisdictions.book import book
from pw_pipelines.jurisdictions.model import FeeName, Jurisdiction

if TYPE_CHECKING:
    import psycopg

CREDIT = (
    "LLC fees, report rules and reservation fees: US LLC State Requirements Dataset, (c) 2026 StartupSole LLC, "
    "CC BY 4.0, https://github.com/startupsolellc/us-llc-fees-dataset (commit 5cb4985), put into this form and "
    "corrected where a source cited here says otherwise."
)
NOT_ADVICE = "Read a fee again on the official page before money is charged."
FEES: tuple[str, ...] = get_args(FeeName)


@dataclass(frozen=True)
class Fee:
    """One fee of one jurisdiction. amount None: unknown, and `words` say why."""

    state: str
    fee: str
    amount: Decimal | None
    currency: str
    words: str | None
    source: str
    confidence: str
    checked_on: date | None


def fees_of(where: Jurisdiction) -> Iterator[Fee]:
    """The fees of one jurisdiction, each with its source in full."""
    for name, amount in where.fees.items():
        yield Fee(
            state=where.code,
            fee=name,
            amount=amount.value,
            currency=where.currency,
            words=amount.words,
            source=where.sources[amount.source],
            confidence=amount.confidence,
            checked_on=amount.checked_on,
        )


def all_fees() -> list[Fee]:
    """Every fee of every jurisdiction."""
    return [fee for where in book().values() for fee in fees_of(where)]


def load(connection: psycopg.Connection[dict[str, object]]) -> int:
    """Puts the data files' fees in the place of what stood in `pw.state_filing_fees`; how many there are.

    In the caller's transaction: readers see the old table or the new one.
    """
    fees = all_fees()
    connection.execute("delete from pw.state_filing_fees")
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into pw.state_filing_fees (state, fee, amount, currency, words, source, confidence, checked_on)
               values (%s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (one.state, one.fee, one.amount, one.currency, one.words, one.source, one.confidence, one.checked_on)
                for one in fees
            ],
        )
    return len(fees)


def shown(fee: Fee) -> str:
    """An amount for people: `$50`, `C$43.39`, `unknown`."""
    if fee.amount is None:
        return "unknown"
    sign = "C$" if fee.currency == "CAD" else "$"
    amount = fee.amount
    return f"{sign}{amount:,.0f}" if amount == amount.to_integral_value() else f"{sign}{amount:,.2f}"

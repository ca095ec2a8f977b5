"""What an order is asked about once more before it is taken, and how its customer says that it is meant so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from psycopg import Connection

from pw_pipelines.commerce.basket import Basket, ItemFault, Work, pieces, work_of
from pw_pipelines.commerce.fees import FeeBook
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment.before_order import Wanted, is_there_already

Confirm = Literal["is_another"]


@dataclass(frozen=True)
class Sure:
    """What the customer says on purpose. another: one more of what is made, or on its way, already."""

    another: bool = False

    def notes(self) -> Iterator[str]:
        """What of it is kept with the order."""
        if self.another:
            yield "The customer says on purpose that this is another one (is_another)."


class Doubt(UsageError):
    """An order that is taken only when the customer says that it is meant so, in the field `confirm`."""

    def __init__(self, message: str, *, field: str, confirm: Confirm, remedy: str) -> None:
        super().__init__(message, field=field, remedy=remedy)
        self.confirm = confirm


def demand_sure(
    connection: Connection[Any], basket: Basket, sure: Sure, *, fees: FeeBook, today: date, write_to: str
) -> None:
    """Raises Doubt for what nobody confirmed, and UsageError as `pieces` does."""
    if sure.another:
        return
    for work in (work for piece in pieces(basket, fees) for work in work_of(piece)):
        if is_there_already(connection, Wanted(work.service, work.frn, work.state), today=today):
            raise Doubt(
                # Whose it is, and whether it was ordered here, is no business of whoever typed a public number.
                f"{_for_whom(work)}: the public record or our books point to such a filing that is made, or on its "
                "way, already.",
                field="is_another",
                confirm="is_another",
                remedy=f"If another one is meant, send `is_another`: true. A person answers at {write_to}.",
            )


class OnceInBatch:
    """Demands that the orders of one batch ask for nothing twice."""

    def __init__(self, fees: FeeBook) -> None:
        self._fees = fees
        self._seen: dict[Work, int] = {}

    def add(self, number: int, basket: Basket, sure: Sure) -> None:
        """The basket of order `number`, from 1. Raises ItemFault for what an earlier one holds, unless meant so."""
        for place, piece in enumerate(pieces(basket, self._fees)):
            for work in work_of(piece):
                if work in self._seen and not sure.another:
                    raise ItemFault(
                        f"{_for_whom(work)} stands in order {self._seen[work]} of this batch already; it would be "
                        "filed twice.",
                        place=place,
                        field="service",
                        remedy="Take it out once, or send `is_another`: true with this order if another one is meant.",
                    )
                self._seen.setdefault(work, number)


def _for_whom(work: Work) -> str:
    return "".join((
        work.title, f" in {work.state}" if work.state else "", f" for FRN {work.frn}" if work.frn else ""
    ))  # fmt: skip

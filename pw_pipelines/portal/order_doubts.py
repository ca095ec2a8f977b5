"""What an order is asked about once more before it is taken, and how its customer says that it is meant so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from psycopg import Connection

from pw_pipelines.commerce.basket import Basket, ItemFault, Work, pieces, work_of
from pw_pipelines.commerce.fees import FeeBook
from pw_pipelines.compliance.check_verdict import COMPARE, NOT_IN_CORES
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment.before_order import Wanted, is_there_already

Confirm = Literal["is_another", "frn_is_confirmed"]


@dataclass(frozen=True)
class Sure:
    """What the customer says on purpose. another: one more of what is made, or on its way, already. frn: the number is
    right, though no source we hold knows it."""

    another: bool = False
    frn: bool = False

    def notes(self) -> Iterator[str]:
        """What of it is kept with the order."""
        if self.another:
            yield "The customer says on purpose that this is another one (is_another)."
        if self.frn:
            yield "The customer confirms that the FRN is right (frn_is_confirmed)."


class Doubt(UsageError):
    """An order that is taken only when the customer says that it is meant so, in the field `confirm`."""

    def __init__(self, message: str, *, field: str, confirm: Confirm, remedy: str) -> None:
        super().__init__(message, field=field, remedy=remedy)
        self.confirm = confirm


def demand_sure(
    connection: Connection[Any], basket: Basket, sure: Sure, *, fees: FeeBook, today: date, write_to: str
) -> None:
    """Raises Doubt for what nobody confirmed, and UsageError as `pieces` does."""
    works = [work for piece in pieces(basket, fees) for work in work_of(piece)]
    if not sure.frn:
        for frn in {work.frn for work in works if work.frn}:
            _demand_known(connection, frn)
    for work in works if not sure.another else ():
        if is_there_already(connection, Wanted(work.service, work.frn, work.state), today=today):
            raise Doubt(
                # Whose it is, and whether it was ordered here, is no business of whoever typed a public number.
                f"{_for_whom(work)}: the public record or our books point to such a filing that is made, or on its "
                "way, already.",
                field="is_another",
                confirm="is_another",
                remedy=f"If another one is meant, send `is_another`: true. A person answers at {write_to}.",
            )


def _demand_known(connection: Connection[Any], frn: str) -> None:
    """Nobody is asked at the FCC for an order: only what our own copies show counts, and without any nothing does."""
    row = connection.execute(
        "select to_regclass('marts.carriers') is not null and exists (select from pw.mart_builds) as is_judged, "
        "(select r.is_found from core.fcc_cores_registrations r join pw.snapshots s using (snapshot_id) "
        "where r.frn = %s and s.grade in ('complete', 'partial') and s.recalled_at is null "
        "order by s.as_of desc, s.fetched_at desc limit 1) as in_cores",
        (frn,),
    ).fetchone()
    assert row is not None
    if row["in_cores"] or (row["in_cores"] is None and not row["is_judged"]):
        return
    if row["is_judged"] and connection.execute("select 1 from marts.carriers where frn = %s", (frn,)).fetchone():
        return
    shown = "No list of the FCC’s that we hold shows this number." if row["in_cores"] is None else NOT_IN_CORES
    raise Doubt(
        f"FRN {frn}: {shown} {COMPARE}",
        field="frn",
        confirm="frn_is_confirmed",
        remedy="Correct the FRN; if it is right, as of a carrier registered days ago, send `frn_is_confirmed`: true.",
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

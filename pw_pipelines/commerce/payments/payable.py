"""Whether an order takes money now: one answer for its page, the API, and the beginning of a payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from pw_pipelines.commerce.payments.under_way import UnderWay, under_way

Connection = psycopg.Connection[dict[str, Any]]


@dataclass(frozen=True)
class Payable:
    """obstacle: why it takes none; None: it does. coming: the latest word of money that may be on its way."""

    obstacle: Literal["paid", "status", "under_way"] | None
    coming: UnderWay | None = None

    @property
    def can_be_paid(self) -> bool:
        return self.obstacle is None


def payable(connection: Connection, *, number: str, status: str, paid_at: datetime | None) -> Payable:
    """Whether the order may be paid: it waits for its payment, and none is on its way.

    Money that came and did not pay it changes nothing of that: a person has settled it, or the order is held.
    """
    if paid_at is not None:
        return Payable("paid")
    if status != "received":
        return Payable("status")
    coming = under_way(connection, number)
    return Payable("under_way", coming[-1]) if coming else Payable(None)

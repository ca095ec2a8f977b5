"""The life of an order: which status follows which. Triggers of the database hold the same table."""

from __future__ import annotations

from typing import Literal

Status = Literal["received", "processing", "submitted", "filed", "delivered", "cancelled", "refunded", "held"]

# `held` is absent on the left: see `followers`. A filing sent back goes from submitted to processing.
_LIFE: dict[str, frozenset[str]] = {
    "received": frozenset({"processing", "cancelled", "held"}),
    "processing": frozenset({"submitted", "refunded", "held"}),
    "submitted": frozenset({"processing", "filed", "refunded", "held"}),
    "filed": frozenset({"delivered", "refunded", "held"}),
    "delivered": frozenset({"refunded", "held"}),
    "cancelled": frozenset({"held"}),
    "refunded": frozenset({"held"}),
}
STATUSES = (*_LIFE, "held")


def followers(status: str, held_from: str | None = None) -> frozenset[str]:
    """What may follow `status`. A held order goes back to where it was, on to work, or to its end.

    An order that is paid is never cancelled but refunded, and one that is not paid never refunded: the caller and the
    database see to that, for it is not in the status.
    """
    if status != "held":
        return _LIFE[status]
    onward = {"processing"} if held_from in {"received", "cancelled", "submitted"} else set()
    return frozenset({held_from or "received", "cancelled", "refunded"} | onward)

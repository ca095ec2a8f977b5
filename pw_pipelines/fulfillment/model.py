"""The words of fulfilment: what an item is, what it can wait for, and how a stage says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, get_args

import psycopg

from pw_pipelines.errors import PwError
from pw_pipelines.fulfillment.stage import STAGES, Stage

__all__ = [
    "CLOCK_GATES", "GATE_WORDS", "STAGES", "ClockGate", "Connection", "Done", "FulfillmentError", "Gate", "ItemView",
    "LeaseLost", "NotDone", "PersonGate", "Seen", "Stage",
]  # fmt: skip

Connection = psycopg.Connection[dict[str, Any]]
ClockGate = Literal["hours", "pacing", "retry", "settling", "cure_window"]
PersonGate = Literal[
    "details", "signature", "review", "challenge", "packet", "unknown_effect", "duplicate", "changed_page",
    "portal_closed", "order", "held", "error",
]  # fmt: skip
CLOCK_GATES: tuple[str, ...] = get_args(ClockGate)

# What each gate waits for, in the words of the desk and of the order's page.
GATE_WORDS: Mapping[str, str] = {
    "hours": "The portal is closed at this hour.",
    "pacing": "A pause between two filings on one portal, or another filing goes first.",
    "retry": "An outside system was away; it is asked again by itself.",
    "settling": "Something was interrupted; the outside world is asked what happened.",
    "cure_window": "The public record is read again later.",
    "details": "Details are missing.",
    "signature": "The signer has to sign.",
    "review": "A reviewer has to approve the filled form.",
    "challenge": "The portal asks for a person.",
    "packet": "A person files this by hand, with the packet prepared.",
    "unknown_effect": "It is not known whether something happened; a person has to say.",
    "duplicate": "The same was done, or is being done, for another item.",
    "changed_page": "The portal's page is not as it was.",
    "portal_closed": "The portal is closed for filing until a person opens it.",
    "order": "The order is held or ended.",
    "held": "A person holds it.",
    "error": "Something went wrong that is not mended by trying again.",
}


class FulfillmentError(PwError):
    """An item does not exist, or is not in a state that allows what was asked."""


class LeaseLost(FulfillmentError):
    """Somebody else works this item now; whoever gets this must stop at once and touch nothing more."""


class NotDone(PwError):
    """A deed on the outside world that certainly did not happen, and why. Raised by what performs effects, only when
    it stopped before anything was sent, or the other side plainly refused. Anything else leaves the effect unknown."""


class Gate(Exception):
    """The item can't go on now: it waits at a gate. No error.

    kind: a ClockGate, with `not_before`, or a PersonGate. why: one sentence for a person. detail: what the desk shows
    (digests, names of missing values, what changed); no personal data.
    """

    def __init__(
        self,
        kind: ClockGate | PersonGate,
        why: str,
        *,
        not_before: datetime | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        if (kind in CLOCK_GATES) != (not_before is not None):
            raise ValueError(f"a gate of the kind {kind} and not_before={not_before} do not go together")
        super().__init__(why)
        self.kind = kind
        self.why = why
        self.not_before = not_before
        self.detail = dict(detail or {})


@dataclass(frozen=True)
class ItemView:
    """One item with what its order says of it. `subject`: for whom, as the calendar and the effects say it."""

    item_id: int
    order_id: int
    order_number: str
    order_kind: str
    order_status: str
    customer_id: int
    customer_email: str
    service: str
    title: str
    quantity: int
    for_state: str | None
    frn: str | None
    cures: tuple[str, ...]
    details: Mapping[str, Any]
    company_name: str | None
    paid_at: datetime | None
    stage: str
    state: str
    gate: str | None
    gate_detail: Mapping[str, Any]
    generation: int
    due_on: date | None

    @property
    def subject(self) -> str:
        """FRN, or state and company."""
        if self.frn:
            return self.frn
        return " ".join(filter(None, [self.for_state, self.company_name])) or f"order {self.order_number}"


@dataclass(frozen=True)
class Done:
    """What an effect came to. reference: the outside world's own name for it (confirmation number, Message-ID)."""

    reference: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What a read-back probe saw. happened None: it can't tell. `text`: what was asked and what was answered."""

    happened: bool | None
    text: str
    reference: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

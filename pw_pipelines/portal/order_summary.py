"""A paid order in one line: what its items say, whose turn it is, and the one thing the customer can do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Stand = Literal["details", "signature", "agency", "us", "person", "done", "ended"]
IN_WORK = ("processing", "submitted", "filed")  # an order's status says no more than this; its items say where it is
# Words for the whole order, what happens next, and for some of several services: one of them, more of them.
STANDS: tuple[Stand, ...] = ("details", "signature", "us", "agency", "person", "done", "ended")
SAID: Mapping[str, tuple[str, str, str, str]] = {
    "details": (
        "Waiting for your details",
        "Answer a few questions; then we draw up the documents. Nothing is filed before that.",
        "waits for your details", "wait for your details",
    ),
    "signature": (
        "Waiting for a signature",
        "The signer opens the link in our mail, reads and signs. Nothing is filed before that.",
        "waits for its signature", "wait for their signatures",
    ),
    "us": (
        "Being worked on",
        "We go on by ourselves and write to you when something needs you. You need not do anything now.",
        "is being worked on", "are being worked on",
    ),
    "agency": (
        "With the agency",
        "It is handed in, or is handed in as soon as the agency’s site takes it. You need not do anything now.",
        "is with the agency", "are with the agency",
    ),
    "person": (
        "A person of ours is looking at it",
        "Something needs a person’s eyes before it goes on. You need not do anything; we write if we need you.",
        "is looked at by a person of ours", "are looked at by a person of ours",
    ),
    "done": (
        "Done",
        "Everything ordered is done. We write to you before it falls due again.",
        "is done", "are done",
    ),
    "ended": ("Ended", "Nothing more is done on this order.", "ended", "ended"),
}  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """words: the headline. next: what happens now. services: how many stand where; empty for a single one."""

    words: str
    next: str
    services: str = ""


def summary_of(status: str, stands: Iterable[Stand]) -> Summary | None:
    """What the items of an order say together; None where the order's own status says more."""
    count = Counter(stands)
    if status not in IN_WORK or not count:
        return None
    words, following, _, _ = SAID[_leading(count)]
    return Summary(words, following, _services(count))


def _leading(count: Mapping[Stand, int]) -> Stand:
    """Where the order stands: what asks something of the customer comes first, what is over last."""
    first, *others = [stand for stand in STANDS if count.get(stand)]
    if first in ("agency", "person") and any(one in ("agency", "person") for one in others):
        return "us"
    return first


def _services(count: Mapping[Stand, int]) -> str:
    total = sum(count.values())
    if total == 1:
        return ""
    parts = [
        f"{count[stand]} {SAID[stand][2] if count[stand] == 1 else SAID[stand][3]}"
        for stand in STANDS
        if count.get(stand)
    ]
    return f"Of {total} services, {', '.join(parts)}."

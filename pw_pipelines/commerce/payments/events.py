"""A verified delivery of a payment provider, and the two ways in which a delivery is not one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pw_pipelines.errors import PwError

PROVIDERS = ("stripe", "paypal", "shkeeper", "adyen", "erpnext")
LONGEST_TEXT = 200
UNREADABLE = "unreadable"  # the event type of a delivery that is signed as it should be and is no event


class Forged(PwError):
    """A delivery that its alleged sender did not sign, or signed too long ago. Holds nothing of what it said."""


class CannotVerify(PwError):
    """Nobody could tell now whether the delivery is genuine (a certificate could not be had). They must send again."""


@dataclass(frozen=True)
class VerifiedEvent:
    """One fact that a provider told us.

    dedupe_key     what makes two deliveries the same fact
    order_number   the order it names, if it names one; None when it must be found by the money it speaks of
    raw            the body exactly as received; a body of several items makes several events with the same bytes
    headers        what the verification stood on, without secrets
    """

    provider: str
    dedupe_key: str
    event_type: str
    order_number: str | None
    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

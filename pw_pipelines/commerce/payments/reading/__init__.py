"""A stored event -> what the provider said about which money. Pure; one file per provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pw_pipelines.commerce.payments.reading import adyen, paypal, shkeeper, stripe
from pw_pipelines.commerce.payments.reading.said import Ground, Said

__all__ = ["READERS", "Ground", "Said", "read"]

# raw bytes, dedupe key, what is ours -> what was said. ERPNext's events are worked by the books, not here.
READERS: Mapping[str, Callable[[bytes, str, Ground], Said]] = {
    "stripe": stripe.read,
    "paypal": paypal.read,
    "shkeeper": shkeeper.read,
    "adyen": adyen.read,
}


def read(provider: str, raw: bytes, dedupe_key: str, ground: Ground) -> Said:
    """What an event says. Never raises for what a provider sent: what cannot be read is said to be unreadable."""
    return READERS[provider](raw, dedupe_key, ground)

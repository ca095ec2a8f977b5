"""Stripe: header `Stripe-Signature: t=…,v1=…[,v1=…]`, hex HMAC-SHA256 of `t.body`, at most 300 s old.

The key is the endpoint secret as the text `whsec_…`. The moment may lie ahead of ours, as in Stripe's own library.
Source: docs.stripe.com/webhooks/signature; stripe-python `_webhook.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pw_pipelines.commerce.payments.events import UNREADABLE, Forged, VerifiedEvent
from pw_pipelines.commerce.payments.verify.parts import digest_key, header, hmac_sha256, json_object, some_equal, text

TOLERANCE_SECONDS = 300


def verify(raw: bytes, headers: Mapping[str, str], *, secrets: Sequence[str], now: datetime) -> VerifiedEvent:
    """The event in `raw`. `secrets`: one, or the old and the new one while they are rolled. Raises Forged."""
    signature = header(headers, "Stripe-Signature")
    moment, given = _parts(signature)
    expected = [hmac_sha256(secret.encode(), moment.encode() + b"." + raw).hex() for secret in secrets]
    if not some_equal(expected, given):
        raise Forged("no v1 signature matches")
    if int(moment) < now.timestamp() - TOLERANCE_SECONDS:
        raise Forged(f"signed more than {TOLERANCE_SECONDS} s ago")
    return _event(raw, {"Stripe-Signature": signature[:1_000]})


def _parts(signature: str) -> tuple[str, list[str]]:
    pairs = [part.strip().partition("=") for part in signature.split(",")]
    moments = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1" and value]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdecimal() and len(moments[0]) < 16):
        raise Forged("the signature has no time")
    if not given:
        raise Forged("the signature has no v1")
    return moments[0], given


def _event(raw: bytes, headers: Mapping[str, str]) -> VerifiedEvent:
    body = json_object(raw) or {}
    event_id = text(body.get("id"))
    if event_id is None:
        return VerifiedEvent("stripe", digest_key(raw), UNREADABLE, None, raw, headers)
    return VerifiedEvent(
        "stripe", event_id, text(body.get("type")) or UNREADABLE, order_number(_object(body)), raw, headers
    )


def _object(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("data")
    found = data.get("object") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def order_number(obj: Mapping[str, Any]) -> str | None:
    """The order that a session, payment intent or charge names."""
    metadata = obj.get("metadata")
    named = text(metadata.get("order_number")) if isinstance(metadata, dict) else None
    return named or text(obj.get("client_reference_id"))

"""Adyen's standard webhook: each item signed by itself, base64 HMAC-SHA256 of eight fields, key given in hex.

`reason`, `paymentMethod`, `eventDate` and `live` are not signed: no money is decided by them alone.
Source: docs.adyen.com/development-resources/webhooks; Adyen's Python library `util.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from pw_pipelines.commerce.payments.events import Forged, VerifiedEvent
from pw_pipelines.commerce.payments.verify.parts import digest_key, hmac_sha256, json_object, some_equal, text
from pw_pipelines.errors import ConfigError

MOST_ITEMS = 100


def verify(raw: bytes, *, hmac_keys: Sequence[str]) -> list[VerifiedEvent]:
    """The items of `raw`, each an event. One item that is not signed as it should be makes all of it Forged."""
    keys = [_bytes(key) for key in hmac_keys]
    found = items(raw)
    if not found:
        raise Forged("no notification items")
    if len(found) > MOST_ITEMS:
        raise Forged(f"more than {MOST_ITEMS} items")
    for item in found:
        additional = item.get("additionalData")
        given = additional.get("hmacSignature") if isinstance(additional, dict) else None
        if not isinstance(given, str) or not given:
            raise Forged("an item without hmacSignature")
        if not some_equal([signature(item, key) for key in keys], [given]):
            raise Forged("the signature of an item does not match")
    return [
        VerifiedEvent("adyen", item_key(item) or digest_key(raw), _type(item), text(item.get("merchantReference")), raw)
        for item in found
    ]


def items(raw: bytes) -> list[dict[str, Any]]:
    """The NotificationRequestItems of a body; empty for whatever is none."""
    body = json_object(raw) or {}
    listed = body.get("notificationItems")
    inner = [one.get("NotificationRequestItem") for one in listed if isinstance(one, dict)] if isinstance(
        listed, list
    ) else []  # fmt: skip
    return [one for one in inner if isinstance(one, dict)] if all(isinstance(one, dict) for one in inner) else []


def item_key(item: Mapping[str, Any]) -> str | None:
    """`eventCode:pspReference:success`: deliveries with the same are the same fact."""
    parts = [text(item.get(name)) for name in ("eventCode", "pspReference", "success")]
    return ":".join(part or "" for part in parts) if parts[1] else None


def signed_text(item: Mapping[str, Any]) -> str:
    """The eight fields joined by colons, as they are; empty where one is missing."""
    amount = item.get("amount")
    money = amount if isinstance(amount, dict) else {}
    values = [
        item.get("pspReference"), item.get("originalReference"), item.get("merchantAccountCode"),
        item.get("merchantReference"), money.get("value"), money.get("currency"),
        item.get("eventCode"), item.get("success"),
    ]  # fmt: skip
    return ":".join("" if value is None else str(value) for value in values)


def signature(item: Mapping[str, Any], key: bytes) -> str:
    """What Adyen writes into `additionalData.hmacSignature`. `key`: the decoded bytes."""
    return base64.b64encode(hmac_sha256(key, signed_text(item).encode("utf-8", "replace"))).decode()


def _type(item: Mapping[str, Any]) -> str:
    return f"{text(item.get('eventCode')) or 'unknown'} {text(item.get('success')) or ''}".strip()


def _bytes(hex_key: str) -> bytes:
    try:
        return bytes.fromhex(hex_key)
    except ValueError as error:
        raise ConfigError("PW_ADYEN_HMAC_KEY is not hexadecimal; copy it from Adyen's webhook settings.") from error

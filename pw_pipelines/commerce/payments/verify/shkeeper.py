"""SHKeeper from 2.5.16: `X-Shkeeper-Signature`, hex HMAC-SHA256 of `timestamp.body` with the API key, 300 s.

Older releases send the key alone and are refused: whoever once saw the key could say anything. Source:
vsys-host/shkeeper.io, services/webhook_hmac.py and callback.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pw_pipelines.commerce.payments.events import UNREADABLE, Forged, VerifiedEvent
from pw_pipelines.commerce.payments.verify.parts import digest_key, header, hmac_sha256, json_object, some_equal, text

TOLERANCE_SECONDS = 300


def verify(raw: bytes, headers: Mapping[str, str], *, api_keys: Sequence[str], now: datetime) -> VerifiedEvent:
    """The callback in `raw`. Raises Forged."""
    moment = header(headers, "X-Shkeeper-Timestamp")
    signature = header(headers, "X-Shkeeper-Signature")
    if not (moment.isascii() and moment.isdecimal() and len(moment) < 16):
        raise Forged("the timestamp is no number")
    expected = [hmac_sha256(key.encode(), moment.encode() + b"." + raw).hex() for key in api_keys]
    if not some_equal(expected, [signature]):
        raise Forged("the signature does not match")
    if int(moment) < now.timestamp() - TOLERANCE_SECONDS:
        raise Forged(f"signed more than {TOLERANCE_SECONDS} s ago")
    return _event(raw, {"X-Shkeeper-Timestamp": moment, "X-Shkeeper-Signature": signature[:200]})


def _event(raw: bytes, headers: Mapping[str, str]) -> VerifiedEvent:
    body = json_object(raw) or {}
    order, status = text(body.get("external_id")), text(body.get("status")) or "unknown"
    if "payout_id" in body:
        return VerifiedEvent("shkeeper", f"payout:{text(body['payout_id'])}:{status}", "payout", order, raw, headers)
    if order is None:
        return VerifiedEvent("shkeeper", digest_key(raw), UNREADABLE, None, raw, headers)
    if status == "unconfirmed":  # must never stand in the way of the same transaction once it is confirmed
        return VerifiedEvent(
            "shkeeper", f"unconfirmed:{order}:{text(body.get('txid'))}", "unconfirmed", order, raw, headers
        )
    txid = _trigger(body)
    # With the status: a callback that could not be delivered is made anew, and may then say PAID for PARTIAL.
    key = f"{order}:{txid}:{status}" if txid else digest_key(raw)
    return VerifiedEvent("shkeeper", key, status, order, raw, headers)


def _trigger(body: Mapping[str, Any]) -> str | None:
    """The transaction that caused this call."""
    transactions = body.get("transactions")
    for one in transactions if isinstance(transactions, list) else []:
        if isinstance(one, dict) and one.get("trigger") is True:
            return text(one.get("txid"))
    return None

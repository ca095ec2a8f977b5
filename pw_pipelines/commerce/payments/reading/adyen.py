"""Adyen: the money's id is the pspReference of its authorisation; captures, refunds and disputes name it as
`originalReference`. Whether an authorisation is money yet hangs on how the order is paid, which `work.py` knows.
Source: docs.adyen.com/development-resources/webhooks/webhook-types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pw_pipelines.commerce.payments.reading.said import Ground, Said, minor, part, unreadable
from pw_pipelines.commerce.payments.verify.adyen import item_key, items
from pw_pipelines.commerce.payments.verify.parts import json_object, text

_GONE = frozenset({"CANCELLATION", "CANCEL_OR_REFUND", "TECHNICAL_CANCEL", "EXPIRE"})


def read(raw: bytes, key: str, ground: Ground) -> Said:
    """What the item of `raw` with this dedupe key says."""
    item = next((one for one in items(raw) if item_key(one) == key), None)
    if item is None:
        return unreadable("the item is not in its message")
    said = _said(item)
    doubts = []
    live = (json_object(raw) or {}).get("live")
    if live != ("true" if ground.adyen_live else "false"):
        doubts.append(f"Adyen's event has live {live!r}, ours is {ground.adyen_live}")
    if text(item.get("merchantAccountCode")) != ground.adyen_merchant_account:
        doubts.append("the money went to another Adyen merchant account")
    return replace(said, doubts=tuple(doubts))


def _said(item: Mapping[str, Any]) -> Said:
    code, success = text(item.get("eventCode")) or "", item.get("success") == "true"
    psp, original = text(item.get("pspReference")), text(item.get("originalReference"))
    amount = part(item, "amount")
    said = Said(
        "nothing",
        f"Nothing hangs on {code or 'an event without a code'}.",
        text(item.get("merchantReference")),
        original or psp,
        minor(amount.get("value"), amount.get("currency")),
        movement=psp,
    )
    answers = {
        ("AUTHORISATION", True): replace(said, kind="authorised", words="Adyen: authorised."),
        ("AUTHORISATION", False): replace(said, kind="failed", words="Adyen: refused."),
        ("CAPTURE", True): replace(said, kind="paid", words="Adyen: captured."),
        ("CAPTURE", False): replace(said, kind="person", words="Adyen: the capture was refused."),
        ("REFUND", True): replace(said, kind="refund", words="Adyen: refunded."),
        ("REFUND", False): replace(said, kind="person", words="Adyen: the refund was refused."),
        ("CHARGEBACK", True): replace(said, kind="dispute", words="Adyen: charged back."),
        ("CHARGEBACK_REVERSED", True): replace(said, kind="dispute_won", words="Adyen: the chargeback was reversed."),
        ("SECOND_CHARGEBACK", True): replace(
            said, kind="dispute", words="Adyen: charged back again.", movement=f"{psp}:2"
        ),
        ("OFFER_CLOSED", True): replace(said, kind="expired", words="Adyen: the customer left."),
    }
    if (answer := answers.get((code, success))) is not None:
        return answer
    if code == "CAPTURE_FAILED":
        return replace(said, kind="dispute", words="Adyen: the capture failed after all.")
    if code in {"REFUND_FAILED", "REFUNDED_REVERSED"}:
        return replace(said, kind="person", words=f"Adyen: {code}; the money is back with us.")
    if code == "NOTIFICATION_OF_CHARGEBACK":
        return replace(said, kind="stop", words="Adyen: a chargeback is announced.")
    if code in _GONE and success:
        return replace(said, kind="stop", words=f"Adyen: {code}; the authorisation is gone.")
    return said

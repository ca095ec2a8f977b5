"""What the providers say, in their shapes. Amounts in cents; order numbers are ours."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pw_pipelines.sandbox.payments import signing

_counter = itertools.count(1)


def identity(prefix: str) -> str:
    """A fresh id of a provider's kind."""
    return f"{prefix}{uuid.uuid4().hex[:24]}"


def encoded(body: Mapping[str, Any]) -> bytes:
    """The bytes that are signed and sent."""
    return json.dumps(body, separators=(",", ":")).encode()


def stripe_event(kind: str, obj: Mapping[str, Any], now: datetime, *, livemode: bool = False) -> dict[str, Any]:
    """An event around an object."""
    return {
        "id": identity("evt_"),
        "object": "event",
        "api_version": "2026-06-24",
        "created": int(now.timestamp()),
        "type": kind,
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": dict(obj)},
    }


def stripe_session(order: str, cents: int, **changed: Any) -> dict[str, Any]:
    """A checkout session, paid unless told otherwise."""
    return {
        "id": identity("cs_test_"),
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": cents,
        "currency": "usd",
        "client_reference_id": order,
        "metadata": {"order_number": order},
        "payment_intent": identity("pi_"),
        "livemode": False,
        **changed,
    }


def stripe_charge(order: str, cents: int, intent: str, *, refunded: int) -> dict[str, Any]:
    """A charge of which `refunded` went back so far."""
    return {
        "id": f"ch_{intent.removeprefix('pi_')}",
        "object": "charge",
        "amount": cents,
        "amount_refunded": refunded,
        "refunded": refunded == cents,
        "currency": "usd",
        "payment_intent": intent,
        "metadata": {"order_number": order},
    }


def stripe_dispute(cents: int, intent: str, *, status: str = "needs_response", dispute: str = "") -> dict[str, Any]:
    """A dispute of a payment."""
    return {
        "id": dispute or identity("dp_"),
        "object": "dispute",
        "amount": cents,
        "currency": "usd",
        "charge": f"ch_{intent.removeprefix('pi_')}",
        "payment_intent": intent,
        "reason": "fraudulent",
        "status": status,
    }


def paypal_event(kind: str, resource: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """An event around a resource."""
    return {
        "id": f"WH-{uuid.uuid4().hex[:17].upper()}-{uuid.uuid4().hex[:17].upper()}",
        "create_time": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "event_version": "1.0",
        "resource_type": "checkout-order" if kind.startswith("CHECKOUT") else "capture",
        "resource_version": "2.0",
        "event_type": kind,
        "summary": kind,
        "resource": dict(resource),
        "links": [],
    }


def paypal_money(cents: int, currency: str = "USD") -> dict[str, str]:
    """An amount as PayPal writes it."""
    return {"currency_code": currency, "value": f"{cents // 100}.{cents % 100:02d}"}


def paypal_order(order: str, cents: int, **changed: Any) -> dict[str, Any]:
    """A checkout order the customer approved."""
    unit = {
        "reference_id": order,
        "custom_id": order,
        "amount": paypal_money(cents),
        "payee": {"merchant_id": "SANDBOXMERCHANT"},
    }
    return {"id": identity("")[:17].upper(), "intent": "CAPTURE", "status": "APPROVED", "purchase_units": [unit],
            **changed}  # fmt: skip


def paypal_capture(order: str, cents: int, **changed: Any) -> dict[str, Any]:
    """A capture, completed unless told otherwise."""
    return {
        "id": identity("")[:17].upper(),
        "status": "COMPLETED",
        "amount": paypal_money(cents),
        "custom_id": order,
        "final_capture": True,
        "supplementary_data": {"related_ids": {"order_id": identity("")[:17].upper()}},
        **changed,
    }


def paypal_refund(order: str, cents: int, capture: str) -> dict[str, Any]:
    """A refund of a capture."""
    up = f"https://api.paypal.com/v2/payments/captures/{capture}"
    return {
        "id": identity("")[:17].upper(),
        "status": "COMPLETED",
        "amount": paypal_money(cents),
        "custom_id": order,
        "links": [{"href": up, "rel": "up", "method": "GET"}],
    }


def shkeeper_callback(order: str, cents: int, total: int, *, txids: Sequence[str], **changed: Any) -> dict[str, Any]:
    """A callback: `cents` came so far of `total`, the last of `txids` caused it."""
    status = "PARTIAL" if cents < total else "PAID" if cents == total else "OVERPAID"
    money = f"{cents / 100:.2f}"
    return {
        "external_id": order,
        "crypto": "BTC",
        "addr": "bc1qinvented",
        "fiat": "USD",
        "balance_fiat": money,
        "balance_crypto": "0.01",
        "paid": cents >= total,
        "status": status,
        "transactions": [
            {"txid": txid, "date": "2026-11-22 12:00:00", "amount_crypto": "0.01", "amount_fiat": money,
             "amount_fiat_without_fee": money, "fee_fiat": "0.00", "trigger": txid == txids[-1], "crypto": "BTC"}
            for txid in txids
        ],
        "fee_percent": "0",
        "fee_fixed": "0",
        "fee_policy": "NO_FEE",
        "overpaid_fiat": f"{max(0, cents - total) / 100:.2f}",
        **changed,
    }  # fmt: skip


def adyen_item(order: str, cents: int, code: str = "AUTHORISATION", **changed: Any) -> dict[str, Any]:
    """One notification item, not signed yet."""
    return {
        "amount": {"currency": "USD", "value": cents},
        "eventCode": code,
        "eventDate": "2026-11-22T12:00:00+01:00",
        "merchantAccountCode": "SandboxMerchant",
        "merchantReference": order,
        "originalReference": "",
        "paymentMethod": "visa",
        "pspReference": f"{next(_counter):04d}{uuid.uuid4().hex[:12].upper()}",
        "operations": ["CANCEL", "CAPTURE", "REFUND"],
        "reason": "",
        "success": "true",
        **changed,
    }


def adyen_body(*items: Mapping[str, Any], hex_key: str, live: str = "false") -> dict[str, Any]:
    """The message around items, each signed."""
    signed = [{"NotificationRequestItem": signing.adyen_item(item, hex_key)} for item in items]
    return {"live": live, "notificationItems": signed}

"""Signs a message as its real sender does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from pw_pipelines.sandbox.payments.keys import Signer

CERT_URL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-sandbox"
JSON = {"Content-Type": "application/json"}


def stripe(raw: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Headers of one delivery by Stripe."""
    moment = str(int(now.timestamp()))
    signature = _hex(secret, f"{moment}.".encode() + raw)
    return {**JSON, "User-Agent": "Stripe/1.0", "Stripe-Signature": f"t={moment},v1={signature},v0={'0' * 64}"}


def shkeeper(raw: bytes, api_key: str, now: datetime) -> dict[str, str]:
    """Headers of one callback by SHKeeper 2.5.16 or newer."""
    moment = str(int(now.timestamp()))
    signature = _hex(api_key, f"{moment}.".encode() + raw)
    return {**JSON, "X-Shkeeper-Api-Key": api_key, "X-Shkeeper-Timestamp": moment, "X-Shkeeper-Signature": signature}


def paypal(raw: bytes, signer: Signer, webhook_id: str, now: datetime) -> dict[str, str]:
    """Headers of one delivery by PayPal."""
    transmission, moment = str(uuid.uuid4()), now.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"{transmission}|{moment}|{webhook_id}|{zlib.crc32(raw)}"
    signature = signer.key.sign(text.encode(), PKCS1v15(), SHA256())
    return {
        **JSON,
        "PAYPAL-TRANSMISSION-ID": transmission,
        "PAYPAL-TRANSMISSION-TIME": moment,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
        "PAYPAL-CERT-URL": CERT_URL,
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }


def adyen_item(item: Mapping[str, Any], hex_key: str) -> dict[str, Any]:
    """The item with its signature in it."""
    amount = item["amount"]
    text = ":".join(
        str(value)
        for value in (
            item["pspReference"], item.get("originalReference", ""), item["merchantAccountCode"],
            item["merchantReference"], amount["value"], amount["currency"], item["eventCode"], item["success"],
        )
    )  # fmt: skip
    digest = hmac.new(bytes.fromhex(hex_key), text.encode(), hashlib.sha256).digest()
    return {**item, "additionalData": {"hmacSignature": base64.b64encode(digest).decode()}}


def _hex(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()

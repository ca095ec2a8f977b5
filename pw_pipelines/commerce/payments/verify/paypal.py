"""PayPal, verified by ourselves: RSA-SHA256 over `id|time|webhook id|crc32 of the body`, with PayPal's certificate.

The webhook id is the one of our own subscription, it does not stand in the message. The certificate comes from the
address in the message, so it is believed only by the rules of `certificate`.
Source: PayPal-Python-SDK `notifications.py`; developer.paypal.com/api/webhooks.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from pw_pipelines.commerce.payments.events import UNREADABLE, Forged, VerifiedEvent
from pw_pipelines.commerce.payments.verify.parts import digest_key, header, json_object, text

DOMAIN = ".paypal.com"
ALGORITHM = "SHA256withRSA"
_LABEL = r"(?!xn--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)+paypal\.com", re.ASCII)
LONGEST_ADDRESS = 500  # real ones have about 80


@dataclass(frozen=True)
class Certificate:
    """A certificate that was found to be PayPal's; good until `not_after`."""

    key: RSAPublicKey
    not_before: datetime
    not_after: datetime

    def holds_at(self, now: datetime) -> bool:
        return self.not_before <= now <= self.not_after


@dataclass(frozen=True)
class Transmission:
    """The five headers of a delivery. Raises Forged when one is missing or of an unknown kind."""

    id: str
    time: str
    signature: str
    cert_url: str
    algorithm: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Transmission:
        found = cls(
            id=header(headers, "PAYPAL-TRANSMISSION-ID"),
            time=header(headers, "PAYPAL-TRANSMISSION-TIME"),
            signature=header(headers, "PAYPAL-TRANSMISSION-SIG"),
            cert_url=header(headers, "PAYPAL-CERT-URL"),
            algorithm=header(headers, "PAYPAL-AUTH-ALGO"),
        )
        if found.algorithm != ALGORITHM:
            raise Forged("another algorithm than SHA256withRSA")
        demand_address(found.cert_url)
        return found

    def kept(self) -> dict[str, str]:
        """What the inbox keeps of them."""
        return {"id": self.id[:200], "time": self.time[:50], "signature": self.signature[:1_000],
                "cert_url": self.cert_url[:500]}  # fmt: skip


def demand_address(url: str) -> None:
    """Raises Forged unless the address is https on a host under .paypal.com, with no user, no other port, and nothing
    in it that a client could not even send."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Forged("the certificate's address is none") from error
    host = (parts.hostname or "").lower()
    odd = any(sign in "\\@ " or not sign.isprintable() for sign in url) or not url.isascii()
    if odd or len(url) > LONGEST_ADDRESS or parts.scheme != "https" or port not in (None, 443):
        raise Forged("the certificate's address is not PayPal's")
    if not _HOST.fullmatch(host):
        raise Forged("the certificate's address is not PayPal's")


def certificate(pem: bytes, *, roots: Sequence[x509.Certificate], now: datetime) -> Certificate:
    """The first certificate of a PEM chain, if it leads to one of `roots`, is in force and names PayPal.

    Raises Forged.
    """
    try:
        chain = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise Forged("the certificate cannot be read") from error
    leaf, *others = chain
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value).lower() if len(names) == 1 else ""
    if not name.endswith(DOMAIN) or name == DOMAIN:
        raise Forged("the certificate is not PayPal's")
    try:
        policy = PolicyBuilder().store(Store(list(roots))).time(now.replace(tzinfo=None))
        policy.build_server_verifier(x509.DNSName(name)).verify(leaf, others)
    except (VerificationError, ValueError) as error:
        raise Forged("the certificate does not lead to a trusted root, or is not in force") from error
    key = leaf.public_key()
    if not isinstance(key, RSAPublicKey):
        raise Forged("the certificate's key is not RSA")
    return Certificate(key, leaf.not_valid_before_utc, leaf.not_valid_after_utc)


def signed_text(transmission_id: str, moment: str, webhook_id: str, raw: bytes) -> str:
    """What PayPal signs; the CRC is that of the raw body, as an unsigned decimal."""
    return f"{transmission_id}|{moment}|{webhook_id}|{zlib.crc32(raw)}"


def verify(raw: bytes, transmission: Transmission, found: Certificate, *, webhook_id: str) -> VerifiedEvent:
    """The event in `raw`. Raises Forged."""
    try:
        signature = base64.b64decode(transmission.signature, validate=True)
    except ValueError as error:  # also signs that are no ASCII at all
        raise Forged("the signature is not base64") from error
    message = signed_text(transmission.id, transmission.time, webhook_id, raw).encode("utf-8", "replace")
    try:
        found.key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise Forged("the signature does not match") from error
    return event(raw, transmission)


def event(raw: bytes, transmission: Transmission) -> VerifiedEvent:
    """The event of a delivery that has been verified, here or by PayPal itself."""
    body = json_object(raw) or {}
    event_id = text(body.get("id"))
    if event_id is None:
        return VerifiedEvent("paypal", digest_key(raw), UNREADABLE, None, raw, transmission.kept())
    resource = body.get("resource")
    return VerifiedEvent(
        "paypal",
        event_id,
        text(body.get("event_type")) or UNREADABLE,
        order_number(resource if isinstance(resource, dict) else {}),
        raw,
        transmission.kept(),
    )


def order_number(resource: Mapping[str, Any]) -> str | None:
    """The order that a capture, refund, checkout order or dispute names."""
    places = [(resource, ("custom_id", "invoice_id"))]
    for part, names in (
        ("purchase_units", ("custom_id", "reference_id")),
        ("disputed_transactions", ("custom", "invoice_number")),
    ):
        listed = resource.get(part)
        if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], dict):
            places.append((listed[0], names))
    found = (text(place.get(name)) for place, names in places for name in names)
    return next((one for one in found if one), None)

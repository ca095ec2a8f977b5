"""PayPal's webhooks with everything their verification needs: certificates, fetched once each, and the postback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import certifi
from cryptography import x509

from pw_pipelines.commerce.payments.events import CannotVerify, Forged, VerifiedEvent
from pw_pipelines.commerce.payments.verify import paypal
from pw_pipelines.commerce.payments.verify.parts import header, json_object
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.settings import Settings

MOST_CERTIFICATES = 16  # PayPal uses two or three; whoever invents addresses must not fill the memory
REST_SECONDS = 5.0  # after a certificate could not be had
_HEADERS = (
    "PAYPAL-AUTH-ALGO", "PAYPAL-CERT-URL", "PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-SIG",
    "PAYPAL-TRANSMISSION-TIME",
)  # fmt: skip

_T = TypeVar("_T")
Postback = Callable[[Mapping[str, str], bytes, str], bool]


class PayPalDoor:
    """Thread-safe. `fetch`: address -> PEM chain; `postback`: PayPal's own verdict, where it may be asked."""

    def __init__(
        self,
        *,
        webhook_id: str | None,
        root_file: Path | None,
        fetch: Callable[[str], bytes],
        postback: Postback | None = None,
    ) -> None:
        self._webhook_id = webhook_id
        self._root_file = root_file
        self._fetch = fetch
        self._postback = postback
        self._lock = threading.Lock()
        self._known: dict[str, paypal.Certificate] = {}
        self._missing: dict[str, float] = {}

    def verify_at_once(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> VerifiedEvent | None:
        """The event, when its certificate is known; None: `verify` must fetch it. Raises Forged."""
        transmission = paypal.Transmission.of(headers)
        found = self._known.get(transmission.cert_url)
        if found is None or not found.holds_at(now):
            return None
        return paypal.verify(raw, transmission, found, webhook_id=self._our_webhook())

    def verify(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> VerifiedEvent:
        """The event, its certificate fetched if need be. Raises Forged; CannotVerify when nobody can tell now."""
        transmission = paypal.Transmission.of(headers)
        webhook_id = self._our_webhook()
        try:
            found = self._certificate(transmission.cert_url, now)
        except OutsideUnavailable as error:
            if self._postback is None:
                raise CannotVerify(str(error)) from error
            return self._asked_of_paypal(raw, headers, transmission, webhook_id)
        return paypal.verify(raw, transmission, found, webhook_id=webhook_id)

    def _asked_of_paypal(
        self, raw: bytes, headers: Mapping[str, str], transmission: paypal.Transmission, webhook_id: str
    ) -> VerifiedEvent:
        assert self._postback is not None
        if json_object(raw) is None:  # spliced into our question, it could ask another one
            raise Forged("the body is no JSON object")
        try:
            is_theirs = self._postback({name: header(headers, name) for name in _HEADERS}, raw, webhook_id)
        except OutsideUnavailable as error:
            raise CannotVerify(str(error)) from error
        if not is_theirs:
            raise Forged("PayPal says that it did not send it")
        return paypal.event(raw, transmission)

    def _our_webhook(self) -> str:
        if not self._webhook_id:
            raise CannotVerify("PW_PAYPAL_WEBHOOK_ID is not set.")
        return self._webhook_id

    def _certificate(self, url: str, now: datetime) -> paypal.Certificate:
        with self._lock:  # one fetch at a time, and the others find what it found
            found = self._known.get(url)
            if found is not None and found.holds_at(now):
                return found
            if time.monotonic() < self._missing.get(url, 0.0):
                raise OutsideUnavailable("PayPal's certificate could not be had a moment ago.")
            try:
                pem = self._fetch(url)
            except OutsideUnavailable:
                _bounded(self._missing)[url] = time.monotonic() + REST_SECONDS
                raise
            found = paypal.certificate(pem, roots=self._roots(), now=now)
            _bounded(self._known)[url] = found
            return found

    def _roots(self) -> list[x509.Certificate]:
        path = self._root_file or Path(certifi.where())
        try:
            return x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise CannotVerify(f"The trusted roots in {path.name} cannot be read ({error}).") from error


def _bounded(kept: dict[str, _T]) -> dict[str, _T]:
    while len(kept) >= MOST_CERTIFICATES:
        kept.pop(next(iter(kept)))
    return kept


def paypal_door(settings: Settings) -> PayPalDoor:
    """The door of these settings; nothing is opened before the first webhook."""
    from pw_pipelines.resources.paypal import PayPal, PayPalCertificates

    def postback(headers: Mapping[str, str], raw: bytes, webhook_id: str) -> bool:
        with PayPal(settings) as client:
            return client.verify(headers, raw, webhook_id)

    return PayPalDoor(
        webhook_id=settings.paypal_webhook_id,
        root_file=settings.paypal_root_file,
        fetch=PayPalCertificates(settings).fetch,
        postback=postback if settings.paypal_postback else None,
    )

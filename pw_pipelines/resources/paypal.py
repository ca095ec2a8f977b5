"""PayPal's API: orders, their capture, the certificates it signs with, and its own verdict on a webhook.

`PayPal-Request-Id` makes creating and capturing repeatable. developer.paypal.com/docs/api/orders/v2.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from pw_pipelines.errors import ConfigError, OutsideUnavailable
from pw_pipelines.resources.http import OwnsClient
from pw_pipelines.resources.payment_calls import Asked, Opened, PaymentCalls, PaymentRefused
from pw_pipelines.settings import Settings

RENEW_BEFORE_SECONDS = 120.0
CERTIFICATE_SECONDS = 5.0
LARGEST_CERTIFICATE = 64 * 1024


class PayPal(PaymentCalls):
    """One REST app of PayPal's."""

    name = "PayPal"

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.paypal_client_id is None or settings.paypal_client_secret is None:
            raise ConfigError("PayPal needs PW_PAYPAL_CLIENT_ID and PW_PAYPAL_CLIENT_SECRET: those of our REST app.")
        self._app = httpx.BasicAuth(settings.paypal_client_id, settings.paypal_client_secret.get_secret_value())
        self._lock = threading.Lock()
        self._bearer, self._good_until = "", 0.0
        super().__init__(
            settings.paypal_url,
            headers={"User-Agent": settings.user_agent},
            timeout_seconds=settings.http_timeout_seconds,
            transport=transport,
            sleep=sleep,
        )

    def open(self, asked: Asked) -> Opened:
        """An order the customer approves on PayPal's page. It is captured when PayPal says that it was approved."""
        cents = f"{asked.minor // 100}.{asked.minor % 100:02d}"
        made = self._as_app(
            "/v2/checkout/orders",
            key=asked.key,
            body={
                "intent": "CAPTURE",
                "purchase_units": [
                    {
                        "reference_id": asked.order_number,
                        "custom_id": asked.order_number,
                        "invoice_id": asked.key,
                        "description": asked.title[:127],
                        "amount": {"currency_code": asked.currency, "value": cents},
                    }
                ],
                "payment_source": {
                    "paypal": {
                        "experience_context": {
                            "return_url": asked.return_url,
                            "cancel_url": asked.cancel_url,
                            "user_action": "PAY_NOW",
                            "shipping_preference": "NO_SHIPPING",
                        }
                    }
                },
            },
        )
        links = {link.get("rel"): link.get("href") for link in made.get("links", []) if isinstance(link, dict)}
        url = links.get("payer-action") or links.get("approve")
        if not isinstance(made.get("id"), str) or not isinstance(url, str):
            raise OutsideUnavailable("PayPal made an order that could not be read.")
        return Opened(made["id"], url, None)

    def capture(self, paypal_order: str, *, key: str) -> None:
        """Takes the money of an approved order; an order that is captured already is fine."""
        try:
            self._as_app(f"/v2/checkout/orders/{quote(paypal_order, safe='')}/capture", key=key, body={})
        except PaymentRefused as error:
            if error.code != "ORDER_ALREADY_CAPTURED":
                raise

    def verify(self, headers: Mapping[str, str], raw: bytes, webhook_id: str) -> bool:
        """PayPal's own verdict on a webhook. The event goes back byte for byte: written anew it would be refused."""
        fields = {
            "auth_algo": headers["PAYPAL-AUTH-ALGO"],
            "cert_url": headers["PAYPAL-CERT-URL"],
            "transmission_id": headers["PAYPAL-TRANSMISSION-ID"],
            "transmission_sig": headers["PAYPAL-TRANSMISSION-SIG"],
            "transmission_time": headers["PAYPAL-TRANSMISSION-TIME"],
            "webhook_id": webhook_id,
        }
        content = json.dumps(fields).encode()[:-1] + b',"webhook_event":' + raw + b"}"
        answer = self._call(
            "POST",
            "/v1/notifications/verify-webhook-signature",
            content=content,
            headers={"Content-Type": "application/json", "Authorization": self._authorization()},
        )
        return answer.get("verification_status") == "SUCCESS"

    def _as_app(self, path: str, *, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": self._authorization(), "PayPal-Request-Id": key, "Prefer": "return=representation"}
        return self._call("POST", path, json=body, headers=headers)

    def _authorization(self) -> str:
        """The app's token, renewed before it ends."""
        with self._lock:
            if time.monotonic() >= self._good_until:
                made = self._call("POST", "/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=self._app)
                if not isinstance(made.get("access_token"), str):
                    raise OutsideUnavailable("PayPal gave no access token.")
                self._bearer = f"Bearer {made['access_token']}"
                lasts = float(made.get("expires_in") or 0)
                self._good_until = time.monotonic() + max(0.0, lasts - RENEW_BEFORE_SECONDS)
            return self._bearer

    def _said(self, body: Mapping[str, Any]) -> tuple[str, str]:
        details = body.get("details")
        first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
        return str(first.get("issue") or body.get("name") or ""), str(first.get("description") or body.get("message"))


class PayPalCertificates(OwnsClient):
    """Fetches what PAYPAL-CERT-URL points at. Whether the address is PayPal's is decided before."""

    def __init__(self, settings: Settings, *, transport: httpx.BaseTransport | None = None) -> None:
        self._instead = settings.paypal_certs_from
        self._client = httpx.Client(
            headers={"User-Agent": settings.user_agent},
            timeout=CERTIFICATE_SECONDS,
            follow_redirects=False,
            transport=transport,
        )

    def fetch(self, url: str) -> bytes:
        """The PEM chain. Raises OutsideUnavailable."""
        where = f"{self._instead.rstrip('/')}{urlsplit(url).path}" if self._instead else url
        parts, size = [], 0
        try:
            with self._client.stream("GET", where) as response:
                if response.status_code != httpx.codes.OK:
                    raise OutsideUnavailable(f"PayPal's certificate was answered with {response.status_code}.")
                for part in response.iter_bytes():
                    parts.append(part)
                    size += len(part)
                    if size > LARGEST_CERTIFICATE:
                        raise OutsideUnavailable("PayPal's certificate is larger than any certificate.")
        except httpx.RequestError as error:
            raise OutsideUnavailable(f"PayPal's certificate could not be had ({type(error).__name__}).") from error
        return b"".join(parts)

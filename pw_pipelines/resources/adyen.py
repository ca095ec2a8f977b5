"""Adyen's Checkout API v71: sessions on its hosted page, and captures. docs.adyen.com/api-explorer/Checkout/71."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from pw_pipelines.errors import ConfigError, OutsideUnavailable
from pw_pipelines.resources.payment_calls import Asked, Opened, PaymentCalls
from pw_pipelines.settings import Settings

# our way to pay -> Adyen's paymentMethod.type
TYPES = {"card": "scheme", "klarna": "klarna", "cashapp": "cashapp", "amazonpay": "amazonpay", "ach": "ach"}


class Adyen(PaymentCalls):
    """One merchant account."""

    name = "Adyen"

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.adyen_api_key is None or settings.adyen_merchant_account is None:
            raise ConfigError("Adyen needs PW_ADYEN_API_KEY and PW_ADYEN_MERCHANT_ACCOUNT: both are in its console.")
        self._account = settings.adyen_merchant_account
        super().__init__(
            settings.adyen_url,
            headers={"X-API-Key": settings.adyen_api_key.get_secret_value(), "User-Agent": settings.user_agent},
            timeout_seconds=settings.http_timeout_seconds,
            transport=transport,
            sleep=sleep,
        )

    def open(self, asked: Asked) -> Opened:
        """A session on Adyen's hosted page; Klarna is shown what is bought."""
        amount = {"value": asked.minor, "currency": asked.currency}
        made = self._call(
            "POST",
            "/v71/sessions",
            headers={"Idempotency-Key": asked.key},
            json={
                "merchantAccount": self._account,
                "amount": amount,
                "reference": asked.order_number,
                "returnUrl": asked.return_url,
                "countryCode": "US",
                "shopperEmail": asked.email,
                "shopperLocale": "en-US",
                "channel": "Web",
                "mode": "hosted",
                "allowedPaymentMethods": [TYPES[asked.method]],
                "lineItems": [{"id": "1", "description": asked.title, "quantity": 1,
                               "amountIncludingTax": asked.minor}],
            },
        )  # fmt: skip
        try:
            return Opened(str(made["id"]), str(made["url"]), datetime.fromisoformat(made["expiresAt"]))
        except (KeyError, TypeError, ValueError) as error:
            raise OutsideUnavailable(f"Adyen made a session that could not be read ({error!r}).") from error

    def capture(self, psp_reference: str, *, minor: int, currency: str, order_number: str, key: str) -> None:
        """Takes what was authorised. Adyen answers `received`; whether it worked comes as a webhook."""
        self._call(
            "POST",
            f"/v71/payments/{quote(psp_reference, safe='')}/captures",
            headers={"Idempotency-Key": key},
            json={
                "merchantAccount": self._account,
                "amount": {"value": minor, "currency": currency},
                "reference": order_number,
            },
        )

    def _said(self, body: Mapping[str, Any]) -> tuple[str, str]:
        return str(body.get("errorCode") or ""), str(body.get("message") or "")

"""SHKeeper's API: asks for a crypto payment. Errors come as HTTP 200 with `status: error`.

The same external_id is the same invoice, whose amount is then updated: repeating is safe.
Source: vsys-host/shkeeper.io.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from pw_pipelines.errors import ConfigError, OutsideUnavailable
from pw_pipelines.resources.payment_calls import Asked, Opened, PaymentCalls, PaymentRefused
from pw_pipelines.settings import Settings

COIN = "BTC"


class Shkeeper(PaymentCalls):
    """One SHKeeper. Its callback comes to our public address."""

    name = "SHKeeper"

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.shkeeper_api_key is None:
            raise ConfigError("PW_SHKEEPER_API_KEY is not set: make one in SHKeeper's wallet settings.")
        key = settings.shkeeper_api_key.get_secret_value().split(",")[0].strip()
        self._callback = f"{settings.public_url.rstrip('/')}/webhooks/shkeeper"
        super().__init__(
            settings.shkeeper_url,
            headers={"X-Shkeeper-Api-Key": key, "User-Agent": settings.user_agent},
            timeout_seconds=settings.http_timeout_seconds,
            transport=transport,
            sleep=sleep,
        )

    def open(self, asked: Asked, *, coin: str = COIN) -> Opened:
        """An invoice. `pay_url` is a payment URI with the wallet's address: SHKeeper has no page of its own."""
        made = self._call(
            "POST",
            f"/api/v1/{coin}/payment_request",
            json={
                "external_id": asked.order_number,
                "fiat": asked.currency,
                "amount": f"{asked.minor // 100}.{asked.minor % 100:02d}",
                "callback_url": self._callback,
            },
        )
        try:
            name, wallet, amount = str(made["display_name"]), str(made["wallet"]), str(made["amount"])
        except KeyError as error:
            raise OutsideUnavailable(f"SHKeeper made an invoice that could not be read ({error!r}).") from error
        return Opened(asked.order_number, f"{name.lower()}:{wallet}?amount={amount}", None)

    def _understood(self, response: httpx.Response, path: str) -> dict[str, Any]:
        body = super()._understood(response, path)
        if body.get("status") != "success":
            said = str(body.get("message") or body.get("status"))[:200]
            raise PaymentRefused(f"SHKeeper refused {path}: {said}", status=response.status_code, code="error")
        return body

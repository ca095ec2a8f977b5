"""Stripe's API: makes checkout sessions. Form-encoded, `Idempotency-Key`; docs.stripe.com/api/checkout/sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from pw_pipelines.errors import ConfigError, OutsideUnavailable
from pw_pipelines.resources.payment_calls import Asked, Opened, PaymentCalls
from pw_pipelines.settings import Settings

VERSION = "2026-06-24"
# our way to pay -> Stripe's
TYPES = {
    "card": "card",
    "ach": "us_bank_account",
    "klarna": "klarna",
    "cashapp": "cashapp",
    "amazonpay": "amazon_pay",
}


class Stripe(PaymentCalls):
    """One Stripe account."""

    name = "Stripe"

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.stripe_secret_key is None:
            raise ConfigError("PW_STRIPE_SECRET_KEY is not set: copy it from Stripe's dashboard.")
        super().__init__(
            settings.stripe_url,
            headers={
                "Authorization": f"Bearer {settings.stripe_secret_key.get_secret_value()}",
                "Stripe-Version": VERSION,
                "User-Agent": settings.user_agent,
            },
            timeout_seconds=settings.http_timeout_seconds,
            transport=transport,
            sleep=sleep,
        )

    def open(self, asked: Asked) -> Opened:
        """A checkout session. The order's number goes on the payment intent too, so that refunds name it."""
        form = {
            "mode": "payment",
            "client_reference_id": asked.order_number,
            "customer_email": asked.email,
            "payment_method_types[0]": TYPES[asked.method],
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": asked.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(asked.minor),
            "line_items[0][price_data][product_data][name]": asked.title,
            "metadata[order_number]": asked.order_number,
            "payment_intent_data[metadata][order_number]": asked.order_number,
            "success_url": asked.return_url,
            "cancel_url": asked.cancel_url,
        }
        made = self._call("POST", "/v1/checkout/sessions", data=form, headers={"Idempotency-Key": asked.key})
        try:
            expires = datetime.fromtimestamp(int(made["expires_at"]), UTC)
            return Opened(str(made["id"]), str(made["url"]), expires)
        except (KeyError, TypeError, ValueError) as error:
            raise OutsideUnavailable(f"Stripe made a session that could not be read ({error!r}).") from error

    def _is_passing(self, response: httpx.Response) -> bool:
        """Stripe says itself whether a repetition helps."""
        told = response.headers.get("Stripe-Should-Retry")
        return told == "true" if told else super()._is_passing(response)

    def _said(self, body: Mapping[str, Any]) -> tuple[str, str]:
        error = body.get("error")
        return super()._said(error if isinstance(error, dict) else {})

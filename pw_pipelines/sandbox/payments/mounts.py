"""The four stand-ins with the settings of the sandbox, by the path each is mounted at."""

from __future__ import annotations

from starlette.types import ASGIApp

from pw_pipelines.sandbox.payments import adyen, paypal, shkeeper, stripe
from pw_pipelines.settings import Settings, with_sandbox_addresses


def payment_apps(settings: Settings) -> dict[str, ASGIApp]:
    """Their secrets are those the product has in the sandbox; their webhooks go to its public address."""
    known, now = with_sandbox_addresses(settings), settings.clock.now
    root = known.paypal_root_file
    assert known.stripe_secret_key and known.stripe_webhook_secret and known.shkeeper_api_key and root
    assert known.paypal_client_id and known.paypal_client_secret and known.paypal_webhook_id
    assert known.adyen_api_key and known.adyen_merchant_account and known.adyen_hmac_key

    def webhook(provider: str) -> str:
        return f"{settings.public_url.rstrip('/')}/webhooks/{provider}"

    return {
        "/stripe": stripe.create_app(
            secret_key=known.stripe_secret_key.get_secret_value(),
            webhook_secret=known.stripe_webhook_secret.get_secret_value(),
            webhook=lambda: webhook("stripe"),
            now=now,
        ),
        "/paypal": paypal.create_app(
            client=(known.paypal_client_id, known.paypal_client_secret.get_secret_value()),
            webhook_id=known.paypal_webhook_id,
            folder=root.parent,
            webhook=lambda: webhook("paypal"),
            now=now,
        ),
        "/shkeeper": shkeeper.create_app(api_key=known.shkeeper_api_key.get_secret_value(), now=now),
        "/adyen": adyen.create_app(
            api_key=known.adyen_api_key.get_secret_value(),
            account=known.adyen_merchant_account,
            hmac_key=known.adyen_hmac_key.get_secret_value(),
            webhook=lambda: webhook("adyen"),
            now=now,
        ),
    }

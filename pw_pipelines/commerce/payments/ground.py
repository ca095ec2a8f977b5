"""What of the settings the work on payments stands on."""

from __future__ import annotations

from pydantic import SecretStr

from pw_pipelines.commerce.payments.reading import Ground
from pw_pipelines.settings import Settings


def ground_of(settings: Settings) -> Ground:
    """Our own accounts and environment, to compare events with."""
    return Ground(
        stripe_live=settings.stripe_live,
        adyen_live=settings.adyen_live,
        adyen_merchant_account=settings.adyen_merchant_account,
        paypal_merchant_id=settings.paypal_merchant_id,
        manual_capture=frozenset(name.strip() for name in settings.adyen_manual_capture.split(",") if name.strip()),
        short_percent=settings.shkeeper_short_percent,
    )


def secrets_of(secret: SecretStr | None) -> tuple[str, ...]:
    """One secret, or several separated by commas while one is exchanged; empty when none is set."""
    if secret is None:
        return ()
    return tuple(part.strip() for part in secret.get_secret_value().split(",") if part.strip())

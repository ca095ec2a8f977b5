"""The providers' clients, each made when first asked for: sessions are opened and promised money taken through them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypeVar, cast

from pw_pipelines.errors import ConfigError
from pw_pipelines.resources.adyen import Adyen
from pw_pipelines.resources.payment_calls import Asked, Opened, PaymentCalls
from pw_pipelines.resources.paypal import PayPal
from pw_pipelines.resources.shkeeper import Shkeeper
from pw_pipelines.resources.stripe import Stripe
from pw_pipelines.settings import Settings

_C = TypeVar("_C", bound=PaymentCalls)


class ProviderClients:
    """Thread-safe; `close()` when done, or use it as a context manager. It is the `Captures` of the work."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[object, PaymentCalls] = {}
        self._open = ExitStack()
        self._lock = threading.Lock()

    def open(self, provider: str, asked: Asked) -> Opened:
        """Begins a try to pay. Raises OutsideUnavailable, OutsideRefused; ConfigError without credentials."""
        if provider == "stripe":
            return self._client(Stripe).open(asked)
        if provider == "paypal":
            return self._client(PayPal).open(asked)
        if provider == "shkeeper":
            return self._client(Shkeeper).open(asked)
        if provider == "adyen":
            return self._client(Adyen).open(asked)
        raise ConfigError(f"commerce/payment_methods.yaml names the provider {provider!r}, which nobody can ask.")

    def paypal(self, paypal_order: str, *, key: str) -> None:
        """Takes the money of an approved PayPal order."""
        self._client(PayPal).capture(paypal_order, key=key)

    def adyen(self, psp_reference: str, *, minor: int, currency: str, order_number: str, key: str) -> None:
        """Takes what Adyen authorised."""
        self._client(Adyen).capture(psp_reference, minor=minor, currency=currency, order_number=order_number, key=key)

    def _client(self, make: Callable[[Settings], _C]) -> _C:
        with self._lock:
            found = self._made.get(make)
            if found is None:
                made = make(self._settings)
                self._open.callback(made.close)
                self._made[make] = made
                return made
        return cast("_C", found)

    def close(self) -> None:
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

"""The book of everything a price is made of: services, bundles, ways to pay, fees of the jurisdictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pw_pipelines.commerce.bundles import Bundle, bundles
from pw_pipelines.commerce.catalogue import Service, catalogue
from pw_pipelines.commerce.payment_methods import PaymentMethod, offered_methods
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.jurisdictions.model import FeeName, Jurisdiction

Form = Literal["llc", "corporation"]

_FEES: dict[tuple[str, Form], FeeName] = {
    ("formation", "llc"): "llc_formation",
    ("formation", "corporation"): "corporation_formation",
    ("annual_report", "llc"): "annual_report",
    ("annual_report", "corporation"): "corporation_annual_report",
    ("name_reservation", "llc"): "name_reservation",
    ("name_reservation", "corporation"): "name_reservation",
}


@dataclass(frozen=True)
class Fee:
    """A government's fee in its own currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class FeeBook:
    """All a quote looks up. Made once and handed in, so that a quote itself reads nothing."""

    services: Mapping[str, Service]
    bundles: Mapping[str, Bundle]
    methods: Mapping[str, PaymentMethod]
    jurisdictions: Mapping[str, Jurisdiction]

    def state_fee(self, state: str, fee: str, form: Form) -> Fee | None:
        """The state's fee; None where no amount is known."""
        where = self.jurisdictions[state]
        stated = where.fees.get(_FEES[fee, form])
        if stated is None or stated.value is None:
            return None
        return Fee(stated.value, where.currency)

    def expedite_fee(self, state: str, words: str) -> Fee | None:
        """What the named step of expedited service costs; None where the state offers no such step or no amount."""
        where = self.jurisdictions[state]
        for option in where.expedited.options:
            if option.words == words and option.amount is not None:
                return Fee(option.amount, where.currency)
        return None


def fee_book(paypal_percent: Decimal | None = None) -> FeeBook:
    """The book as the data files say it. paypal_percent: PayPal's surcharge by setting; None: PayPal not offered.

    Raises ConfigError naming the file, entry and field that is wrong.
    """
    return FeeBook(catalogue(), bundles(), offered_methods(paypal_percent), book())

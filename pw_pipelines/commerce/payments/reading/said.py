"""What a provider said, in words that are the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

CENT = Decimal("0.01")
MOST = Decimal("9999999999.99")  # numeric(12,2)
# Without cents, by Stripe's and Adyen's tables; other currencies than ours are held, so the list only spares nonsense.
_WITHOUT_CENTS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF".split())

Kind = Literal[
    "paid",  # the money is ours: `reference`, `money`
    "authorised",  # the money is promised: ours at once, or after a capture, by the way it is paid (Adyen)
    "approved",  # the customer agreed; the money comes when we capture it (PayPal)
    "wait",  # money is on its way, or a part of it came
    "failed",  # this try came to nothing; the order may still be paid by another
    "expired",  # nobody paid in this session
    "refund",  # money went back: `movement`, `money`; with `is_running_total`, all that ever went back
    "dispute",  # money was taken back from us: `movement`, `money`
    "dispute_won",  # and given again
    "stop",  # something doubtful is under way: nothing more is filed until a person has looked
    "person",  # only a person can tell what it means
    "nothing",  # known, and of no consequence
]


@dataclass(frozen=True)
class Amount:
    """Money in a currency's main unit; `currency` in capitals."""

    value: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.value} {self.currency}"


@dataclass(frozen=True)
class Said:
    """What one event says.

    words       one sentence for people, without personal data
    reference   the provider's id of the money: payment intent, capture, invoice, pspReference of the authorisation
    movement    the provider's id of the refund or dispute
    session     the provider's id of the try to pay
    doubts      why it must not be believed although it is signed: other environment, other merchant
    """

    kind: Kind
    words: str
    order_number: str | None = None
    reference: str | None = None
    money: Amount | None = None
    movement: str | None = None
    session: str | None = None
    is_running_total: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ground:
    """What is ours, to compare with. short_percent: how far below the total a crypto payment may stay.

    manual_capture: ways to pay whose money Adyen takes only when told; `all` for every one.
    """

    stripe_live: bool
    adyen_live: bool
    adyen_merchant_account: str | None
    paypal_merchant_id: str | None
    manual_capture: frozenset[str] = frozenset()
    short_percent: Decimal = Decimal(0)


def unreadable(why: str) -> Said:
    """Signed, but not of the shape its sender documents."""
    return Said("person", f"The event cannot be read: {why}.")


def minor(value: object, currency: object) -> Amount | None:
    """An amount in minor units, as Stripe and Adyen give it; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not isinstance(currency, str) or not currency:
        return None
    code = currency.upper()
    amount = Decimal(value) if code in _WITHOUT_CENTS else Decimal(value) / 100
    return Amount(amount.quantize(CENT), code) if abs(amount) <= MOST else None


def decimal_text(value: object, currency: object) -> Amount | None:
    """An amount as decimal text, as PayPal and SHKeeper give it, rounded to cents; None for what is none."""
    if not isinstance(value, str) or not isinstance(currency, str) or not currency:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) > MOST:
        return None
    return Amount(amount.quantize(CENT), currency.upper())


def part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under `name`; an empty one when there is none."""
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def parts(of: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects in the list under `name`."""
    found = of.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

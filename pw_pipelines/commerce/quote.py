"""What a basket costs, line by line. Pure: everything looked up is handed in.

Every line is rounded half up to the cent; discounts together are cut down to their cap, rounded down. The surcharge is
taken of the whole amount that the way to pay will carry: services less discounts, and fees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from pw_pipelines.clock import eastern_day
from pw_pipelines.commerce.basket import Basket, BasketItem, Currency, Piece, pieces
from pw_pipelines.commerce.catalogue import PassThrough, Service
from pw_pipelines.commerce.discounts import CAP_PERCENT, CENT, Discount, Reduction, Referral, reductions
from pw_pipelines.commerce.fees import Fee, FeeBook
from pw_pipelines.errors import UsageError

__all__ = ["Basket", "BasketItem", "Discount", "FeeBook", "Line", "Quote", "QuotedItem", "Referral", "quote"]

ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Line:
    """One line of the bill, in the quote's currency; discounts are negative. item_position: the item it is of."""

    kind: Literal["service", "fee", "discount", "referral", "surcharge"]
    text: str
    amount: Decimal
    item_position: int | None


@dataclass(frozen=True)
class QuotedItem:
    """One piece of work the order will hold, from position 1. `sold_as`: the service or bundle it is a part of.

    The price of what is sold as one and worked as several is spread evenly over the parts, odd cents on the first,
    so that the items' prices add up to the subtotal.
    """

    position: int
    service: str
    title: str
    quantity: int
    unit_price: Decimal
    asked: BasketItem
    cures: tuple[str, ...]
    sold_as: str | None


@dataclass(frozen=True)
class Quote:
    """The answer. Amounts in `currency`, to the cent: total = subtotal − discount + fees + surcharge = sum of lines.

    unknown: sentences on what has no price here; then the amounts are only of what is known, and the basket cannot be
    ordered online: a person quotes.
    notes: sentences on what the total does not hold, or what a person settles later.
    """

    lines: tuple[Line, ...]
    subtotal: Decimal
    discount: Decimal
    fees: Decimal
    surcharge: Decimal
    total: Decimal
    currency: Currency
    unknown: tuple[str, ...]
    basket: Basket
    method: str
    items: tuple[QuotedItem, ...]
    discount_code: str | None
    referral: Referral | None
    notes: tuple[str, ...] = ()

    @property
    def can_be_ordered(self) -> bool:
        """Whether every price in it is known."""
        return not self.unknown


def quote(
    basket: Basket, *, method: str, discount: Discount | None, referral: Referral | None, today: date, fees: FeeBook
) -> Quote:
    """The price of a basket paid by `method` on the day `today` (New York).

    Raises UsageError, naming field and remedy, when the basket is malformed, the way to pay is not offered or the
    discount code has expired.
    """
    percent = _surcharge_percent(method, fees)
    if discount and discount.expires_at and eastern_day(discount.expires_at) < today:
        raise UsageError(
            f"The discount code {discount.code} has expired.",
            field="discount_code",
            remedy="Leave the code out, or give another one.",
        )
    found = _Bill(basket, fees, today)
    codes = [code for code in (discount, referral) if code is not None]
    taken = reductions(found.reducible, codes)
    lines = [
        *found.lines,
        *(Line(one.kind, _reduction_words(one), -one.amount, None) for one in taken),
    ]
    before = sum((line.amount for line in lines), ZERO)
    surcharge = (before * percent / 100).quantize(CENT, ROUND_HALF_UP)
    if surcharge:
        lines.append(Line("surcharge", f"{fees.methods[method].title}: {percent:f} % surcharge", surcharge, None))
    return Quote(
        lines=tuple(lines),
        subtotal=_sum_of(lines, "service"),
        discount=-_sum_of(lines, "discount", "referral"),
        fees=_sum_of(lines, "fee"),
        surcharge=surcharge,
        total=before + surcharge,
        currency=basket.currency,
        unknown=tuple(found.unknown),
        basket=basket,
        method=method,
        items=tuple(found.items),
        discount_code=discount.code if discount else None,
        referral=referral,
        notes=tuple(found.notes),
    )


def _surcharge_percent(method: str, fees: FeeBook) -> Decimal:
    offered = fees.methods.get(method)
    if offered is None or offered.percent is None:
        raise UsageError(
            f"{method[:40]!r} is no way to pay that is offered.",
            field="method",
            remedy=f"Give one of: {', '.join(fees.methods)}.",
        )
    return offered.percent


def _reduction_words(one: Reduction) -> str:
    cut = f", cut down: codes together take at most {CAP_PERCENT:f} % off our fees" if one.is_cut else ""
    return f"{'Referral' if one.kind == 'referral' else 'Discount'} {one.code}{cut}"


def _sum_of(lines: list[Line], *kinds: str) -> Decimal:
    return sum((line.amount for line in lines if line.kind in kinds), ZERO) + ZERO


class _Bill:
    """Lines and items of a basket before discounts. `reducible`: service fees that codes may reduce."""

    def __init__(self, basket: Basket, fees: FeeBook, today: date) -> None:
        self._basket, self._fees, self._today = basket, fees, today
        self.lines: list[Line] = []
        self.items: list[QuotedItem] = []
        self.unknown: list[str] = []
        self.notes: list[str] = []
        self.reducible = ZERO
        for piece in pieces(basket, fees):
            self._add(piece)

    def _add(self, piece: Piece) -> None:
        first = len(self.items) + 1
        price = self._price(piece)
        if price is not None:
            amount = price * piece.asked.quantity
            self.lines.append(Line("service", self._words(piece), amount, first))
            if piece.asked.agreed_price is None:
                self.reducible += amount
        self._add_items(piece, price or ZERO)
        if not piece.parts:
            self.notes.append(
                f"{piece.title}: before any work begins, a person settles with you what the bundle holds, and for "
                "which company and state. State fees, where any are due, are not in this total: they are billed apart "
                "at cost."
            )
        if piece.asked.agreed_fee is not None:
            self.lines.append(Line("fee", f"{piece.title}: fees at cost", piece.asked.agreed_fee + ZERO, first))
            return
        if piece.asked.expedite and not piece.parts:
            self.unknown.append(
                f"{piece.title}: what its expedited service costs is not known here; a person finds out."
            )
        for position, part in enumerate(piece.parts, start=first):
            for fee, name, times in self._fees_of(piece, part):
                self._add_fee(fee, name, position, times)

    def _price(self, piece: Piece) -> Decimal | None:
        """Price of one; None, with a sentence in `unknown`, where there is none in the basket's currency."""
        if piece.asked.agreed_price is not None:
            return piece.asked.agreed_price + ZERO
        published = (
            piece.priced.price_for(piece.asked.for_state) if piece.priced else self._fees.bundles[piece.code].price_usd
        )
        if published is None:
            self.unknown.append(f"{piece.title} has no published price; a person quotes it.")
        elif self._basket.currency != "USD":
            self.unknown.append(f"{piece.title} is priced in US dollars; a person quotes it in other money.")
        else:
            return published + ZERO
        return None

    def _words(self, piece: Piece) -> str:
        quantity = f" × {piece.asked.quantity}" if piece.asked.quantity > 1 else ""
        state = piece.asked.for_state
        where = f", {self._fees.jurisdictions[state].name}" if state else ""
        if piece.parts:
            return f"{piece.title}{where}{quantity}"
        return f"{piece.title} bundle{where}; state fees, where any are due, are billed apart at cost"

    def _add_items(self, piece: Piece, price: Decimal) -> None:
        """One item per part; a bundle whose parts nobody has named is one item, for a person to settle."""
        works: list[tuple[str, str, tuple[str, ...]]]
        works = [(part.code, part.title, part.cures) for part in piece.parts] or [(piece.code, piece.title, ())]
        each = (price / len(works)).quantize(CENT, "ROUND_DOWN")
        is_whole = len(works) == 1 and works[0][0] == piece.code
        for index, (code, title, cures) in enumerate(works):
            self.items.append(
                QuotedItem(
                    position=len(self.items) + 1,
                    service=code,
                    title=title,
                    quantity=piece.asked.quantity,
                    unit_price=price - each * (len(works) - 1) if index == 0 else each,
                    asked=piece.asked,
                    cures=piece.asked.cures if is_whole else tuple(c for c in piece.asked.cures if c in cures),
                    sold_as=None if is_whole else piece.code,
                )
            )

    def _fees_of(self, piece: Piece, part: Service) -> Iterator[tuple[Fee | None, str, int]]:
        """(fee or None where its amount is unknown, its name, how often) for one part."""
        state = piece.asked.for_state
        for one in part.pass_through:
            if one.is_charged(self._today):
                where = f", {self._fees.jurisdictions[state].name}" if state and part.per == "state" else ""
                yield self._passed_through(one, piece), f"{one.name}{where} ({part.title})", piece.asked.quantity
        if part.expedite and state and piece.asked.expedite:
            fee = self._fees.expedite_fee(state, piece.asked.expedite)
            yield fee, f"Expedited service: {piece.asked.expedite}, {self._fees.jurisdictions[state].name}", 1

    def _passed_through(self, one: PassThrough, piece: Piece) -> Fee | None:
        if one.amount_usd is not None:
            return Fee(one.amount_usd, "USD")
        if one.state_fee and piece.asked.for_state:
            return self._fees.state_fee(piece.asked.for_state, one.state_fee, piece.asked.form)
        return None

    def _add_fee(self, fee: Fee | None, name: str, position: int, times: int) -> None:
        words = name[0].upper() + name[1:]
        if fee is None:
            self.unknown.append(f"{words}: the amount is not known here; a person finds it out.")
        elif fee.currency != self._basket.currency:
            self.unknown.append(f"{words}: the fee is {fee.amount} {fee.currency}; a person quotes it.")
        elif fee.amount:
            amount = (fee.amount * times).quantize(CENT, ROUND_HALF_UP)
            self.lines.append(Line("fee", words, amount, position))

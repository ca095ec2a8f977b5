"""What somebody wants to buy, checked and taken apart into pieces of work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from pw_pipelines.commerce.catalogue import Service
from pw_pipelines.commerce.fees import FeeBook, Form
from pw_pipelines.errors import BadFrn, UsageError
from pw_pipelines.frn import pad

Kind = Literal["compliance", "formation", "canada_crtc", "bundle"]
Currency = Literal["USD", "CAD"]
FORMATIONS = ("formation_basic", "formation_complete")


class ItemFault(UsageError):
    """One item of a basket is wrong: the one at `place`, from 0, in its `field`."""

    def __init__(self, message: str, *, place: int, field: str | None, remedy: str | None) -> None:
        super().__init__(message, field=field, remedy=remedy)
        self.place = place


@dataclass(frozen=True)
class BasketItem:
    """One service wanted.

    for_state       code of the jurisdiction it is done in, for services sold per state
    frn             the carrier it is done for, 10 digits
    expedite        a step of the state's expedited service, in the words of the jurisdiction's file
    cures           codes of the findings that led to it
    form            form of company, where a state's fee depends on it
    agreed_price    price of one that a person of the firm gave for a service by quote; never from a customer's form
    agreed_fee      other people's fees for this item that a person found out, where no amount is known here
    """

    service: str
    quantity: int = 1
    for_state: str | None = None
    frn: str | None = None
    expedite: str | None = None
    cures: tuple[str, ...] = ()
    form: Form = "llc"
    agreed_price: Decimal | None = None
    agreed_fee: Decimal | None = None


@dataclass(frozen=True)
class Basket:
    """What one order is to hold. `bundle`: its code; then `state`, `form` and `expedite` say where its parts are done,
    and `items` are what is bought beside it."""

    kind: Kind
    items: tuple[BasketItem, ...] = ()
    bundle: str | None = None
    currency: Currency = "USD"
    state: str | None = None
    form: Form = "llc"
    expedite: str | None = None

    @property
    def is_agreed(self) -> bool:
        """Whether a person of the firm had a hand in its prices."""
        return any(item.agreed_price is not None or item.agreed_fee is not None for item in self.items)


@dataclass(frozen=True)
class Piece:
    """One thing sold and what it is made of: a service by itself, a service of several, or a bundle.

    priced: None for a bundle, whose price is its own; parts empty: nobody has said what the bundle holds.
    """

    code: str
    title: str
    asked: BasketItem
    priced: Service | None
    parts: tuple[Service, ...]


class Work(NamedTuple):
    """One piece of work, for whom and where: what stands twice would be filed twice."""

    service: str
    title: str
    state: str | None
    frn: str | None


def work_of(piece: Piece) -> list[Work]:
    """What is to be done for a piece."""
    asked = piece.asked
    return [
        Work(part.code, part.title, asked.for_state if part.per == "state" else None, asked.frn) for part in piece.parts
    ]


def pieces(basket: Basket, fees: FeeBook) -> tuple[Piece, ...]:
    """The basket's pieces, the bundle first. Raises UsageError naming the field that is wrong and its remedy; ItemFault
    where it is a field of one item."""
    found = _bundle(basket, fees)
    for piece in found:
        _check_place(piece, fees)
    for place, item in enumerate(basket.items):
        with _of_item(place):
            piece = _single(item, fees)
            _check_place(piece, fees)
        found.append(piece)
    if not found:
        raise UsageError("The basket is empty.", field="items", remedy="Name at least one service.")
    _check_twice(found)
    _check_kind(basket)
    return tuple(found)


@contextmanager
def _of_item(place: int) -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise ItemFault(str(error), place=place, field=error.field, remedy=error.remedy) from error


def _bundle(basket: Basket, fees: FeeBook) -> list[Piece]:
    if (basket.kind == "bundle") != (basket.bundle is not None):
        raise UsageError(
            "A bundle's order has kind `bundle` and names the bundle; other orders name none.",
            field="bundle",
            remedy=f"Give one of: {', '.join(fees.bundles)}.",
        )
    if basket.bundle is None:
        return []
    found = fees.bundles.get(basket.bundle)
    if found is None:
        raise UsageError(
            f"There is no bundle {basket.bundle[:60]!r}.",
            field="bundle",
            remedy=f"Give one of: {', '.join(fees.bundles)}.",
        )
    asked = BasketItem(
        service=found.code, for_state=_state(basket.state, fees), form=basket.form, expedite=basket.expedite
    )
    return [Piece(found.code, found.title, asked, None, tuple(fees.services[code] for code in found.services))]


def _single(item: BasketItem, fees: FeeBook) -> Piece:
    found = fees.services.get(item.service)
    if found is None:
        raise UsageError(
            f"There is no service {item.service[:60]!r}.",
            field="service",
            remedy="Give the code of a service of the catalogue.",
        )
    if not 1 <= item.quantity <= found.most:
        raise UsageError(
            f"{found.title} can't be ordered {item.quantity} times.",
            field="quantity",
            remedy=f"Give a quantity from 1 to {found.most}." if found.most > 1 else "Leave the quantity at 1.",
        )
    if item.expedite is not None and not found.expedite:
        raise UsageError(
            f"{found.title} has no expedited service.", field="expedite", remedy="Leave the field `expedite` out."
        )
    for name, amount in (("agreed_price", item.agreed_price), ("agreed_fee", item.agreed_fee)):
        if amount is not None and (amount < 0 or amount != round(amount, 2)):
            raise UsageError(f"{name} {amount} is no amount in cents.", field=name, remedy="Give dollars and cents.")
    state = _state(item.for_state, fees)
    if item.agreed_price is not None and found.price_for(state) is not None:
        raise UsageError(
            f"{found.title} has a published price.", field="agreed_price", remedy="Leave the agreed price out."
        )
    asked = BasketItem(
        service=item.service,
        quantity=item.quantity,
        for_state=state,
        frn=frn_of(item.frn),
        expedite=item.expedite,
        cures=item.cures,
        form=item.form,
        agreed_price=item.agreed_price,
        agreed_fee=item.agreed_fee,
    )
    parts = tuple(fees.services[code] for code in found.includes) or (found,)
    return Piece(found.code, found.title, asked, found, parts)


def frn_of(said: str | None) -> str | None:
    """The FRN somebody orders for; None for none. Raises UsageError for what cannot be one."""
    try:
        found = pad(said) if said else None
    except BadFrn as error:
        raise UsageError(str(error), field="frn", remedy="Give the ten digits of the FRN.") from error
    if found is not None and not found.strip("0"):
        raise UsageError(f"{found} is no FRN.", field="frn", remedy="Give the ten digits of the FRN.")
    return found


def _state(said: str | None, fees: FeeBook) -> str | None:
    if not said:
        return None
    code = said.strip().upper()
    if code not in fees.jurisdictions:
        raise UsageError(
            f"{said[:20]!r} is no jurisdiction.", field="state", remedy="Give two letters: a state, DC or BC."
        )
    return code


def _check_place(piece: Piece, fees: FeeBook) -> None:
    """What is sold per state names one, and nothing else does; an expedited step is one of that state's."""
    if piece.asked.for_state is None and any(part.per == "state" for part in piece.parts):
        raise UsageError(
            f"{piece.title} is done in one state, and none is named.", field="state", remedy="Name the state."
        )
    if piece.asked.for_state and piece.parts and not any(part.per == "state" for part in piece.parts):
        raise UsageError(
            f"{piece.title} is the same in every state, and one is named.",
            field="state",
            remedy="Leave the state out.",
        )
    if piece.asked.expedite is None:
        return
    where = fees.jurisdictions.get(piece.asked.for_state or "")
    steps = [option.words for option in where.expedited.options] if where else []
    if piece.asked.expedite not in steps:
        raise UsageError(
            f"{piece.asked.expedite[:60]!r} is no step of expedited service"
            + (f" in {where.name}." if where else ": no state is named."),
            field="expedite",
            remedy=f"Give one of: {'; '.join(steps)}." if steps else "Leave the field `expedite` out.",
        )


def _check_twice(found: list[Piece]) -> None:
    """The same work for the same carrier and state stands in one order once, or it would be filed twice."""
    for (_, title, state, frn), times in Counter(work for piece in found for work in work_of(piece)).items():
        if times > 1:
            whom = "".join((f" in {state}" if state else "", f" for FRN {frn}" if frn else ""))
            raise UsageError(
                f"{title}{whom} stands in the basket {times} times, by itself or as a part of another service.",
                field="items",
                remedy="Take it out once; it would be filed twice.",
            )


def _check_kind(basket: Basket) -> None:
    codes = [item.service for item in basket.items]
    if basket.kind == "formation" and sum(code in FORMATIONS for code in codes) != 1:
        raise UsageError(
            "The formation of a company is ordered with exactly one of its packages.",
            field="items",
            remedy=f"Name one of: {', '.join(FORMATIONS)}.",
        )
    for place, code in enumerate(codes):
        if basket.kind != "canada_crtc" and code == "canada_crtc":
            raise ItemFault(
                "The Canadian carrier package is an order of its own kind.",
                place=place,
                field="kind",
                remedy="Give kind `canada_crtc` together with the service `canada_crtc`, and neither alone.",
            )
        if basket.kind == "compliance" and code in FORMATIONS:
            raise ItemFault(
                "A company is formed under a name of its own, which is looked up before anything is sold.",
                place=place,
                field="service",
                remedy="Order it by POST /api/v1/formations, which asks for the name, or ask a person for a quote.",
            )
    if basket.kind == "canada_crtc" and "canada_crtc" not in codes:
        raise UsageError(
            "The Canadian carrier package is an order of its own kind.",
            field="kind",
            remedy="Give kind `canada_crtc` together with the service `canada_crtc`, and neither alone.",
        )

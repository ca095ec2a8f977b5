"""What stands in the checkout's form, and what it comes to: items, what must be quoted, totals, faults."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from starlette.datastructures import ImmutableMultiDict

from pw_pipelines.commerce.basket import FORMATIONS, Basket, BasketItem, ItemFault, frn_of
from pw_pipelines.commerce.catalogue import Service
from pw_pipelines.commerce.fees import FeeBook
from pw_pipelines.commerce.quote import Quote
from pw_pipelines.compliance.check_log import UTM_KEYS, clean_utm
from pw_pipelines.errors import UsageError
from pw_pipelines.portal.order_doubts import Sure
from pw_pipelines.portal.ordering import Books, Codes, find_codes, priced
from pw_pipelines.portal.orders_models import MOST_ITEMS, CustomerIn

# Ordered with details this form does not ask for, and why a person asks for them.
_FORMED = (
    "A company is formed under a name of its own, which is looked up at the state before anything is sold, and with "
    "the state’s fee at cost. So it can’t be ordered by this form alone: leave the tick, and a person of ours checks "
    "the name and writes to you with the whole price. Our own fee is {price}."
)
ELSEWHERE = {
    **dict.fromkeys(FORMATIONS, _FORMED),
    "canada_crtc": "A Canadian carrier is set up with details this form does not ask for. Leave the tick, and a person "
    "of ours asks for them and writes to you with the whole price. Our own fee is {price}.",
}
FORMED = {"llc": "an LLC", "corporation": "a corporation"}
NO_CODES = Codes()
# What is confirmed on purpose: the remedy where it was not, and the words beside the tick.
CONFIRM = {
    "frn_is_confirmed": "Correct it, or tick the box here if it is right, as after a registration a few days ago.",
    "is_another": "Take it out, or tick the box here if you want another one; a person gladly answers you.",
}
TICKS = {
    "frn_is_confirmed": "I have compared the FRN: it is right.",
    "is_another": "I know that such a filing may be made, or on its way, already, and want another one.",
}
_CUSTOMER = ("name", "email", "company", "phone")
_WORDS = {
    "name": "Enter your name.",
    "email": "Enter an email address such as name@company.com.",
    "company": "Enter the company's name in at most 200 characters, or leave it empty.",
    "phone": "Enter a phone number such as 202-555-0100, or leave it empty.",
}
_TOO_LONG = "Enter your name in at most 200 characters."
Fields = ImmutableMultiDict[str, Any]


@dataclass(frozen=True)
class Form:
    """What was typed, as it was typed.

    seen    the totals the customer was shown, as `seen_of` writes them
    formed  what the name search was asked to form, a key of FORMED; empty: one did not come from there
    """

    services: tuple[str, ...]
    quoted: tuple[str, ...]
    quantity: Mapping[str, str]
    state: Mapping[str, str]
    frn: str
    customer: Mapping[str, str]
    method: str
    discount_code: str
    referral_code: str
    consent: bool
    utm: Mapping[str, str]
    key: str
    seen: str
    check: str = ""
    formed: str = ""
    confirmed: frozenset[str] = frozenset()

    @property
    def sure(self) -> Sure:
        """What was ticked on purpose."""
        return Sure(another="is_another" in self.confirmed, frn="frn_is_confirmed" in self.confirmed)

    @property
    def check_id(self) -> UUID | None:
        """The check whose link led here; None for none, or for what is no id."""
        try:
            return UUID(self.check)
        except ValueError:
            return None


@dataclass(frozen=True)
class Row:
    """One service of the form. price: of one; why: why it must be quoted, empty when it can be ordered."""

    service: Service
    price: Decimal | None
    quantity: str
    state: str
    is_wanted: bool
    why: str = ""


@dataclass(frozen=True)
class Way:
    """A way to pay with what it comes to. total None: the basket has no total yet."""

    method: str
    title: str
    percent: Decimal
    surcharge: Decimal | None
    total: Decimal | None


@dataclass
class Checkout:
    """The form worked out. faults: field -> sentence; empty: it can be ordered as it stands."""

    form: Form
    rows: Sequence[Row]
    to_quote: Sequence[Row]
    not_offered: Sequence[str]
    basket: Basket
    ways: Sequence[Way]
    quote: Quote | None
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def seen(self) -> str:
        """The totals that are shown with this."""
        return " ".join(f"{way.method}={way.total}" for way in self.ways if way.total is not None)

    def was_seen(self) -> bool:
        """Whether the customer was shown the total that the chosen way comes to."""
        return self.quote is not None and f"{self.form.method}={self.quote.total}" in self.form.seen.split()


def form_of_link(query: Fields) -> Form:
    """The form as a link opens it: /checkout?frn=&services=a,b&utm_…"""
    wanted = tuple(dict.fromkeys(_clean(code) for code in str(query.get("services", "")).split(",") if code.strip()))
    wanted = wanted[:MOST_ITEMS]
    return Form(
        services=wanted, quoted=wanted, quantity={}, state=dict.fromkeys(wanted, _clean(query.get("state"))),
        frn=_clean(query.get("frn")), customer={"company": _clean(query.get("company"), 200)}, method="",
        discount_code=_clean(query.get("discount_code")), referral_code=_clean(query.get("ref")), consent=False,
        utm=clean_utm({key: str(query.get(key, "")) for key in UTM_KEYS}), key=secrets.token_urlsafe(24), seen="",
        check=_clean(query.get("check")), formed=_formed(query.get("form")),
    )  # fmt: skip


def form_as_sent(sent: Fields) -> Form:
    """The form as a browser sends it. `offered` holds what stood on the page, `service` what is ticked."""
    offered = [_clean(code) for code in sent.getlist("offered")][:MOST_ITEMS]
    return Form(
        services=tuple(dict.fromkeys([*(_clean(code) for code in sent.getlist("service")), *offered]))[:MOST_ITEMS],
        quoted=tuple(_clean(code) for code in sent.getlist("service")),
        quantity={code: _clean(sent.get(f"quantity_{code}")) for code in offered},
        state={code: _clean(sent.get(f"state_{code}")) for code in offered},
        frn=_clean(sent.get("frn")),
        customer={name: _clean(sent.get(name), 254) for name in _CUSTOMER},
        method=_clean(sent.get("method")),
        discount_code=_clean(sent.get("discount_code")),
        referral_code=_clean(sent.get("referral_code")),
        consent=sent.get("consent") == "yes",
        utm=clean_utm({key: str(sent.get(key, "")) for key in UTM_KEYS}),
        key=_clean(sent.get("key"), 128),
        seen=_clean(sent.get("seen"), 400),
        check=_clean(sent.get("check")),
        formed=_formed(sent.get("form")),
        confirmed=frozenset(name for name in TICKS if sent.get(name) == "yes"),
    )


def work_out(connection: Books, form: Form, *, fees: FeeBook, now: datetime) -> Checkout:
    """Rows, totals and faults of what was typed, except those of the customer's own details (`check_customer`)."""
    faults: dict[str, str] = {}
    rows, to_quote = [], []
    items: list[BasketItem] = []
    frn = _frn(form.frn, faults)
    offered = [fees.services[code] for code in form.services if code in fees.services]
    for service in offered:
        row = _row(service, form, fees)
        item = _item(row, frn, faults)
        if service.code in ELSEWHERE:
            price = "by quote" if row.price is None else f"${row.price:,}"
            words = ELSEWHERE[service.code].format(price=price)
            if form.formed and service.code in FORMATIONS:
                words = f"It is formed as {FORMED[form.formed]}. {words}"
            to_quote.append(Row(service, row.price, row.quantity, row.state, row.is_wanted, words))
            continue
        why = _why_quoted(item, fees, now) if item else ""
        if service.price_usd is None or why:
            to_quote.append(Row(service, row.price, row.quantity, row.state, row.is_wanted, why or _BY_QUOTE))
            continue
        rows.append(row)
        if item and row.is_wanted:
            items.append(item)
    basket = Basket("compliance", tuple(items))
    codes = _codes(connection, form, now, faults)
    quotes = _quotes(basket, codes, fees, now, faults) if items else {}
    method = form.method if form.method in fees.methods else next(iter(fees.methods))
    if form.method and form.method != method:
        faults["method"] = "Choose one of the ways to pay."
    return Checkout(
        form=form,
        rows=rows,
        to_quote=to_quote,
        not_offered=[code for code in form.services if code not in fees.services],
        basket=basket,
        ways=[
            Way(
                one.method, one.title, one.percent or Decimal(0),
                quotes[one.method].surcharge if one.method in quotes else None,
                quotes[one.method].total if one.method in quotes else None,
            )
            for one in fees.methods.values()
        ],
        quote=quotes.get(method),
        faults=faults,
    )  # fmt: skip


_BY_QUOTE = "No price is published; a person quotes it."


def check_customer(form: Form) -> tuple[CustomerIn | None, dict[str, str]]:
    """The customer's details, or what is wrong with each."""
    given = {name: value or None for name, value in form.customer.items()}
    try:
        return CustomerIn.model_validate(given), {}
    except ValidationError as error:
        return None, {
            str(fault["loc"][0]): _fault_words(str(fault["loc"][0]), fault["type"]) for fault in error.errors()
        }


def _fault_words(name: str, kind: str) -> str:
    return _TOO_LONG if name == "name" and kind == "string_too_long" else _WORDS[name]


def _row(service: Service, form: Form, fees: FeeBook) -> Row:
    state = form.state.get(service.code, "") if service.per == "state" else ""
    return Row(
        service,
        service.price_for(state if state in fees.jurisdictions else None),
        form.quantity.get(service.code) or "1",
        state,
        service.code in form.quoted,
    )


def _item(row: Row, frn: str | None, faults: dict[str, str]) -> BasketItem | None:
    """The row as an item; None, with the fault, where something of it is missing."""
    code = row.service.code
    quantity = int(row.quantity) if row.quantity.isascii() and row.quantity.isdecimal() and len(row.quantity) < 4 else 0
    if not 1 <= quantity <= row.service.most:
        if row.is_wanted:
            faults[f"quantity_{code}"] = f"Enter a quantity from 1 to {row.service.most}."
        return None
    if row.service.per == "state" and not row.state:
        if row.is_wanted:
            faults[f"state_{code}"] = f"{row.service.title}: choose the state it is for."
        return None
    return BasketItem(code, quantity, for_state=row.state or None, frn=frn if _is_of_carrier(row.service) else None)


def _is_of_carrier(service: Service) -> bool:
    return service.family == "telecom"


def _frn(said: str, faults: dict[str, str]) -> str | None:
    try:
        return frn_of(said)
    except UsageError:
        faults["frn"] = "Enter the ten digits of the FRN, or leave it empty if there is none yet."
        return None


def _why_quoted(item: BasketItem, fees: FeeBook, now: datetime) -> str:
    """Why this item alone cannot be ordered online; empty: it can."""
    try:
        alone = priced(Basket("compliance", (item,)), next(iter(fees.methods)), NO_CODES, fees=fees, now=now)
    except UsageError:
        return ""  # told when the whole basket is priced
    return " ".join(alone.unknown)


def _codes(connection: Books, form: Form, now: datetime, faults: dict[str, str]) -> Codes:
    found = [NO_CODES, NO_CODES]
    asked = ((form.discount_code, None, "discount_code"), (None, form.referral_code, "referral_code"))
    for place, (discount, referral, name) in enumerate(asked):
        try:
            found[place] = find_codes(connection, discount, referral, now=now)
        except UsageError as error:
            faults[name] = f"{error} {error.remedy or ''}".strip()
    return Codes(found[0].discount, found[1].referral)


def _quotes(basket: Basket, codes: Codes, fees: FeeBook, now: datetime, faults: dict[str, str]) -> dict[str, Quote]:
    try:
        return {method: priced(basket, method, codes, fees=fees, now=now) for method in fees.methods}
    except UsageError as error:
        faults[fault_field(error, basket.items)] = f"{error} {error.remedy or ''}".strip()
        return {}


def fault_field(error: UsageError, items: Sequence[BasketItem]) -> str:
    """The form's own name of the field a price is refused for."""
    if isinstance(error, ItemFault) and error.field in {"state", "quantity"}:
        return f"{error.field}_{items[error.place].service}"
    return error.field if error.field in {"frn", "method", "discount_code", "referral_code"} else "items"


def _formed(value: object) -> str:
    said = _clean(value)
    return said if said in FORMED else ""


def _clean(value: object, most: int = 60) -> str:
    """Text of a form: no control characters, no blanks around it, no more than `most` characters."""
    text = "".join(sign for sign in str(value or "") if sign.isprintable())
    return text.strip()[:most]

"""What the order API and the checkout page share: prices with codes, what led to an order, requests for a quote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from pw_pipelines.clock import eastern_day
from pw_pipelines.commerce.agents import find_referral
from pw_pipelines.commerce.basket import Basket
from pw_pipelines.commerce.discounts import Discount, Referral, find_discount
from pw_pipelines.commerce.fees import FeeBook, fee_book
from pw_pipelines.commerce.order_details import Details
from pw_pipelines.commerce.orders import NewCustomer, NewOrder, PlacedOrder, place
from pw_pipelines.commerce.quote import Quote, quote
from pw_pipelines.monitoring import events
from pw_pipelines.settings import Settings

Books = Connection[Any]


@dataclass(frozen=True)
class Buyer:
    """Who buys and how: the parts of an order that are the same for every kind of it."""

    customer: NewCustomer
    method: str
    discount_code: str | None = None
    referral_code: str | None = None
    utm: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Codes:
    """Codes that were looked up and found good."""

    discount: Discount | None = None
    referral: Referral | None = None


@dataclass(frozen=True)
class Cause:
    """What our books say led to an order for one carrier. cures: service -> codes of the findings it mends."""

    carrier_name: str | None = None
    cures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    snapshot_ids: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for codes in self.cures.values() for code in codes))


def fees_of(settings: Settings) -> FeeBook:
    """The book of prices as it is offered by these settings."""
    return fee_book(settings.paypal_surcharge_percent)


def find_codes(connection: Books, discount_code: str | None, referral_code: str | None, *, now: datetime) -> Codes:
    """Looks both codes up. Raises UsageError naming the one that does not stand and its remedy."""
    return Codes(
        find_discount(connection, discount_code, now=now) if discount_code else None,
        find_referral(connection, referral_code) if referral_code else None,
    )


def priced(basket: Basket, method: str, codes: Codes, *, fees: FeeBook, now: datetime) -> Quote:
    """The price of a basket now. Raises UsageError as `quote` does."""
    return quote(
        basket, method=method, discount=codes.discount, referral=codes.referral, today=eastern_day(now), fees=fees
    )


def order(
    connection: Books, buyer: Buyer, basket: Basket, details: Details, *, fees: FeeBook, now: datetime
) -> tuple[PlacedOrder, Quote]:
    """Places an order at today's price, in the caller's transaction. Raises UsageError naming field and remedy."""
    codes = find_codes(connection, buyer.discount_code, buyer.referral_code, now=now)
    price = priced(basket, buyer.method, codes, fees=fees, now=now)
    new = NewOrder(buyer.customer, details, utm=buyer.utm, segment=segment_of(connection, buyer.utm))
    placed = place(connection, new, price, now=now)
    events.order_placed(connection, placed.order_id, now=now)
    return placed, price


def segment_of(connection: Books, utm: Mapping[str, str]) -> str | None:
    """The segment of leads a link was sent to: campaigns are named by it (see leads/desired.py)."""
    campaign = utm.get("utm_campaign", "").lower()
    known = connection.execute("select 1 from pw.segments where segment = %s", (campaign,)).fetchone()
    return campaign if known else None


def cause_of(connection: Books, frn: str | None, services: Iterable[str]) -> Cause:
    """What the published findings say about this carrier and these services; nothing where no marts are built."""
    row = connection.execute(
        "select to_regclass('marts.findings') is not null and to_regclass('marts.carriers') is not null as there"
    ).fetchone()
    if frn is None or row is None or not row["there"]:
        return Cause()
    named = connection.execute("select name from marts.carriers where frn = %s", (frn,)).fetchone()
    found = connection.execute(
        "select service, code, snapshot_ids from marts.findings where frn = %s and service = any(%s) "
        "order by severity_rank, code",
        (frn, list(services)),
    ).fetchall()
    cures: dict[str, tuple[str, ...]] = {}
    for one in found:
        cures[one["service"]] = (*cures.get(one["service"], ()), one["code"])
    snapshots = dict.fromkeys(snapshot for one in found for snapshot in one["snapshot_ids"])
    return Cause(named["name"] if named else None, cures, tuple(snapshots))


def check_led_to(connection: Books, check_id: UUID | None, frn: str | None) -> UUID | None:
    """The check an order comes from, if it is one of ours and was about this carrier; a link can be typed."""
    if check_id is None:
        return None
    row = connection.execute(
        "select check_id from pw.compliance_check_log where check_id = %s and frn is not distinct from %s",
        (check_id, frn),
    ).fetchone()
    return row["check_id"] if row else None


def with_cures(basket: Basket, cause: Cause) -> Basket:
    """The basket, each item with the findings it mends."""
    items = tuple(replace(item, cures=cause.cures.get(item.service, ())) for item in basket.items)
    return replace(basket, items=items)


def ask_for_quote(connection: Books, customer: NewCustomer, wanted: str, *, now: datetime) -> None:
    """Keeps that somebody wants a person to name a price; it stands among the flags of the staff."""
    email = customer.email.strip().lower()
    connection.execute(
        "insert into pw.customers (email, name, company, phone, created_at) values (%s, %s, %s, %s, %s) "
        "on conflict (email) do nothing",
        (email, customer.name, customer.company, customer.phone, now),
    )
    connection.execute(
        "insert into pw.conversation_flags (customer_id, kind, text, raised_at, raised_by) "
        "select customer_id, 'quote', %s, %s, 'customer' from pw.customers where email = %s",
        (wanted, now, email),
    )


def page_of(settings: Settings, token: str) -> str:
    """The link by which a customer sees the order."""
    return f"{settings.public_url.rstrip('/')}/orders/{token}"

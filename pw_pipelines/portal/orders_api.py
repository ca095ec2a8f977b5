"""/api/v1: bundles, ways to pay, agents, quotes, orders of services and of bundles, an order by its secret link."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from pw_pipelines.commerce.agents import find_referral
from pw_pipelines.commerce.basket import Basket, BasketItem, ItemFault, Kind, frn_of
from pw_pipelines.commerce.bundles import bundles
from pw_pipelines.commerce.discounts import REFERRAL_PERCENT
from pw_pipelines.commerce.order_details import BundleDetails, CanadaCrtcDetails, ComplianceDetails, Details
from pw_pipelines.commerce.order_view import OrderView, read_by_token
from pw_pipelines.commerce.orders import CUSTOMER, PlacedOrder, note
from pw_pipelines.commerce.quote import Quote
from pw_pipelines.errors import UsageError
from pw_pipelines.portal.idempotency import Answer, Asked, IdempotencyKey, given_before, once
from pw_pipelines.portal.order_doubts import OnceInBatch, Sure, demand_sure
from pw_pipelines.portal.order_state import order_state
from pw_pipelines.portal.order_steps import stands_of
from pw_pipelines.portal.ordering import (
    Books,
    Buyer,
    ask_for_quote,
    cause_of,
    check_led_to,
    fees_of,
    find_codes,
    order,
    page_of,
    priced,
    with_cures,
)
from pw_pipelines.portal.orders_models import (
    AgentIn,
    AgentOut,
    BatchPlaced,
    BundleOrderIn,
    BundleOut,
    Bundles,
    CanadaIn,
    ComplianceBatchIn,
    ComplianceOrderIn,
    ItemIn,
    LineOut,
    MethodOut,
    Methods,
    OrderItemOut,
    OrderOut,
    OrderPlaced,
    PaymentOut,
    PayOut,
    QuoteIn,
    QuoteOut,
    Received,
    StepOut,
)
from pw_pipelines.portal.paying import begin_payment
from pw_pipelines.portal.problems import NotFound, says_no
from pw_pipelines.portal.site import Site, site_of

router = APIRouter(prefix="/api/v1", tags=["orders"])
READ_NO = says_no(503)
FIND_NO = says_no(404, 422, 503)
POST_NO = says_no(400, 413, 422, 503)
SiteHere = Annotated[Site, Depends(site_of)]
Token = Annotated[str, Path(min_length=1, max_length=200, description="The secret part of the order's link.")]


@router.get("/bundles", response_model=Bundles)
async def list_bundles() -> Bundles:
    """Bundles of formation services at one price. State fees, where any are due, are billed apart at cost."""
    return Bundles(bundles=[BundleOut(**one.model_dump()) for one in bundles().values()])


@router.get("/payment-methods", response_model=Methods)
async def list_methods(site: SiteHere) -> Methods:
    """The ways to pay and the surcharge of each, taken of the whole amount."""
    offered = fees_of(site.settings).methods.values()
    return Methods(
        methods=[
            MethodOut(method=one.method, title=one.title, surcharge_percent=one.percent or Decimal(0))
            for one in offered
        ]
    )


@router.get("/agents/{referral_code}", response_model=AgentOut, responses=FIND_NO)
def agent_code(
    site: SiteHere, referral_code: Annotated[str, Path(pattern=r"^[Rr][Ee][Ff]-[A-Za-z0-9]{5}$")]
) -> AgentOut:
    """Whether a referral code stands, and what it takes off. Nothing about whose it is."""
    with site.db.connect() as connection:
        try:
            found = find_referral(connection, referral_code)
        except UsageError as error:
            raise NotFound(str(error), field="referral_code", remedy=error.remedy) from error
    return AgentOut(referral_code=found.code, discount_percent=REFERRAL_PERCENT)


@router.post("/agents", response_model=Received, status_code=202, responses=POST_NO)
async def apply_as_agent(site: SiteHere, asked: AgentIn, key: IdempotencyKey) -> Response:
    """Applies to become a sales agent. A person answers; nothing is said about who is one already."""

    def deed(connection: Books) -> Answer:
        connection.execute(
            "insert into pw.conversation_flags (kind, text, raised_at, raised_by) "
            "values ('agent', %s, %s, 'applicant')",
            (json.dumps(asked.model_dump(exclude_none=True), ensure_ascii=False), site.clock.now()),
        )
        return answer(202, Received(next="A person reads your application and writes to you."))

    return await posted(site, "agents", key, asked, deed)


@router.post("/quotes", response_model=QuoteOut, responses=POST_NO)
async def make_quote(site: SiteHere, asked: QuoteIn, key: IdempotencyKey) -> Response:
    """What a basket costs today by one way to pay, line by line. Orders nothing."""

    def deed(connection: Books) -> Answer:
        with _as_asked():
            codes = find_codes(connection, asked.discount_code, asked.referral_code, now=site.clock.now())
            price = priced(_quoted(asked), asked.method, codes, fees=fees_of(site.settings), now=site.clock.now())
        return answer(200, QuoteOut(**bill(price)))

    return await posted(site, "quotes", key, asked, deed)


@router.post("/compliance-orders", response_model=OrderPlaced, status_code=201, responses=POST_NO)
async def order_compliance(site: SiteHere, asked: ComplianceOrderIn, key: IdempotencyKey) -> Response:
    """Orders services for one carrier. Nothing is done before it is paid."""

    def deed(connection: Books) -> Answer:
        with _as_asked():
            basket = _basket(asked.items, asked.frn)
            placed = place_compliance(
                site, connection, asked.buyer(), basket, sure=asked.sure(), check_id=asked.check_id
            )
        return answer(201, placed)

    return await posted(site, "compliance-orders", key, asked, deed)


@router.post("/compliance-orders/batch", response_model=BatchPlaced, status_code=201, responses=POST_NO)
async def order_batch(site: SiteHere, asked: ComplianceBatchIn, key: IdempotencyKey) -> Response:
    """One order for each of several carriers, each with a number and a payment of its own: all are placed or none."""

    def deed(connection: Books) -> Answer:
        batch, placed = secrets.token_hex(8), []
        once_each = OnceInBatch(fees_of(site.settings))
        for place, one in enumerate(asked.orders):
            with _as_asked(place):
                basket = _basket(one.items, one.frn)
                once_each.add(place + 1, basket, one.sure())
                placed.append(place_compliance(site, connection, asked.buyer(), basket, sure=one.sure(), batch=batch))
        return answer(201, BatchPlaced(batch=batch, orders=placed))

    return await posted(site, "compliance-orders/batch", key, asked, deed)


@router.post("/bundle-orders", response_model=OrderPlaced, status_code=201, responses=POST_NO)
async def order_bundle(site: SiteHere, asked: BundleOrderIn, key: IdempotencyKey) -> Response:
    """Orders a bundle. What it holds, for which state and company, a person settles; `notes` of the answer say so."""

    def deed(connection: Books) -> Answer:
        basket = Basket("bundle", bundle=asked.bundle, state=asked.state, form=asked.form)
        details = BundleDetails(asked.state.upper() if asked.state else None, asked.company_name)
        return answer(201, ordered(site, connection, asked.buyer(), basket, details))

    return await posted(site, "bundle-orders", key, asked, deed)


@router.post(
    "/canada-crtc",
    response_model=OrderPlaced,
    status_code=201,
    responses={**POST_NO, 202: {"model": Received, "description": "No price is published: a person quotes it"}},
)
async def order_canada(site: SiteHere, asked: CanadaIn, key: IdempotencyKey) -> Response:
    """Orders the Canadian carrier package; while no price is published for it, asks a person for one (202)."""
    details = CanadaCrtcDetails(
        asked.company_name,
        asked.wants_numbered_company,
        asked.director_is_resident,
        tuple(asked.services_offered),
        asked.year_end,
    )

    def deed(connection: Books) -> Answer:
        basket, buyer = Basket("canada_crtc", (BasketItem("canada_crtc"),)), asked.buyer()
        codes = find_codes(connection, buyer.discount_code, buyer.referral_code, now=site.clock.now())
        price = priced(basket, buyer.method, codes, fees=fees_of(site.settings), now=site.clock.now())
        if price.can_be_ordered:
            return answer(201, ordered(site, connection, buyer, basket, details))
        wanted = json.dumps({"service": "canada_crtc", **asdict(details)}, ensure_ascii=False, default=str)
        ask_for_quote(connection, buyer.customer, wanted, now=site.clock.now())
        return answer(202, Received(next="A person works out the price and writes to you."))

    return await posted(site, "canada-crtc", key, asked, deed)


@router.get("/orders/{token}", response_model=OrderOut, responses=FIND_NO)
def order_by_token(site: SiteHere, token: Token) -> OrderOut:
    """One order as it stands: each step, what was paid, what happens next."""
    with site.db.connect() as connection:
        found = the_order(connection, token)
        return OrderOut(**status_of(connection, found))


@router.post("/orders/{token}/payments", response_model=PayOut, responses=says_no(400, 404, 413, 422, 502, 503))
async def pay_order(site: SiteHere, token: Token, key: IdempotencyKey) -> Response:
    """Where to pay: the try that is open, or a new one at the provider of the order's way to pay.

    However often it is asked, there is one open try for an order.
    """
    known = Asked.of(key=key, route="payments", request=token.encode())

    def again() -> Answer | None:
        with site.db.connect() as connection:
            return given_before(connection, known)

    def keep(told: PayOut) -> Answer:
        with site.db.connect() as connection:
            return once(connection, known, lambda: answer(200, told), now=site.clock.now())

    given = await to_thread.run_sync(again, limiter=site.quick)
    if given is None:
        # No transaction waits for a provider: asking twice gives the same try, and the first answer is kept.
        begun = await begin_payment(site, token)
        told = PayOut(pay_url=begun.pay_url, provider=begun.provider, expires_at=begun.expires_at)
        given = await to_thread.run_sync(keep, told, limiter=site.quick)
    return _reply(given)


def the_order(connection: Books, token: str) -> OrderView:
    """The order behind a link. Raises NotFound."""
    try:
        return read_by_token(connection, token)
    except UsageError as error:
        raise NotFound(str(error), field="token", remedy=error.remedy) from error


def status_of(connection: Books, found: OrderView) -> dict[str, Any]:
    """The fields of OrderOut."""
    stands = stands_of(connection, found.order_id)
    state = order_state(connection, found, stands)
    same = (
        "number", "kind", "status", "placed_at", "paid_at", "delivered_at", "method", "currency", "subtotal",
        "discount", "fees", "surcharge", "total",
    )  # fmt: skip
    return {
        **{name: getattr(found, name) for name in same},
        "status_words": state.words,
        "next": state.next,
        "can_be_paid": state.can_be_paid,
        "items": [
            OrderItemOut(
                position=one.position, service=one.service, title=one.title, quantity=one.quantity,
                state=one.for_state, frn=one.frn,
            )
            for one in found.items
        ],
        "lines": [LineOut(kind=one.kind, text=one.text, amount=one.amount) for one in found.lines],  # type: ignore[arg-type]  # the database holds these kinds only
        "steps": [StepOut(**asdict(one)) for one in state.steps],
        "payments": [
            PaymentOut(amount=one.amount, currency=one.currency, method=one.method, state=one.state, at=one.at)
            for one in state.payments
        ],
    }  # fmt: skip


async def posted(site: Site, route: str, key: str, asked: BaseModel, deed: Callable[[Books], Answer]) -> Response:
    """Does `deed` in one transaction with its key, off the event loop, or answers as before."""
    known = Asked.of(key=key, route=route, request=asked.model_dump_json().encode())

    def run() -> Answer:
        with site.db.connect() as connection:
            return once(connection, known, partial(deed, connection), now=site.clock.now())

    return _reply(await to_thread.run_sync(run, limiter=site.quick))


def _reply(given: Answer) -> Response:
    headers = {"Idempotent-Replayed": "true"} if given.is_again else None
    return Response(given.body, given.status, headers, "application/json")


def answer(status: int, body: BaseModel) -> Answer:
    """A model as an answer to be kept."""
    return Answer(status, body.model_dump_json().encode())


def bill(price: Quote) -> dict[str, Any]:
    """The fields of QuoteOut."""
    return {
        "lines": [LineOut(kind=one.kind, text=one.text, amount=one.amount) for one in price.lines],
        "subtotal": price.subtotal,
        "discount": price.discount,
        "fees": price.fees,
        "surcharge": price.surcharge,
        "total": price.total,
        "currency": price.currency,
        "can_be_ordered": price.can_be_ordered,
        "unknown": list(price.unknown),
        "notes": list(price.notes),
    }


def ordered(site: Site, connection: Books, buyer: Buyer, basket: Basket, details: Details) -> OrderPlaced:
    """Places an order and tells it."""
    placed, price = order(connection, buyer, basket, details, fees=fees_of(site.settings), now=site.clock.now())
    return _told(site, placed, price)


def _told(site: Site, placed: PlacedOrder, price: Quote) -> OrderPlaced:
    return OrderPlaced(
        **bill(price),
        number=placed.number,
        token=placed.token,
        page=page_of(site.settings, placed.token),
        payment=f"{site.settings.public_url.rstrip('/')}/api/v1/orders/{placed.token}/payments",
    )


# What each order of a batch has of its own, beside its items' fields.
_OF_ORDER = frozenset({"frn", "items", "is_another"})


@contextmanager
def _as_asked(order: int | None = None) -> Iterator[None]:
    """Names what is at fault by its path in the request; `order`: the place in a batch."""
    try:
        yield
    except UsageError as error:
        field, words = error.field, str(error)
        if isinstance(error, ItemFault) and field not in {"frn", "expedite"}:
            field = f"items.{error.place}.{'service' if field == 'kind' else field}"
        if order is not None and (isinstance(error, ItemFault) or field in _OF_ORDER):
            field, words = f"orders.{order}.{field}", f"Order {order + 1}: {words}"
        raise UsageError(words, field=field, remedy=error.remedy) from error


def place_compliance(
    site: Site,
    connection: Books,
    buyer: Buyer,
    basket: Basket,
    *,
    sure: Sure,
    batch: str | None = None,
    check_id: UUID | None = None,
) -> OrderPlaced:
    """Places an order of services for a carrier, with the findings that led to it and the check they were read in.

    Raises Doubt where something must be confirmed first, and UsageError as `order` does.
    """
    fees, now = fees_of(site.settings), site.clock.now()
    demand_sure(connection, basket, sure, fees=fees, today=site.clock.today(), write_to=site.settings.sales_email)
    frn = next((frn_of(item.frn) for item in basket.items if item.frn), None)
    cause = cause_of(connection, frn, [item.service for item in basket.items])
    details = ComplianceDetails(
        frn=frn,
        carrier_name=cause.carrier_name or buyer.customer.company,
        findings=cause.findings,
        snapshot_ids=cause.snapshot_ids,
        check_id=check_led_to(connection, check_id, frn),
        batch_key=batch,
    )
    placed, price = order(connection, buyer, with_cures(basket, cause), details, fees=fees, now=now)
    for words in sure.notes():
        note(connection, placed.order_id, by=CUSTOMER, why=words, now=now)
    return _told(site, placed, price)


def _basket(items: list[ItemIn], frn: str | None) -> Basket:
    return Basket(
        "compliance",
        tuple(BasketItem(one.service, one.quantity, for_state=one.state, frn=frn or None) for one in items),
    )


def _quoted(asked: QuoteIn) -> Basket:
    items = tuple(
        BasketItem(
            one.service, one.quantity, for_state=one.state, frn=asked.frn or None, form=asked.form,
            expedite=asked.expedite if one.service in _FORMATIONS else None,
        )
        for one in asked.items
    )  # fmt: skip
    codes = {one.service for one in asked.items}
    kind: Kind = "compliance"
    if asked.bundle is not None:
        kind = "bundle"
    elif codes & set(_FORMATIONS):
        kind = "formation"
    elif "canada_crtc" in codes:
        kind = "canada_crtc"
    return Basket(
        kind, items, bundle=asked.bundle, state=asked.state, form=asked.form,
        expedite=asked.expedite if asked.bundle else None,
    )  # fmt: skip


_FORMATIONS: tuple[Literal["formation_basic"], Literal["formation_complete"]] = (
    "formation_basic",
    "formation_complete",
)

"""What the order API takes and gives, as it stands in the OpenAPI document. Amounts are decimals written as text."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pw_pipelines import mail_address
from pw_pipelines.commerce.orders import NewCustomer
from pw_pipelines.portal.order_doubts import Sure
from pw_pipelines.portal.ordering import Buyer

_TEXT = r"^[^\x00-\x1f\x7f]*$"  # PostgreSQL's text holds no NUL, and no field here has lines
MOST_ITEMS = 30
MOST_ORDERS = 25
_EMAIL = f"^{mail_address.PATTERN}$"
MailAddress = Annotated[str, StringConstraints(max_length=mail_address.LONGEST, pattern=_EMAIL)]
PHONE = r"^\+?[0-9 ().x-]{7,30}$"

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_TEXT)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=_TEXT)]
Utm = Annotated[str, StringConstraints(max_length=100, pattern=_TEXT)]
Frn = Annotated[str, StringConstraints(pattern=r"^[0-9 -]{1,20}$")]
State = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$")]


class _In(BaseModel):
    """What a client sends: unknown fields are refused, so that a misspelt one is not silently left out."""

    model_config = ConfigDict(extra="forbid")


class CustomerIn(_In):
    """Who buys. `email`: where we write to about the order."""

    name: Words = Field(examples=["Ada Example"])
    email: MailAddress = Field(examples=["ada@example.com"])
    company: Words | None = None
    phone: Annotated[str, StringConstraints(pattern=PHONE)] | None = Field(default=None, examples=["202-555-0100"])

    def as_new(self) -> NewCustomer:
        """For the books."""
        return NewCustomer(self.email, self.name, self.company, self.phone)


class UtmIn(_In):
    """Where the customer came from."""

    utm_source: Utm | None = None
    utm_medium: Utm | None = None
    utm_campaign: Utm | None = None
    utm_content: Utm | None = None
    utm_term: Utm | None = None


class _CodesIn(_In):
    method: Code = Field(description="A way to pay, of GET /api/v1/payment-methods.", examples=["ach"])
    discount_code: Code | None = None
    referral_code: Code | None = Field(default=None, examples=["REF-AB123"])


class _BuyerIn(_CodesIn):
    customer: CustomerIn
    utm: UtmIn = UtmIn()
    consent: Literal[True] = Field(description="The customer agrees to the prices and to our doing the work.")

    def buyer(self) -> Buyer:
        """For the shop."""
        utm = {name: value for name, value in self.utm.model_dump(exclude_none=True).items() if value}
        return Buyer(self.customer.as_new(), self.method, self.discount_code, self.referral_code, utm)


class ItemIn(_In):
    """One service wanted. `state`: where it is done, for services sold per state."""

    service: Code = Field(description="Code of a service of the catalogue.", examples=["cpni_certification"])
    quantity: int = Field(default=1, ge=1, le=20, strict=True, description="Years or quarters of it.")
    state: State | None = None


Items = Annotated[list[ItemIn], Field(min_length=1, max_length=MOST_ITEMS)]


class QuoteIn(_CodesIn):
    """A basket to be priced. `bundle` by its code, in place of or beside `items`."""

    items: list[ItemIn] = Field(default_factory=list, max_length=MOST_ITEMS)
    bundle: Code | None = None
    state: State | None = Field(default=None, description="Where the bundle's parts are done.")
    form: Literal["llc", "corporation"] = "llc"
    expedite: Words | None = None
    frn: Frn | None = None


class _SureIn(_In):
    is_another: bool = Field(
        default=False,
        strict=True,
        description="Another filing is meant on purpose, though such a one is made, or on its way, already.",
    )

    frn_is_confirmed: bool = Field(
        default=False,
        strict=True,
        description="The FRN is right though no source we hold knows it, as of a carrier registered days ago.",
    )

    def sure(self) -> Sure:
        """What the customer says on purpose."""
        return Sure(another=self.is_another, frn=self.frn_is_confirmed)


class ComplianceOrderIn(_BuyerIn, _SureIn):
    """Services for one carrier."""

    frn: Frn | None = Field(default=None, description="The carrier; none for one that is yet to be registered.")
    items: Items
    check_id: UUID | None = Field(
        default=None, description="The compliance check whose findings led to the order, if it was about this FRN."
    )


class CarrierIn(_SureIn):
    """One carrier of a batch and what is wanted for it."""

    frn: Frn
    items: Items


class ComplianceBatchIn(_BuyerIn):
    """The same customer's orders for several carriers: all are placed or none is."""

    orders: list[CarrierIn] = Field(min_length=1, max_length=MOST_ORDERS)


class FormationIn(_BuyerIn):
    """A company to be formed."""

    state: State = Field(examples=["FL"])
    form: Literal["llc", "corporation"] = "llc"
    package: Literal["formation_basic", "formation_complete"] = "formation_basic"
    company_name: Words = Field(examples=["Blue Fox Telecom LLC"])
    alternative_names: list[Words] = Field(default_factory=list, max_length=5)
    expedite: Words | None = Field(default=None, description="A step of the state's expedited service, in its words.")
    extras: list[Literal["ein", "registered_agent", "operating_agreement"]] = Field(default_factory=list, max_length=3)


class BundleOrderIn(_BuyerIn):
    """A bundle for one company."""

    bundle: Code = Field(examples=["starter"])
    state: State | None = None
    form: Literal["llc", "corporation"] = "llc"
    company_name: Words | None = None


class CanadaIn(_BuyerIn):
    """The Canadian carrier package."""

    company_name: Words
    wants_numbered_company: bool = Field(default=False, strict=True)
    director_is_resident: Annotated[bool, Field(strict=True)] | None = None
    services_offered: list[Words] = Field(default_factory=list, max_length=20)
    year_end: date | None = None


class AgentIn(_In):
    """Somebody who wants to bring customers for a commission."""

    name: Words
    email: MailAddress
    company: Words | None = None
    about: Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*$")] | None = None


class LineOut(BaseModel):
    """One line of a bill; discounts are negative."""

    kind: Literal["service", "fee", "discount", "referral", "surcharge"]
    text: str
    amount: Decimal


class QuoteOut(BaseModel):
    """A price. total = subtotal − discount + fees + surcharge = sum of the lines."""

    lines: list[LineOut]
    subtotal: Decimal
    discount: Decimal
    fees: Decimal
    surcharge: Decimal
    total: Decimal
    currency: str
    can_be_ordered: bool
    unknown: list[str] = Field(description="What has no price here; such a basket is quoted by a person.")
    notes: list[str] = Field(description="What the total does not hold, or what a person settles later.")


class OrderPlaced(QuoteOut):
    """An order that was placed and is not paid yet. `token` opens it and is told here alone: keep it."""

    number: str
    status: Literal["received"] = "received"
    token: str
    page: str = Field(description="The customer's page of the order, where it is also paid.")
    payment: str = Field(description="POST here for the address at which to pay.")


class BatchPlaced(BaseModel):
    """The orders of a batch, in the order they were sent."""

    batch: str
    orders: list[OrderPlaced]


class Received(BaseModel):
    """A request that a person answers."""

    received: Literal[True] = True
    next: str


class StepOut(BaseModel):
    """One step of an order's life. at: when it was reached last; null: not yet."""

    status: str
    title: str
    at: datetime | None
    is_now: bool


class PaymentOut(BaseModel):
    """Money that came. state: paid, partly_refunded, refunded, disputed, surplus."""

    amount: Decimal
    currency: str
    method: str
    state: str
    at: datetime


class OrderItemOut(BaseModel):
    """One piece of work of an order."""

    position: int
    service: str
    title: str
    quantity: int
    state: str | None
    frn: str | None


class OrderOut(BaseModel):
    """An order as it stands."""

    number: str
    kind: str
    status: str
    status_words: str
    next: str = Field(description="What happens next, in a sentence.")
    placed_at: datetime
    paid_at: datetime | None
    delivered_at: datetime | None
    method: str
    currency: str
    subtotal: Decimal
    discount: Decimal
    fees: Decimal
    surcharge: Decimal
    total: Decimal
    can_be_paid: bool
    items: list[OrderItemOut]
    lines: list[LineOut]
    steps: list[StepOut]
    payments: list[PaymentOut]


class FormationOut(OrderOut):
    """The formation of a company as it stands."""

    company_name: str
    alternative_names: list[str]
    state: str
    form: str


class PayOut(BaseModel):
    """Where to pay an order: a page of the provider, or for crypto a payment URI with the wallet's address."""

    pay_url: str
    provider: str
    expires_at: datetime | None


class BundleOut(BaseModel):
    """One bundle. services empty: a person settles its content with the customer."""

    code: str
    title: str
    price_usd: Decimal
    services: list[str]
    words: str | None


class Bundles(BaseModel):
    """All bundles."""

    bundles: list[BundleOut]


class MethodOut(BaseModel):
    """A way to pay. surcharge_percent: of the whole amount."""

    method: str
    title: str
    surcharge_percent: Decimal


class Methods(BaseModel):
    """The ways to pay that are offered."""

    methods: list[MethodOut]


class AgentOut(BaseModel):
    """What anybody may know of an agent's code."""

    referral_code: str
    discount_percent: Decimal

"""The catalogue of services: `catalogue.yaml`, checked when it loads. Amounts are US dollars, Decimal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.yaml_data import Strict, read_entries

FILE = "catalogue.yaml"
QUOTE: Literal["quote"] = "quote"


def _written_as_text(value: object) -> object:
    """A price stands in quotes: YAML would read a bare 249.10 as a binary float."""
    if isinstance(value, float):
        raise ValueError(f"{value} is not in quotes; write amounts as text, such as '249.00'")  # noqa: TRY004
    return value


def _no_quote(value: object) -> object:
    return None if value == QUOTE else _written_as_text(value)


def _at_cost(value: object) -> object:
    return None if value == "at cost" else _written_as_text(value)


Usd = Annotated[Decimal, BeforeValidator(_written_as_text), Field(ge=0, decimal_places=2)]
UsdOrQuote = Annotated[Usd | None, BeforeValidator(_no_quote)]
UsdOrCost = Annotated[Usd | None, BeforeValidator(_at_cost)]
Family = Literal["telecom", "corporate", "privacy", "tcpa", "formation", "canada"]
Portal = Literal[
    "fcc_rmd", "fcc_ecfs", "fcc_cores", "fcc_bdc", "fcc_icfs", "fcc_homeland", "usac_efile", "neca", "state_puc",
    "state_registry", "irs_ein", "bc_registry", "crtc_my_account",
]  # fmt: skip


class PassThrough(Strict):
    """A fee of somebody else's, handed on unchanged.

    amount_usd   None: at cost; then `state_fee` names the jurisdiction's fee, or the amount is unknown
    in_force     charged today; a fee that is merely adopted has the day it begins in `in_force_from`, once known
    """

    name: str
    amount_usd: UsdOrCost
    in_force: bool
    in_force_from: date | None = None
    state_fee: Literal["formation", "annual_report", "name_reservation"] | None = None
    note: str

    @model_validator(mode="after")
    def _one_amount(self) -> PassThrough:
        if self.amount_usd is not None and self.state_fee is not None:
            raise ValueError("a fee that is looked up per state has amount_usd `at cost`")
        return self

    def is_charged(self, today: date) -> bool:
        """Whether the fee is due on this day."""
        return self.in_force or (self.in_force_from is not None and self.in_force_from <= today)


class Renewal(Strict):
    """What falls due again. duty: a duty of the calendar that sets the day; service: what renews it."""

    words: str = Field(min_length=3)
    duty: Literal["rmd_recertification", "cpni", "form499a", "form499q", "bdc"] | None = None
    service: str | None = None


class Service(Strict):
    """One service. `price_usd` None means "quote": the firm publishes no price for it.

    published_range_usd   lowest and highest price the firm publishes where it names no single one
    price_in_usd          price in jurisdictions where it differs
    per                   what one price buys (`order`; `state`: the state must be named)
    most                  largest quantity of one order line; a filing made once has 1
    unit                  what is counted where it is more
    documents             what is drawn up for it
    signer                who signs: officer (of the carrier), organizer, director, customer; None: nobody
    portal                where it is filed; None: nowhere
    includes              services it is made of, for a service that is sold as one and worked as several
    cures                 codes of rules.yaml that it mends
    """

    code: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")
    family: Family
    title: str
    price_usd: UsdOrQuote
    published_range_usd: tuple[Usd, Usd] | None = None
    price_in_usd: dict[str, Usd] = Field(default_factory=dict)
    per: Literal["order", "state"] = "order"
    most: int = Field(default=1, ge=1, le=20)
    unit: Literal["years", "quarters"] | None = None
    expedite: bool = False
    pass_through: tuple[PassThrough, ...] = ()
    documents: tuple[str, ...] = ()
    signer: Literal["officer", "organizer", "director", "customer"] | None = None
    portal: Portal | None = None
    renewal: Renewal | None = None
    includes: tuple[str, ...] = ()
    cures: tuple[str, ...] = ()
    note: str | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Service:
        if self.price_in_usd and self.per != "state":
            raise ValueError("price_in_usd needs `per: state`")
        if self.price_in_usd and self.price_usd is None:
            raise ValueError("a price in some state needs a price in the others")
        if (self.most > 1) != (self.unit is not None):
            raise ValueError("`most` above 1 and `unit` go together")
        by_state = self.expedite or any(one.state_fee for one in self.pass_through)
        if by_state and self.per != "state":
            raise ValueError("a fee looked up per state, or expedited service, needs `per: state`")
        return self

    def price_for(self, state: str | None) -> Decimal | None:
        """The published price of one, US dollars, in this state; None: by quote."""
        return self.price_in_usd.get(state or "", self.price_usd)

    @property
    def price(self) -> Decimal | Literal["quote"]:
        """The price as it is shown: an amount, or the word `quote`."""
        return QUOTE if self.price_usd is None else self.price_usd


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Service]:
    """Every service by its code. Raises ConfigError naming the service and the field that is wrong."""
    return parse_catalogue((resources.files("pw_pipelines.commerce") / FILE).read_text(encoding="utf-8"))


def parse_catalogue(text: str) -> dict[str, Service]:
    """Services from YAML text. Raises ConfigError when a field is wrong or a code stands twice."""
    found = read_entries(text, Service, file=f"commerce/{FILE}", key="code", what="services")
    for one in found.values():
        _check_names(one, found)
    return found


def _check_names(one: Service, found: dict[str, Service]) -> None:
    """Services named by another must be there, and a part may not itself be made of parts."""
    named = [*one.includes, *([one.renewal.service] if one.renewal and one.renewal.service else [])]
    missing = [code for code in named if code not in found]
    if missing:
        raise ConfigError(f"commerce/{FILE}, {one.code}: names services that are not there: {', '.join(missing)}.")
    if any(found[code].includes for code in one.includes):
        raise ConfigError(f"commerce/{FILE}, {one.code}: `includes` names a service that has `includes` itself.")


def service(code: str) -> Service:
    """One service. Raises UsageError naming the known codes."""
    try:
        return catalogue()[code]
    except KeyError:
        raise UsageError(
            f"There is no service {code!r}; known: {', '.join(catalogue())}.",
            field="service",
            remedy="Give the code of a service of the catalogue.",
        ) from None

"""The catalogue of services: `catalogue.yaml`, checked when it loads. Amounts are US dollars, Decimal."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pw_pipelines.errors import UsageError
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


class PassThrough(Strict):
    """A fee of somebody else's, handed on unchanged. `amount_usd` None: at cost. Not charged until `in_force`."""

    name: str
    amount_usd: UsdOrCost
    in_force: bool
    note: str


class Service(Strict):
    """One service. `price_usd` None means "quote": the firm publishes no price for it.

    published_range_usd   lowest and highest price the firm publishes where it names no single one
    per                   what one price buys (`order`, `state`)
    cures                 codes of rules.yaml that it mends
    """

    code: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")
    title: str
    price_usd: UsdOrQuote
    published_range_usd: tuple[Usd, Usd] | None = None
    per: Literal["order", "state"] = "order"
    pass_through: tuple[PassThrough, ...] = ()
    cures: tuple[str, ...] = ()

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
    return read_entries(text, Service, file=f"commerce/{FILE}", key="code", what="services")


def service(code: str) -> Service:
    """One service. Raises UsageError naming the known codes."""
    try:
        return catalogue()[code]
    except KeyError:
        raise UsageError(f"There is no service {code!r}; known: {', '.join(catalogue())}.") from None

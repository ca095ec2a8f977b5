"""Ways to pay and their surcharges: `payment_methods.yaml`, checked when it loads."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pw_pipelines.yaml_data import Strict, read_entries

FILE = "payment_methods.yaml"
BY_SETTING = "by setting"


def _no_setting(value: object) -> object:
    if isinstance(value, float):
        raise ValueError(f"{value} is not in quotes; write percentages as text, such as '2.5'")  # noqa: TRY004
    return None if value == BY_SETTING else value


Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]


class PaymentMethod(Strict):
    """One way to pay. percent: of the whole amount; None: a setting says it, and without one it is not offered."""

    method: str = Field(pattern=r"^[a-z]+$")
    title: str
    provider: Literal["stripe", "paypal", "shkeeper", "adyen"]
    percent: Annotated[Percent | None, BeforeValidator(_no_setting)]
    is_offered: bool


@lru_cache(maxsize=1)
def payment_methods() -> dict[str, PaymentMethod]:
    """Every way to pay, as the file says it. Raises ConfigError naming the entry and the field that is wrong."""
    text = (resources.files("pw_pipelines.commerce") / FILE).read_text(encoding="utf-8")
    return read_entries(text, PaymentMethod, file=f"commerce/{FILE}", key="method", what="payment methods")


def offered_methods(paypal_percent: Decimal | None) -> dict[str, PaymentMethod]:
    """The ways a customer may choose from, each with its percentage; the setting fills in what the file leaves open."""
    filled = {
        name: one if one.percent is not None else one.model_copy(update={"percent": paypal_percent})
        for name, one in payment_methods().items()
    }
    return {name: one for name, one in filled.items() if one.is_offered and one.percent is not None}

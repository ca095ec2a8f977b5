"""A registered-agent wholesaler's shop: sign in, an order form, a review, a number; and the list of one's orders.

The review page carries the basket sealed; whoever posts it again orders again. There is no interface for programs.
Prices are the wholesaler's own, invented: no jurisdiction's data has any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pw_pipelines.clock import eastern_day
from pw_pipelines.jurisdictions.book import book as jurisdictions
from pw_pipelines.sandbox.filing_portals.book import Submission
from pw_pipelines.sandbox.filing_portals.common import USERNAME, Desk, House
from pw_pipelines.sandbox.view_state import opened, seal

PORTAL = "agent_wholesale"
OFFICE = "AgentLine Wholesale"
START = "orders/new"
PAGE = 20
PRODUCTS = {"RA1": "Registered agent, 1 year", "RA3": "Registered agent, 3 years", "MAIL": "Mail forwarding"}
_PRICES = {"RA1": Decimal(35), "RA3": Decimal(90), "MAIL": Decimal(60)}
_YEARS = {"RA1": 1, "RA3": 3, "MAIL": 1}
_REQUIRED = {
    "f_product": "Choose a product.", "f_state": "Choose a jurisdiction.", "f_entity": "Enter the entity's name.",
    "f_address": "Enter the principal address.", "f_contact": "Enter a contact person.",
    "f_phone": "Enter a telephone number.", "f_email": "Enter an e-mail address.",
}  # fmt: skip
FIELDS = (*_REQUIRED, "f_ref", "f_taxyear")


@dataclass(frozen=True)
class _Shop:
    """The shop behind its sign-in."""

    desk: Desk

    @property
    def house(self) -> House:
        return self.desk.house

    def page(self, template: str, **values: Any) -> Response:
        return self.desk.page(template, user=USERNAME, **values)

    def form(self, said: dict[str, str], message: str = "") -> Response:
        states = [(one.code, one.name) for one in jurisdictions().values() if one.code != "BC"]
        blank = dict.fromkeys(FIELDS, "")
        return self.page("agent_order.html", f=blank | said, message=message, states=states)

    async def new(self, request: Request) -> Response:
        return self.form({})

    async def review(self, request: Request) -> Response:
        form = await request.form()
        said = {name: str(form.get(name, "")).replace("\r\n", "\n").strip() for name in FIELDS}
        if self.desk.change == "renamed_field":
            said["f_entity"] = str(form.get("f_company", "")).strip()
        complaints = [words for name, words in _REQUIRED.items() if not said[name]]
        if said["f_email"] and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", said["f_email"]):
            complaints.append("The e-mail address is not valid.")
        if self.desk.change == "extra_required" and not said["f_taxyear"]:
            complaints.append("Enter the tax year end.")
        if form.get("f_terms") != "1":
            complaints.append("Accept the terms.")
        if not complaints and (said["f_product"] not in PRODUCTS or said["f_state"] not in jurisdictions()):
            complaints.append("This can't be ordered.")
        if complaints:
            return self.form(said, " ".join(complaints))
        product = said["f_product"]
        return self.page(
            "agent_review.html", f=said, product=PRODUCTS[product], price=f"{_PRICES[product]:.2f}", basket=seal(said)
        )

    async def place(self, request: Request) -> Response:
        """The order is placed. The browser is led on to its page, so that a reload orders nothing."""
        said: dict[str, Any] | None = opened(str((await request.form()).get("basket", "")))
        if said is None:
            return self.form({}, "The order was changed on the way. Please begin again.")
        fields = {name.removeprefix("f_"): value for name, value in said.items()}
        fields["price"] = f"{_PRICES[said['f_product']]:.2f}"
        placed = self.house.book.add(
            PORTAL, "order", f"{said['f_state']} {said['f_entity']}", fields, at=self.house.now(),
            confirmation=lambda number: f"AL-{200_000 + number}",
        )  # fmt: skip
        return self.desk.to(f"orders/{quote(placed.confirmation)}")

    async def order(self, request: Request) -> Response:
        found = self.house.book.all(PORTAL, confirmation=request.path_params["number"])
        if not found:
            return self.form({}, "There is no such order.")
        placed = found[0]
        begins, ends = placed.day, _years_later(placed.day, _YEARS[placed.fields["product"]])
        shown = dict(placed.fields) | {
            "number": placed.confirmation, "begins": f"{begins:%m/%d/%Y}", "ends": f"{ends:%m/%d/%Y}",
            "agent": f"AgentLine {jurisdictions()[placed.fields['state']].name}, Inc.",
        }  # fmt: skip
        return self.page("agent_placed.html", o=shown, product=PRODUCTS[placed.fields["product"]])

    async def orders(self, request: Request) -> Response:
        """The newest first. Found are entity, reference or number that hold the words asked for."""
        asked = request.query_params.get("f_find", "").strip()
        number = int(text) if (text := request.query_params.get("page", "1")).isdecimal() else 1
        found = [one for one in reversed(self.house.book.all(PORTAL)) if _holds(one, asked)]
        first = (number - 1) * PAGE
        rows = [
            dict(one.fields) | {
                "number": one.confirmation, "day": f"{eastern_day(one.filed_at):%m/%d/%Y}",
                "product": PRODUCTS[one.fields["product"]],
            }
            for one in found[first : first + PAGE]
        ]  # fmt: skip
        return self.page(
            "agent_orders.html", asked=asked, total=len(found), rows=rows, number=number, more=first + PAGE < len(found)
        )


def routes(house: House) -> list[Route]:
    """Below `/filing/agent_wholesale`."""
    desk = Desk(house, PORTAL, OFFICE, START)
    shop = _Shop(desk)
    return [
        *desk.routes(),
        Route("/orders/new", desk.signed_in(shop.new), methods=["GET"]),
        Route("/orders/review", desk.signed_in(shop.review), methods=["POST"]),
        Route("/orders/submit", desk.signed_in(shop.place), methods=["POST"]),
        Route("/orders", desk.signed_in(shop.orders), methods=["GET"]),
        Route("/orders/{number}", desk.signed_in(shop.order), methods=["GET"]),
    ]


def _holds(one: Submission, asked: str) -> bool:
    words = asked.casefold()
    return any(words in text.casefold() for text in (one.fields["entity"], one.fields["ref"], one.confirmation))


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)

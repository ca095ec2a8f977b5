"""/api/v1/formations: a company is ordered, and asked after."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import TypeAdapter

from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.order_details import FormationDetails
from pw_pipelines.commerce.order_view import NUMBER
from pw_pipelines.errors import UsageError
from pw_pipelines.portal.idempotency import Answer, IdempotencyKey
from pw_pipelines.portal.ordering import Books
from pw_pipelines.portal.orders_api import (
    FIND_NO,
    POST_NO,
    SiteHere,
    answer,
    ordered,
    posted,
    status_of,
    the_order,
)
from pw_pipelines.portal.orders_models import FormationIn, FormationOut, OrderPlaced
from pw_pipelines.portal.problems import NotFound
from pw_pipelines.portal.site import Site
from pw_pipelines.registry import answer as register
from pw_pipelines.registry.model import NameVerdict

router = APIRouter(prefix="/api/v1", tags=["formations"])
VERDICT: TypeAdapter[NameVerdict] = TypeAdapter(NameVerdict)
_PER_STATE = "registered_agent"


@router.post("/formations", response_model=OrderPlaced, status_code=201, responses=POST_NO)
async def order_formation(site: SiteHere, asked: FormationIn, key: IdempotencyKey) -> Response:
    """Orders the formation of a company; the name is looked up first, and what was found is kept with the order.

    A name that is taken is refused unless alternatives are named. The state's fee is charged at cost.
    """

    def deed(connection: Books) -> Answer:
        found = _looked_up(site, asked)
        _check_free(found, asked)
        details = FormationDetails(
            state=found.state,
            form=asked.form,
            company_name=asked.company_name,
            alternative_names=tuple(asked.alternative_names),
            expedite=asked.expedite,
            name_verdict=VERDICT.dump_python(found, mode="json"),
        )
        return answer(201, ordered(site, connection, asked.buyer(), _basket(asked, found.state), details))

    return await posted(site, "formations", key, asked, deed)


def _looked_up(site: Site, asked: FormationIn) -> NameVerdict:
    try:
        return register.answer(site.db, asked.state, asked.company_name, today=site.clock.today(), form=asked.form)
    except UsageError as error:  # the look-up calls the name `name`, the order calls it `company_name`
        field = "company_name" if error.field == "name" else error.field
        raise UsageError(str(error), field=field, remedy=error.remedy) from error


def _check_free(found: NameVerdict, asked: FormationIn) -> None:
    """A name that is surely taken is not sold. Raises UsageError."""
    if found.verdict == "taken" and not asked.alternative_names:
        holders = ", ".join(one.name for one in found.blocking[:3])
        raise UsageError(
            f"The name is taken in {found.state}: {holders}.",
            field="company_name",
            remedy="Give another name, or name alternatives in `alternative_names`.",
        )


@router.get("/formations/{number}", response_model=FormationOut, responses=FIND_NO)
def formation(
    site: SiteHere,
    number: Annotated[str, Path(max_length=30, description="The order's number, PW-2026-000123.")],
    token: Annotated[str, Query(min_length=1, max_length=200, description="The secret part of the order's link.")],
) -> FormationOut:
    """How far the formation of a company has come. Number and token must be of the same order."""
    with site.db.connect() as connection:
        found = the_order(connection, token)
        if found.kind != "formation" or not NUMBER.fullmatch(number.upper()) or found.number != number.upper():
            raise NotFound(
                "There is no formation with this number behind this link.",
                field="number",
                remedy="Take number and token from the order's confirmation.",
            )
        fields: dict[str, Any] = status_of(connection, found)
    of_company = {name: found.details[name] for name in ("company_name", "alternative_names", "state", "form")}
    return FormationOut(**fields, **of_company)


def _basket(asked: FormationIn, state: str) -> Basket:
    formed = BasketItem(asked.package, for_state=state, form=asked.form, expedite=asked.expedite)
    extras = (
        BasketItem(extra, for_state=state if extra == _PER_STATE else None, form=asked.form)
        for extra in dict.fromkeys(asked.extras)
    )
    return Basket("formation", (formed, *extras))

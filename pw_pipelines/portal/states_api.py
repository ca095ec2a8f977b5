"""/api/v1/states: the 52 jurisdictions, and the answer about a name in one or several of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field, TypeAdapter

from pw_pipelines.errors import UsageError
from pw_pipelines.jurisdictions.book import book, jurisdiction
from pw_pipelines.jurisdictions.model import Jurisdiction
from pw_pipelines.portal.problems import MEDIA_TYPE, Problem
from pw_pipelines.portal.site import Site, site_of
from pw_pipelines.registry.answer import AskPortal, answer, answers, states_of
from pw_pipelines.registry.model import Coverage, EntityForm, NameVerdict
from pw_pipelines.registry.portal_road import told_lately
from pw_pipelines.registry.search import coverage

router = APIRouter(prefix="/api/v1", tags=["states and names"])
MOST_STATES = 52
LONGEST_LIST = 300  # of codes in one parameter; all 52 take 155

_SAYS_NO: dict[int | str, dict[str, Any]] = {
    status.value: {"model": Problem, "description": words, "content": {MEDIA_TYPE: {}}}
    for status, words in (
        (HTTPStatus.UNPROCESSABLE_ENTITY, "No such state, or a name that is none"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "Our own books cannot be read now; try again later"),
    )
}
_LIST_SAYS_NO: dict[int | str, dict[str, Any]] = {503: _SAYS_NO[503]}


class Fee(BaseModel):
    """One fee. amount null: unknown, and `words` says why."""

    amount: Decimal | None
    currency: str
    words: str | None
    source: str
    confidence: str
    checked_on: date | None


class Data(BaseModel):
    """What we hold of a state's register. as_of: America/New_York day it is whole up to; null: nothing whole."""

    as_of: date | None
    rows: int
    is_usable: bool = Field(description="Whether a name that is not in it may be called clear.")
    why_not: str | None
    gaps: list[str]


class State(BaseModel):
    """One of the 50 states, the District of Columbia, or British Columbia."""

    code: str
    name: str
    agency: str
    search_method: str
    search_url: str
    filing_url: str
    automation: str
    automation_reason: str
    name_test: str
    statute: str
    annual_report_due: str
    publication: str
    fees: dict[str, Fee]
    data: Data | None = Field(description="Null where the state's register is not read here.")


class States(BaseModel):
    """All 52, by code. The fees are for orientation: each is read again before money is charged."""

    states: list[State]
    credit: str = (
        "Fees and rules in part from the US LLC State Requirements Dataset, © 2026 StartupSole LLC, CC BY 4.0; each "
        "value names its source."
    )


class Names(BaseModel):
    """The answers about one name, a state each."""

    name: str
    answers: list[NameVerdict]


VERDICT: TypeAdapter[NameVerdict] = TypeAdapter(NameVerdict)
NAMES: TypeAdapter[Names] = TypeAdapter(Names)
NameAsked = Annotated[str, Query(min_length=1, max_length=300, description="The name as it would be filed.")]
FormAsked = Annotated[EntityForm, Query(description="What is to be formed; some states compare like with like only.")]


@router.get("/states", response_model=States, responses=_LIST_SAYS_NO)
def states(site: Annotated[Site, Depends(site_of)]) -> States:
    """The 52 jurisdictions: agency, fees with their sources, name test, and what we hold of each register."""
    today = site.clock.today()
    with site.db.connect() as connection:
        held = {one.code: coverage(connection, one.code, today) for one in book().values() if one.data_source.sources}
    return States(states=[_state(one, held.get(one.code)) for one in book().values()])


@router.get("/states/{code}/name-search", response_model=NameVerdict, responses=_SAYS_NO)
async def name_search(
    site: Annotated[Site, Depends(site_of)],
    code: Annotated[str, Path(description="Two letters: a state, DC or BC.")],
    name: NameAsked,
    form: FormAsked = "llc",
) -> Response:
    """Whether a name can be had in one state: `taken`, `clear` under its rule on our data, or `a person must look`.

    The answer cites the state's rule, shows both comparison keys, what stands in the way, names that are near,
    restricted words, and how old and how whole the data is. It is evidence, not the state's decision. A state's own
    portal is not asked here: where we asked it for this name within the last day, that answer is used.
    """
    with _asked_as("code"):
        code = jurisdiction(code).code
    found = await to_thread.run_sync(
        partial(answer, site.db, code, name, today=site.clock.today(), form=form, ask_portal=told_here(site)),
        limiter=site.quick,
    )
    return Response(VERDICT.dump_json(found), media_type="application/json")


@router.get("/name-search", response_model=Names, responses=_SAYS_NO)
async def names_search(
    site: Annotated[Site, Depends(site_of)],
    name: NameAsked,
    states: Annotated[
        list[str],
        Query(max_length=MOST_STATES, description="Codes with commas between, or several times, or both; or `all`."),
    ],
    form: FormAsked = "llc",
) -> Response:
    """The same answer for several states in one call, each once, in the order asked."""
    codes = _codes(states)
    found = await to_thread.run_sync(
        partial(answers, site.db, codes, name, today=site.clock.today(), form=form, ask_portal=told_here(site)),
        limiter=site.quick,
    )
    return Response(NAMES.dump_json(Names(name=name, answers=found)), media_type="application/json")


def _codes(asked: list[str]) -> list[str]:
    remedy = "Give codes with commas between, such as FL,CO, or `all`."
    if any(len(one) > LONGEST_LIST for one in asked):
        raise UsageError("The list of states is too long.", field="states", remedy=remedy)
    with _asked_as("states"):
        codes = states_of(code for one in asked for code in one.split(","))
    if not codes:
        raise UsageError("No state is named.", field="states", remedy=remedy)
    return codes


@contextmanager
def _asked_as(parameter: str) -> Iterator[None]:
    """A state that is none is told of under the name of the parameter it stood in."""
    try:
        yield
    except UsageError as error:
        raise UsageError(str(error), field=parameter, remedy=error.remedy) from None


def told_here(site: Site) -> AskPortal:
    """What a visitor learns of a state's own portal: what it told us within the last day. It is never asked for one."""
    now = site.clock.now()
    return lambda code, name: told_lately(site.db, site.settings, code, name, now)


def _state(one: Jurisdiction, held: Coverage | None) -> State:
    return State(
        code=one.code,
        name=one.name,
        agency=one.agency,
        search_method=one.search.method,
        search_url=one.search.url,
        filing_url=one.filing_url,
        automation=one.automation.stance,
        automation_reason=one.automation.reason,
        name_test=one.name_test.summary,
        statute=one.name_test.statute,
        annual_report_due=one.annual_report_due.words,
        publication=one.publication.words,
        fees={
            name: Fee(
                amount=fee.value, currency=one.currency, words=fee.words, source=one.sources[fee.source],
                confidence=fee.confidence, checked_on=fee.checked_on,
            )
            for name, fee in one.fees.items()
        },
        data=Data(
            as_of=held.as_of, rows=held.rows, is_usable=held.is_usable, why_not=held.why_not, gaps=list(held.gaps)
        )
        if held
        else None,
    )  # fmt: skip

"""/orders/{token}/details: the questions an order's items still need answered, each asked once.

Private answers go to the vault as they come and are never shown again, not even to whoever gave them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, cast

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.answer_kinds import clean
from pw_pipelines.fulfillment.answers import give, missing_of
from pw_pipelines.fulfillment.facts import Fact, fact_of, known_values
from pw_pipelines.fulfillment.model import Connection, FulfillmentError, ItemView
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.portal.form_proof import FormProof
from pw_pipelines.portal.nudge import nudge_item
from pw_pipelines.portal.order_page import LONGEST_TOKEN, NOT_INDEXED, PATH
from pw_pipelines.portal.orders_api import the_order
from pw_pipelines.portal.site import Site, site_of

router = APIRouter(include_in_schema=False)
SiteHere = Annotated[Site, Depends(site_of)]
LONGEST_ANSWER = 5_000
MOST_FIELDS = 400
NOT_PROVED = "This form was open for too long, or came from another site. Nothing was kept; please send it once more."
# Facts that the customer is not asked to check: they say what was ordered, or what the firm does.
_NOT_SHOWN = ("order", "firm")


@dataclass
class Question:
    """One fact for one subject (a carrier, a company), asked once however many items need it."""

    fact: Fact
    field: str
    items: list[int]
    value: str = ""
    is_known: bool = False
    is_missing: bool = False
    fault: str = ""


@dataclass
class Group:
    """The questions about one subject."""

    subject: str
    titles: list[str]
    questions: dict[str, Question] = field(default_factory=dict)

    @property
    def missing(self) -> list[Question]:
        return [one for one in self.questions.values() if one.is_missing]

    @property
    def optional(self) -> list[Question]:
        return [one for one in self.questions.values() if not one.is_missing and not one.is_known]

    @property
    def known(self) -> list[Question]:
        return [one for one in self.questions.values() if not one.is_missing and one.is_known]


@dataclass
class Form:
    """Everything the page asks."""

    number: str
    groups: list[Group]
    notice: str = ""

    @property
    def questions(self) -> list[Question]:
        return [question for group in self.groups for question in group.questions.values()]

    @property
    def faults(self) -> list[Question]:
        return [one for one in self.questions if one.fault]


def form_of(connection: Connection, vault: Vault, token: str) -> Form:
    """What is asked for the order behind a link now; no groups when nothing is. Raises NotFound."""
    order = the_order(connection, token)
    groups: dict[str, Group] = {}
    for item in items.items_of(connection, order.order_id):
        if item.state != "waiting" or item.gate != "details":
            continue
        group = groups.setdefault(item.subject, Group(item.subject, []))
        group.titles.append(item.title)
        _ask(connection, vault, item, group, number=len(groups))
    return Form(order.number, [group for group in groups.values() if group.questions])


def _ask(connection: Connection, vault: Vault, item: ItemView, group: Group, *, number: int) -> None:
    missing = missing_of(connection, vault, item.item_id)
    known, private = known_values(connection, item.item_id), vault.names(connection, item.item_id)
    names = dict.fromkeys(missing)
    if item.stage == "prepare":  # later what is known may be signed already
        names |= dict.fromkeys(
            name for name in playbook_of(item.service, item.for_state).facts
            if fact_of(name).source not in _NOT_SHOWN and (name in known or name in private or fact_of(name).optional)
        )  # fmt: skip
    for name in names:
        fact = fact_of(name)
        asked = group.questions.setdefault(name, Question(fact, f"q{number}_{name}", []))
        asked.items.append(item.item_id)
        asked.is_missing |= name in missing
        asked.is_known |= name in private if fact.private else bool(known.get(name))
        if not fact.private and not asked.value:
            asked.value = known.get(name, "")


def take(form: Form, sent: Mapping[str, str]) -> dict[int, dict[str, str]]:
    """New answers by item, the sound ones; what is wrong is noted at its question. Nothing private stays in `form`."""
    given: dict[int, dict[str, str]] = {}
    for asked in form.questions:
        value = sent.get(asked.field, "").replace("\r\n", "\n").strip()
        if not value or (not asked.fact.private and value == asked.value):
            continue
        if not asked.fact.private:
            asked.value = value
        try:
            cleaned = clean(asked.fact, value)
        except UsageError as error:
            asked.fault = f"{error.remedy}{' Please type it again.' if asked.fact.private else ''}"
            continue
        for item_id in asked.items:
            given.setdefault(item_id, {})[asked.fact.name] = cleaned
    return given


@router.api_route(PATH + "/{token}/details", methods=["GET", "HEAD"])
async def details(token: str, request: Request, site: SiteHere) -> HTMLResponse:
    """The form as it stands."""
    form = await to_thread.run_sync(_read, site, token[:LONGEST_TOKEN], limiter=site.quick)
    return _page(request, site, token, form)


@router.post(PATH + "/{token}/details")
async def send(token: str, request: Request, site: SiteHere) -> Response:
    """Keeps what is sound; shows again what is wrong or still missing."""
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as sent:
        said = {key: str(value)[:LONGEST_ANSWER] for key, value in sent.items()}
    token = token[:LONGEST_TOKEN]
    if not _proof(request, site).is_proved(request, said):
        form = await to_thread.run_sync(_read, site, token, limiter=site.quick)
        form.notice = NOT_PROVED
        for asked in form.questions:
            if not asked.fact.private and asked.field in said:
                asked.value = said[asked.field]
        return _page(request, site, token, form, status=HTTPStatus.FORBIDDEN)
    form = await to_thread.run_sync(_keep, site, token, said, limiter=site.quick)
    if form.faults or form.notice:
        return _page(request, site, token, form, status=HTTPStatus.BAD_REQUEST)
    left = any(group.missing for group in form.groups)
    where = f"{PATH}/{token}/details?kept=some" if left else f"{PATH}/{token}?said=details"
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


def _read(site: Site, token: str) -> Form:
    with site.db.connect() as connection:
        return form_of(cast("Connection", connection), Vault(site.settings), token)


def _keep(site: Site, token: str, said: Mapping[str, str]) -> Form:
    """Keeps the sound answers and returns the form as it stands afterwards, with the faults of the others."""
    vault, now = Vault(site.settings), site.clock.now()
    with site.db.connect() as opened:
        connection = cast("Connection", opened)
        form = form_of(connection, vault, token)
        given = take(form, said)
        try:
            for item_id in sorted(given):
                give(connection, vault, item_id, given[item_id], source="customer", by="customer", now=now)
        except (FulfillmentError, UsageError):  # the items moved on between the two looks
            connection.rollback()
            form.notice = "Something changed meanwhile; nothing was kept. Please open this page again."
            return form
        after = form_of(connection, vault, token)
    for item_id in sorted(given):
        nudge_item(site.settings, item_id)
    faults = {asked.field: asked for asked in form.faults}
    for asked in after.questions:
        if asked.field in faults:
            asked.fault = faults[asked.field].fault
            asked.value = faults[asked.field].value or asked.value
    if faults and not after.faults:
        after.notice = "What was wrong is not needed any more."
    return after


def _proof(request: Request, site: Site) -> FormProof:
    return FormProof(request, https=site.settings.public_url.startswith("https://"))


def _page(request: Request, site: Site, token: str, form: Form, *, status: HTTPStatus = HTTPStatus.OK) -> HTMLResponse:
    proof = _proof(request, site)
    reply = site.page(
        "details.html", status=status, form=form, proof=proof.field, path=f"{PATH}/{token}/details",
        back=f"{PATH}/{token}", kept=request.query_params.get("kept") == "some" and not form.faults,
        states=sorted(book().values(), key=lambda one: one.name),
    )  # fmt: skip
    reply.headers.update(NOT_INDEXED)
    proof.keep(reply)
    return reply

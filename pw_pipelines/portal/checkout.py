"""/checkout: from "Fix these issues" to a placed order. One page, no scripts; no total is due that was not shown."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pw_pipelines.commerce.basket import FORMATIONS
from pw_pipelines.errors import UsageError
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.monitoring import events
from pw_pipelines.portal.check_page import CHECKOUT, PATH
from pw_pipelines.portal.checkout_form import (
    CONFIRM,
    TICKS,
    Checkout,
    Form,
    check_customer,
    fault_field,
    form_as_sent,
    form_of_link,
    work_out,
)
from pw_pipelines.portal.form_proof import FormProof
from pw_pipelines.portal.idempotency import Answer, Asked, KeyUsedBefore, once
from pw_pipelines.portal.order_doubts import Doubt
from pw_pipelines.portal.order_state import NAMES
from pw_pipelines.portal.ordering import Books, Buyer, ask_for_quote, fees_of
from pw_pipelines.portal.orders_api import place_compliance
from pw_pipelines.portal.orders_models import CustomerIn
from pw_pipelines.portal.paying import begin_or_none
from pw_pipelines.portal.site import Site, address, site_of

RECEIVED = "/checkout/received"
router = APIRouter(include_in_schema=False)
SiteHere = Annotated[Site, Depends(site_of)]
_ROUTE = "checkout page"
_NEW_TOTAL = "The total has changed since it was shown to you. Look at it, then place the order."
_SENT_BEFORE = "An order was placed from this page before. To place another one, look it over and send it again."
_NOT_PROVED = (
    "Your browser did not show that this form is ours; cookies may be blocked. Nothing was ordered: send it again."
)


@router.api_route(CHECKOUT, methods=["GET", "HEAD"])
async def checkout(request: Request, site: SiteHere) -> HTMLResponse:
    """The form, with the services of the link in the basket."""
    form = form_of_link(request.query_params)
    found = await to_thread.run_sync(_opened, site, form, limiter=site.quick)
    for name in [name for name in found.faults if name.startswith(("state_", "quantity_"))]:
        del found.faults[name]  # nobody was asked for them yet
    return _page(request, site, found)


@router.post(CHECKOUT)
async def checkout_sent(request: Request, site: SiteHere) -> Response:
    """Works the totals out again (`do=update`), or places the order and goes on to pay it."""
    async with request.form(max_files=0, max_fields=300) as sent:
        form = form_as_sent(sent)
        proved = _proof(request, site).is_proved(request, {key: str(value) for key, value in sent.items()})
        wants_order = sent.get("do") == "order"
    found = await to_thread.run_sync(_worked_out, site, form, limiter=site.quick)
    if not wants_order:
        found.faults.pop("items", None)
        return _page(request, site, found)
    customer = _check(found)
    if not proved:
        found.faults = {"form": _NOT_PROVED, **found.faults}
        return _page(request, site, found, status=HTTPStatus.FORBIDDEN)
    if found.faults or customer is None:
        return _page(request, site, found, status=HTTPStatus.BAD_REQUEST)
    if found.quote is not None and not found.was_seen():
        return _page(request, site, found, notice=_NEW_TOTAL)
    return await _order(request, site, found, customer)


async def _order(request: Request, site: Site, found: Checkout, customer: CustomerIn) -> Response:
    """Places it and goes on to the payment, or shows the form again with what stood in the way."""
    try:
        token = await to_thread.run_sync(_place, site, found, customer, limiter=site.quick)
    except KeyUsedBefore:
        found.form = replace(found.form, key=secrets.token_urlsafe(24))
        return _page(request, site, found, notice=_SENT_BEFORE)
    except Doubt as doubt:
        found.faults[doubt.confirm] = f"{doubt} {CONFIRM[doubt.confirm]}"
        return _page(request, site, found, status=HTTPStatus.BAD_REQUEST)
    except UsageError as error:  # what changed between the two looks: a code used up, an own referral
        found.faults[fault_field(error, found.basket.items)] = f"{error} {error.remedy or ''}".strip()
        return _page(request, site, found, status=HTTPStatus.BAD_REQUEST)
    if token is None:
        return RedirectResponse(RECEIVED, HTTPStatus.SEE_OTHER)
    begun = await begin_or_none(site, token)
    return RedirectResponse(f"/orders/{token}{'?pay=now' if begun else '?pay=later'}", HTTPStatus.SEE_OTHER)


@router.api_route(RECEIVED, methods=["GET", "HEAD"])
async def received(site: SiteHere) -> HTMLResponse:
    """After a request for a quote alone."""
    return site.page("received.html", back=PATH)


def _opened(site: Site, form: Form) -> Checkout:
    """The form as a link opens it; that somebody stands before the checkout is noted."""
    with site.db.connect() as connection:
        found = work_out(connection, form, fees=fees_of(site.settings), now=site.clock.now())
        events.checkout_started(connection, form.key, services=len(found.basket.items), now=site.clock.now())
        return found


def _worked_out(site: Site, form: Form) -> Checkout:
    with site.db.connect() as connection:
        return work_out(connection, form, fees=fees_of(site.settings), now=site.clock.now())


def _check(found: Checkout) -> CustomerIn | None:
    """The customer; adds what stands against placing the order to the faults."""
    customer, faults = check_customer(found.form)
    found.faults.update(faults)
    if not found.basket.items and not _quoted(found) and not found.faults:
        found.faults["items"] = "Choose at least one service."
    if found.basket.items and not found.form.method:
        found.faults["method"] = "Choose how to pay."
    if found.basket.items and not found.form.consent:
        found.faults["consent"] = "Tick the box to say that you agree."
    return customer


def _quoted(found: Checkout) -> list[str]:
    return [row.service.code for row in found.to_quote if row.is_wanted]


def _place(site: Site, found: Checkout, customer: CustomerIn) -> str | None:
    """Places the order, and asks for the quotes, once for the form's key; the order's token, None without an order."""
    form, quoted = found.form, _quoted(found)
    # The form has its own key; the page's other hidden fields say nothing of what is wanted.
    meant = [found.basket.items, quoted, form.customer, form.method, form.discount_code, form.referral_code, form.frn]
    meant.append([form.sure.another, form.sure.frn, form.formed])

    def deed(connection: Books) -> Answer:
        token = None
        new = customer.as_new()
        if found.basket.items:
            buyer = Buyer(new, form.method, form.discount_code or None, form.referral_code or None, form.utm)
            token = place_compliance(
                site, connection, buyer, found.basket, sure=form.sure, check_id=form.check_id
            ).token
        if quoted:
            states = {code: form.state.get(code) for code in quoted}
            wanted = {"services": quoted, "states": states, "frn": form.frn, "company": form.customer.get("company")}
            if form.formed:
                wanted["form"] = form.formed
            ask_for_quote(connection, new, json.dumps(wanted), now=site.clock.now())
        return Answer(HTTPStatus.CREATED, json.dumps(token).encode())

    request = json.dumps(meant, default=str, sort_keys=True).encode()
    asked = Asked.of(key=form.key, route=_ROUTE, request=request)
    with site.db.connect() as connection:
        given = once(connection, asked, lambda: deed(connection), now=site.clock.now())
    token: str | None = json.loads(given.body)
    return token


def _back(form: Form) -> str:
    """Where one came from: the name search with what was asked there, or the check."""
    if not form.formed:
        return address(PATH, {"frn": form.frn} if form.frn else {}, form.utm)
    state = next((one for code, one in form.state.items() if code in FORMATIONS and one), "")
    asked = {"name": form.customer.get("company", ""), "state": state, "form": form.formed}
    return address(NAMES, {key: value for key, value in asked.items() if value}, form.utm)


def _proof(request: Request, site: Site) -> FormProof:
    return FormProof(request, https=site.settings.public_url.startswith("https://"))


def _page(
    request: Request, site: Site, found: Checkout, *, status: HTTPStatus = HTTPStatus.OK, notice: str = ""
) -> HTMLResponse:
    proof = _proof(request, site)
    form = found.form
    context: dict[str, Any] = {
        "found": found,
        "form": form,
        "proof": proof.field,
        "notice": notice,
        "states": sorted(book().values(), key=lambda one: one.name),
        "path": CHECKOUT,
        "chosen": found.quote.method if found.quote else form.method,
        "confirm": {name: words for name, words in TICKS.items() if name in found.faults or name in form.confirmed},
        "back": _back(form),
        "back_to": "name search" if form.formed else "check",
    }
    reply = site.page("checkout.html", status=status, **context)
    proof.keep(reply)
    return reply

"""/orders/{token}: an order on its own page, for whoever has the link. Each step, the money, what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, cast

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pw_pipelines.commerce.order_view import OrderView
from pw_pipelines.commerce.payments import sessions
from pw_pipelines.fulfillment.items import items_of
from pw_pipelines.fulfillment.model import Connection, FulfillmentError
from pw_pipelines.fulfillment.resending import resend
from pw_pipelines.portal.desk_files import content_of, reply_with
from pw_pipelines.portal.form_proof import is_same_site
from pw_pipelines.portal.order_state import OrderState, order_state
from pw_pipelines.portal.order_steps import item_states, papers_of
from pw_pipelines.portal.order_summary import IN_WORK
from pw_pipelines.portal.orders_api import the_order
from pw_pipelines.portal.paying import begin_or_none
from pw_pipelines.portal.problems import NotFound
from pw_pipelines.portal.site import Site, site_of

PATH = "/orders"
LONGEST_TOKEN = 200
NOT_INDEXED = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Cache-Control": "no-store"}
SAID = {
    "details": "Thank you. Your details are kept, and we go on.",
    "link": "A new signature link is on its way to the signer’s email address; it is there within a minute or two.",
    "later": "No link was sent: one went out a short while ago, or none is needed any more.",
}
# Seconds between the looks of a page whose reader has just paid: four minutes in all. Most providers tell within
# seconds; who broke off there is offered to pay again after that.
LOOKS = (3, 3, 4, 5, 5, 10, 15, 15, 30, 30, 60, 60)
router = APIRouter(include_in_schema=False)
SiteHere = Annotated[Site, Depends(site_of)]


@dataclass(frozen=True)
class Waiting:
    """The provider's word is waited for: the page looks again after `seconds`, at `address`."""

    seconds: int
    address: str


@router.api_route(PATH + "/{token}", methods=["GET", "HEAD"])
async def order_page(token: str, request: Request, site: SiteHere) -> HTMLResponse:
    """The order as it stands. `pay=now` goes on to the provider's page, `later` and `done` say what happened there."""
    context = await to_thread.run_sync(_context, site, token[:LONGEST_TOKEN], limiter=site.quick)
    said = SAID.get(request.query_params.get("said", ""), "")
    pay = request.query_params.get("pay", "")
    waiting = _waiting(context["state"], pay, request.query_params.get("look", ""), context["here"])
    reply = site.page("order.html", **context, pay=pay, said=said, waiting=waiting)
    reply.headers.update(NOT_INDEXED)
    return reply


@router.post(PATH + "/{token}/pay")
async def pay(token: str, request: Request, site: SiteHere) -> Response:
    """Begins to pay, or goes on with what was begun. A POST, because mail programs open links by themselves."""
    if not is_same_site(request):
        raise HTTPException(HTTPStatus.FORBIDDEN, "This form was sent from another site. Nothing was done.")
    context = await to_thread.run_sync(_context, site, token[:LONGEST_TOKEN], limiter=site.quick)
    if not context["state"].can_be_paid:  # the page says why
        return RedirectResponse(f"{PATH}/{token}", HTTPStatus.SEE_OTHER)
    begun = await begin_or_none(site, token)
    return RedirectResponse(f"{PATH}/{token}?pay={'now' if begun else 'later'}", HTTPStatus.SEE_OTHER)


def _waiting(state: OrderState, pay: str, look: str, here: str) -> Waiting | None:
    """How long to wait for the provider's word, for somebody who comes from its page; None: nothing is waited for."""
    is_near = state.can_be_paid or state.under_way == "taking"
    if pay != "done" or not is_near or state.last_try != "open":
        return None
    number = int(look) if look.isascii() and look.isdecimal() and len(look) < 4 else 0
    if number >= len(LOOKS):
        return None
    return Waiting(LOOKS[number], f"{here}?pay=done&look={number + 1}")


def _context(site: Site, token: str) -> dict[str, Any]:
    with site.db.connect() as connection:
        order = the_order(connection, token)
        worked = item_states(cast("Connection", connection), order.order_id, now=site.clock.now())
        state = order_state(connection, order, [item.stand for item in worked])
        pay_url = _pay_url(connection, order, site) if state.can_be_paid else ""
        papers = papers_of(cast("Connection", connection), order.order_id)
    # An order that is held, or over, asks nothing of its customer.
    asking = [item for item in worked if item.asks and order.status in IN_WORK]
    return {
        "order": order, "state": state, "pay_url": pay_url, "pay_path": f"{PATH}/{token}/pay", "worked": worked,
        "asking": asking, "papers": list(papers.values()), "here": f"{PATH}/{token}",
    }  # fmt: skip


def _pay_url(connection: Any, order: OrderView, site: Site) -> str:
    """Where a try that is open already is paid; empty: none is."""
    found = sessions.usable(
        connection, order.order_id, method=order.method, amount=order.total, currency=order.currency,
        now=site.clock.now(),
    )  # fmt: skip
    return str(found["pay_url"]) if found and found["pay_url"] else ""


@router.get(PATH + "/{token}/documents/{digest}")
async def document(token: str, digest: str, site: SiteHere) -> Response:
    """A document of this very order: one the customer signed, or that was delivered to them."""
    reply = await to_thread.run_sync(_paper, site, token[:LONGEST_TOKEN], digest, limiter=site.quick)
    reply.headers.update(NOT_INDEXED)
    return reply


def _paper(site: Site, token: str, digest: str) -> Response:
    with site.db.connect() as connection:
        order = the_order(connection, token)
        paper = papers_of(cast("Connection", connection), order.order_id).get(digest)
    if paper is None:
        raise NotFound("There is no such document with this order.")
    return reply_with(content_of(site, digest), paper.media_type, f"{order.number} {paper.title}")


@router.post(PATH + "/{token}/items/{item_id}/signature-link")
async def signature_link(token: str, item_id: int, request: Request, site: SiteHere) -> Response:
    """Has a fresh link sent to the signer's own address; nothing of it comes back here. A few times a day at most."""
    if not is_same_site(request):
        raise HTTPException(HTTPStatus.FORBIDDEN, "This form was sent from another site. Nothing was done.")
    said = await to_thread.run_sync(_link_again, site, token[:LONGEST_TOKEN], item_id, limiter=site.quick)
    return RedirectResponse(f"{PATH}/{token}?said={said}", HTTPStatus.SEE_OTHER)


def _link_again(site: Site, token: str, item_id: int) -> str:
    with site.db.connect() as opened:
        connection = cast("Connection", opened)
        order = the_order(connection, token)
        if item_id not in {item.item_id for item in items_of(connection, order.order_id)}:
            raise NotFound("There is no such item with this order.")
        try:
            resend(connection, item_id, by="customer", now=site.clock.now())
        except FulfillmentError:  # too soon, or not waited for any more: the page as it stands says which
            return "later"
    return "link"

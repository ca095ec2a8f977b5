"""/orders/{token}: an order on its own page, for whoever has the link. Each step, the money, what happens next."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pw_pipelines.portal.form_proof import is_same_site
from pw_pipelines.portal.order_state import order_state
from pw_pipelines.portal.orders_api import the_order
from pw_pipelines.portal.paying import begin_or_none
from pw_pipelines.portal.site import Site, site_of

PATH = "/orders"
LONGEST_TOKEN = 200
NOT_INDEXED = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Cache-Control": "no-store"}
router = APIRouter(include_in_schema=False)
SiteHere = Annotated[Site, Depends(site_of)]
_OPEN_SESSION = """
    select pay_url from pw.checkout_sessions
    where order_id = %s and state = 'open' and pay_url is not null and (expires_at is null or expires_at > %s)
    order by session_id desc limit 1
"""


@router.api_route(PATH + "/{token}", methods=["GET", "HEAD"])
async def order_page(token: str, request: Request, site: SiteHere) -> HTMLResponse:
    """The order as it stands. `pay=now` goes on to the provider's page, `later` and `done` say what happened there."""
    context = await to_thread.run_sync(_context, site, token[:LONGEST_TOKEN], limiter=site.quick)
    reply = site.page("order.html", **context, pay=request.query_params.get("pay", ""))
    reply.headers.update(NOT_INDEXED)
    return reply


@router.post(PATH + "/{token}/pay")
async def pay(token: str, request: Request, site: SiteHere) -> Response:
    """Begins to pay, or goes on with what was begun. A POST, because mail programs open links by themselves."""
    if not is_same_site(request):
        raise HTTPException(HTTPStatus.FORBIDDEN, "This form was sent from another site. Nothing was done.")
    await to_thread.run_sync(_context, site, token[:LONGEST_TOKEN], limiter=site.quick)
    begun = await begin_or_none(site, token)
    return RedirectResponse(f"{PATH}/{token}?pay={'now' if begun else 'later'}", HTTPStatus.SEE_OTHER)


def _context(site: Site, token: str) -> dict[str, Any]:
    with site.db.connect() as connection:
        order = the_order(connection, token)
        state = order_state(connection, order)
        session = connection.execute(_OPEN_SESSION, (order.order_id, site.clock.now())).fetchone()
    pay_url = str(session["pay_url"]) if session and state.can_be_paid else ""
    return {"order": order, "state": state, "pay_url": pay_url, "pay_path": f"{PATH}/{token}/pay"}

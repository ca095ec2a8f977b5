"""POST /webhooks/<provider>: verified, stored, acknowledged. Nothing else is done before the acknowledgement.

Forged: 400, and logged without anything of the message. Database or certificate away: 503, so that they send again.
Each provider gets the answer that ends its retries; SHKeeper takes 202 alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.background import BackgroundTask

from pw_pipelines import logs
from pw_pipelines.commerce.payments import inbox
from pw_pipelines.commerce.payments.events import CannotVerify, Forged, VerifiedEvent
from pw_pipelines.commerce.payments.ground import secrets_of
from pw_pipelines.commerce.payments.paypal_door import PayPalDoor, paypal_door
from pw_pipelines.commerce.payments.verify import adyen, frappe, shkeeper, stripe
from pw_pipelines.faults import point
from pw_pipelines.portal.nudge import nudge_payment
from pw_pipelines.portal.problems import RETRY_SECONDS
from pw_pipelines.portal.site import Site, the_site

log = logs.get_logger(__name__)
router = APIRouter()

FETCHING_THREADS = 2
LARGEST_BYTES = 1 << 20  # the largest real ones are a quarter of this
ACKNOWLEDGED = {
    "stripe": HTTPStatus.OK,
    "paypal": HTTPStatus.OK,
    "shkeeper": HTTPStatus.ACCEPTED,
    "adyen": HTTPStatus.ACCEPTED,
    "erpnext": HTTPStatus.OK,
}


class _TooLarge(Exception):
    """The body passes LARGEST_BYTES."""


async def webhook(request: Request) -> Response:
    """One delivery of a provider."""
    site, provider = the_site(request), request.path_params["provider"]
    if provider not in ACKNOWLEDGED:
        return _answer(HTTPStatus.NOT_FOUND)
    try:
        raw = await _body(request)
        events = await _verified(provider, raw, request, site)
    except _TooLarge:
        log.warning("webhook refused", provider=provider, why="too large")
        return _answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except Forged as forged:
        log.warning("webhook refused", provider=provider, why=str(forged), bytes=len(raw))
        return _answer(HTTPStatus.BAD_REQUEST)
    except CannotVerify as away:
        log.warning("webhook not verified", provider=provider, why=str(away))
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
    # A database that is away raises, and is answered with 503 by the app.
    await to_thread.run_sync(_store, site, events, limiter=site.quick)
    point("payments.inbox.stored")
    # After the answer is sent: what was paid is begun at once. The inbox's sensor does the same within seconds.
    return _answer(ACKNOWLEDGED[provider], BackgroundTask(nudge_payment, site.settings, events))


async def _body(request: Request) -> bytes:
    """The raw bytes, not more than may come."""
    stated = request.headers.get("Content-Length", "")
    if stated.isdecimal() and int(stated) > LARGEST_BYTES:
        raise _TooLarge
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BYTES:
            raise _TooLarge
        parts.append(part)
    return b"".join(parts)


async def _verified(provider: str, raw: bytes, request: Request, site: Site) -> Sequence[VerifiedEvent]:
    settings, now = site.settings, site.clock.now()
    if provider == "stripe":
        secrets = _set("PW_STRIPE_WEBHOOK_SECRET", secrets_of(settings.stripe_webhook_secret))
        return [stripe.verify(raw, request.headers, secrets=secrets, now=now)]
    if provider == "shkeeper":
        keys = _set("PW_SHKEEPER_API_KEY", secrets_of(settings.shkeeper_api_key))
        return [shkeeper.verify(raw, request.headers, api_keys=keys, now=now)]
    if provider == "adyen":
        return adyen.verify(raw, hmac_keys=_set("PW_ADYEN_HMAC_KEY", secrets_of(settings.adyen_hmac_key)))
    if provider == "erpnext":
        secrets = _set("PW_ERPNEXT_WEBHOOK_SECRET", secrets_of(settings.erpnext_webhook_secret))
        return [frappe.verify(raw, request.headers, secrets=secrets)]
    paypal = _paypal(request, site)
    if (event := paypal.door.verify_at_once(raw, request.headers, now)) is not None:
        return [event]
    # The certificate must be fetched: by a thread that holds up nobody else.
    return [await to_thread.run_sync(paypal.door.verify, raw, dict(request.headers), now, limiter=paypal.fetching)]


def _set(name: str, secrets: tuple[str, ...]) -> tuple[str, ...]:
    if not secrets:
        raise CannotVerify(f"{name} is not set.")
    return secrets


@dataclass(frozen=True)
class _PayPal:
    """The certificates of one web app, and how many threads may fetch one at a time."""

    door: PayPalDoor
    fetching: CapacityLimiter


def _paypal(request: Request, site: Site) -> _PayPal:
    found: _PayPal | None = getattr(request.app.state, "paypal", None)
    if found is None:
        found = request.app.state.paypal = _PayPal(paypal_door(site.settings), CapacityLimiter(FETCHING_THREADS))
    return found


def _store(site: Site, events: Sequence[VerifiedEvent]) -> None:
    now = site.clock.now()
    with site.db.connect() as connection:
        if len(events) > 1:
            inbox.store_all(connection, events, now)
            return
        connection.autocommit = True  # one statement is its own transaction: one way to the server instead of three
        try:
            inbox.store(connection, events[0], now)
        finally:
            connection.autocommit = False


# A plain route: it stands in no OpenAPI document, and nothing is parsed before the signature is checked.
router.add_route("/webhooks/{provider}", webhook, methods=["POST"], include_in_schema=False)


def _answer(status: HTTPStatus, afterwards: BackgroundTask | None = None) -> Response:
    headers = {"Retry-After": str(RETRY_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    return PlainTextResponse(status.phrase, status_code=status, headers=headers, background=afterwards)

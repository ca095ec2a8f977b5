"""The door in front of Dagster, which has no login of its own: who may look, who may change, and who changed what.

Two webservers stand behind it on loopback: `/` may change things and is for ops and admins; `/read-only/` is started
with --read-only and is for everybody of the staff. Whoever may only look is led there. Dagster's own refusals are the
second lock; the first is here: only what the UI needs passes, mutations of those who may are logged before they are
done, and nobody else's pass at all.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import psycopg
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from pw_pipelines import logs
from pw_pipelines.compliance.live import open_live_record
from pw_pipelines.errors import ConfigError
from pw_pipelines.portal.desk_session import Session
from pw_pipelines.portal.door_graphql import Asked, Unreadable, answered, read_body
from pw_pipelines.portal.door_login import LOGIN, health, login, login_first, login_page, logout, who
from pw_pipelines.portal.door_relay import PROTOCOL, Behind, ask, change, hand_on, relay_websocket
from pw_pipelines.portal.door_site import CHANGE_ROLES, Door, door_of, is_same_origin, no, page, there
from pw_pipelines.portal.site import STATIC, make_site
from pw_pipelines.runtime.processes import READ_ONLY
from pw_pipelines.settings import Settings

LARGEST_BODY = 2 * 2**20  # a backfill names all its partitions
_ELSEWHERE = "This request does not come from a page of ours. Nothing was done."
_ONLY_THE_UI = "Only what Dagster's own pages send passes here. Programs on this machine ask Dagster behind the door."
_READS = "Your role ({role}) may look at Dagster and change nothing. Nothing was done; ops may."
log = logs.get_logger(__name__)


def create_door(settings: Settings, *, read_write: str, read_only: str) -> Starlette:
    """The door. `read_write` and `read_only`: addresses of the webservers; the latter has --path-prefix /read-only.

    Raises ConfigError without PW_DATABASE_URL: logins stand in the warehouse.
    """
    if settings.database_url is None:
        raise ConfigError("The door of Dagster needs PW_DATABASE_URL; `pw up` starts a database and sets it.")
    # Cookies are marked for https when Dagster is reached by it, whatever the customers' pages are reached by.
    seen = settings.model_copy(update={"public_url": settings.dagster_url})
    site = make_site(seen, settings.database_url.get_secret_value(), open_live_record(seen, seen.clock))
    door = Door(site, Behind(read_write, "", may_change=True), Behind(read_only, READ_ONLY, may_change=False))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        site.db.open()
        try:
            yield
        finally:
            await door.http.aclose()
            site.live.close()
            site.db.close()

    app = Starlette(
        routes=[
            Route("/door/health", health),
            Route(LOGIN, login_page, methods=["GET"]),
            Route(LOGIN, login, methods=["POST"]),
            Route("/door/logout", logout, methods=["POST"]),
            Route("/door", who, methods=["GET"]),
            Mount("/static", StaticFiles(directory=STATIC)),
            WebSocketRoute("/{path:path}", _websocket),
            Route("/{path:path}", _through, methods=["GET", "POST"]),
        ],
        exception_handlers={
            HTTPException: _refused, psycopg.OperationalError: _books_away, Exception: _broken,
        },
        lifespan=lifespan,
    )  # fmt: skip
    app.router.redirect_slashes = False
    app.state.door = door
    return app


# -- through the door ---------------------------------------------------------------------------------------------


async def _through(request: Request) -> Response:
    door, path = door_of(request), request.url.path
    session = await door.session(request)
    if session is None:
        return login_first(request, door)
    if _is_odd(path):
        return no(HTTPStatus.BAD_REQUEST, "This address is none of Dagster's.")
    behind = door.readers if path == READ_ONLY or path.startswith(f"{READ_ONLY}/") else door.ops
    if behind.may_change and session.user.role not in CHANGE_ROLES:
        if request.method == "POST":
            return await _no_right(request, door, session)
        return RedirectResponse(there(READ_ONLY + path, request.url.query), HTTPStatus.SEE_OTHER)
    return await _within(request, door, session, behind)


async def _within(request: Request, door: Door, session: Session, behind: Behind) -> Response:
    """A request of somebody who may be where they ask."""
    is_graphql = request.url.path == f"{behind.prefix}/graphql"
    if request.method == "POST":
        return await _graphql(request, door, session, behind) if is_graphql else no(HTTPStatus.FORBIDDEN, _ONLY_THE_UI)
    if is_graphql and (request.url.query or "text/html" not in request.headers.get("accept", "")):
        return no(HTTPStatus.METHOD_NOT_ALLOWED, "Questions come by POST.")
    return await hand_on(request, door.http, behind)


async def _graphql(request: Request, door: Door, session: Session, behind: Behind) -> Response:
    if not is_same_origin(request):
        log.warning("cross-site request refused", by=session.user.name)
        return no(HTTPStatus.FORBIDDEN, _ELSEWHERE)
    asked = await _asked(request)
    if asked.kind == "query":
        return await ask(asked, door.http, behind, request.headers.get("accept-encoding", "identity"))
    if asked.kind == "subscription":
        return no(HTTPStatus.BAD_REQUEST, "Subscriptions come by websocket.")
    if not behind.may_change:
        await door.note(session, "dagster_refused", **_named(asked))
        where = "This is the read-only view. Nothing was done."
        return no(
            HTTPStatus.FORBIDDEN, where if session.user.role in CHANGE_ROLES else _READS.format(role=session.user.role)
        )
    await door.note(session, "dagster_asked", **_named(asked))  # written first: what is not in the log is not done
    reply, body = await change(asked, door.http, behind)
    await door.note(session, "dagster_answered", **_named(asked), status=reply.status_code, **answered(body))
    return reply


async def _no_right(request: Request, door: Door, session: Session) -> Response:
    """Somebody who may only look sent something to the webserver that changes."""
    if request.url.path == "/graphql" and is_same_origin(request):
        asked = await _asked(request)
        if asked.kind == "mutation":
            await door.note(session, "dagster_refused", **_named(asked))
    return no(HTTPStatus.FORBIDDEN, _READS.format(role=session.user.role))


async def _asked(request: Request) -> Asked:
    """The request that was judged, from its body. Raises HTTPException (413, 415) and Unreadable (400)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Questions are application/json.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {LARGEST_BODY:,} bytes.")
    try:
        return await to_thread.run_sync(read_body, bytes(body))
    except Unreadable as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from error


async def _websocket(socket: WebSocket) -> None:
    """Closing before accepting answers 403; whether for want of a login or of a right is nobody's business."""
    door, path = door_of(socket), socket.url.path
    behind = {"/graphql": door.ops, f"{READ_ONLY}/graphql": door.readers}.get(path)
    session = await door.session(socket)
    if (
        behind is None
        or session is None
        or not is_same_origin(socket)
        or PROTOCOL not in socket.scope["subprotocols"]
        or (behind.may_change and session.user.role not in CHANGE_ROLES)
    ):
        await socket.close()
        return

    async def still_allowed() -> bool:
        now = await door.session(socket)
        return now is not None and (not behind.may_change or now.user.role in CHANGE_ROLES)

    async def refused(asked: Asked) -> None:
        await door.note(session, "dagster_refused", **_named(asked), by_websocket=True)

    await relay_websocket(socket, behind, still_allowed=still_allowed, refused=refused)


def _named(asked: Asked) -> dict[str, Any]:
    """What the log keeps of a request: never its variables."""
    name = asked.operation if asked.operation and re.fullmatch(r"\w{1,100}", asked.operation, re.ASCII) else None
    return {"operation": name, "mutations": [one[:100] for one in asked.fields[:10]], "on": list(asked.targets)}


def _is_odd(path: str) -> bool:
    """Paths that one server might read otherwise than another."""
    return any(part in ("..", ".") for part in path.split("/")) or any(
        one in path for one in ("\\", "//", "\0", "\r", "\n")
    )


# -- saying no ----------------------------------------------------------------------------------------------------


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if "text/html" in request.headers.get("accept", ""):
        status = HTTPStatus(error.status_code)
        return page(
            door_of(request), "door.html", status=status, title=status.phrase, detail=error.detail, user=None, csrf="",
            may_change=False,
        )  # fmt: skip
    return no(HTTPStatus(error.status_code), error.detail)


async def _books_away(_request: Request, error: Exception) -> Response:
    log.warning("database away", error=str(error))
    return no(HTTPStatus.SERVICE_UNAVAILABLE, "Our own books cannot be read at this moment, so nobody can be let in.")


async def _broken(_request: Request, error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return no(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side; it has been noted.")

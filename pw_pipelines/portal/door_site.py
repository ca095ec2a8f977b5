"""What every request at the door of Dagster shares: the door itself, its pages, and how it says no."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
from anyio import to_thread
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, Response

from pw_pipelines.clock import machine_now
from pw_pipelines.fulfillment.deeds import record
from pw_pipelines.portal.desk_session import Session, session_of
from pw_pipelines.portal.door_relay import Behind, client
from pw_pipelines.portal.security import HEADERS, HSTS
from pw_pipelines.portal.site import Site

CHANGE_ROLES = frozenset({"ops", "admin"})
TRIES, TRIES_WITHIN = 30, timedelta(minutes=10)
_MOST_ADDRESSES = 10_000
OWN = {**HEADERS, "Cache-Control": "no-store"}


@dataclass
class Door:
    """What every request of one door shares. `tries`: when log-ins were tried, by address."""

    site: Site
    ops: Behind
    readers: Behind
    http: httpx.AsyncClient = field(default_factory=client)
    tries: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)

    async def session(self, connection: HTTPConnection) -> Session | None:
        """Who is logged in."""
        return await to_thread.run_sync(session_of, connection, self.site, limiter=self.site.quick)

    async def note(self, session: Session, what: str, **detail: Any) -> None:
        """One line in the log of the desk."""

        def written() -> None:
            with self.site.db.connect() as connection:
                record(connection, by=session.user.name, what=what, now=self.site.clock.now(), detail=detail)

        await to_thread.run_sync(written, limiter=self.site.quick)

    def may_try(self, address: str) -> bool:
        """Whether this address may try a log-in now; counts it."""
        now, tried = machine_now(), self.tries.pop(address, deque())
        while tried and now - tried[0] > TRIES_WITHIN:
            tried.popleft()
        self.tries[address] = tried
        while len(self.tries) > _MOST_ADDRESSES:
            self.tries.popitem(last=False)
        if len(tried) >= TRIES:
            return False
        tried.append(now)
        return True


def door_of(connection: HTTPConnection) -> Door:
    """The door a request came to."""
    door: Door = connection.app.state.door
    return door


def there(path: str, query: str) -> str:
    """A path with its query."""
    return f"{path}?{query}" if query else path


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether the browser says that a page of this very address sent it. Whoever says nothing is refused.

    Other ports of this machine are other people's pages, though the cookie is sent along from there.
    """
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return site == "same-origin"
    host = connection.headers.get("host", "")
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()


def page(door: Door, template: str, *, status: HTTPStatus = HTTPStatus.OK, **context: Any) -> HTMLResponse:
    """A page of the door's own."""
    reply = door.site.page(template, status=status, **context)
    reply.headers.update(OWN)
    if door.site.settings.public_url.startswith("https://"):
        reply.headers["Strict-Transport-Security"] = HSTS
    return reply


def no(status: HTTPStatus, words: str) -> Response:
    """As Dagster's UI expects errors, so that it shows the sentence."""
    return JSONResponse({"errors": [{"message": words}]}, status, headers=OWN)

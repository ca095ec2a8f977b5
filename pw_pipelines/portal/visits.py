"""ASGI middleware that keeps where a visitor came from, from the first page to the payment (monitoring/visit.py)."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pw_pipelines.monitoring.visit import COOKIE, COOKIE_SECONDS, CURRENT, of_request

# Nobody is brought to these by a campaign.
_NOT_HERE = ("/static/", "/webhooks/", "/desk", "/health", "/metrics", "/ready", "/segments")
_MOST_FIELDS = 50


class Visits:
    """Sets CURRENT for the request, and the cookie when the link said something new."""

    def __init__(self, app: ASGIApp, *, https: bool, keeps: bool) -> None:
        self._app = app
        self._https = https
        self._keeps = keeps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._keeps or scope["type"] != "http" or scope["path"].startswith(_NOT_HERE):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        try:
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=_MOST_FIELDS))
        except ValueError:  # more fields than anybody's link has
            query = {}
        visit = of_request(query, given, headers)
        wanted = visit.as_cookie() if visit else ""

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and wanted != given and (wanted or given):
                MutableHeaders(scope=message).append("Set-Cookie", self._cookie(wanted))
            await send(message)

        token = CURRENT.set(visit)
        try:
            await self._app(scope, receive, with_cookie)
        finally:
            CURRENT.reset(token)

    def _cookie(self, value: str) -> str:
        seconds = COOKIE_SECONDS if value else 0
        secure = "; Secure" if self._https else ""
        return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"

"""ASGI middleware that counts every request: route as written in the code, class of status, time to the last byte."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pw_pipelines.monitoring.web import ELSEWHERE, WebMetrics

_WEBHOOK, _WEBHOOKS = "/webhooks/{provider}", "/webhooks/"
_STATIC = "/static/"


class Measuring:
    """Outermost but for what turns errors into replies: what ends in an error counts as 5xx."""

    def __init__(self, app: ASGIApp, *, metrics: WebMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = route_of(scope)
            seconds = time.perf_counter() - begun
            self._metrics.answered(route=route, method=scope["method"], status=status, seconds=seconds)
            if route == _WEBHOOK:
                self._metrics.delivered(provider=_provider(scope), status=status)


def route_of(scope: Mapping[str, Any]) -> str:
    """The route without what stands in its place holders; one word for whatever has none."""
    path = str(scope["path"])
    if path.startswith(_WEBHOOKS):  # a plain route: it leaves no mark in the scope
        return _WEBHOOK
    if path.startswith(_STATIC):
        return _STATIC
    return str(getattr(scope.get("route"), "path", ELSEWHERE))


def _provider(scope: Mapping[str, Any]) -> str:
    return str(scope["path"]).removeprefix(_WEBHOOKS)

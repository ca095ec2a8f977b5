"""How large a request's body may be. Webhooks have a limit of their own."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pw_pipelines.portal.problems import problem

LARGEST_BYTES = 64 * 1024  # a batch of 25 carriers with 30 services each is about a third of it
_OWN_LIMIT = "/webhooks/"
_WORDS = f"The body is larger than {LARGEST_BYTES:,} bytes."


class BodyLimit:
    """ASGI middleware: a body that says it is too large is not read; one that does not say so is cut off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OWN_LIMIT):
            await self._app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdecimal() or int(stated) > LARGEST_BYTES:
            refused = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _WORDS, field="body", remedy="Send less at once.")
            await refused(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _WORDS)
            return message

        await self._app(scope, counted, send)

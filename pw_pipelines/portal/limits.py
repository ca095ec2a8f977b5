"""How large a request's body may be. Webhooks have a limit of their own."""

from __future__ import annotations

import re
from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pw_pipelines.portal.problems import problem

LARGEST_BYTES = 64 * 1024  # a batch of 25 carriers with 30 services each is about a third of it
_OWN_LIMIT = "/webhooks/"
# A confirmation that staff upload. Whether somebody is logged in is asked before the body is read.
_UPLOAD = re.compile(r"/desk/items/\d{1,18}/filed", re.ASCII)
LARGEST_UPLOAD_BYTES = 11 * 2**20


class BodyLimit:
    """ASGI middleware: a body that says it is too large is not read; one that does not say so is cut off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OWN_LIMIT):
            await self._app(scope, receive, send)
            return
        most = LARGEST_UPLOAD_BYTES if _UPLOAD.fullmatch(scope["path"]) else LARGEST_BYTES
        words = f"The body is larger than {most:,} bytes."
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdecimal() or int(stated) > most:
            refused = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words, field="body", remedy="Send less at once.")
            await refused(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
            return message

        await self._app(scope, counted, send)

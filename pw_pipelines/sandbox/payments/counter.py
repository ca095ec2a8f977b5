"""What the stand-ins share: who may call, sessions in memory, the page to pay at, `/_sandbox` for tests.

`/_sandbox` is no part of any provider: POST /pay/{id} {outcome, …} pays, GET /sent shows the deliveries, POST /manner
{duplicate, shuffle, delay, cents} makes the sender misbehave, POST /webhook {url} says where our webhook is.
"""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pw_pipelines.sandbox.payments.sender import Manner, Sender

Cells = dict[str, Any]
Pay = Callable[[Cells, str, Cells], None]  # session, outcome, more
_PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>
<h1>{title} (sandbox)</h1><p>Order {order}: {amount}</p><form method="post">{buttons}</form></body></html>
"""


@dataclass
class Counter:
    """One provider's stand-in: its sessions by id, its answers by idempotency key."""

    title: str
    sender: Sender
    now: Callable[[], datetime]
    outcomes: Mapping[str, str]
    pay: Pay
    sessions: dict[str, Cells] = field(default_factory=dict)
    answers: dict[str, tuple[str, Cells]] = field(default_factory=dict)

    def once(self, key: str | None, asked: str, make: Callable[[], Cells]) -> Cells | None:
        """The stored answer for a key that was used with the same request; None when it was used with another."""
        if not key:
            return make()
        if key in self.answers:
            before, answer = self.answers[key]
            return answer if before == asked else None
        answer = make()
        self.answers[key] = (asked, answer)
        return answer

    def app(self, routes: list[BaseRoute]) -> Starlette:
        """The provider's routes with the page and the controls."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await self.sender.close()

        return Starlette(
            routes=[
                *routes,
                Route("/pay/{id}", self._page, methods=["GET"]),
                Route("/pay/{id}", self._paid, methods=["POST"]),
                Route("/_sandbox/pay/{id}", self._told, methods=["POST"]),
                Route("/_sandbox/sent", self._sent, methods=["GET"]),
                Route("/_sandbox/manner", self._manner, methods=["POST"]),
                Route("/_sandbox/webhook", self._webhook, methods=["POST"]),
            ],
            lifespan=lifespan,
        )

    async def _page(self, request: Request) -> Response:
        session = self.sessions.get(request.path_params["id"])
        if session is None:
            return HTMLResponse("<h1>There is no such payment</h1>", 404)
        buttons = "".join(
            f'<button name="outcome" value="{name}">{html.escape(words)}</button> '
            for name, words in self.outcomes.items()
        )
        values = {"title": self.title, "order": session["order"], "amount": f"{session['cents'] / 100:.2f}"}
        escaped = {name: html.escape(str(value)) for name, value in values.items()}
        return HTMLResponse(_PAGE.format(buttons=buttons, **escaped))

    async def _paid(self, request: Request) -> Response:
        outcome = dict(parse_qsl((await request.body()).decode())).get("outcome", "")
        session = self.sessions.get(request.path_params["id"])
        if session is None or outcome not in self.outcomes:
            return HTMLResponse("<h1>There is no such payment</h1>", 404)
        self.pay(session, outcome, {})
        return RedirectResponse(session.get("return_url") or "about:blank", 303)

    async def _told(self, request: Request) -> Response:
        more = json.loads(await request.body() or b"{}")
        session = self.sessions.get(request.path_params["id"])
        if session is None:
            return JSONResponse({"error": "There is no such payment."}, 404)
        outcome = str(more.pop("outcome", "paid"))
        try:
            self.pay(session, outcome, more)
        except KeyError as error:
            return JSONResponse({"error": f"No outcome or field {error}."}, 422)
        return JSONResponse({"outcome": outcome})

    async def _sent(self, _request: Request) -> Response:
        return JSONResponse(self.sender.report())

    async def _manner(self, request: Request) -> Response:
        try:
            self.sender.manner = Manner(**json.loads(await request.body()))
        except TypeError as error:
            return JSONResponse({"error": str(error)}, 422)
        return JSONResponse({})

    async def _webhook(self, request: Request) -> Response:
        url = str(json.loads(await request.body())["url"])
        self.sender.url = lambda: url
        return JSONResponse({"url": url})


def here(request: Request) -> str:
    """The address below which this stand-in is mounted."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


Handler = Callable[[Request], Awaitable[Response]]

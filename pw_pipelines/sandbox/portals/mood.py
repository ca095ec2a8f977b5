"""How a portal's stand-in misbehaves, how often it was called, and as whom the last caller came.

`POST /portals/_control {"portal": "wy", "mood": "captcha"}` until `{"portal": "wy", "mood": "well"}`;
`GET /portals/_control` tells moods and calls; `DELETE` forgets both.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Literal

from jinja2 import Environment, PackageLoader
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

Portal = Literal["wy", "bc", "mo"]
Mood = Literal["well", "captcha", "maintenance", "changed", "truncated", "silent", "error", "slow", "blocked"]
"""captcha      asks whether a human is there
maintenance  is closed for now
changed      the page is built otherwise than yesterday
truncated    shows some of the results only
silent       shows neither results nor that there are none
error        fails with 500; blocked: refuses with 403; slow: takes its time
"""
SLOW_SECONDS = 1.0


class Order(BaseModel):
    """What a stand-in is told."""

    model_config = ConfigDict(extra="forbid")

    portal: Portal
    mood: Mood


class Moods:
    """Moods of the stand-ins and calls counted."""

    def __init__(self) -> None:
        self.mood: dict[str, Mood] = {}
        self.calls: Counter[str] = Counter()
        self.agents: dict[str, str] = {}

    def of(self, portal: Portal) -> Mood:
        return self.mood.get(portal, "well")


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(loader=PackageLoader("pw_pipelines.sandbox.portals"), autoescape=True)


def page(name: str, *, status: int = 200, **values: object) -> Response:
    """A page made of `templates/`."""
    return HTMLResponse(_templates().get_template(name).render(**values), status_code=status)


Handler = Callable[[Request], Awaitable[Response]]


def moody(moods: Moods, portal: Portal, handler: Handler, *, challenges: bool = True) -> Handler:
    """`handler`, counted, and out of sorts where its portal is. challenges: whether the captcha stands here."""

    async def answer(request: Request) -> Response:
        moods.calls[portal] += 1
        moods.agents[portal] = request.headers.get("user-agent", "")
        mood = moods.of(portal)
        if mood == "captcha" and challenges:
            return page("captcha.html")
        if mood == "maintenance":
            return page("maintenance.html", status=503)
        if mood == "error":
            return page("error.html", status=500)
        if mood == "blocked":
            return page("blocked.html", status=403)
        if mood == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        return await handler(request)

    return answer


def routes(moods: Moods) -> list[Route]:
    """`/portals/_control`."""

    async def tell(request: Request) -> Response:
        try:
            order = Order.model_validate(await request.json())
        except (ValidationError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        moods.mood[order.portal] = order.mood
        return JSONResponse(_state(moods))

    async def show(request: Request) -> Response:
        return JSONResponse(_state(moods))

    async def forget(request: Request) -> Response:
        moods.mood.clear()
        moods.calls.clear()
        moods.agents.clear()
        return JSONResponse(_state(moods))

    return [
        Route("/", tell, methods=["POST"]),
        Route("/", show, methods=["GET"]),
        Route("/", forget, methods=["DELETE"]),
    ]


def _state(moods: Moods) -> dict[str, object]:
    return {"moods": moods.mood, "calls": dict(moods.calls), "agents": moods.agents}

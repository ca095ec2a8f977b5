"""A stand-in of Umami's collecting address, as version 3.1 answers it; events are kept in memory.

`/_sandbox/events` is no part of Umami: GET reads what was counted, DELETE forgets it.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4, uuid5

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

WEBSITE = "5a0db0c5-0000-4000-8000-000000000001"
MOST_KEPT = 5_000
LONGEST = {"name": 50, "tag": 50, "hostname": 100, "language": 35, "screen": 11}
_ATTRIBUTED = (
    "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "gclid", "fbclid", "msclkid", "ttclid",
    "li_fat_id", "twclid",
)  # fmt: skip
# As the library Umami asks: programs and crawlers by their names, and what has no name at all.
_BOT = re.compile(
    r"bot|crawl|spider|slurp|curl|wget|python|httpx|requests|aiohttp|java/|go-http|node-fetch|axios", re.I
)


class _Site:
    def __init__(self, website: str) -> None:
        self.website = website
        self.events: deque[dict[str, Any]] = deque(maxlen=MOST_KEPT)
        self.lock = threading.Lock()

    async def send(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            kind, payload = body["type"], dict(body["payload"])
        except (ValueError, KeyError, TypeError):
            return _no(400, "Bad request")
        if kind not in {"event", "identify", "performance"}:
            return _no(400, "Invalid type.")
        if any(len(str(payload.get(name, ""))) > most for name, most in LONGEST.items()):
            return _no(400, "Too long.")
        if not _is_uuid(payload.get("website")) or payload["website"] != self.website:
            return _no(400, "Website not found.")
        agent = str(payload.get("userAgent") or request.headers.get("user-agent", ""))
        if not agent.strip() or _BOT.search(agent):
            return JSONResponse({"beep": "boop"})
        session = str(uuid5(UUID(self.website), str(payload.get("id") or f"{request.client}{agent}")))
        query = dict(parse_qsl(urlsplit(str(payload.get("url", ""))).query))
        with self.lock:
            self.events.append(
                {
                    "name": payload.get("name"), "url": payload.get("url"), "data": payload.get("data"),
                    "session": session, "timestamp": payload.get("timestamp"),
                    "attribution": {name: query[name] for name in _ATTRIBUTED if name in query},
                }
            )  # fmt: skip
        return JSONResponse({"cache": "sandbox", "sessionId": session, "visitId": str(uuid4())})

    async def read(self, _request: Request) -> Response:
        with self.lock:
            return JSONResponse({"events": list(self.events)})

    async def forget(self, _request: Request) -> Response:
        with self.lock:
            self.events.clear()
        return JSONResponse({"events": []})


def create_app(*, website: str = WEBSITE) -> Starlette:
    """Umami with one website."""
    site = _Site(website)
    return Starlette(
        routes=[
            Route("/api/send", site.send, methods=["POST"]),
            Route("/api/heartbeat", lambda _request: JSONResponse({"ok": True})),
            Route("/_sandbox/events", site.read, methods=["GET"]),
            Route("/_sandbox/events", site.forget, methods=["DELETE"]),
        ]
    )


def _is_uuid(text: object) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def _no(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": "bad-request", "status": status}}, status)

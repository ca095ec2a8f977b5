"""A stand-in of Telegram's Bot API: getMe and sendMessage, with its limits; messages are kept in memory.

`/`, a page of what was sent for whoever plays the one who is told, and `/_sandbox/messages` are no part of Telegram:
GET of the latter reads it as JSON, DELETE forgets it, and POST to
`/_sandbox/answer` {error_code, description, parameters?, times?} makes the next calls fail that way.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

DEFAULT_TOKEN = "1:sandbox"  # noqa: S105 - the stand-in's, worth nothing
MOST_CHARACTERS = 4096
MOST_KEPT = 1_000
MOST_SHOWN = 100
_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Telegram (stand-in)</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="5">
<style>body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:60rem;padding:0 1rem;color:#1b1b1b}
article{border-bottom:1px solid #ddd;padding:.6rem 0}.quiet{color:#5b6470;font-size:.9em;margin:0}
pre{font:inherit;margin:.2rem 0;white-space:pre-wrap;overflow-wrap:anywhere}</style><h1>Telegram (stand-in)</h1>
<p>What ops are told, newest first. Kept while the stand-ins run; the house's own book is <code>pw.alerts</code>.</p>"""
# What a message holds may not act in the page that shows it.
_TIED = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def _machine_now() -> datetime:
    return datetime.now(UTC)


class _Bot:
    def __init__(self, token: str, now: Callable[[], datetime]) -> None:
        self.token = token
        self.now = now
        self.messages: deque[dict[str, Any]] = deque(maxlen=MOST_KEPT)
        self.planned: deque[dict[str, Any]] = deque()
        self.lock = threading.Lock()
        self.sent = 0

    async def method(self, request: Request) -> Response:
        """/bot<token>/<method>, by GET or POST."""
        if request.path_params["token"] != self.token:
            return _failed(401, "Unauthorized")
        method = request.path_params["method"].lower()
        if method == "getme":
            return _done({"id": 1, "is_bot": True, "first_name": "Sandbox", "username": "sandbox_bot"})
        if method != "sendmessage":
            return _failed(404, "Not Found")
        with self.lock:
            if self.planned:
                planned = self.planned.popleft()
                return JSONResponse({"ok": False, **planned}, int(planned["error_code"]))
        try:
            body = json.loads(await request.body() or b"{}") | dict(request.query_params)
        except ValueError:
            return _failed(400, "Bad Request: can't parse JSON")
        return self._send(body)

    def _send(self, body: dict[str, Any]) -> Response:
        text, chat = str(body.get("text") or ""), body.get("chat_id")
        if chat in (None, ""):
            return _failed(400, "Bad Request: chat_id is empty")
        if not text.strip():
            return _failed(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) > 2 * MOST_CHARACTERS:
            return _failed(400, "Bad Request: message is too long")
        if body.get("parse_mode") == "HTML" and text.count("<") != text.count(">"):
            return _failed(400, "Bad Request: can't parse entities: unclosed start tag")
        at = self.now()
        with self.lock:
            self.sent += 1
            message = {"message_id": self.sent, "date": int(at.timestamp()), "chat": {"id": _id(chat)}, "text": text}
            self.messages.append({**message, "parse_mode": body.get("parse_mode"), "sent_at": at.isoformat()})
        return _done(message)

    async def page(self, _request: Request) -> Response:
        """Newest first."""
        with self.lock:
            newest = list(reversed(self.messages))[:MOST_SHOWN]
        rows = "".join(
            f'<article><p class="quiet">{escape(one["sent_at"][:16].replace("T", " "))} UTC, to {escape(_chat(one))}'
            f"</p><pre>{escape(one['text'])}</pre></article>"
            for one in newest
        )
        return HTMLResponse(f"{_HEAD}{rows or '<p>Nobody was told anything yet.</p>'}</html>", headers=_TIED)

    async def read(self, _request: Request) -> Response:
        with self.lock:
            return JSONResponse({"messages": list(self.messages)})

    async def forget(self, _request: Request) -> Response:
        with self.lock:
            self.messages.clear()
            self.planned.clear()
        return JSONResponse({"messages": []})

    async def plan(self, request: Request) -> Response:
        planned = json.loads(await request.body())
        times = int(planned.pop("times", 1))
        with self.lock:
            self.planned.extend([planned] * times)
        return JSONResponse({"planned": times})


def create_app(*, token: str = DEFAULT_TOKEN, now: Callable[[], datetime] = _machine_now) -> Starlette:
    """The Bot API of one bot with `token`; `now` stamps its messages."""
    bot = _Bot(token, now)
    return Starlette(
        routes=[
            Route("/", bot.page, methods=["GET"]),
            Route("/bot{token}/{method}", bot.method, methods=["GET", "POST"]),
            Route("/_sandbox/messages", bot.read, methods=["GET"]),
            Route("/_sandbox/messages", bot.forget, methods=["DELETE"]),
            Route("/_sandbox/answer", bot.plan, methods=["POST"]),
        ]
    )


def _chat(message: dict[str, Any]) -> str:
    return str(message["chat"]["id"])


def _id(chat: object) -> object:
    """A chat's id as Telegram gives it back: a number, however it was sent; a channel's name stays as it is."""
    text = str(chat)
    return int(text) if text.removeprefix("-").isdecimal() else chat


def _done(result: object) -> Response:
    return JSONResponse({"ok": True, "result": result})


def _failed(code: int, description: str) -> Response:
    return JSONResponse({"ok": False, "error_code": code, "description": description}, code)

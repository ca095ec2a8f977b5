"""Makes stand-ins misbehave on request: an ASGI layer over every mounted system, and its control routes.

A fault is set for one system, for a number of requests or until taken back, on all its addresses or on those that
contain `match`. The newest fault that fits a request acts. Florida's file server (`sunbiz`) asks the same book for
each file that is opened: it knows slow, cut, truncated, missing, grown and old_copy. The mail server (`smtp`) asks it
for each recipient and each mail: it knows status, slow, cut and done_but_timeout.

POST-like systems can be told to do what is asked and then never answer (`done_but_timeout`).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Collection
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pw_pipelines.sandbox.distort import DISTORTIONS, tiny_gzip
from pw_pipelines.sandbox.today import DAYS_BACK

System = Literal[
    "rmd", "form499", "ecfs", "bdc", "cores", "listmonk", "telegram", "socrata", "sunbiz", "iowa_hub", "illinois",
    "erpnext",
    "stripe",
    "paypal",
    "shkeeper",
    "adyen",
    "smtp",
    "filing",
    "umami",
]  # fmt: skip
SYSTEMS: tuple[str, ...] = get_args(System)
# Where a system has lists beside its data, a spoiled body is meant to be the data's.
_DATA_OF = {"bdc": "/downloadFile/", "socrata": "order="}
CUT_SHARE = 0.4
_MAINTENANCE = (
    "<!DOCTYPE html>\n<html><head><title>Service unavailable</title></head>"
    "<body><h1>We will be back soon</h1><p>The portal is in maintenance.</p></body></html>\n"
)
FaultName = Literal[
    "slow",
    "status",
    "rate_limit",
    "cut",
    "truncated",
    "html",
    "tiny_gzip",
    "old_copy",
    "missing",
    "done_but_timeout",
    "renamed_header",
    "missing_column",
    "wrong_encoding",
    "zero_rows",
    "duplicate_keys",
    "shrunk",
    "grown",
    "frn_without_zeros",
]


class Fault(BaseModel):
    """One way of misbehaving.

    times        requests it still acts on; null: until taken back
    match        only addresses (path and query) that contain this
    seconds      slow, done_but_timeout: how long nothing comes
    status       the status code of `status`; `retry_after` (seconds) adds that header
    per_minute   rate_limit: requests let through in any 60 seconds, 429 above
    days         old_copy: how many days old the copy is
    """

    model_config = ConfigDict(extra="forbid")

    system: System
    fault: FaultName
    times: int | None = Field(default=1, ge=1)
    match: str = ""
    seconds: float = Field(default=5.0, ge=0)
    status: int = Field(default=500, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)
    per_minute: int = Field(default=10, ge=1)
    days: int = Field(default=1, ge=1)


class FaultBook:
    """Faults in force, and when each rate-limited system was asked."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._asked: dict[str, deque[float]] = {}

    def add(self, fault: Fault) -> None:
        if fault.system in _DATA_OF and fault.fault in DISTORTIONS and not fault.match:
            fault = fault.model_copy(update={"match": _DATA_OF[fault.system]})
        self._faults.append(fault)

    def clear(self, system: str | None = None) -> int:
        """Takes back the faults of a system, or all. Returns how many."""
        kept = [fault for fault in self._faults if system and fault.system != system]
        cleared = len(self._faults) - len(kept)
        self._faults = kept
        self._asked.clear()
        return cleared

    def in_force(self) -> list[Fault]:
        return list(self._faults)

    def take(self, system: str, address: str, *, only: Collection[str] = ()) -> Fault | None:
        """The newest fault that fits (one of `only`, if given), counted down by this request."""
        for fault in reversed(self._faults):
            if fault.system == system and fault.match in address and (not only or fault.fault in only):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def too_many(self, fault: Fault) -> int:
        """Seconds to wait when this request is above the limit, else 0; the request is counted when let through."""
        asked, now = self._asked.setdefault(fault.system, deque()), time.monotonic()
        while asked and asked[0] <= now - 60:
            asked.popleft()
        if len(asked) >= fault.per_minute:
            return max(1, round(60 - (now - asked[0])))
        asked.append(now)
        return 0


class Misbehaving:
    """The ASGI layer."""

    def __init__(self, app: ASGIApp, book: FaultBook) -> None:
        self._app = app
        self._book = book

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None
        if scope["type"] == "http":
            path: str = scope["path"]
            address = f"{path}?{scope.get('query_string', b'').decode('latin-1')}"
            fault = self._book.take(path.split("/")[1], address)
        if fault is None:
            await self._app(scope, receive, send)
            return
        await self._misbehave(fault, scope, receive, send)

    async def _misbehave(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if instead := self._instead(fault):
            await instead(scope, receive, send)
            return
        if fault.fault == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.fault == "old_copy":
            scope[DAYS_BACK] = fault.days
        if fault.fault in ("slow", "old_copy", "rate_limit"):
            await self._app(scope, receive, send)
            return
        reply = await self._collect(scope, receive)
        if fault.fault == "done_but_timeout":
            await asyncio.sleep(fault.seconds)
            await _hang_up(receive)
        elif fault.fault == "cut":
            whole = bytes(reply.body)
            await _send(send, reply, whole[: int(len(whole) * CUT_SHARE)], length=len(whole))
            await _hang_up(receive)
        else:
            await _distorted(fault, reply)(scope, receive, send)

    def _instead(self, fault: Fault) -> Response | None:
        """A reply given without asking the system at all."""
        if fault.fault == "html":
            return HTMLResponse(_MAINTENANCE)
        if fault.fault == "status":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return JSONResponse({"error": {"code": f"HTTP_{fault.status}"}}, fault.status, headers)
        if fault.fault == "missing":
            return JSONResponse({"code": "dataset.missing", "error": True, "message": "Not found"}, 404)
        if fault.fault == "rate_limit" and (wait := self._book.too_many(fault)):
            return JSONResponse({"error": {"code": "OVER_RATE_LIMIT"}}, 429, {"Retry-After": str(wait)})
        return None

    async def _collect(self, scope: Scope, receive: Receive) -> Response:
        """The system's whole reply."""
        parts: list[bytes] = []
        start: Message = {}

        async def keep(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._app(scope, receive, keep)
        reply = Response(b"".join(parts), start["status"])
        reply.raw_headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        return reply


def _distorted(fault: Fault, reply: Response) -> Response:
    media_type, body = reply.headers.get("content-type", ""), bytes(reply.body)
    headers = {name: value for name, value in reply.headers.items() if name not in ("etag", "last-modified")}
    if fault.fault == "truncated":
        body = body[: int(len(body) * CUT_SHARE)]
    elif fault.fault == "tiny_gzip":
        body, headers["content-encoding"] = tiny_gzip(body), "gzip"
    elif reply.status_code < 400:
        body = DISTORTIONS[fault.fault](body, media_type)
    return Response(body, reply.status_code, headers)


async def _send(send: Send, reply: Response, body: bytes, *, length: int) -> None:
    """Sends `body` under a promise of `length` bytes, and does not finish."""
    headers = [*reply.raw_headers, (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": reply.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _hang_up(receive: Receive) -> None:
    """Closes the connection under the request, as a broken network would.

    ASGI has no message for it: uvicorn's request cycle, whose method `receive` is, holds the transport.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("Only a server of uvicorn's kind lets a stand-in hang up.")
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        continue


def routes(book: FaultBook) -> list[Route]:
    """`/faults` below the mount `/_control`: GET lists, POST adds, DELETE takes back (all, or `?system=`)."""

    async def add(request: Request) -> Response:
        try:
            fault = Fault.model_validate(await request.json())
        except (ValidationError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        book.add(fault)
        return JSONResponse({"faults": [item.model_dump() for item in book.in_force()]}, status_code=201)

    async def show(request: Request) -> Response:
        return JSONResponse({"faults": [fault.model_dump() for fault in book.in_force()]})

    async def clear(request: Request) -> Response:
        return JSONResponse({"cleared": book.clear(request.query_params.get("system"))})

    return [
        Route("/faults", add, methods=["POST"]),
        Route("/faults", show, methods=["GET"]),
        Route("/faults", clear, methods=["DELETE"]),
    ]

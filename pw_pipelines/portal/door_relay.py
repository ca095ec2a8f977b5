"""Hands requests through the door to one of Dagster's webservers, and its answers back.

What reaches Dagster is made anew from what was judged: a few headers, the path, and for GraphQL the document that was
read. The cookie of the login never goes further than here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from pw_pipelines import logs
from pw_pipelines.portal.door_graphql import Asked, Unreadable, read

PROTOCOL = "graphql-ws"
LARGEST_MESSAGE = 2**20
LARGEST_ANSWER = 64 * 2**20
ASK_AGAIN_SECONDS = 15.0  # how long a websocket outlives its login at most
GOING_AWAY, POLICY, TRY_AGAIN = 1001, 1008, 1013
_HANDED_ON = ("accept", "accept-encoding", "accept-language", "if-none-match", "if-modified-since", "range",
              "user-agent")  # fmt: skip
# Hop-by-hop headers (RFC 9110, 7.6.1), and what is ours to say.
_KEPT_BACK = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "set-cookie", "server", "date", "location", "x-frame-options",
    "access-control-allow-origin", "access-control-allow-credentials",
}  # fmt: skip
# In nobody's frame, read by no other site; a second policy narrows Dagster's own.
_ADDED = (
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'; form-action 'self'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
log = logs.get_logger(__name__)


@dataclass(frozen=True)
class Behind:
    """One of Dagster's webservers. `prefix`: where in the door's address space it stands, and its --path-prefix."""

    url: str
    prefix: str
    may_change: bool


def client() -> httpx.AsyncClient:
    """For all requests of one door. Slow answers of Dagster are waited for; it limits its queries itself."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(120.0, connect=5.0),
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=20),
        trust_env=False,
        follow_redirects=False,
    )


def _address(behind: Behind, path: str, query: str = "") -> str:
    place = urlsplit(behind.url)
    return urlunsplit((place.scheme, place.netloc, quote(path, safe="/:@!$&'()*+,;=~"), query, ""))


async def hand_on(request: Request, http: httpx.AsyncClient, behind: Behind) -> Response:
    """A GET or HEAD, its answer streamed."""
    headers = {name: request.headers[name] for name in _HANDED_ON if name in request.headers}
    address = _address(behind, request.url.path, request.url.query)
    try:
        answer = await http.send(http.build_request(request.method, address, headers=headers), stream=True)
    except httpx.HTTPError as error:
        return away(error)
    return _passed(answer)


async def ask(asked: Asked, http: httpx.AsyncClient, behind: Behind, accept_encoding: str) -> Response:
    """A query, its answer streamed."""
    request = http.build_request(
        "POST", _address(behind, f"{behind.prefix}/graphql"), content=asked.body(),
        headers={"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": accept_encoding},
    )  # fmt: skip
    try:
        answer = await http.send(request, stream=True)
    except httpx.HTTPError as error:
        return away(error)
    return _passed(answer)


async def change(asked: Asked, http: httpx.AsyncClient, behind: Behind) -> tuple[Response, bytes]:
    """A mutation; the answer and its body, for the log."""
    try:
        answer = await http.post(
            _address(behind, f"{behind.prefix}/graphql"), content=asked.body(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )  # fmt: skip
    except httpx.HTTPError as error:
        return away(error), b""
    reply = Response(answer.content, answer.status_code, media_type="application/json")
    reply.raw_headers += _ADDED
    return reply, answer.content


def _passed(answer: httpx.Response) -> Response:
    async def body() -> AsyncIterator[bytes]:
        try:
            async for piece in answer.aiter_raw():
                yield piece
        finally:
            await answer.aclose()

    reply = StreamingResponse(body(), answer.status_code)
    named = {one.strip().lower() for one in answer.headers.get("connection", "").split(",")}
    reply.raw_headers = [
        (name.lower(), value)
        for name, value in answer.headers.raw
        if name.decode("latin-1").lower() not in _KEPT_BACK | named
    ]
    if 300 <= answer.status_code < 400 and "location" in answer.headers:
        to = urlsplit(answer.headers["location"])
        reply.raw_headers.append((b"location", urlunsplit(("", "", to.path or "/", to.query, "")).encode("latin-1")))
    given = {name for name, _ in reply.raw_headers}
    reply.raw_headers += [
        (name, value) for name, value in _ADDED if name not in given or name == b"content-security-policy"
    ]
    return reply


def away(error: Exception) -> Response:
    """Dagster does not answer."""
    log.warning("Dagster is away", error=f"{type(error).__name__}: {error}")
    words = "Dagster does not answer at this moment. It is started again by itself; try again in a minute."
    return JSONResponse(
        {"errors": [{"message": words}]},
        HTTPStatus.BAD_GATEWAY,
        headers={"Retry-After": "30", "Cache-Control": "no-store"},
    )


async def relay_websocket(
    socket: WebSocket,
    behind: Behind,
    *,
    still_allowed: Callable[[], Awaitable[bool]],
    refused: Callable[[Asked], Awaitable[None]],
) -> None:
    """A websocket that was let in: GraphQL subscriptions, and nothing else, until either side ends it.

    `still_allowed` is asked every few seconds; `refused` is told of mutations somebody tried to send this way.
    """
    scheme = {"http": "ws", "https": "wss"}[urlsplit(behind.url).scheme]
    address = _address(behind, f"{behind.prefix}/graphql").replace(
        f"{urlsplit(behind.url).scheme}://", f"{scheme}://", 1
    )
    try:
        inner = await connect(
            address, subprotocols=[Subprotocol(PROTOCOL)], proxy=None, open_timeout=10, max_size=LARGEST_ANSWER
        )
    except (OSError, TimeoutError, WebSocketException) as error:
        log.warning("Dagster's websocket is away", error=f"{type(error).__name__}: {error}")
        await socket.close(TRY_AGAIN)
        return
    async with inner:
        await socket.accept(subprotocol=PROTOCOL)
        tasks = [
            asyncio.create_task(_outwards(socket, inner)),
            asyncio.create_task(_inwards(socket, inner, refused)),
            asyncio.create_task(_while_allowed(still_allowed)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            code = next((found for task in done if (found := task.result()) is not None), GOING_AWAY)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(code)


async def _outwards(socket: WebSocket, inner: ClientConnection) -> int | None:
    try:
        async for message in inner:
            await socket.send_text(message if isinstance(message, str) else message.decode())
    except (ConnectionClosed, WebSocketDisconnect, RuntimeError):
        return None
    return GOING_AWAY


async def _inwards(
    socket: WebSocket, inner: ClientConnection, refused: Callable[[Asked], Awaitable[None]]
) -> int | None:
    try:
        while True:
            text = await socket.receive_text()
            if len(text) > LARGEST_MESSAGE:
                return POLICY
            passed = await _judged(text, socket, refused)
            if passed is not None:
                await inner.send(passed)
    except (ConnectionClosed, WebSocketDisconnect):
        return None
    except (RuntimeError, KeyError, Unreadable):  # bytes where text belongs, or no message of this protocol
        return POLICY


async def _judged(text: str, socket: WebSocket, refused: Callable[[Asked], Awaitable[None]]) -> str | None:
    """The message as Dagster may have it, made anew; None when it was refused, which the sender is told."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The message is not JSON.") from error
    if not isinstance(said, Mapping):
        raise Unreadable("A message is a JSON object.")
    kind, number = said.get("type"), said.get("id")
    if number is not None and not (isinstance(number, str | int) and len(str(number)) <= 100):
        raise Unreadable("The id of a message is a short text.")
    if kind in ("connection_init", "connection_terminate"):
        return json.dumps({"type": kind})
    if kind == "stop":
        return json.dumps({"type": kind, "id": number})
    if kind != "start":
        raise Unreadable("This kind of message is unknown.")
    asked = read(said.get("payload"), operation_under="operationName")
    if asked.kind != "subscription":
        await refused(asked)
        words = f"Only subscriptions come by websocket, and this is a {asked.kind}. Nothing was done."
        await socket.send_text(json.dumps({"type": "error", "id": number, "payload": {"message": words}}))
        return None
    payload = {"query": asked.query, "variables": asked.variables, "operation_name": asked.operation}
    return json.dumps({"type": "start", "id": number, "payload": {**payload, "operationName": asked.operation}})


async def _while_allowed(still_allowed: Callable[[], Awaitable[bool]]) -> int:
    while await still_allowed():
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    return POLICY

"""Requests in, replies out: the envelope, paging, and the checks every route shares."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from anyio import to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from pw_pipelines.sandbox.listmonk.access import ApiUser, Refusal, authenticate
from pw_pipelines.sandbox.listmonk.store import Store

DEFAULT_PER_PAGE = 20
MOST_PER_PAGE = 50  # cmd/main.go; the published documentation says 100
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+\.[^\s@<>()\[\],;:\\\".]{2,}")


@dataclass(frozen=True)
class Raw:
    """JSON text that PostgreSQL made, passed on as it is; `wrapped` puts it into the envelope."""

    text: str


@dataclass(frozen=True)
class Unwrapped:
    """A reply outside the envelope (`/api/about`)."""

    value: Any


@dataclass(frozen=True)
class Call:
    """One request: `body` is the parsed JSON, `form` the multipart fields as (text or bytes)."""

    store: Store
    user: ApiUser
    query: QueryParams
    path: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return int(self.path["id"])


Handler = Callable[[Call], Any]
ANYONE = ApiUser("anyone", "", frozenset(), frozenset())


def endpoint(
    store: Store, users: dict[str, ApiUser] | None, handler: Handler, permission: str = ""
) -> Callable[[Request], Awaitable[Response]]:
    """`handler` as an ASGI endpoint, run in a thread. `users` None: no credentials asked."""

    async def answer(request: Request) -> Response:
        try:
            user = ANYONE if users is None else authenticate(users, request.headers)
            if permission:
                user.demand(permission)
            body, form = await _content(request)
            call = Call(store, user, request.query_params, dict(request.path_params), body, form)
            value = await to_thread.run_sync(handler, call)
        except Refusal as refusal:
            return _json({"message": refusal.message}, refusal.status)
        except psycopg.Error as error:  # the real one answers 500 with the database's own words
            return _json({"message": f"pq: {error.diag.message_primary or error}"}, 500)
        if isinstance(value, Raw):
            return Response(b'{"data":' + value.text.encode() + b"}", media_type="application/json")
        return _json(value.value if isinstance(value, Unwrapped) else {"data": value})

    return answer


async def _content(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    if request.method in {"GET", "DELETE"}:
        return {}, {}
    if request.headers.get("content-type", "").startswith("multipart/"):
        async with request.form() as form:
            return {}, {
                name: value if isinstance(value, str) else (value.filename or "", await value.read())
                for name, value in form.items()
            }
    raw = await request.body()
    if not raw:
        return {}, {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refusal(400, f"Invalid data: {error}") from error
    if not isinstance(body, dict):
        raise Refusal(400, "Invalid data")
    return body, {}


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False, default=str), status, media_type="application/json")


@dataclass(frozen=True)
class Page:
    """`limit` None: everything."""

    number: int
    limit: int | None

    @property
    def offset(self) -> int:
        return 0 if self.limit is None else (self.number - 1) * self.limit

    def reply(self, results: str, total: int, **more: object) -> Raw:
        """`results` is JSON text of an array."""
        tail = json.dumps({**more, "total": total, "per_page": self.limit or 0, "page": self.number})
        return Raw(f'{{"results":{results},{tail[1:]}')


def page_of(query: QueryParams) -> Page:
    """The page asked for; more than 50 a page is silently 50."""
    asked = query.get("per_page", "")
    number = int(query["page"]) if query.get("page", "").isdigit() else 1
    if asked == "all":
        return Page(1, None)
    wanted = int(asked) if asked.isdigit() and int(asked) > 0 else DEFAULT_PER_PAGE
    return Page(max(number, 1), min(wanted, MOST_PER_PAGE))


def ids_in(value: object, what: str = "id") -> list[int]:
    """A list of positive ids, or 400."""
    if not isinstance(value, list) or not all(isinstance(item, int) and item > 0 for item in value):
        raise Refusal(400, f"Invalid {what}(s)")
    return value


def email_in(body: dict[str, Any]) -> str:
    """The body's e-mail, trimmed and lower-cased, or 400."""
    email = str(body.get("email") or "").strip().lower()
    if len(email) > 1_000 or _EMAIL.fullmatch(email) is None:
        raise Refusal(400, "Invalid email.")
    return email


def name_from(email: str) -> str:
    """What the real one calls a person without a name: the local part, word by word."""
    return email.partition("@")[0].replace(".", " ").replace("_", " ").title()

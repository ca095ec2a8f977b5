"""The routes of the stand-in, put together."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.erpnext import documents, page, rules
from pw_pipelines.sandbox.erpnext.doctypes import DOCTYPES, Behaviour
from pw_pipelines.sandbox.erpnext.refusals import Refusal
from pw_pipelines.sandbox.erpnext.store import Document, Session, Store
from pw_pipelines.sandbox.erpnext.webhooks import Sender, body_of

DEFAULT_KEY, DEFAULT_SECRET = "sandbox", "sandbox-secret"
DEFAULT_ROWS = 20
_PAGES = Callable[[Request, Document], Response]


def _machine_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Site:
    """One ERPNext: its documents, its set-up, who may call, and whom it tells."""

    store: Store
    behaviour: Behaviour
    sender: Sender
    key: str
    secret: str

    def endpoint(self, handler: _PAGES) -> Callable[[Request], Awaitable[Response]]:
        """`handler` as an ASGI endpoint in a thread, behind the token, with Frappe's answers to errors."""

        async def answer(request: Request) -> Response:
            raw = await request.body()
            try:
                self._authenticate(request)
                body = _parsed(raw, request.headers.get("content-type", ""))
                return await to_thread.run_sync(handler, request, body)
            except Refusal as refusal:
                return refusal.answer()

        return answer

    def _authenticate(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if not given:
            raise Refusal("PermissionError", "Not permitted")
        if scheme.lower() != "token" or given != f"{self.key}:{self.secret}":
            raise Refusal("AuthenticationError", "Invalid API key or secret")
        if "sid=" in request.headers.get("cookie", ""):
            raise Refusal("PermissionError", "Invalid Request: a session cookie needs a CSRF token")

    # -- /api/resource -------------------------------------------------------------------------------------------

    def listing(self, request: Request, _body: Document) -> Response:
        doctype, query = request.path_params["doctype"], request.query_params
        if doctype not in DOCTYPES:
            raise Refusal("DoesNotExistError", f"DocType {doctype} not found")
        fields = [str(one) for one in json.loads(query.get("fields") or '["name"]')]
        conditions = [_triple(one) for one in json.loads(query.get("filters") or "[]")]
        for asked in [*fields, *(field for field, _, _ in conditions)]:
            if asked not in DOCTYPES[doctype].fields or asked in ("items", "references"):
                raise Refusal("DataError", f"Field not permitted in query: {asked}")
        limit = int(query.get("limit_page_length") or query.get("limit") or DEFAULT_ROWS)
        start = int(query.get("limit_start") or 0)
        if doctype == "Custom Field":
            rows = self._custom_fields(conditions)
        else:
            with self.store.transaction() as session:
                order_by = query.get("order_by") or "modified desc"
                rows = session.search(doctype, conditions, order_by=order_by, start=start, limit=limit)
        return JSONResponse({"data": [{field: row.get(field) for field in fields} for row in rows]})

    def _custom_fields(self, conditions: list[tuple[str, str, Any]]) -> list[Document]:
        rows = [
            {
                "name": f"{one.name}-{one.unique}",
                "dt": one.name,
                "fieldname": one.unique,
                "unique": int(self.behaviour.unique_fields),
                "no_copy": 1,
            }
            for one in DOCTYPES.values()
            if one.unique
        ]
        return [row for row in rows if all(row.get(field) == value for field, _, value in conditions)]

    def create(self, request: Request, body: Document) -> Response:
        with self.store.transaction() as session:
            return _data(documents.create(session, request.path_params["doctype"], body, self.behaviour))

    def read(self, request: Request, _body: Document) -> Response:
        with self.store.transaction() as session:
            documents.known(request.path_params["doctype"])
            return _data(session.get(request.path_params["doctype"], request.path_params["name"]))

    def change(self, request: Request, body: Document) -> Response:
        return _data(self._change(request.path_params["doctype"], request.path_params["name"], body))

    def run_method(self, request: Request, _body: Document) -> Response:
        method = request.query_params.get("run_method")
        if method not in ("submit", "cancel"):
            raise Refusal("PermissionError", f"Method {method} is not whitelisted")
        wanted = documents.SUBMITTED if method == "submit" else documents.CANCELLED
        return _data(self._change(request.path_params["doctype"], request.path_params["name"], {"docstatus": wanted}))

    def _change(self, doctype: str, name: str, body: Document) -> Document:
        with self.store.transaction() as session:
            before = session.get(doctype, name)["docstatus"]
            document = documents.change(session, doctype, name, body, self.behaviour)
            told = body_of(session, document) if before == 0 and document["docstatus"] == 1 else None
        self.sender.tell(told)
        return document

    def delete(self, request: Request, _body: Document) -> Response:
        with self.store.transaction() as session:
            documents.delete(session, request.path_params["doctype"], request.path_params["name"])
        return JSONResponse({"message": "ok"}, 202)

    # -- /api/method ---------------------------------------------------------------------------------------------

    def method(self, request: Request, body: Document) -> Response:
        name = request.path_params["method"]
        if name in ("frappe.client.submit", "frappe.client.cancel"):
            given = body.get("doc") or body
            given = json.loads(given) if isinstance(given, str) else given
            wanted = documents.SUBMITTED if name.endswith("submit") else documents.CANCELLED
            changed = self._change(str(given["doctype"]), str(given["name"]), {"docstatus": wanted})
            return JSONResponse({"message": changed})
        if name not in rules.MAKERS:
            raise Refusal("ValidationError", f"Failed to get method for command {name}")
        with self.store.transaction() as session:
            return JSONResponse({"message": rules.MAKERS[name](session, body, self.behaviour)})

    # -- no part of ERPNext --------------------------------------------------------------------------------------

    def look(self, _request: Request, _body: Document) -> Response:
        return JSONResponse({"writes": dict(self.store.counters), "behaviour": asdict(self.behaviour)})

    def behave(self, _request: Request, body: Document) -> Response:
        for name, value in body.items():
            if not hasattr(self.behaviour, name):
                raise Refusal("ValidationError", f"no behaviour is called {name}")
            setattr(self.behaviour, name, value)
        return JSONResponse(asdict(self.behaviour))

    def wipe(self, _request: Request, _body: Document) -> Response:
        self.store.wipe()
        return JSONResponse({"wiped": True})

    def front(self, _request: Request) -> Response:
        with self.store.transaction() as session:
            return page.show(session)


def create_app(
    database_url: str,
    *,
    now: Callable[[], datetime] = _machine_now,
    key: str = DEFAULT_KEY,
    secret: str = DEFAULT_SECRET,
    webhook_url: str | None = None,
    webhook_secret: str = "sandbox-webhook-secret",  # noqa: S107  # the stand-in's, worth nothing
) -> Starlette:
    """An ERPNext whose documents live in schema `erpnext` of the database at `database_url`.

    `now` dates its documents; `webhook_url`: where submits are told, signed with `webhook_secret`. Nothing is
    connected before the first request. `app.state.site.store.close()` ends the connections of a mounted one.
    """
    site = Site(Store(database_url, now), Behaviour(), Sender(webhook_url, webhook_secret), key, secret)
    resource, single = "/api/resource/{doctype}", "/api/resource/{doctype}/{name}"

    def route(path: str, method: str, handler: _PAGES) -> Route:
        return Route(path, site.endpoint(handler), methods=[method])

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        site.store.close()

    app = Starlette(
        routes=[
            Route("/", site.front),
            Route("/app", site.front),
            route(resource, "GET", site.listing),
            route(resource, "POST", site.create),
            route(single, "GET", site.read),
            route(single, "PUT", site.change),
            route(single, "POST", site.run_method),
            route(single, "DELETE", site.delete),
            route("/api/method/{method}", "POST", site.method),
            route("/_sandbox/state", "GET", site.look),
            route("/_sandbox/behaviour", "POST", site.behave),
            route("/_sandbox/wipe", "POST", site.wipe),
        ],
        lifespan=lifespan,
    )
    app.state.site = site
    return app


def _parsed(raw: bytes, content_type: str) -> Document:
    """Frappe reads JSON only under its content type; anything else is a form without our fields."""
    if not raw or not content_type.startswith("application/json"):
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refusal("ValidationError", f"Invalid request body: {error}") from error
    return body if isinstance(body, dict) else {}


def _triple(condition: Any) -> tuple[str, str, Any]:
    """`[field, op, value]`, or with the type in front."""
    if not isinstance(condition, list) or len(condition) not in (3, 4):
        raise Refusal("DataError", "filters must be lists of three or four")
    field, operator, value = condition[-3:]
    return str(field), str(operator).lower(), value


def _data(document: Document) -> Response:
    return JSONResponse({"data": document})


__all__ = ["Session", "Site", "create_app"]

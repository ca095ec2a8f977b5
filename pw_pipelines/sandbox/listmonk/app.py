"""The routes of the stand-in, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.listmonk import (
    bounces,
    campaigns,
    control,
    lists,
    page,
    subscribers,
    subscriptions,
    templates,
)
from pw_pipelines.sandbox.listmonk.access import ApiUser
from pw_pipelines.sandbox.listmonk.importer import Importer
from pw_pipelines.sandbox.listmonk.store import Store
from pw_pipelines.sandbox.listmonk.wire import Call, Handler, Unwrapped, endpoint

UNSUBSCRIBE = "privacy.unsubscribe_header"
DEFAULT_USERS = (ApiUser("pw", "sandbox-token"),)
_GET, _MANAGE = "subscribers:get", "subscribers:manage"


def _machine_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    database_url: str,
    *,
    now: Callable[[], datetime] = _machine_now,
    users: Iterable[ApiUser] = DEFAULT_USERS,
    version: str = "v6.2.0",
) -> Starlette:
    """A Listmonk whose rows live in schema `listmonk` of the database at `database_url`.

    `now` gives its stamps their time; `users` are its API users; before v6.1 there is no PATCH. Nothing is
    connected before the first request. `app.state.store.close()` ends the connections of a mounted one.
    """
    store, importer = Store(database_url, now), Importer()
    known = {user.name: user for user in users}

    def route(path: str, method: str, handler: Handler, permission: str = "") -> Route:
        return Route(path, endpoint(store, known, handler, permission), methods=[method])

    def public(path: str, method: str, handler: Handler) -> Route:
        return Route(path, endpoint(store, None, handler), methods=[method])

    def about(_call: Call) -> Unwrapped:
        return Unwrapped({"version": version, "build": f"{version} (stand-in)"})

    def lists_of_bounces(call: Call) -> bool:
        call.path["subscriber"] = call.path["id"]
        return bounces.delete(call)

    def front(request: Request) -> Response:
        return page.show(store, request)

    patching = [route("/api/subscribers/{id:int}", "PATCH", subscribers.patch, _MANAGE)]
    routes = [
        Route("/", front),
        Route("/admin", front),
        public("/health", "GET", lambda _call: True),
        route("/api/health", "GET", lambda _call: True),
        route("/api/about", "GET", about),
        route("/api/config", "GET", lambda _call: {"version": version}),
        route("/api/lists", "GET", lists.search),
        route("/api/lists", "POST", lists.create, "lists:manage"),
        route("/api/lists/{id:int}", "GET", lists.get),
        route("/api/lists/{id:int}", "PUT", lists.update, "lists:manage"),
        route("/api/lists/{id:int}", "DELETE", lists.delete, "lists:manage"),
        route("/api/subscribers", "GET", subscribers.search, _GET),
        route("/api/subscribers", "POST", subscribers.create, _MANAGE),
        route("/api/subscribers", "DELETE", subscribers.delete, _MANAGE),
        route("/api/subscribers/{id:int}", "GET", subscribers.get, _GET),
        route("/api/subscribers/{id:int}", "PUT", subscribers.replace, _MANAGE),
        *(patching if _release(version) >= (6, 1) else []),
        route("/api/subscribers/{id:int}", "DELETE", subscribers.delete, _MANAGE),
        route("/api/subscribers/{id:int}/bounces", "GET", bounces.of_subscriber, "bounces:get"),
        route("/api/subscribers/{id:int}/bounces", "DELETE", lists_of_bounces, "bounces:manage"),
        route("/api/subscribers/{id:int}/blocklist", "PUT", subscriptions.blocklist, _MANAGE),
        route("/api/subscribers/blocklist", "PUT", subscriptions.blocklist, _MANAGE),
        route("/api/subscribers/lists", "PUT", subscriptions.manage, _MANAGE),
        route("/api/subscribers/lists/{list_id:int}", "PUT", subscriptions.manage, _MANAGE),
        route("/api/subscribers/query/lists", "PUT", subscriptions.manage_by_query, _MANAGE),
        route("/api/subscribers/query/blocklist", "PUT", subscriptions.blocklist_by_query, _MANAGE),
        route("/api/subscribers/query/delete", "POST", subscriptions.delete_by_query, _MANAGE),
        route("/api/import/subscribers", "POST", importer.start, "subscribers:import"),
        route("/api/import/subscribers", "GET", importer.status, "subscribers:import"),
        route("/api/import/subscribers", "DELETE", importer.stop, "subscribers:import"),
        route("/api/import/subscribers/logs", "GET", importer.logs, "subscribers:import"),
        route("/api/bounces", "GET", bounces.search, "bounces:get"),
        route("/api/bounces", "DELETE", bounces.delete, "bounces:manage"),
        route("/api/bounces/{id:int}", "DELETE", bounces.delete, "bounces:manage"),
        route("/webhooks/bounce", "POST", bounces.webhook, "webhooks:post_bounce"),
        route("/api/templates", "GET", templates.every, "templates:get"),
        route("/api/templates", "POST", templates.create, "templates:manage"),
        route("/api/templates/{id:int}", "GET", templates.get, "templates:get"),
        route("/api/templates/{id:int}", "PUT", templates.update, "templates:manage"),
        route("/api/templates/{id:int}", "DELETE", templates.delete, "templates:manage"),
        route("/api/campaigns", "GET", campaigns.search, "campaigns:get"),
        route("/api/campaigns", "POST", campaigns.create, "campaigns:manage"),
        route("/api/campaigns/{id:int}", "GET", campaigns.get, "campaigns:get"),
        route("/api/campaigns/{id:int}", "DELETE", campaigns.delete, "campaigns:manage"),
        route("/api/campaigns/{id:int}/status", "PUT", campaigns.move, "campaigns:send"),
        route("/api/settings", "GET", lambda call: {UNSUBSCRIBE: call.store.unsubscribe_header}, "settings:get"),
        public("/api/public/subscription", "POST", subscriptions.subscribe_in_public),
        public("/_sandbox/unsubscribe", "POST", control.unsubscribe),
        public("/_sandbox/complain", "POST", control.complain),
        public("/_sandbox/bounce", "POST", control.bounce),
        public("/_sandbox/subscriber", "GET", control.subscriber),
        public("/_sandbox/campaign", "POST", campaigns.sent_so_far),
        public("/_sandbox/settings", "POST", control.settings),
        public("/_sandbox/counters", "GET", control.counters),
        public("/_sandbox/counters", "DELETE", control.reset_counters),
        public("/_sandbox/wipe", "POST", control.wipe),
        public("/_sandbox/import", "POST", control.hold_import(importer)),
    ]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _not_here})
    app.state.store = store
    return app


def _release(version: str) -> tuple[int, int]:
    major, minor, *_ = version.lstrip("v").split(".")
    return int(major), int(minor)


async def _not_here(_request: Request, error: Exception) -> Response:
    """Unknown routes and methods, in the envelope of failures."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"message": "Method Not Allowed" if status == 405 else "Not Found"}, status)

"""Puts the web app together. Run by `uvicorn --factory pw_pipelines.portal.app:app_from_env`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import psycopg
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from pw_pipelines import logs
from pw_pipelines.compliance.live import LiveRecord, open_live_record
from pw_pipelines.errors import BadFrn, ConfigError, OutsideError, OutsideUnavailable, UsageError
from pw_pipelines.monitoring.scrape import HouseCollector
from pw_pipelines.monitoring.web import PoolCollector, WebMetrics
from pw_pipelines.portal import (
    api,
    check_page,
    checkout,
    desk,
    desk_backups,
    desk_deeds,
    desk_effects,
    desk_files,
    desk_payments,
    desk_portals,
    desk_questions,
    desk_review,
    details_page,
    formations_api,
    names_page,
    order_page,
    orders_api,
    segments,
    sign_page,
    staff,
    staff_login,
    states_api,
    watching,
    webhooks,
)
from pw_pipelines.portal.limits import BodyLimit
from pw_pipelines.portal.measuring import Measuring
from pw_pipelines.portal.problems import RETRY_SECONDS, NotFound, fault_of, problem, refusal_of
from pw_pipelines.portal.security import HEADERS, SecurityHeaders
from pw_pipelines.portal.site import STATIC, Site, make_site, the_site
from pw_pipelines.portal.visits import Visits
from pw_pipelines.settings import Mode, Settings, load_settings

log = logs.get_logger(__name__)
_DATABASE_AWAY = "Our own books cannot be read at this moment."
_TRY_AGAIN = f"Try again in {RETRY_SECONDS} seconds."


def create_app(settings: Settings, *, live: LiveRecord | None = None) -> FastAPI:
    """The web app. `live` replaces the public sites in tests.

    Raises ConfigError without PW_DATABASE_URL, and in live mode without PW_STAFF_PASSWORD.
    """
    if settings.database_url is None:
        raise ConfigError("The web app needs PW_DATABASE_URL; `pw up` starts a database and sets it.")
    if settings.mode is Mode.LIVE and settings.staff_password is None:
        raise ConfigError("PW_STAFF_PASSWORD is not set; in live mode the staff pages need a password. Set it.")
    site = make_site(
        settings, settings.database_url.get_secret_value(), live or open_live_record(settings, settings.clock)
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        site.db.open()
        try:
            yield
        finally:
            site.live.close()
            site.db.close()

    app = FastAPI(
        title="Performance West",
        version="1",
        description=(
            "The free compliance check (what the public record shows about a US carrier: evidence, not a legal "
            "conclusion), company names in the states' registers, prices, and orders of filings and companies."
        ),
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # these pages would load scripts from other people's servers
        redoc_url=None,
        redirect_slashes=False,  # such a redirect goes wherever the Host header says
    )
    app.state.site = site
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, https=settings.public_url.startswith("https://"))
    app.add_middleware(Visits, https=settings.public_url.startswith("https://"), keeps=settings.umami_url is not None)
    app.state.metrics = _metrics(site)
    app.add_middleware(Measuring, metrics=app.state.metrics)
    for room in (
        api, states_api, orders_api, formations_api, check_page, names_page, checkout, order_page, details_page,
        staff, segments, watching, webhooks, sign_page, staff_login, desk, desk_review, desk_files, desk_deeds,
        desk_effects, desk_payments, desk_questions, desk_portals, desk_backups,
    ):  # fmt: skip
        _name_operations(room.router)
        app.include_router(room.router)
    app.mount("/static", _Static(directory=STATIC), name="static")
    _health(app, site)
    _errors(app)
    return app


def _name_operations(router: APIRouter) -> None:
    """Each operation of the API's document is called by the first sentence of its description."""
    for route in router.routes:
        if isinstance(route, APIRoute) and route.include_in_schema and route.summary is None:
            route.summary = " ".join(re.split(r"[.:;](?:\s|$)", route.description, maxsplit=1)[0].split())


def app_from_env() -> FastAPI:
    """The web app of this process's environment."""
    return create_app(load_settings())


class _Static(StaticFiles):
    """Files whose address changes with their content: browsers may keep them."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        reply = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # handed on as given
        reply.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return reply


def _metrics(site: Site) -> WebMetrics:
    """What /metrics tells: of this process, its pool, and the books."""
    metrics = WebMetrics(webhooks.ACKNOWLEDGED)
    metrics.registry.register(PoolCollector(site.db.stats))
    metrics.registry.register(HouseCollector(site.settings))
    return metrics


def _health(app: FastAPI, site: Site) -> None:
    @app.get("/health", response_class=PlainTextResponse, include_in_schema=False)
    async def health() -> str:
        """This process answers. Says nothing about anything else."""
        return "ok"

    @app.get("/ready", response_class=PlainTextResponse, include_in_schema=False)
    def ready() -> Response:
        """The database answers too."""
        try:
            with site.db.connect() as connection:
                connection.execute("select 1")
        except psycopg.OperationalError as error:
            log.warning("not ready", error=str(error))
            return PlainTextResponse("the database does not answer", status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ready")


def _route_of(request: Request) -> str:
    """The route without what stands in its place holders: the address of an order's page is the key to it."""
    return str(getattr(request.scope.get("route"), "path", "elsewhere"))


def _errors(app: FastAPI) -> None:
    """Errors as problem+json under /api, as a page elsewhere."""

    def says_no(
        request: Request, status: HTTPStatus, detail: str, *, field: str | None = None, remedy: str | None = None
    ) -> Response:
        if request.url.path.startswith("/api/"):
            return problem(status, detail, field=field, remedy=remedy)
        reply: HTMLResponse = the_site(request).page(
            "error.html", status=status, title=status.phrase, detail=detail, remedy=remedy
        )
        return reply

    @app.exception_handler(BadFrn)
    async def bad_frn(request: Request, error: BadFrn) -> Response:
        remedy = "Give the 10 digits; leading zeros may be left out, blanks and hyphens do not matter."
        return says_no(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error), field="frn", remedy=remedy)

    @app.exception_handler(UsageError)
    async def usage(request: Request, error: UsageError) -> Response:
        status = HTTPStatus.NOT_FOUND if isinstance(error, NotFound) else HTTPStatus.UNPROCESSABLE_ENTITY
        return says_no(request, status, str(error), field=error.field, remedy=error.remedy)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        status, detail, field, remedy = fault_of(error)
        return says_no(request, status, detail, field=field, remedy=remedy)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        detail, field, remedy = refusal_of(error)
        reply = says_no(request, HTTPStatus(error.status_code), detail, field=field, remedy=remedy)
        reply.headers.update(error.headers or {})
        return reply

    @app.exception_handler(OutsideError)
    async def provider_away(request: Request, error: OutsideError) -> Response:
        log.warning("provider away", error=str(error))
        status = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, OutsideUnavailable) else HTTPStatus.BAD_GATEWAY
        return says_no(request, status, "The payment provider did not do what was asked.", remedy=_TRY_AGAIN)

    @app.exception_handler(psycopg.OperationalError)
    async def database_away(request: Request, error: psycopg.OperationalError) -> Response:
        log.warning("database away", path=_route_of(request), error=str(error))
        return says_no(request, HTTPStatus.SERVICE_UNAVAILABLE, _DATABASE_AWAY, remedy=_TRY_AGAIN)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        log.error("request failed", path=_route_of(request), exc_info=error)
        remedy = "The fault is ours and has been noted; please try again later."
        reply = says_no(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.", remedy=remedy)
        reply.headers.update(HEADERS)  # this reply is made outside the middleware that adds them
        return reply

"""All stand-ins under one address, each below its own path (faults.SYSTEMS), and `/_control` over them.

Florida's registers are not HTTP: `florida_files` is the SSH server beside it. Nor is mail: `mail.SandboxMail` is the
SMTP server, and `/mail` shows its inboxes.

The addresses below each mount are the real ones, so that a client only needs another base URL
(`settings.with_sandbox_addresses`). The day answered for is the sandbox clock's at each request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.sandbox import (
    faults,
    fcc_bdc,
    fcc_cores,
    fcc_ecfs,
    fcc_form499,
    fcc_rmd,
    filing_portals,
    illinois_files,
    iowa_hub,
    mail_page,
    portals,
    redesign,
    soda,
)
from pw_pipelines.sandbox.census import neglect
from pw_pipelines.sandbox.companies import Companies
from pw_pipelines.sandbox.filed import Filings
from pw_pipelines.sandbox.filing_portals.book import FilingBook
from pw_pipelines.sandbox.mail import drop_of
from pw_pipelines.sandbox.renderings import Renderings
from pw_pipelines.sandbox.sunbiz_sftp import SunbizSftp
from pw_pipelines.sandbox.sunbiz_tree import SunbizTree
from pw_pipelines.sandbox.travel import advance
from pw_pipelines.sandbox.world import World
from pw_pipelines.settings import Settings


def create_app(settings: Settings, *, world: World | None = None, book: faults.FaultBook | None = None) -> ASGIApp:
    """The stand-ins as one ASGI app. `world` may be shared with a test; its seed must be the settings'.

    `book`: the faults in force, where the file server shares them.

    Listmonk's and ERPNext's are there when `settings.sandbox_database_url` says where their tables are.
    Raises ConfigError in live mode.
    """
    if not settings.is_sandbox:
        raise ConfigError("The stand-ins belong to PW_MODE=sandbox; PW_MODE=live talks to the real systems.")
    world = world or World(settings.sandbox_seed)
    book = book or faults.FaultBook()
    companies, renderings = _registers(settings)
    redesigns = redesign.Redesigns()
    house = filing_portals.House(settings.clock.now, world, FilingBook(settings.home / "sandbox" / "filings"))
    world = world.with_filings(Filings(house.book))
    apps = _other_systems(settings)
    routes: list[BaseRoute] = [
        Route("/", _front_page),
        Mount("/rmd", routes=fcc_rmd.routes(world)),
        Mount("/form499", routes=fcc_form499.routes(world, settings.home / "sandbox" / "cache")),
        Mount("/ecfs", routes=fcc_ecfs.routes(world)),
        Mount("/bdc", routes=fcc_bdc.routes(world)),
        Mount("/cores", routes=fcc_cores.routes(world)),
        Mount("/portals", routes=portals.routes(settings.sandbox_seed)),
        Mount("/socrata", routes=soda.routes(companies, renderings)),
        Mount("/iowa_hub", routes=iowa_hub.routes(companies, renderings)),
        Mount("/illinois", routes=illinois_files.routes(companies, renderings)),
        Mount("/mail", routes=mail_page.routes(drop_of(settings.home, settings.mail_archive))),
        Mount("/filing", routes=filing_portals.routes(house)),
        Mount(
            "/_control",
            routes=[
                *faults.routes(book),
                *filing_portals.control(house),
                *redesign.routes(redesigns, (*filing_portals.NAMES, *portals.STATES)),
                *_control(settings, world),
            ],
        ),
        *(Mount(path, app=app) for path, app in apps.items()),
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        """Starlette starts only its own app; the mounted ones are started here."""
        async with AsyncExitStack() as stack:
            for app in apps.values():
                if router := getattr(app, "router", None):
                    await stack.enter_async_context(router.lifespan_context(app))
            yield

    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.clock = settings.clock
    return faults.Misbehaving(redesign.Redesigned(app, redesigns), book)


def florida_files(settings: Settings, book: faults.FaultBook) -> SunbizSftp:
    """Florida's file server, not started yet; its day is the sandbox clock's. Its host key stays in the home."""
    key_file = settings.home / "sandbox" / "sunbiz_host_key"
    return SunbizSftp(SunbizTree(*_registers(settings)), book, settings.clock.today, key_file)


def _registers(settings: Settings) -> tuple[Companies, Renderings]:
    seed, scale = settings.sandbox_seed, settings.sandbox_companies
    folder = settings.home / "sandbox" / "cache" / f"companies-{seed}-{scale:g}"
    return Companies(seed, scale), Renderings(folder)


async def _front_page(request: Request) -> Response:
    """What is here, for a person who looks."""
    return JSONResponse({"stand_ins": [f"/{system}" for system in faults.SYSTEMS], "control": "/_control/health"})


def _other_systems(settings: Settings) -> dict[str, ASGIApp]:
    from pw_pipelines.sandbox import erpnext, listmonk, telegram, umami
    from pw_pipelines.sandbox.payments.mounts import payment_apps

    apps: dict[str, ASGIApp] = {
        "/telegram": telegram.create_app(now=settings.clock.now),
        "/umami": umami.create_app(),
        **payment_apps(settings),
    }
    if settings.sandbox_database_url:
        apps["/listmonk"] = listmonk.create_app(
            settings.sandbox_database_url.get_secret_value(), now=settings.clock.now
        )
        apps["/erpnext"] = erpnext.create_app(
            settings.sandbox_database_url.get_secret_value(),
            now=settings.clock.now,
            webhook_url=f"{settings.public_url.rstrip('/')}/webhooks/erpnext",
        )
    return apps


def _control(settings: Settings, world: World) -> list[Route]:
    async def health(request: Request) -> Response:
        return JSONResponse({"ok": True, "seed": world.seed, "day": settings.clock.today().isoformat()})

    def show(request: Request) -> Response:
        today = settings.clock.today()
        kinds = {kind: len(carriers) for kind, carriers in neglect(world, today).items()}
        return JSONResponse(
            {"seed": world.seed, "day": today.isoformat(), "counts": world.counts(today), "neglect": kinds}
        )

    async def move(request: Request) -> Response:
        try:
            days = int((await request.json())["days"])
            today = advance(settings, days)
        except UsageError as error:
            return JSONResponse({"error": str(error)}, status_code=409)
        except (KeyError, TypeError, ValueError):
            return JSONResponse({"error": 'Send {"days": n}.'}, status_code=422)
        return JSONResponse({"day": today.isoformat()})

    return [
        Route("/health", health),
        Route("/world", show),
        Route("/advance", move, methods=["POST"]),
    ]

"""/metrics and /health/*: for who watches the house. Figures of the firm's business are for nobody else."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from ipaddress import ip_address
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from pw_pipelines.clock import machine_now
from pw_pipelines.monitoring import health
from pw_pipelines.monitoring.health import Health, Part
from pw_pipelines.portal.dagster_status import DagsterStatus, dagster_status
from pw_pipelines.portal.site import Site, site_of

LONGEST_JOURNAL_SECONDS = 900.0
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_NOT_FOR_YOU = (
    "This is for the monitoring of the house: ask from the machine itself, or with the bearer token of "
    "PW_METRICS_TOKEN."
)


def may_watch(request: Request, site: Site) -> bool:
    """From the machine itself, or with the token.

    A request that a proxy handed on comes from loopback, too, and so does a browser that was lured here under
    another name: neither counts as the machine. Behind a public https address there is a proxy, and not every proxy
    says that it handed something on: there only the token counts.
    """
    token = site.settings.metrics_token
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if token is not None and kind.lower() == "bearer":
        return secrets.compare_digest(given.strip().encode(), token.get_secret_value().encode())
    if site.settings.public_url.startswith("https://"):
        return False
    is_handed_on = any(name in request.headers for name in _FORWARDED)
    return not is_handed_on and _is_loopback(request) and request.url.hostname in _LOOPBACK_NAMES


def _is_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def watchers_only(request: Request, site: Annotated[Site, Depends(site_of)]) -> None:
    """Refuses everybody else."""
    if not may_watch(request, site):
        raise HTTPException(HTTPStatus.UNAUTHORIZED, _NOT_FOR_YOU, headers={"WWW-Authenticate": "Bearer"})


router = APIRouter(include_in_schema=False)
SiteHere = Annotated[Site, Depends(site_of)]


@router.get("/metrics", dependencies=[Depends(watchers_only)])
async def metrics(request: Request) -> Response:
    """Prometheus' text format. Reading the books is done by one thread, and remembered for some seconds."""
    registry: CollectorRegistry = request.app.state.metrics.registry
    text = await to_thread.run_sync(generate_latest, registry)
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/health/live")
async def live() -> JSONResponse:
    """This process answers."""
    return JSONResponse({"ok": True})


@router.get("/health/ready")
async def ready(request: Request, site: SiteHere) -> Response:
    """Database, schema and objects are there: 200, else 503. Why is told to watchers alone."""
    settings = site.settings
    objects = settings.objects_url or (settings.home / "objects").resolve().as_uri()
    found = await to_thread.run_sync(health.ready, site.db.url, objects, limiter=site.patient)
    return _answer(found, told=may_watch(request, site))


@router.get("/health/house", dependencies=[Depends(watchers_only)])
def house(site: SiteHere) -> Response:
    """What should run by itself does, Dagster's daemons live, and what may not be lost leaves the machine."""
    settings = site.settings
    seen = dagster_status(settings.dagster_api, settings.mode)
    journal = health.journal(site.db.url, longest_seconds=LONGEST_JOURNAL_SECONDS, now=machine_now())
    return _answer(Health([*house_parts(seen), journal]), told=True)


def house_parts(seen: DagsterStatus) -> list[Part]:
    """What Dagster says of itself, as parts."""
    parts = [Part("dagster", ok=seen.error is None, detail=seen.error or "Dagster answers and its code loads.")]
    if seen.daemons:
        tired = [one.name for one in seen.daemons if not one.is_well]
        said = f"No sign of life: {', '.join(tired)}." if tired else "Every daemon gives signs of life."
        parts.append(Part("daemons", ok=not tired, detail=said))
    unwell = [f"{one.name} ({one.last_tick_status or one.state})" for one in seen.starters if not one.is_well]
    said = f"Not as they should be: {', '.join(unwell)}." if unwell else "All that should run by itself does."
    parts.append(Part("starters", ok=not unwell, detail=said))
    return parts


def _answer(found: Health, *, told: bool) -> JSONResponse:
    status = HTTPStatus.OK if found.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse(found.as_json() if told else {"ok": found.ok}, status)

"""What every route of one running web app shares, and the template engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from pw_pipelines.clock import Clock
from pw_pipelines.compliance.check import Pending, begin_check
from pw_pipelines.compliance.check_log import clean_utm
from pw_pipelines.compliance.check_result import CheckResult
from pw_pipelines.compliance.live import LiveRecord
from pw_pipelines.portal import words
from pw_pipelines.portal.pool import PooledDatabase
from pw_pipelines.settings import Settings

HERE = Path(__file__).parent
STATIC = HERE / "static"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=words.day,
        moment=words.moment,
        age=words.age,
        price=words.price,
        money=words.money,
        number=words.number,
        citation=words.citation_parts,
        evidence=words.evidence_rows,
        copy_dates=words.copy_dates,
        source_dates=words.source_dates,
    )
    environment.globals.update(SEVERITY=words.SEVERITY, CERTAINTY=words.CERTAINTY, DUTY=words.DUTY)
    environment.globals.update(style=_version("site.css"), desk_style=_version("desk.css"))
    return environment


def _version(sheet: str) -> str:
    """A changed style sheet gets a new address, so that browsers may keep the old one for ever."""
    return hashlib.sha256((STATIC / sheet).read_bytes()).hexdigest()[:12]


# Python runs one thread at a time: more of them answer no more checks a second, only less evenly. With 8 clients on
# 2 cores, 4 threads had a p99 of 60 ms where 40 had 80 to 150 (machine busy otherwise).
QUICK_THREADS = 4
PATIENT_THREADS = 16  # for checks that wait for other people's servers; they must never hold up the others


@dataclass(frozen=True)
class Site:
    """Settings, database, clock, the live record and templates of one web app."""

    settings: Settings
    db: PooledDatabase
    clock: Clock
    live: LiveRecord
    templates: Environment
    quick: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(QUICK_THREADS))
    logins: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))  # each takes a quarter of a second
    patient: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PATIENT_THREADS))

    async def check(
        self, asked: str, *, channel: str, utm: Mapping[str, str], live: bool, as_of: date | None = None
    ) -> CheckResult:
        """The compliance check, off the event loop. Raises as `compliance.check.check` does."""
        begin = partial(
            begin_check,
            self.db,
            asked,
            clock=self.clock,
            as_of=as_of,
            channel=channel,
            utm=utm,
            live=self.live if live else None,
            when_unknown=self.live,
        )
        begun = await to_thread.run_sync(begin, limiter=self.quick)
        if isinstance(begun, Pending):
            return await to_thread.run_sync(begun.finish, limiter=self.patient)
        return begun

    async def check_page(self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **context: Any) -> HTMLResponse:
        """As `page`, off the event loop."""
        return await to_thread.run_sync(partial(self.page, template, status=status, **context), limiter=self.quick)

    def page(self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **context: Any) -> HTMLResponse:
        """A template as a reply. Everything in it is escaped."""
        shared = {"sandbox": self.settings.is_sandbox, "settings": self.settings, "now": self.clock.now()}
        html = self.templates.get_template(template).render(**shared, **context)
        return HTMLResponse(html, status_code=status)


def make_site(settings: Settings, database_url: str, live: LiveRecord) -> Site:
    """A site over a database; nothing is opened yet."""
    return Site(settings, PooledDatabase(database_url), settings.clock, live, _environment())


async def site_of(request: Request) -> Site:
    """The site a request belongs to (a FastAPI dependency; async, so that it costs no thread)."""
    return the_site(request)


def the_site(request: Request) -> Site:
    """The site a request belongs to."""
    return cast("Site", request.app.state.site)


def utm_of(request: Request) -> dict[str, str]:
    """The request's UTM parameters, known ones only, cut to length."""
    return clean_utm(request.query_params)


def address(path: str, *parameters: Mapping[str, str]) -> str:
    """A link within the site with its parameters quoted."""
    joined = {key: value for group in parameters for key, value in group.items()}
    return f"{path}?{urlencode(joined)}" if joined else path

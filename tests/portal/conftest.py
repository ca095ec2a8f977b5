"""The web app on a real server, over hand-made books; and a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from pw_pipelines.compliance.live import LiveRecord
from pw_pipelines.compliance.rules import rules
from pw_pipelines.db.connection import Database
from pw_pipelines.portal.app import create_app
from pw_pipelines.runtime.browser import BY_HAND, chromium_path, launch
from pw_pipelines.settings import Settings
from tests.portal import given
from tests.portal.public_record import Sites
from tests.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOWHERE = "http://127.0.0.1:9"  # a port nobody listens on


@dataclass(frozen=True)
class Web:
    """A running web app, the books behind it and the public sites before it."""

    url: str
    db: Database
    sites: Sites

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=30, **more)


@contextmanager
def serving(settings: Settings, live: LiveRecord | None = None) -> Iterator[str]:
    """The app on a free port of this machine, in a thread of this process; gives the base URL."""
    with served(create_app(settings, live=live)) as url:
        httpx.get(f"{url}/health", timeout=30).raise_for_status()
        yield url


@pytest.fixture
def web_settings(settings: Settings, db: Database) -> Settings:
    """Sandbox settings over this test's warehouse, the clock at `given.NOW`; Dagster is away."""
    settings.clock.set_offset(given.NOW - datetime.now(UTC))
    return settings.model_copy(update={"database_url": SecretStr(db.url), "dagster_url": NOWHERE})


@pytest.fixture
def start(web_settings: Settings, db: Database) -> Iterator[Callable[..., Web]]:
    """`start(sites=…, **settings)`: the web app with these public sites and settings."""
    with ExitStack() as running:

        def start(sites: Sites | None = None, **changed: Any) -> Web:
            sites = sites or Sites()
            settings = web_settings.model_copy(update=changed)
            live = LiveRecord(sites, settings.clock)
            return Web(running.enter_context(serving(settings, live)), db, sites)

        yield start


@pytest.fixture
def web(start: Callable[..., Web]) -> Web:
    """The web app without rows behind it."""
    return start()


@pytest.fixture
def deficient(web: Web) -> Web:
    """A carrier with four findings of three severities and two questions, FRN 0012345678."""
    ids = given.fresh_books(web.db)
    given.carrier(web.db, name="Blue Mesa <Communications> & Söhne, LLC")
    given.finding(
        web.db,
        "RMD_NOT_RECERTIFIED",
        [ids["fcc_rmd"]],
        evidence={"filing": "RMD0016854", "last updated": "2024-08-15", "last recertified": None},
    )
    given.finding(
        web.db,
        "CPNI_MISSING",
        [ids["fcc_cpni"]],
        evidence={"nearest filer names": ["Blue Mesa Wireless Inc", "Mesa <b>Communications</b>"]},
    )
    given.finding(
        web.db, "F499A_VERY_STALE", [ids["fcc_form499"]], evidence={"registration current as of": "2024-04-01"}
    )
    given.finding(web.db, "RMD_CORES_MISMATCH", [ids["fcc_rmd"]], evidence={"name in CORES": "BLUE MESA"})
    given.question(web.db, "CALEA_SSI")
    given.question(web.db, "SEC214_INTL")
    given.cores(web.db, "0012345678", found=True, name="BLUE MESA TELECOM")
    return web


@pytest.fixture
def worst(web: Web) -> Web:
    """A carrier with every finding there is and every question, FRN 0012345678."""
    ids = given.fresh_books(web.db)
    given.carrier(web.db, name="Worst Case Telephone, Inc.")
    for code, rule in rules().items():
        if rule.kind == "finding":
            given.finding(web.db, code, [ids["fcc_rmd"]], evidence={"filing": "RMD0016854", "seen": "2026-11-22"})
        else:
            given.question(web.db, code)
    return web


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium. Without one on this machine its tests are skipped (in CI: fail)."""
    if chromium_path() is None:
        pytest.skip(f"no working Chromium on this machine; {BY_HAND}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()

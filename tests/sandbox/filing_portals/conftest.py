"""The stand-ins of the filing portals as a real server over the shared world, a visitor, and one browser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.runtime.browser import BY_HAND, chromium_path
from pw_pipelines.sandbox.world import World
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.fixtures_sandbox import SANDBOX_DAY, SEED, serving, set_sandbox_day

PDF = b"%PDF-1.7\n%" + b"x" * 500 + b"\n%%EOF\n"


@dataclass
class Federal:
    """The running stand-ins and what was truly filed with them."""

    settings: Settings

    @property
    def url(self) -> str:
        return self.settings.sandbox_url

    def change(self, portal: str, change: str) -> None:
        """How the pages of a portal have changed."""
        reply = httpx.post(f"{self.url}/_control/filing/{portal}/page", json={"change": change})
        assert reply.status_code == 200, reply.text

    def misbehave(self, fault: str, **more: Any) -> None:
        reply = httpx.post(f"{self.url}/_control/faults", json={"system": "filing", "fault": fault, **more})
        assert reply.status_code == 201, reply.text

    def filed(self, portal: str | None = None) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/_control/filings", params={"portal": portal} if portal else {}).json()
        assert answer["count"] == len(answer["filings"])
        filings: list[dict[str, Any]] = answer["filings"]
        return filings

    def visitor(self, portal: str, *, signed_in: bool = True) -> httpx.Client:
        """A program with cookies at a portal; it can do what a browser's pages would."""
        client = httpx.Client(base_url=f"{self.url}/filing/{portal}", follow_redirects=True, timeout=60)
        if signed_in:
            client.post("/login", data={"username": "sandbox", "password": "sandbox-password"}).raise_for_status()
        return client


@pytest.fixture(scope="session")
def federal_settings(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(home=tmp_path_factory.mktemp("federal_home"), sandbox_seed=SEED)
    set_sandbox_day(settings, SANDBOX_DAY)
    with serving(settings, world) as url:
        yield with_sandbox_addresses(settings.model_copy(update={"sandbox_url": url}))


@pytest.fixture
def federal(federal_settings: Settings) -> Iterator[Federal]:
    """As on the first day: noon of SANDBOX_DAY, nothing filed, nothing changed."""
    running = Federal(federal_settings)
    httpx.delete(f"{running.url}/_control/filings")
    yield running
    httpx.delete(f"{running.url}/_control/faults")
    for portal in ("fcc_rmd", "fcc_ecfs", "usac_efile", "fcc_bdc"):
        running.change(portal, "none")
    set_sandbox_day(federal_settings, SANDBOX_DAY)


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    if chromium_path() is None:
        pytest.skip(f"no working Chromium on this machine; {BY_HAND}")
    shared = Browsers(rest_seconds=120)
    yield shared
    shared.close()


def errors_in(page: str) -> list[str]:
    """What a page says is wrong."""
    found = re.search(r'role="alert">(.*?)</(?:div|ul|table)>', page, re.DOTALL)
    return re.findall(r"[^<>\n]{8,}", html.unescape(re.sub(r"<[^>]+>", "\n", found.group(1)))) if found else []

"""The stand-ins of the filing portals as a real server, one browser for all tests, and filings to be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from pw_pipelines.db.connection import Database
from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.filings.engine import FilingEngine
from pw_pipelines.filings.material import Material, Upload
from pw_pipelines.filings.portal import Portal, portal_of
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.resources.objects import Objects
from pw_pipelines.runtime.browser import BY_HAND, chromium_path
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.fixtures_sandbox import SANDBOX_DAY, SEED, serving, set_sandbox_day

if TYPE_CHECKING:
    from tests.filings.house import House

PDF = b"%PDF-1.7\n%" + b"x" * 20_000 + b"\n%%EOF\n"
FRN = "0099000001"  # of nobody in the invented world
FACTS = {
    "frn": FRN,
    "carrier_name": "Larkmoor Voice, LLC",
    "carrier_street": "12 Quillfeather Road",
    "carrier_city": "Larkmoor",
    "carrier_state": "WY",
    "carrier_zip": "82001",
    "carrier_phone": "307-555-0100",
    "contact_name": "Robin Example",
    "contact_title": "Compliance manager",
    "contact_phone": "307-555-0101",
    "contact_email": "robin@example.com",
    "signer_name": "Alex Example",
    "signer_title": "President",
    "is_voice_provider": "yes",
    "is_gateway": "no",
    "is_intermediate": "no",
    "is_foreign": "no",
    "implementation": "partial",
    "stir_exemption": "47 CFR 64.6304(a)",
    "own_certificate": "no",
    "affiliates": "None.",
    "investigations": "None.",
    "year": "2026",
    "prior_year": "2025",
}
DOCUMENTS = (
    "rmd_certification", "robocall_mitigation_plan", "stir_shaken_plan", "cpni_certificate", "cpni_statement",
    "calea_ssi_plan", "discontinuance_application", "customer_notice", "bdc_voice_file",
)  # fmt: skip


@cache
def patient(code: str, seconds: float = 8.0) -> Portal:
    """A portal's data, with less patience where nothing will come."""
    return portal_of(code).model_copy(update={"timeout_seconds": seconds})


@dataclass
class Portals:
    """The running stand-ins, and what was truly filed with them."""

    settings: Settings

    def page(self, portal: str, change: str) -> None:
        """How the portal's pages have changed."""
        reply = httpx.post(self._control(f"filing/{portal}/page"), json={"change": change})
        reply.raise_for_status()

    def misbehave(self, fault: str, **more: Any) -> None:
        body = {"system": "filing", "fault": fault, **more}
        reply = httpx.post(self._control("faults"), json=body)
        assert reply.status_code == 201, reply.text

    def filed(self, portal: str | None = None) -> list[dict[str, Any]]:
        found = httpx.get(self._control("filings"), params={"portal": portal} if portal else {}).json()
        filings: list[dict[str, Any]] = found["filings"]
        return filings

    def quiet(self) -> None:
        """As on the first day: nothing filed, nothing changed."""
        httpx.delete(self._control("faults"))
        httpx.delete(self._control("filings"))
        for portal in ("fcc_rmd", "fcc_ecfs"):
            self.page(portal, "none")

    def _control(self, path: str) -> str:
        return f"{self.settings.sandbox_url}/_control/{path}"


@dataclass
class Desk:
    """Makes filings."""

    engine: FilingEngine
    facts: dict[str, str] = field(default_factory=lambda: dict(FACTS))

    def material(self, portal: str, form: str, *, content: bytes = PDF, **facts: str) -> Material:
        uploads = {name: Upload(name, f"{name}.pdf", content + name.encode()) for name in DOCUMENTS}
        values = {**self.facts, **facts}
        return Material(self.engine.portal(portal), form, f"{form}:{values['frn']}:2026", values, uploads, b"salt")


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    if chromium_path() is None:
        pytest.skip(f"no working Chromium on this machine; {BY_HAND}")
    shared = Browsers(rest_seconds=120)
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def filing_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), sandbox_seed=SEED)
    set_sandbox_day(settings, SANDBOX_DAY)
    with serving(settings) as url:
        yield with_sandbox_addresses(settings.model_copy(update={"sandbox_url": url}))


@pytest.fixture
def portals(filing_settings: Settings) -> Portals:
    running = Portals(filing_settings)
    running.quiet()
    return running


@pytest.fixture
def desk(filing_settings: Settings, browsers: Browsers, portals: Portals) -> Desk:
    return Desk(FilingEngine(filing_settings, portals=patient, browsers=browsers))


@pytest.fixture
def house(db: Database, filing_settings: Settings, browsers: Browsers, portals: Portals, tmp_path: Path) -> House:
    """Books of this test's own; portals that were probed just now."""
    from tests.filings.house import House

    objects = (tmp_path / "objects").as_uri()
    seen = filing_settings.model_copy(
        update={"database_url": SecretStr(db.url), "objects_url": objects, "settle_seconds": 0.0}
    )
    made = House(db, Ground(seen, db, Objects(objects)), tmp_path / "clock.json")
    made.ground.__dict__["filing"] = FilingEngine(seen, portals=patient, browsers=browsers)
    with made.connect() as connection:
        for portal in ("fcc_rmd", "fcc_ecfs"):
            connection.execute(
                "insert into pw.filing_portals (portal, probed_at, probe_ok) values (%s, %s, true)",
                (portal, made.ground.clock.now()),
            )
    return made

"""Each federal portal driven by a real browser from sign-in to confirmation, and seen in the public record after."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.filings.engine import FilingEngine
from pw_pipelines.filings.material import Asked, Material, Upload
from pw_pipelines.filings.stopped import PageChanged
from pw_pipelines.resources.fcc_sites import FccSites
from pw_pipelines.sandbox.form499_register import Filer
from pw_pipelines.sandbox.world import World
from tests.fixtures_sandbox import SANDBOX_DAY, set_sandbox_day
from tests.sandbox.filing_portals.conftest import PDF, Federal
from tests.sources.reading import read

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FACTS = {
    "carrier_name": "Larkmoor Voice, LLC", "carrier_street": "12 Quillfeather Road", "carrier_city": "Larkmoor",
    "carrier_state": "WY", "carrier_zip": "82001", "carrier_phone": "307-555-0100", "comm_type": "Interconnected VoIP",
    "dc_agent_name": "Performance West", "contact_name": "Robin Example", "contact_title": "Manager",
    "contact_phone": "307-555-0101", "contact_email": "robin@example.com", "signer_name": "Alex Example",
    "signer_title": "President", "signer_email": "alex@example.com", "year": "2026", "prior_year": "2025",
    "quarter": "2026Q4", "vintage": "2026-06-30", "revenue_total": "1200", "revenue_end_user": "1000.5",
    "revenue_interstate": "400", "revenue_international": "0", "revenue_projected": "90",
    "voice_lines_residential": "120",
    "voice_lines_business": "8", "broadband_connections": "77", "technologies": "Fibre", "engineer_name": "Kim Example",
    "is_foreign": "no", "is_voice_provider": "yes", "is_gateway": "no", "is_intermediate": "no",
    "implementation": "complete",
}  # fmt: skip


@pytest.fixture
def engine(federal: Federal, browsers: Browsers) -> FilingEngine:
    return FilingEngine(federal.settings, browsers=browsers)


def material(engine: FilingEngine, portal: str, form: str, frn: str, **facts: str) -> Material:
    data = engine.portal(portal)
    uploads = {name: Upload(name, f"{name}.pdf", PDF + name.encode()) for name in data.form(form).documents}
    return Material(data, form, f"{form}:{frn}", {**FACTS, "frn": frn, **facts}, uploads, b"salt")


def filed(engine: FilingEngine, federal: Federal, portal: str, form: str, frn: str, **facts: str) -> dict[str, Any]:
    """Files by the portal's own data; what the portal counted."""
    wanted = material(engine, portal, form, frn, **facts)
    done = engine.file(wanted, may_send=lambda filled: None)
    [counted] = federal.filed(portal)
    found = engine.look_up(Asked(wanted, since=SANDBOX_DAY, reference=done.reference))
    assert done.reference == counted["confirmation"]
    assert (found.seen, found.reference) == ("there", done.reference)
    assert {file["sha256"] for file in counted["uploads"]} == {upload.digest for upload in wanted.uploads.values()}
    return counted


@pytest.fixture
def next_day(federal: Federal) -> date:
    """Called for when all is filed: the clock goes a day on."""
    return SANDBOX_DAY + timedelta(days=1)


def test_a_recertification_stands_in_the_next_days_export(
    engine: FilingEngine, federal: Federal, world: World, next_day: date, tmp_path: Path
) -> None:
    filing = next(
        one for one in world.rmd.listed(SANDBOX_DAY.toordinal())
        if one.is_untouched and one.number != world.rmd.blank_frn_number
    )  # fmt: skip
    frn = world.carriers[filing.carrier].frn
    assert filed(engine, federal, "fcc_rmd", "recertification", frn)["confirmation"] == filing.number

    set_sandbox_day(federal.settings, next_day)
    with FccSites(federal.settings) as sites:
        raw = sites.rmd.fetch(tmp_path).path.read_bytes()
    rows, _ = read("fcc_rmd", raw)
    row = next(one for one in rows if one["number"] == filing.number)
    assert (row["frn"], row["last_recertified_on"]) == (frn, SANDBOX_DAY)


def test_a_cpni_certificate_stands_in_the_next_days_docket(
    engine: FilingEngine, federal: Federal, next_day: date, tmp_path: Path
) -> None:
    filed(engine, federal, "fcc_ecfs", "cpni", "0099000001")
    with FccSites(federal.settings) as sites:
        assert sites.ecfs.by_name(FACTS["carrier_name"], date(2026, 1, 1)) == []
        set_sandbox_day(federal.settings, next_day)
        raw = sites.ecfs.fetch(tmp_path, SANDBOX_DAY - timedelta(days=7), next_day).path.read_bytes()
    rows, report = read("fcc_cpni", raw)
    [row] = [one for one in rows if FACTS["carrier_name"] in str(one)]
    assert report.rejects == []
    assert SANDBOX_DAY in row.values()


def test_a_499_a_moves_the_filers_registration(
    engine: FilingEngine, federal: Federal, world: World, next_day: date
) -> None:
    filer = stale_filer(world)
    filed(engine, federal, "usac_efile", "form_499a", filer.frn)
    set_sandbox_day(federal.settings, next_day)  # a Monday, when the next edition comes out
    with FccSites(federal.settings) as sites:
        rows, _ = read("fcc_form499", sites.form499.by_frn(filer.frn))
    assert [row["registration_current_as_of"] for row in rows] == [date(2026, 4, 1)]


def stale_filer(world: World) -> Filer:
    on = SANDBOX_DAY.toordinal()
    return next(
        filer for filer in world.form499.present(on)
        if filer.frn and filer.ended_on > on + 30 and len(world.form499.by_frn[filer.frn]) == 1
        and world.form499.current_as_of(filer, on + 1) < date(2026, 4, 1).toordinal()
    )  # fmt: skip


def test_a_499_q_is_filed_by_the_filers_id(engine: FilingEngine, federal: Federal) -> None:
    counted = filed(engine, federal, "usac_efile", "form_499q", "0099000001", form_499_id="812345")
    assert counted["confirmation"].startswith("499Q-20261122-")


def test_availability_data_put_the_frn_into_the_next_vintage(
    engine: FilingEngine, federal: Federal, tmp_path: Path
) -> None:
    filed(engine, federal, "fcc_bdc", "both", "0099000001")
    published = date(2027, 3, 3)
    set_sandbox_day(federal.settings, published)
    with FccSites(federal.settings) as sites:
        raw = sites.bdc.fetch(tmp_path, date(2026, 6, 30)).path.read_bytes()
    rows, _ = read("fcc_bdc", raw)
    assert [row["holding_company"] for row in rows if row["frn"] == "0099000001"] == [FACTS["carrier_name"]]


@pytest.mark.parametrize("form", ["subscription", "availability"])
def test_the_other_submissions_of_the_bdc(engine: FilingEngine, federal: Federal, form: str) -> None:
    assert filed(engine, federal, "fcc_bdc", form, "0099000001")["form"] == form


@pytest.mark.parametrize(("portal", "form"), [("usac_efile", "form_499q"), ("fcc_bdc", "subscription")])
@pytest.mark.parametrize("change", ["renamed_field", "extra_required", "moved_submit"])
def test_a_changed_page_is_noticed_and_nothing_sent(
    engine: FilingEngine, federal: Federal, portal: str, form: str, change: str
) -> None:
    federal.change(portal, change)
    with pytest.raises(PageChanged):
        engine.fill(material(engine, portal, form, "0099000001", form_499_id="812345"))
    assert federal.filed() == []


def test_one_click_on_a_connection_that_breaks_is_two_filings_of_a_plain_browser(
    federal: Federal, browsers: Browsers
) -> None:
    """Chromium repeats a POST by itself; why the filing engine sends its submits in another way."""
    key = bdc_draft(federal)

    def click(browser: Browser) -> None:
        page = browser.new_page()
        page.goto(f"{federal.url}/filing/fcc_bdc/login?next=bdc/submissions")
        page.fill("#username", "sandbox")
        page.fill("#password", "sandbox-password")
        page.click("#sign-in")
        page.wait_for_selector("#submissions, #no-submissions")
        federal.misbehave("done_but_timeout", match="fcc_bdc/bdc/api/submit", seconds=0.2)
        sent = {
            "key": key,
            "officer_name": "A",
            "officer_title": "B",
            "officer_email": "c@example.com",
            "certified": True,
        }
        page.evaluate(
            "async ([url, body]) => (await fetch(url, {method: 'POST', body: JSON.stringify(body)})).status",
            [f"{federal.url}/filing/fcc_bdc/bdc/api/submit", sent],
        )
        page.close()

    browsers.run(click)
    assert len(federal.filed("fcc_bdc")) == 2


def bdc_draft(federal: Federal) -> str:
    """A submission that only waits for its certification."""
    visitor: httpx.Client = federal.visitor("fcc_bdc")
    first = {"period": "2026-06-30", "frn": "0099000001", "provider_name": "X", "contact_name": "Y"}
    first |= {"contact_phone": "1", "contact_email": "z@example.com", "voice_residential": "1", "voice_business": "1"}
    key = visitor.post("/bdc/submissions/new/subscription", data=first).url.path.split("/")[-2]
    visitor.post(f"/bdc/api/submissions/{key}/files", data={"field": "voice_file"}, files={"file": ("v.pdf", PDF)})
    while visitor.get(f"/bdc/api/submissions/{key}/files/voice_file").json()["status"] != "Processed":
        pass
    return key

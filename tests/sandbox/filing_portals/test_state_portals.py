"""Wyoming, the IRS, British Columbia and the agents' wholesaler filed with by the engine and a real browser: from the
first page to the confirmation, once, and not at all when a page changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.filings.engine import FilingEngine
from pw_pipelines.filings.material import Asked, Filed, Filled, Material, Shot, Upload
from pw_pipelines.filings.portal import Portal, portal_of
from pw_pipelines.filings.stopped import Challenged, FilingStopped, NotConfirmed, PageChanged, PortalSaid
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.runtime.browser import BY_HAND, chromium_path
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.fixtures_sandbox import SEED, serving
from tests.sandbox.filing_portals.state_facts import FACTS
from tests.sandbox.filing_portals.state_visitor import PDF, Visitor

FORMS = {
    "wy_registry": "formation", "irs_ein": "ss4", "bc_registry": "incorporation", "agent_wholesale": "order",
}  # fmt: skip


@dataclass
class Clerk:
    """Fills and files, and sees what the portals truly have."""

    engine: FilingEngine
    visitor: Visitor

    def material(self, portal: str, form: str | None = None, *, kind: str = "llc", **facts: str) -> Material:
        uploads = {
            name: Upload(name, f"{name}.pdf", PDF + name.encode()) for name in ("articles", "notice_of_articles")
        }
        values = {**FACTS, "form": kind, **facts}
        key = f"{portal}:{values['state']}:{values['company_name']}"
        return Material(self.engine.portal(portal), form or FORMS[portal], key, values, uploads, b"salt")

    def file(self, material: Material, approved: Filled | None = None) -> Filed:
        """Files it, if it is still the form that was approved."""

        def may_send(filled: Filled) -> None:
            assert approved is None or filled.digest == approved.digest

        return self.engine.file(material, may_send=may_send)

    def misbehave(self, fault: str, **more: Any) -> None:
        body = {"system": "filing", "fault": fault, **more}
        self.visitor.client.post("/_control/faults", json=body).raise_for_status()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilingEngine]:
    if chromium_path() is None:
        pytest.skip(f"no working Chromium on this machine; {BY_HAND}")
    settings = Settings(home=tmp_path_factory.mktemp("home"), sandbox_seed=SEED)
    with serving(settings) as url:
        known = with_sandbox_addresses(settings.model_copy(update={"sandbox_url": url}))
        made = FilingEngine(known, portals=_patient, browsers=Browsers(rest_seconds=120))
        yield made
        made.close()


def _patient(code: str) -> Portal:
    return portal_of(code).model_copy(update={"timeout_seconds": 10.0})


@pytest.fixture
def clerk(engine: FilingEngine) -> Iterator[Clerk]:
    visitor = Visitor(engine._settings)
    visitor.quiet()
    visitor.client.delete("/_control/faults")
    yield Clerk(engine, visitor)
    visitor.client.close()


def everything(shots: tuple[Shot, ...], filled: Filled) -> bytes:
    return b"".join(shot.html for shot in shots) + filled.content + filled.trace


@pytest.mark.parametrize(("portal", "form"), [*FORMS.items(), ("bc_registry", "annual_report")], ids=str)
def test_it_is_filed_once_confirmed_and_found_again(clerk: Clerk, portal: str, form: str) -> None:
    material = clerk.material(portal, form)
    filled = clerk.engine.fill(material)
    assert clerk.visitor.filed(portal) == 0  # filling files nothing

    done = clerk.file(material, filled)
    [filing] = clerk.visitor.client.get("/_control/filings", params={"portal": portal}).json()["filings"]
    assert done.reference == filing["confirmation"]
    assert {one["sha256"] for one in filing["uploads"]} == {
        material.uploads[name].digest for name in material.form.documents
    }
    assert (done.download is not None and done.download[1].startswith(b"%PDF-")) is (portal != "agent_wholesale")

    found = clerk.engine.look_up(Asked(material, since=date(2026, 11, 23)))
    if portal == "irs_ein":
        assert (found.seen, done.reads["ein"]) == ("unclear", done.reference)
    else:
        assert (found.seen, found.count, found.reference) == ("there", 1, done.reference)
    assert b"900-12-3456" not in everything((*filled.shots, *done.shots), filled)


@pytest.mark.parametrize("portal", FORMS)
def test_an_answer_that_was_lost_is_looked_up_and_never_sent_again(clerk: Clerk, portal: str) -> None:
    material = clerk.material(portal)
    clerk.misbehave("done_but_timeout", match="/submit", seconds=0.2)
    with pytest.raises(NotConfirmed):
        clerk.file(material)
    assert clerk.visitor.filed(portal) == 1
    found = clerk.engine.look_up(Asked(material))
    assert found.seen == ("unclear" if portal == "irs_ein" else "there")


# Every change on one portal, and one change on each of the others: a form takes seconds to fill.
TOLD = {
    "renamed_field": r"The field \w+ is not there.*There is a new field \w+",
    "extra_required": "There is a new field",
    "moved_submit": "nothing of that kind is there|the button says",
}
CHANGES = [
    *[("wy_registry", change) for change in TOLD],
    ("irs_ein", "renamed_field"), ("agent_wholesale", "extra_required"), ("bc_registry", "moved_submit"),
]  # fmt: skip


@pytest.mark.parametrize(("portal", "change"), CHANGES)
def test_a_page_that_changed_is_told_and_nothing_sent(clerk: Clerk, portal: str, change: str) -> None:
    clerk.visitor.change(portal, change)
    with pytest.raises(PageChanged, match=TOLD[change]) as stopped:
        clerk.engine.fill(clerk.material(portal))
    assert stopped.value.shots[-1].picture
    assert clerk.visitor.filed(portal) == 0


@pytest.mark.parametrize("portal", ["wy_registry", "agent_wholesale"])
def test_a_challenge_is_for_a_person_and_maintenance_for_later(clerk: Clerk, portal: str) -> None:
    clerk.visitor.change(portal, "captcha")
    with pytest.raises(Challenged):
        clerk.engine.fill(clerk.material(portal))
    clerk.visitor.change(portal, "maintenance")
    with pytest.raises(OutsideUnavailable):
        clerk.engine.fill(clerk.material(portal))


@pytest.mark.parametrize("portal", ["wy_registry", "irs_ein"])
def test_a_corporation_is_not_filed_as_a_company_of_members(clerk: Clerk, portal: str) -> None:
    with pytest.raises(FilingStopped, match="no choice for the value of form"):
        clerk.engine.fill(clerk.material(portal, kind="corporation"))


def test_a_name_that_is_taken_stops_wyoming_with_the_portals_word(clerk: Clerk) -> None:
    with pytest.raises(PortalSaid, match="The name is taken") as said:
        clerk.engine.fill(clerk.material("wy_registry", company_name="Blue Foxes LLC"))
    assert said.value.error.then == "person"
    assert clerk.visitor.filed("wy_registry") == 0


def test_a_closed_assistant_is_asked_later(clerk: Clerk) -> None:
    clerk.visitor.tell("irs_ein", hours=[["tue", "06:00", "07:00"]])
    with pytest.raises(PortalSaid, match="closed at this hour") as said:
        clerk.engine.fill(clerk.material("irs_ein"))
    assert said.value.error.then == "later"


@pytest.mark.parametrize("assigned", [False, True])
def test_after_a_reference_number_of_the_irs_nobody_knows_what_happened(clerk: Clerk, assigned: bool) -> None:
    material = clerk.material("irs_ein")
    clerk.visitor.tell("irs_ein", reference="109", assigned=assigned)
    with pytest.raises(NotConfirmed, match=r"reference 109.*800-829-4933") as lost:
        clerk.file(material)
    assert clerk.visitor.filed("irs_ein") == int(assigned)
    assert clerk.engine.look_up(Asked(material)).seen == "unclear"
    assert not any(b"900-12-3456" in shot.html for shot in lost.value.shots)


def test_a_number_given_today_may_be_this_ones_own(clerk: Clerk) -> None:
    """A try whose answer was lost leaves the party without a number for the day; that is no proof that it failed."""
    clerk.file(clerk.material("irs_ein"))
    with pytest.raises(NotConfirmed, match="got a number today"):
        clerk.file(clerk.material("irs_ein", company_name="Second Larkmoor LLC"))
    assert clerk.visitor.filed("irs_ein") == 1


def test_an_approved_name_is_incorporated_under_that_name(clerk: Clerk) -> None:
    clerk.visitor.tell("bc_registry", approve="Larkmoor Telecom Ltd.", number="NR 1234567")
    material = clerk.material("bc_registry", name_approval="NR 1234567")
    done = clerk.file(material)
    assert done.reads["company_name"] == "Larkmoor Telecom Ltd."


def test_what_was_never_filed_is_absent(clerk: Clerk) -> None:
    seen = [clerk.engine.look_up(Asked(clerk.material(portal))).seen for portal in FORMS]
    assert seen == ["absent", "unclear", "absent", "absent"]


def test_no_procedure_is_on_record_for_any_other_state() -> None:
    packets = {code: playbook_of("formation_basic", code) for code in book()}
    whole = [code for code, playbook in packets.items() if playbook.procedure == "whole"]
    assert whole == ["WY"]
    assert all("not on record" in str(one.packet_why) for code, one in packets.items() if code != "WY")

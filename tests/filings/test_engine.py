"""Forms filled and filed with a real browser on the stand-ins: what is sent, how often, and when nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings import sending
from pw_pipelines.filings.material import Asked, Filled
from pw_pipelines.filings.stopped import Challenged, FilingStopped, MissingFacts, NotConfirmed, PageChanged, PortalSaid
from tests.filings.conftest import FRN, Desk, Portals


def only(approved: Filled) -> Callable[[Filled], None]:
    """Lets nothing be sent but the form that was approved."""

    def may_send(filled: Filled) -> None:
        if filled.digest != approved.digest:
            raise FilingStopped("The filled form is not the one that was approved.")

    return may_send


FORMS = [
    ("fcc_rmd", "filing"), ("fcc_ecfs", "cpni"), ("fcc_ecfs", "calea_ssi"), ("fcc_ecfs", "discontinuance"),
]  # fmt: skip


@pytest.mark.parametrize(("portal", "form"), FORMS)
def test_a_form_is_filled_sent_once_and_found_again(desk: Desk, portals: Portals, portal: str, form: str) -> None:
    material = desk.material(portal, form)
    filled = desk.engine.fill(material)
    assert portals.filed() == []  # filling files nothing

    done = desk.engine.file(material, may_send=only(filled))
    found = desk.engine.look_up(Asked(material, since=date(2026, 11, 22)))
    [filing] = portals.filed()
    digests = {material.uploads[name].digest for name in material.form.documents}
    assert done.reference == filing["confirmation"] == found.reference
    assert {upload["sha256"] for upload in filing["uploads"]} == digests == set(found.digests or ())
    assert (found.seen, found.count) == ("there", 1)


def test_filled_twice_it_is_the_same_form(desk: Desk) -> None:
    first, second = (desk.engine.fill(desk.material("fcc_rmd", "filing")) for _ in range(2))
    assert first.digest == second.digest
    assert json.loads(first.content)["pages"][0]["fields"]["frn"]["value"] == FRN


def test_a_draft_s_number_in_the_portal_s_address_is_no_part_of_the_form(desk: Desk) -> None:
    voice = {
        "form_499_id": "831188", "vintage": "2026-06-30", "signer_email": "alex@example.com",
        "voice_lines_residential": "40", "voice_lines_business": "12",
    }  # fmt: skip
    first, second = (desk.engine.fill(desk.material("fcc_bdc", "subscription", **voice)) for _ in range(2))
    assert first.digest == second.digest


@pytest.mark.parametrize("change", ["value", "document"])
def test_another_value_or_document_is_another_form(desk: Desk, change: str) -> None:
    first = desk.engine.fill(desk.material("fcc_ecfs", "cpni"))
    other = (
        desk.material("fcc_ecfs", "cpni", carrier_zip="82002")
        if change == "value"
        else desk.material("fcc_ecfs", "cpni", content=b"%PDF-1.7 other")
    )
    assert desk.engine.fill(other).digest != first.digest


def test_what_was_not_approved_is_not_sent(desk: Desk, portals: Portals) -> None:
    approved = desk.engine.fill(desk.material("fcc_ecfs", "cpni"))
    with pytest.raises(FilingStopped, match="not the one that was approved"):
        desk.engine.file(desk.material("fcc_ecfs", "discontinuance"), may_send=only(approved))
    assert portals.filed() == []


@pytest.mark.parametrize(
    ("portal", "change", "told"),
    [
        ("fcc_rmd", "renamed_field", r"The field \w+ is not there.*There is a new field \w+"),
        ("fcc_rmd", "extra_required", "There is a new field"),
        ("fcc_rmd", "moved_submit", "nothing of that kind is there"),
        ("fcc_ecfs", "renamed_field", r"The field \w+ is not there.*There is a new field \w+"),
    ],
)
def test_a_changed_page_stops_before_anything_is_sent(
    desk: Desk, portals: Portals, portal: str, change: str, told: str
) -> None:
    material = desk.material(portal, "filing" if portal == "fcc_rmd" else "cpni")
    approved = desk.engine.fill(material)
    portals.page(portal, change)
    with pytest.raises(PageChanged, match=told) as stopped:
        desk.engine.file(material, may_send=only(approved))
    assert portals.filed() == []
    assert stopped.value.shots[-1].picture


def test_done_but_without_an_answer_it_was_sent_once(desk: Desk, portals: Portals) -> None:
    """The browser itself would send it again on a connection that was lost; it must not."""
    for portal, form in FORMS[:2]:
        material = desk.material(portal, form)
        approved = desk.engine.fill(material)
        portals.misbehave("done_but_timeout", match="/submit", seconds=0.2)
        with pytest.raises(NotConfirmed):
            desk.engine.file(material, may_send=only(approved))
        found = desk.engine.look_up(Asked(material))
        assert [found.seen, found.count, len(portals.filed(portal))] == ["there", 1, 1]


def test_a_machine_that_slept_before_the_click_sends_nothing_when_it_wakes(
    desk: Desk, portals: Portals, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = [0.0]
    awake = sending.boot_seconds
    monkeypatch.setattr(sending, "boot_seconds", lambda: awake() + slept[0])
    material = desk.material("fcc_rmd", "filing")
    approved = desk.engine.fill(material)

    def allowed_then_asleep(filled: Filled) -> None:
        only(approved)(filled)
        slept[0] = 3_600.0

    with pytest.raises(NotConfirmed):
        desk.engine.file(material, may_send=allowed_then_asleep)
    assert portals.filed() == []
    assert desk.engine.look_up(Asked(material)).seen == "absent"


def test_what_the_portal_refuses_is_told_in_its_words(desk: Desk, portals: Portals) -> None:
    with pytest.raises(PortalSaid) as said:
        desk.engine.fill(desk.material("fcc_ecfs", "cpni", carrier_state="Wyoming"))
    assert said.value.error.then == "person"

    material = desk.material("fcc_rmd", "filing", frn="12")
    filled = desk.engine.fill(material)
    with pytest.raises(PortalSaid) as said:
        desk.engine.file(material, may_send=only(filled))
    assert (said.value.error.happened, portals.filed()) == ("no", [])


def test_a_challenge_is_left_to_a_person_who_goes_on_in_the_same_session(desk: Desk, portals: Portals) -> None:
    import httpx

    portals.page("fcc_rmd", "captcha")
    material = desk.material("fcc_rmd", "filing")
    with pytest.raises(Challenged) as asked:
        desk.engine.fill(material)
    state = json.loads(asked.value.state)
    cookies = {cookie["name"]: cookie["value"] for cookie in state["cookies"]}
    base = desk.engine.base(material.portal)
    with httpx.Client(cookies=cookies, base_url=base, follow_redirects=True) as person:
        page = person.get(f"{base}/challenge").text
        letters = page.split('rotate(-4 90 25)">')[1].split("<")[0]
        person.post(f"{base}/challenge", data={"letters": letters})
    assert desk.engine.fill(material, state=asked.value.state).digest
    with pytest.raises(Challenged):
        desk.engine.fill(material)


def test_a_portal_in_maintenance_is_away(desk: Desk, portals: Portals) -> None:
    portals.page("fcc_rmd", "maintenance")
    with pytest.raises(OutsideUnavailable):
        desk.engine.fill(desk.material("fcc_rmd", "filing"))


def test_a_form_without_what_it_needs_is_not_begun(desk: Desk) -> None:
    with pytest.raises(MissingFacts) as missing:
        desk.engine.fill(desk.material("fcc_rmd", "filing", signer_title="", contact_phone=" "))
    assert missing.value.names == ("contact_phone", "signer_title")


def test_what_was_never_filed_is_not_found(desk: Desk) -> None:
    assert desk.engine.look_up(Asked(desk.material("fcc_rmd", "filing"))).seen == "absent"


def test_a_filing_of_before_is_not_ours(desk: Desk) -> None:
    material = desk.material("fcc_rmd", "filing")
    desk.engine.file(material, may_send=only(desk.engine.fill(material)))
    assert desk.engine.look_up(Asked(material, since=date(2026, 11, 23))).seen == "absent"
    assert desk.engine.look_up(Asked(desk.material("fcc_rmd", "stir_shaken"))).seen == "absent"

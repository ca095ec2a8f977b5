"""Campaign templates: none loads without what every mail must have; Listmonk keeps ours; what goes out is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.errors import OutsideError
from pw_pipelines.leads.campaigns import Kept, keep
from pw_pipelines.leads.template_files import FOLDER, BadTemplate, faults_of, notice_words, read_templates
from pw_pipelines.resources.listmonk import Listmonk as Client
from pw_pipelines.sandbox.listmonk import ApiUser
from pw_pipelines.settings import Mode, Settings
from tests.fixtures_listmonk import Listmonk

LETTER = (FOLDER / "letter.html").read_text()
UNSUBSCRIBE = '<a href="{{ UnsubscribeURL }}" style="color:#1f4f8f">Unsubscribe</a>'


def kept(server: Listmonk, settings: Settings) -> Kept:
    settings = server.settings(settings)
    with Client(settings, sleep=lambda _seconds: None) as client:
        return keep(client, settings)


def stored(server: Listmonk) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in server.api.get("/api/templates").json()["data"]}


def campaign(server: Listmonk, status: str = "running", **more: Any) -> int:
    said = {"name": "November", "subject": "Your RMD filing", "lists": [9], "content_type": "html", "body": "<p>Hi"}
    if status == "scheduled":
        said["send_at"] = "2026-11-30T15:00:00+00:00"
    number = int(server.api.post("/api/campaigns", json={**said, **more}).json()["data"]["id"])
    assert server.api.put(f"/api/campaigns/{number}/status", json={"status": status}).status_code == 200
    return number


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (UNSUBSCRIBE, "", "no visible link"),
        (UNSUBSCRIBE, f"<!-- {UNSUBSCRIBE} -->", "no visible link"),
        (UNSUBSCRIBE, f'<span style="display: none">{UNSUBSCRIBE}</span>', "no visible link"),
        (UNSUBSCRIBE, '<a href="{{ UnsubscribeURL }}"></a>', "no visible link"),
        (UNSUBSCRIBE, f"{{{{ if .Subscriber.Attribs.frn }}}}{UNSUBSCRIBE}{{{{ end }}}}", "inside an {{ if }}"),
        ("[[FIRM_ADDRESS]]", "", "our postal address"),
        ("[[FIRM_ADDRESS]]", '<i style="font-size:0">[[FIRM_ADDRESS]]</i>', "our postal address"),
        ("This is an advertisement", "A letter", "This is an advertisement"),
        ("a government agency", "a shop", "not a government agency"),
        ('{{ template "content" . }}', "", "stands there 0 times"),
        ("{{ TrackView }}", "{{ TrackView }}{{ TrackView }}", "more than once"),
        ("{{ TrackView }}", "{{ .Subscriber.Attribs.compnay }}", "no field we know"),
        ("{{ TrackView }}", "{{ if .Subscriber.Name }}", "1 {{ if }}"),
        ("<hr", "<h1>FINAL NOTICE</h1><hr", "final notice"),
        ("<hr", "<p>Case number 12</p><hr", "case number"),
    ],
)
def test_a_template_without_what_every_campaign_mail_must_have_does_not_load(
    old: str, new: str, fault: str, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "bad.html").write_text(LETTER.replace(old, new))
    with pytest.raises(BadTemplate, match=r"bad\.html") as refused:
        read_templates(settings, tmp_path)
    assert fault in str(refused.value)


def test_ours_load_and_name_our_address(settings: Settings) -> None:
    settings = settings.model_copy(update={"firm_address": "Firm & Sons\n1 Main St, Laramie WY 82070"})
    found = read_templates(settings)
    assert [each.name for each in found] == ["PW finding", "PW letter"]
    assert all("Firm &amp; Sons<br>1 Main St, Laramie WY 82070" in each.body for each in found)
    assert [faults_of((FOLDER / each.file).read_text()) for each in found] == [[], []]


def test_live_mode_without_our_address_sends_no_campaign(settings: Settings) -> None:
    live = settings.model_construct(**{**settings.model_dump(exclude={"firm_address"}), "mode": Mode.LIVE})
    with pytest.raises(BadTemplate, match="PW_FIRM_ADDRESS"):
        read_templates(live)


def test_an_honest_letter_about_a_public_record_is_no_notice() -> None:
    assert notice_words("Your filing in the FCC's Robocall Mitigation Database seems to lack this year's date.") == []


def test_templates_are_made_kept_and_mended_and_no_other_is_touched(
    listmonk_server: Listmonk, settings: Settings
) -> None:
    assert kept(listmonk_server, settings).templates == {"PW finding": "created", "PW letter": "created"}
    assert set(kept(listmonk_server, settings).templates.values()) == {"unchanged"}
    before = stored(listmonk_server)
    listmonk_server.api.put(
        f"/api/templates/{before['PW letter']['id']}",
        json={"name": "PW letter", "type": "campaign", "body": '{{ template "content" . }}'},
    )
    assert kept(listmonk_server, settings).templates["PW letter"] == "updated"
    after = stored(listmonk_server)
    assert {name: row["body"] for name, row in after.items()} == {name: row["body"] for name, row in before.items()}
    assert listmonk_server.writes() == {"templates_created": 2, "templates_updated": 2}


def test_a_campaign_that_goes_out_in_one_of_ours_is_right(listmonk_server: Listmonk, settings: Settings) -> None:
    kept(listmonk_server, settings)
    campaign(listmonk_server, template_id=stored(listmonk_server)["PW letter"]["id"])
    review = kept(listmonk_server, settings).review
    assert (review.campaigns, review.faults, review.one_click) == (1, (), True)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "is set in `Default campaign template`, which is none of ours"),
        ({"content_type": "visual"}, "is written as visual, which goes out without one of our templates"),
        ({"content_type": "plain", "template": "PW letter"}, "is written as plain"),
        ({"template": "PW letter", "altbody": "Hello."}, "has a plain text without {{ UnsubscribeURL }}"),
        ({"template": "PW letter", "headers": [{"List-Unsubscribe": "<x>"}]}, "sets List-Unsubscribe headers"),
        ({"template": "PW letter", "subject": "Notice of Violation"}, "says `notice of violation`"),
        ({"template": "PW letter", "body": "<p>Immediate action required</p>"}, "immediate action required"),
    ],
)
@pytest.mark.parametrize("status", ["running", "scheduled"])
def test_a_campaign_that_goes_out_without_them_is_found(
    more: dict[str, Any], why: str, status: str, listmonk_server: Listmonk, settings: Settings
) -> None:
    kept(listmonk_server, settings)
    if "template" in more:
        more = {**more, "template_id": stored(listmonk_server)[more["template"]]["id"]}
    campaign(listmonk_server, status, **more)
    (fault,) = kept(listmonk_server, settings).review.faults
    assert why in fault.text
    assert (fault.name, fault.status, fault.key) == ("November", status, f"mail:campaign:{fault.uuid}")


def test_drafts_and_opt_in_mails_are_nobodys_business(listmonk_server: Listmonk, settings: Settings) -> None:
    campaign(listmonk_server, type="optin")
    listmonk_server.api.post("/api/campaigns", json={"name": "d", "subject": "s", "lists": [9], "body": "x"})
    assert kept(listmonk_server, settings).review.campaigns == 0


def test_one_click_headers_are_read_from_listmonks_settings_where_we_may(run_listmonk: Any, settings: Settings) -> None:
    server = run_listmonk()
    server.api.post("/_sandbox/settings", json={"unsubscribe_header": False})
    assert kept(server, settings).review.one_click is False
    may = frozenset({"templates:get", "templates:manage", "campaigns:get"})
    assert kept(run_listmonk(users=[ApiUser("pw", "sandbox-token", may)]), settings).review.one_click is None


def test_a_user_who_may_not_see_templates_is_told_so(run_listmonk: Any, settings: Settings) -> None:
    with pytest.raises(OutsideError, match="templates:get"):
        kept(run_listmonk(users=[ApiUser("pw", "sandbox-token", frozenset())]), settings)

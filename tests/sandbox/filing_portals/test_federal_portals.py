"""The federal portals' stand-ins at the wire: sign-in, what they refuse, what they count, how they misbehave."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pw_pipelines.sandbox.filing_portals.book import FilingBook
from pw_pipelines.sandbox.world import World
from tests.fixtures_sandbox import SANDBOX_DAY
from tests.sandbox.filing_portals.conftest import PDF, Federal, errors_in

FRN = "0099000001"  # of nobody in the invented world
RMD = {
    "frn": FRN, "business_name": "Larkmoor Voice, LLC", "business_address": "12 Quillfeather Road, Larkmoor, WY 82001",
    "foreign_provider": "No", "role_voice": "true", "implementation": "Partial S/S Implementation",
    "contact_name": "Robin Example", "contact_title": "Manager", "contact_phone": "307-555-0101",
    "contact_email": "robin@example.com", "affiliates": "None.", "investigations": "None.",
    "officer_name": "Alex Example", "officer_title": "President", "declaration": "true",
}  # fmt: skip
ECFS = {
    "proceeding": "06-36", "filer_name": "Larkmoor Voice, LLC", "contact_email": "", "law_firm": "",
    "filing_type": "CERTIFICATION", "address_line": "12 Quillfeather Road", "city": "Larkmoor", "state": "WY",
    "zip": "82001", "brief": f"Annual CPNI certification for 2025; FRN {FRN}",
}  # fmt: skip
FORM_499Q = {
    "identification": {
        "filer_id": "812345", "frn": FRN, "legal_name": "Larkmoor Voice, LLC", "quarter": "2026Q4",
        "preparer_name": "Robin Example", "preparer_phone": "307-555-0101", "preparer_email": "robin@example.com",
    },
    "revenue": {"revenue_total": "1,000.00", "revenue_projected": "250"},
    "submit": {
        "officer_name": "Alex Example", "officer_title": "President", "officer_email": "alex@example.com",
        "filing_is": "original", "certified": "Y",
    },
}  # fmt: skip
BDC = {
    "period": "2026-06-30", "frn": FRN, "provider_name": "Larkmoor Voice, LLC", "filer_id": "",
    "contact_name": "Robin Example", "contact_phone": "307-555-0101", "contact_email": "robin@example.com",
    "voice_residential": "1,204", "voice_business": "88",
}  # fmt: skip
OFFICER = {
    "officer_name": "Alex Example", "officer_title": "President", "officer_email": "alex@example.com", "certified": True
}  # fmt: skip
SUBMITS = {
    "fcc_rmd": "fcc_rmd/api/x_g_fmc_rmd/rmd/submit",
    "fcc_ecfs": "fcc_ecfs/ecfs/filings/standard/submit",
    "usac_efile": "usac_efile/efile/form_499q/submit",
    "fcc_bdc": "fcc_bdc/bdc/api/submit",
}


def attach(visitor: httpx.Client, field: str) -> str:
    reply = visitor.post(
        "/api/now/attachment/upload", data={"field": field}, files={"uploadFile": (f"{field}.pdf", PDF)}
    )
    return str(reply.json()["result"]["sys_id"])


def rmd(visitor: httpx.Client, kind: str = "filing", **changed: str) -> httpx.Response:
    attachments = [attach(visitor, "certification"), attach(visitor, "plan")] if kind == "filing" else []
    if kind == "recertification":
        attachments = [attach(visitor, "certification")]
    sent = {"kind": kind, "values": {**RMD, "still_accurate": "true", **changed}, "attachments": attachments}
    return visitor.post("/api/x_g_fmc_rmd/rmd/submit", json=sent)


def ecfs_review(visitor: httpx.Client, way: str = "standard", **changed: str) -> httpx.Response:
    files = [("documents", ("certificate.pdf", PDF, "application/pdf"))]
    return visitor.post(f"/ecfs/filings/{way}", data={**ECFS, **changed}, files=files)


def ecfs(visitor: httpx.Client, way: str = "standard", **changed: str) -> httpx.Response:
    draft = re.search(r'name="draft" value="([^"]+)"', ecfs_review(visitor, way, **changed).text)
    assert draft
    return visitor.post(f"/ecfs/filings/{way}/submit", data={"draft": draft.group(1), "reviewed": "yes"})


def form_499q(visitor: httpx.Client) -> httpx.Response:
    visitor.get("/efile/form_499q/begin")
    reply = None
    for page, answers in FORM_499Q.items():
        reply = visitor.post(f"/efile/form_499q/{page}", data=answers)
    assert reply is not None
    return reply


def bdc_draft(visitor: httpx.Client) -> str:
    """The key of a submission whose file is processed."""
    key = visitor.post("/bdc/submissions/new/subscription", data=BDC).url.path.split("/")[-2]
    visitor.post(f"/bdc/api/submissions/{key}/files", data={"field": "voice_file"}, files={"file": ("v.pdf", PDF)})
    while visitor.get(f"/bdc/api/submissions/{key}/files/voice_file").json()["status"] != "Processed":
        pass
    return key


def bdc(visitor: httpx.Client) -> httpx.Response:
    return visitor.post("/bdc/api/submit", json={"key": bdc_draft(visitor), **OFFICER})


FILE: dict[str, Callable[[httpx.Client], httpx.Response]] = {
    "fcc_rmd": rmd, "fcc_ecfs": ecfs, "usac_efile": form_499q, "fcc_bdc": bdc,
}  # fmt: skip


@pytest.mark.parametrize("portal", FILE)
def test_the_same_filed_again_is_taken_and_counted_again(federal: Federal, portal: str) -> None:
    visitor = federal.visitor(portal)
    replies = [FILE[portal](visitor) for _ in range(2)]

    filed = federal.filed(portal)
    assert [reply.is_success for reply in replies] == [True, True]
    assert len(filed) == 2
    assert all(one["confirmation"] in reply.text for one, reply in zip(filed, replies, strict=True))
    assert {one["frn"] for one in filed} == {FRN}
    assert filed[0]["fields_sha256"] == filed[1]["fields_sha256"]
    assert filed[0]["filed_at"].startswith(SANDBOX_DAY.isoformat())


@pytest.mark.parametrize("portal", FILE)
def test_a_submit_that_is_not_answered_was_done(federal: Federal, portal: str) -> None:
    federal.misbehave("done_but_timeout", match=SUBMITS[portal], seconds=0)
    with pytest.raises(httpx.RemoteProtocolError):
        FILE[portal](federal.visitor(portal))
    assert len(federal.filed(portal)) == 1


@pytest.mark.parametrize("portal", FILE)
def test_a_submit_refused_by_the_server_was_not_done(federal: Federal, portal: str) -> None:
    federal.misbehave("status", match=SUBMITS[portal], status=503)
    assert FILE[portal](federal.visitor(portal)).status_code == 503
    assert federal.filed(portal) == []


@pytest.mark.parametrize("portal", FILE)
def test_without_the_account_nothing_that_needs_it_is_shown_or_taken(federal: Federal, portal: str) -> None:
    inside = {
        "fcc_rmd": "/rmd?id=rmd_form&kind=filing",
        "fcc_ecfs": "/ecfs/filings/confidential",
        "usac_efile": "/efile/form_499q/begin",
        "fcc_bdc": "/bdc/submissions",
    }
    stranger = federal.visitor(portal, signed_in=False)
    asked = stranger.get(inside[portal])
    wrong = stranger.post(asked.url.raw_path.decode().removeprefix(f"/filing/{portal}"), data={"username": "sandbox"})
    assert 'id="login-form"' in asked.text
    assert "Invalid username or password" in wrong.text

    entered = stranger.post(str(asked.url), data={"username": "sandbox", "password": "sandbox-password"})
    assert entered.url.path.startswith(f"/filing/{portal}{inside[portal].split('?')[0].removesuffix('/begin')}")


def test_the_sign_in_leads_nowhere_but_into_the_portal(federal: Federal) -> None:
    account = {"username": "sandbox", "password": "sandbox-password"}
    for address in ("https://elsewhere.example/", "//elsewhere.example/"):
        with httpx.Client(base_url=f"{federal.url}/filing/fcc_bdc") as visitor:
            reply = visitor.post("/login", params={"next": address}, data=account)
            assert reply.headers["location"].startswith("/filing/fcc_bdc/")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"frn": "12345"}, "not a valid FCC Registration Number"),
        ({"role_voice": "false"}, "at least one role"),
        ({"declaration": "false"}, "under penalty of perjury"),
        ({"contact_email": "robin"}, "not an email address"),
        ({"business_name": " "}, "Business name: this field is required"),
    ],
)
def test_the_rmd_says_what_is_wrong_and_takes_nothing(federal: Federal, changed: dict[str, str], told: str) -> None:
    reply = rmd(federal.visitor("fcc_rmd"), **changed)
    assert reply.status_code == 422
    assert told in " ".join(error["message"] for error in reply.json()["errors"])
    assert federal.filed() == []


def test_who_has_no_published_filing_has_nothing_to_recertify(federal: Federal) -> None:
    visitor = federal.visitor("fcc_rmd")
    assert "No published certification" in rmd(visitor, "recertification").text
    number = rmd(visitor).json()["result"]["number"]
    assert rmd(visitor, "recertification").json()["result"]["number"] == number


def test_a_published_filing_keeps_its_number_and_the_list_shows_both_kinds(federal: Federal, world: World) -> None:
    visitor, on = federal.visitor("fcc_rmd"), SANDBOX_DAY.toordinal()
    filing = next(f for f in world.rmd.listed(on) if f.is_untouched and f.number != world.rmd.blank_frn_number)
    frn = world.carriers[filing.carrier].frn
    rmd(visitor, "recertification", frn=frn)

    rows = visitor.get(f"/api/x_g_fmc_rmd/rmd/public?sysparm_query=frn_str={frn}").json()["result"]
    assert rows[0]["number"] == filing.number
    assert (rows[0]["kind"], rows[0]["filed"]) == ("Recertification", "11/22/2026")
    assert rows[0]["digests"] == [federal.filed()[0]["uploads"][0]["sha256"]]


def test_new_numbers_are_above_those_published_and_nobody_elses(federal: Federal, world: World) -> None:
    visitor = federal.visitor("fcc_rmd")
    given = [rmd(visitor, frn=f"009900000{turn}").json()["result"]["number"] for turn in range(1, 4)]
    last = max(f.number for f in world.rmd.listed(SANDBOX_DAY.toordinal()))
    assert given == sorted(given)
    assert given[0] > last
    assert not {filing.number for filing in world.rmd.filings} & set(given)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"proceeding": "99-999"}, "not a valid proceeding"),
        ({"zip": "820"}, "five or nine digits"),
        ({"filer_name": ""}, "Name of filer: this field is required"),
        ({"proceeding": "97-213"}, "are confidential"),
    ],
)
def test_ecfs_shows_what_is_wrong_before_any_review(federal: Federal, changed: dict[str, str], told: str) -> None:
    reply = ecfs_review(federal.visitor("fcc_ecfs", signed_in=False), **changed)
    assert told in " ".join(errors_in(reply.text))
    assert "ecfs-review" not in reply.text


def test_ecfs_takes_nothing_that_was_not_reviewed(federal: Federal) -> None:
    visitor = federal.visitor("fcc_ecfs", signed_in=False)
    draft = re.search(r'name="draft" value="([^"]+)"', ecfs_review(visitor).text)
    assert draft
    reply = visitor.post("/ecfs/filings/standard/submit", data={"draft": draft.group(1)})
    assert "confirm that you reviewed" in reply.text
    assert "session has expired" in visitor.post("/ecfs/filings/standard/submit", data={"draft": "made up"}).text
    assert federal.filed() == []


def test_a_confidential_filing_is_found_by_its_account_and_by_nobody_else(federal: Federal) -> None:
    visitor = federal.visitor("fcc_ecfs")
    number = re.search(r'number">(\d+)<', ecfs(visitor, "confidential", proceeding="97-213", filing_type="OTHER").text)
    assert number

    query = {"proceeding": "97-213", "filer": "larkmoor"}
    assert number.group(1) in visitor.get("/ecfs/filings/mine", params=query).text
    assert "no filings" in visitor.get("/ecfs/search/search-filings", params=query).text
    stranger = federal.visitor("fcc_ecfs", signed_in=False)
    assert "login" in str(stranger.get("/ecfs/filings/mine", params=query).url)


@pytest.mark.parametrize(
    ("page", "changed", "told"),
    [
        ("identification", {"quarter": "fourth"}, "write the quarter as 2026Q4"),
        ("identification", {"filer_id": "", "frn": FRN}, "No filer is registered"),
        ("revenue", {"revenue_total": "NaN"}, "not an amount in dollars"),
        ("revenue", {"revenue_projected": "-1"}, "can't be negative"),
        ("submit", {"certified": ""}, "this entry is required"),
    ],
)
def test_e_file_shows_what_is_wrong_on_the_page(
    federal: Federal, page: str, changed: dict[str, str], told: str
) -> None:
    visitor = federal.visitor("usac_efile")
    visitor.get("/efile/form_499q/begin")
    for name, answers in FORM_499Q.items():
        reply = visitor.post(f"/efile/form_499q/{name}", data={**answers, **(changed if name == page else {})})
        if name == page:
            break
    assert told in " ".join(errors_in(reply.text))
    assert federal.filed() == []


def test_a_page_skipped_is_shown_instead_of_a_submit(federal: Federal) -> None:
    visitor = federal.visitor("usac_efile")
    visitor.get("/efile/form_499q/begin")
    reply = visitor.post("/efile/form_499q/submit", data=FORM_499Q["submit"])
    assert "Block 1: Contributor identification</b>" in reply.text
    assert federal.filed() == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"period": "2020-06-30"}, "choose a filing period"),
        ({"voice_business": "some"}, "write a whole number"),
        ({"frn": "1"}, "FRN 1 is not valid"),
    ],
)
def test_the_bdc_shows_what_is_wrong_on_its_first_page(federal: Federal, changed: dict[str, str], told: str) -> None:
    reply = federal.visitor("fcc_bdc").post("/bdc/submissions/new/subscription", data={**BDC, **changed})
    assert told in " ".join(errors_in(reply.text))


def test_the_bdc_takes_no_file_that_is_still_processed_and_no_empty_certification(federal: Federal) -> None:
    visitor = federal.visitor("fcc_bdc")
    key = visitor.post("/bdc/submissions/new/subscription", data=BDC).url.path.split("/")[-2]
    early = visitor.post("/bdc/api/submit", json={"key": key, **OFFICER})
    empty = visitor.post("/bdc/api/submit", json={"key": bdc_draft(visitor)})
    assert early.json()["errors"] == ["Voice subscription data: not uploaded and processed."]
    assert "The certification must be accepted." in empty.json()["errors"]
    assert federal.filed() == []


def test_a_filing_stands_in_the_portals_own_search_at_once(federal: Federal) -> None:
    pages = {
        "usac_efile": ("/efile/history", {"frn": FRN, "form": "form_499q"}),
        "fcc_bdc": ("/bdc/submissions", {"frn": FRN}),
        "fcc_ecfs": ("/ecfs/search/search-filings", {"proceeding": "06-36", "filer": "larkmoor voice"}),
    }
    for portal, (path, query) in pages.items():
        visitor = federal.visitor(portal)
        before = visitor.get(path, params=query).text
        FILE[portal](visitor)
        [filed] = federal.filed(portal)
        assert filed["confirmation"] not in before
        assert filed["confirmation"] in visitor.get(path, params=query).text


@pytest.mark.parametrize("portal", FILE)
def test_in_maintenance_a_portal_is_closed(federal: Federal, portal: str) -> None:
    visitor = federal.visitor(portal)
    federal.change(portal, "maintenance")
    assert visitor.get("/login").status_code == 503
    federal.change(portal, "none")
    assert visitor.get("/login").status_code == 200


def test_a_challenge_stands_before_the_form_until_a_person_answered_it(federal: Federal) -> None:
    visitor = federal.visitor("fcc_rmd")
    federal.change("fcc_rmd", "captcha")
    page = visitor.get("/rmd?id=rmd_form&kind=filing")
    wrong = visitor.post(str(page.url), data={"letters": "ABC"})
    letters = re.search(r"<text[^>]*>(\w+)</text>", page.text)
    assert letters
    assert "do not match" in wrong.text
    assert rmd_refused(visitor)

    solved = visitor.post(str(page.url), data={"letters": letters.group(1).lower()})
    assert 'id="rmd-widget"' in solved.text
    assert rmd(visitor).status_code == 201


def rmd_refused(visitor: httpx.Client) -> bool:
    return "Security check" in visitor.post("/api/x_g_fmc_rmd/rmd/submit", json={}).text


@pytest.mark.parametrize(
    ("portal", "page"),
    [
        ("fcc_rmd", "/api/now/sp/widget/rmd_form?kind=filing"),
        ("fcc_ecfs", "/ecfs/filings/standard"),
        ("usac_efile", "/efile/form_499q/revenue"),
        ("fcc_bdc", "/bdc/submissions/new/availability"),
    ],
)
def test_a_renamed_and_an_extra_field_change_the_page_and_what_is_taken(
    federal: Federal, portal: str, page: str
) -> None:
    def fields() -> set[str]:
        visitor.get("/efile/form_499q/begin")
        return set(re.findall(r'"?name"?[=:]\s*"(\w+)"', visitor.get(page).text))

    visitor = federal.visitor(portal)
    usual = fields()
    federal.change(portal, "renamed_field")
    renamed = fields()
    federal.change(portal, "extra_required")
    more = fields()
    assert (len(usual - renamed), len(renamed - usual)) == (1, 1)
    assert (len(usual - more), len(more - usual)) == (0, 1)


@pytest.mark.parametrize("change", ["renamed_field", "extra_required"])
def test_what_was_right_yesterday_is_refused_by_a_changed_form(federal: Federal, change: str) -> None:
    federal.change("fcc_rmd", change)
    assert rmd(federal.visitor("fcc_rmd")).status_code == 422
    assert federal.filed() == []


def test_control_knows_its_portals_and_changes(federal: Federal) -> None:
    def told(portal: str, body: Any) -> httpx.Response:
        return httpx.post(f"{federal.url}/_control/filing/{portal}/page", json=body)

    assert told("fcc_nothing", {"change": "none"}).status_code == 404
    assert told("fcc_rmd", {"change": "sulk"}).status_code == 422
    assert told("fcc_rmd", []).status_code == 422


def test_the_book_outlives_the_server_and_its_files_too(federal: Federal) -> None:
    rmd(federal.visitor("fcc_rmd"))
    again = FilingBook(federal.settings.home / "sandbox" / "filings")
    [filing] = again.all("fcc_rmd")
    assert filing.shown() == federal.filed()[0]
    assert [again.content(upload) for upload in filing.uploads] == [PDF, PDF]


def test_a_book_nobody_wrote_in_is_empty_and_makes_no_file(tmp_path: Path) -> None:
    assert FilingBook(tmp_path / "book").all() == []
    assert list(tmp_path.iterdir()) == []

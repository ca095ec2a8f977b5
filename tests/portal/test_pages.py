"""The pages as HTML over HTTP: what they say, what they escape, who may see them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from pydantic import SecretStr

from pw_pipelines.filling import note
from pw_pipelines.leads.segments import read_segments
from pw_pipelines.portal import staff
from pw_pipelines.portal.chart import Bar, bars
from pw_pipelines.portal.words import citation_parts, evidence_rows
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.settings import Settings
from tests.portal import given
from tests.portal.conftest import Web
from tests.portal.public_record import Sites

PAGE = "/tools/fcc-compliance-check"
STAFF_PAGES = ("/", "/segments", "/segments/critical", "/segments/critical/export?format=csv")


class Text(HTMLParser):
    """The text of a page, blanks single."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._pieces: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self._pieces).split())

    def handle_data(self, data: str) -> None:
        self._pieces.append(data)


def seen(web: Web, path: str) -> str:
    return Text(web.get(path).text).text


def test_a_mailed_link_shows_the_answer_at_once(deficient: Web) -> None:
    text = seen(deficient, f"{PAGE}?frn=0012345678&utm_source=mail")
    assert "Issues found" in text
    assert "Blue Mesa <Communications> & Söhne, LLC" in text
    assert "Certain: read directly from the public record" in text
    assert "Probable: concluded from the public record" in text
    assert "$499.00" in text
    assert "not a legal conclusion" in text
    assert "not a government site" in text


def test_the_rule_is_linked_to_where_it_can_be_read(deficient: Web) -> None:
    html = deficient.get(f"{PAGE}?frn=0012345678").text
    assert 'href="https://www.ecfr.gov/current/title-47/section-64.2009"' in html


def test_the_fix_button_carries_frn_services_and_utm(deficient: Web) -> None:
    html = deficient.get(f"{PAGE}?frn=0012345678&utm_source=mail&utm_campaign=cpni%26missing").text
    (link,) = re.findall(r'class="button" href="([^"]+)"', html)
    link, check = re.sub(r"&amp;check=([0-9a-f-]{36})", "", link), re.findall(r"check=([0-9a-f-]{36})", link)
    assert len(check) == 1
    assert link == (
        "/checkout?frn=0012345678&amp;services=form_499a%2Crmd_recertification%2Ccpni_certification"
        "%2Ccores_registration&amp;utm_source=mail&amp;utm_campaign=cpni%26missing"
    )


def test_nothing_from_outside_reaches_a_page_unescaped(deficient: Web) -> None:
    evil = '"><script>alert(1)</script>'
    for path in (
        f"{PAGE}?frn={evil}",
        f"{PAGE}?frn=0012345678&utm_source={evil}",
        f"/checkout?frn={evil}&services={evil}",
    ):
        html = deficient.get(path).text
        assert "<script" not in html, path
    assert "<b>Communications</b>" not in deficient.get(f"{PAGE}?frn=0012345678").text


def test_what_is_no_frn_gets_a_kind_page_and_keeps_what_was_typed(web: Web) -> None:
    reply = web.get(f"{PAGE}?frn=hello&utm_source=mail")
    assert reply.status_code == 400
    assert "Please check the number." in reply.text
    assert 'value="hello"' in reply.text
    assert 'aria-invalid="true"' in reply.text
    assert '<input type="hidden" name="utm_source" value="mail">' in reply.text


def test_an_empty_question_shows_the_form_and_logs_nothing(web: Web) -> None:
    assert "Free FCC compliance check" in seen(web, f"{PAGE}?frn=%20")
    with web.db.connect() as connection:
        assert connection.execute("select count(*) as n from pw.compliance_check_log").fetchall() == [{"n": 0}]


def test_a_person_who_owes_nothing_is_told_so_kindly(start: Callable[..., Web]) -> None:
    web = start(Sites(cores_fields_changed={"Entity Type:": "Individual", "Entity Name:": "Example, Robin"}))
    given.fresh_books(web.db)
    text = seen(web, f"{PAGE}?frn=0012345678")
    assert "No filing duty visible" in text
    assert "Robin" not in text
    assert "Fix these issues" not in text


def test_a_source_that_cannot_be_read_now_is_named(start: Callable[..., Web]) -> None:
    web = start(Sites(down=["fcc_cores"]))
    given.fresh_books(web.db)
    text = seen(web, f"{PAGE}?frn=0012345678&live=1")
    assert "We cannot say yet" in text
    assert "It could not be read now" in text


def test_what_is_settled_live_is_shown_as_settled(start: Callable[..., Web]) -> None:
    web = start(Sites(filers=[{}]))
    ids = given.fresh_books(web.db)
    given.carrier(web.db)
    given.finding(web.db, "F499_MISSING", [ids["fcc_form499"]])
    text = seen(web, f"{PAGE}?frn=0012345678&live=1")
    assert "Settled by what was read just now" in text
    assert "Nothing found" in text


def test_the_checkout_is_honest_about_what_it_can_do(web: Web) -> None:
    text = seen(web, "/checkout?frn=0012345678&services=form_499a,cpni_certification,rmd_recertification,moon_landing")
    assert "$698.00" in text
    assert "by quote" in text
    assert "Not offered here, so left out: moon_landing." in text
    assert "Place the order and pay" in text
    assert "compliance@performancewest.net" in text


def test_the_checkout_shows_a_phone_number_only_when_there_is_one(start: Callable[..., Web]) -> None:
    assert "call 202-555-0100" in seen(start(sales_phone="202-555-0100"), "/checkout?frn=1")


def test_no_page_sends_anybody_to_another_site(web: Web) -> None:
    for path in ("/checkout?next=https://evil.example", f"{PAGE}?frn=&next=//evil.example", "//evil.example/%2e%2e"):
        reply = web.get(path, follow_redirects=False)
        assert "evil.example" not in reply.headers.get("location", "")
        assert reply.status_code in {200, 404}


@pytest.mark.parametrize("path", [PAGE, "/", "/segments", "/health", "/nowhere", "/static/site.css"])
def test_every_reply_carries_the_security_headers(web: Web, path: str) -> None:
    headers = web.get(path).headers
    assert "script-src" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_pages_load_nothing_from_anybody_else(deficient: Web) -> None:
    html = deficient.get(f"{PAGE}?frn=0012345678").text
    assert re.findall(r'<(?:script|iframe|link|img)[^>]+(?:src|href)="(?!/static/)', html) == []
    assert "style=" not in html


def test_staff_pages_ask_for_the_password_and_public_ones_do_not(start: Callable[..., Web]) -> None:
    web = start(staff_password=SecretStr("a!b@c:d"))
    given.fresh_books(web.db)
    for path in STAFF_PAGES:
        refused = web.get(path)
        assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic"), path
        assert web.get(path, auth=("staff", "wrong")).status_code == 401
        assert web.get(path, auth=("root", "a!b@c:d")).status_code == 401
    for path in ("/", "/segments"):
        assert web.get(path, auth=("staff", "a!b@c:d")).status_code == 200
    for path in (PAGE, "/checkout", "/health", "/ready", "/api/v1/openapi.json"):
        assert web.get(path).status_code == 200


def test_the_first_page_says_what_it_cannot_know_and_what_needs_a_person(web: Web) -> None:
    text = seen(web, "/")
    assert "Dagster did not answer" in text
    assert "The marts were never built" in text
    assert "Robocall Mitigation Database: no usable copy is in hand." in text
    assert "acquire_daily" in text
    assert "Its clock says Nov 22, 2026, 10:" in text


def test_while_the_house_is_being_filled_the_first_page_says_so_instead_of_worrying(
    web: Web, web_settings: Settings
) -> None:
    note(web_settings.home).parent.mkdir(parents=True, exist_ok=True)
    note(web_settings.home).write_text(json.dumps({"first_day": "2026-11-21", "done": [], "finished": False}))
    text = seen(web, "/")
    assert "being filled for the first time" in text
    assert "no usable copy is in hand" not in text
    assert "fcc_rmd none — — on its way none" in text


def test_a_register_that_only_a_person_can_load_is_no_worry_until_it_grows_old(web: Web) -> None:
    text = seen(web, "/")
    assert "illinois_llc none — — by hand pw names load IL FILES" in text
    assert "Illinois limited liability companies: no usable copy" not in text
    given.snapshot(web.db, "illinois_llc", given.TODAY - timedelta(days=100))
    assert (
        "Illinois limited liability companies: the copy in force is 100 days old. "
        "A person loads it: pw names load IL FILES." in seen(web, "/")
    )


def test_an_alerts_run_is_a_link_and_its_text_stays_text(web: Web, web_settings: Settings) -> None:
    run = f"{web_settings.dagster_url}/runs/0123456789"
    alert_book.write(web.db, [Alert("run:1", "run", f"Run failed: <b>acquire</b>.\n{run}")], given.NOW)
    html = web.get("/").text
    assert f'<a href="{run}" rel="noreferrer">run 01234567</a>' in html
    assert "&lt;b&gt;acquire" in html


def test_the_first_page_counts_what_is_there(deficient: Web) -> None:
    given.snapshot(deficient.db, "fcc_rmd", given.date(2026, 11, 23), grade="rejected")
    deficient.get(f"{PAGE}?frn=0012345678")
    text = seen(deficient, "/")
    assert "Carriers 1 with issues 1" in text
    assert "Checks asked today 1" in text
    assert "the newest copy was rejected. rows 6,112 against 11,190" in text
    assert "Critical 1 High 2 Low 1" in text


def test_the_dates_of_an_edition_are_told_in_the_same_words_to_staff_and_customers(web: Web) -> None:
    given.empty_marts(web.db)
    copies = [
        given.snapshot(web.db, "fcc_form499", edition="2026-11-16"),
        given.snapshot(web.db, "fcc_bdc", edition="J25"),
        given.snapshot(web.db, "fcc_rmd"),
        given.snapshot(web.db, "fcc_cpni", given.date(2026, 11, 21), at=given.NOW),
    ]
    given.build(web.db, copies)
    given.carrier(web.db)
    for path in ("/", f"{PAGE}?frn=0012345678"):
        text = seen(web, path)
        assert "edition of Nov 16, 2026, read on Nov 22, 2026" in text, path
        assert "edition J25, read on Nov 22, 2026" in text, path
        assert "of Nov 21, 2026, read on Nov 22, 2026" in text, path


def test_look_ups_are_counted_over_all_their_batches_and_do_not_age_on_a_day_without_one(web: Web) -> None:
    given.fresh_books(web.db)
    for days, frn, found in ((5, "0012345678", True), (4, "0012345679", False), (3, "0012345678", True)):
        given.cores(web.db, frn, found=found, as_of=given.TODAY - timedelta(days=days))
    text = seen(web, "/")
    assert (
        "2 carriers looked up, 1 of them registered; each as last read, between Nov 18, 2026 and Nov 19, 2026" in text
    )
    assert "looked up 3 days since the last look-up" in text
    assert "ageing" not in text


def test_look_ups_that_stopped_are_too_old(web: Web) -> None:
    given.fresh_books(web.db)
    given.cores(web.db, "0012345678", found=True, as_of=given.TODAY - timedelta(days=12))
    assert "CORES registrations, looked up one by one: nobody was looked up for 12 days." in seen(web, "/")


def test_segments_are_shown_with_counts_chart_and_table(deficient: Web) -> None:
    given.segment_counts(deficient.db, {"cpni_missing": {"CPNI_MISSING": 1822, "RMD_ROLE_NONE": 120}})
    html = deficient.get("/segments").text
    assert html.count('<rect class="bar"') == len(read_segments())
    assert "1,822" in html
    assert "/segments/cpni_missing/export?format=parquet" in html


def test_a_segment_shows_what_its_leads_lack_and_the_first_of_them(deficient: Web) -> None:
    given.segment_counts(deficient.db, {"cpni_missing": {"CPNI_MISSING": 1822, "RMD_ROLE_NONE": 120}})
    given.lead(deficient.db, "0012345678", "Invented & Sons", "cpni_missing", ["CPNI_MISSING"])
    text = seen(deficient, "/segments/cpni_missing")
    assert "1,822 leads as of Nov 22, 2026" in text
    assert "Invented & Sons" in text
    assert "No CPNI certification found for this year" in text


def test_segments_before_the_first_build_say_so(web: Web) -> None:
    assert "were not built yet" in seen(web, "/segments")
    assert "were not built yet" in seen(web, "/segments/critical")


def test_an_unknown_segment_or_format_is_refused(web: Web) -> None:
    assert web.get("/segments/nonsense").status_code == 404
    assert web.get("/segments/../../etc/passwd").status_code == 404
    assert web.get("/segments/critical/export?format=exe").status_code == 422


def test_a_fault_of_ours_is_a_kind_page_without_its_cause(web: Web) -> None:
    with web.db.connect() as connection:
        connection.execute("alter table pw.compliance_check_log drop column asked")
    reply = web.get(f"{PAGE}?frn=0012345678")
    assert reply.status_code == 500
    assert "The fault is ours" in reply.text
    assert "column" not in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]


def test_a_mail_scanner_that_only_asks_for_the_head_is_answered(web: Web) -> None:
    given.fresh_books(web.db)
    import httpx

    reply = httpx.head(f"{web.url}{PAGE}?frn=0012345678", timeout=30)
    assert (reply.status_code, reply.text) == (200, "")


def test_citations_link_each_section_once() -> None:
    parts = citation_parts("FCC 24-120 (90 FR 40241); 47 CFR 64.6301-64.6304 and 47 USC 413")
    assert [(part.text, part.url) for part in parts if part.url] == [
        ("47 CFR 64.6301", "https://www.ecfr.gov/current/title-47/section-64.6301")
    ]
    assert "".join(part.text for part in parts) == "FCC 24-120 (90 FR 40241); 47 CFR 64.6301-64.6304 and 47 USC 413"


def test_evidence_is_told_in_words() -> None:
    evidence = {"last_recertified": None, "roles": [], "found": False, "names": ["A", "B"], "near": {"A": 0.8}}
    assert evidence_rows(evidence) == [
        ("Last recertified", "blank"),
        ("Roles", "none"),
        ("Found", "No"),
        ("Names", "A, B"),
        ("Near", "A: 0.8"),
    ]


def test_a_chart_is_escaped_and_scaled_to_its_longest_bar() -> None:
    drawn = bars("Leads & more", [Bar("<b>", 200, "/x?a=1&b=2"), Bar("none", 0), Bar("half " * 20, 100)])
    assert re.findall(r'class="bar"[^>]+width="([^"]+)"', drawn) == ["100.00%", "0.00%", "50.00%"]
    assert "<b>" not in drawn
    assert "half " * 20 in drawn, "a label is never cut"
    assert 'aria-label="Leads &amp; more"' in drawn


def test_no_redirect_goes_where_the_host_header_says(web: Web) -> None:
    reply = web.get(f"{PAGE}/?frn=1", headers={"Host": "evil.example"}, follow_redirects=False)
    assert (reply.status_code, "evil.example" in reply.headers.get("location", "")) == (404, False)


def test_a_password_that_is_no_text_is_a_wrong_password(start: Callable[..., Web]) -> None:
    web = start(staff_password=SecretStr("a!b@c:d"))
    assert web.get("/segments", headers={b"Authorization": b"Basic \xff"}).status_code == 401


def test_dagster_is_asked_before_the_books_so_that_a_load_that_just_ended_is_no_missing_copy(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(name: str) -> None:
        answers = getattr(staff, name)

        def answer(*given: Any, **named: Any) -> Any:
            asked.append(name)
            return answers(*given, **named)

        monkeypatch.setattr(staff, name, answer)

    noted("figures")
    noted("dagster_status")
    assert web.get("/").status_code == 200
    assert asked == ["dagster_status", "figures"]

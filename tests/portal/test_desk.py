"""The desk's pages and deeds: who sees what, who may do what, and what an attacker's form, digest or page can do."""

from __future__ import annotations

import re

import pytest

from tests.commerce.making import NOW
from tests.portal.desk_making import PNG, Desk, desk, words
from tests.portal.small_pdf import small_pdf

__all__ = ["desk"]
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def state(desk: Desk, item: int) -> tuple[str, str | None]:
    row = desk.row("select state, gate from pw.item_work where item_id = %s", item)
    return row["state"], row["gate"]


def number_of(desk: Desk, item: int) -> str:
    return str(
        desk.row("select o.number from pw.item_work join pw.orders o using (order_id) where item_id = %s", item)[
            "number"
        ]
    )


# -- reading -------------------------------------------------------------------------------------------------------


def test_the_queue_shows_who_waits_for_whom_since_when_with_links(desk: Desk) -> None:
    first, second = desk.item(), desk.item("form_499a", frn="0099999999")
    desk.waits(first, "details", "2 details are missing.", missing=["signer_name"])
    desk.waits(second, "packet", "A person files it.", stage="file")
    with desk.db.connect() as connection:
        connection.execute(
            "update pw.item_work set run_id = '11112222-3333-4444-5555-666677778888' where item_id = %s", (second,)
        )
    person = desk.person("analyst")
    text = person.get("/desk").text
    assert f"/desk/items/{first}" in text and f"/desk/items/{second}" in text
    assert "/runs/11112222-3333-4444-5555-666677778888" in text
    assert "2 details are missing." in words(text)
    only = person.get("/desk", params={"gate": "packet"}).text
    assert f"/desk/items/{second}" in only and f"/desk/items/{first}" not in only
    assert f"/desk/items/{first}" in person.get("/desk", params={"who": "customer"}).text
    found = person.get("/desk", params={"number": number_of(desk, first).lower()})
    assert f"/desk/items/{first}" in person.get(found.headers["location"]).text
    assert "no order of that number" in person.get("/desk", params={"number": EVIL}).text
    assert "<script>" not in person.get("/desk", params={"number": EVIL, "gate": EVIL, "who": EVIL}).text


def test_an_item_shows_its_stages_with_what_proves_each(desk: Desk) -> None:
    item = desk.item()
    digest = desk.document(item, small_pdf("unsigned"), signed=small_pdf("signed"))
    desk.effect(item, "filing:cpni:1", state="done")
    with desk.db.connect() as connection:
        connection.execute("update pw.item_work set stage = 'confirm' where item_id = %s", (item,))
    seen = words(desk.person("analyst").get(f"/desk/items/{item}").text)
    assert f"signed: {digest[:16]}" in seen
    assert "filing: 2026112200001" in seen
    assert "Arrival proved now" in seen


def test_every_page_answers_with_and_without_rows(desk: Desk) -> None:
    admin = desk.person("admin")
    pages = ["/desk", "/desk/effects", "/desk/portals", "/desk/payments", "/desk/log"]
    for page in pages:
        assert admin.get(page).status_code == 200, page
    item = desk.item()
    effect = desk.effect(item, "filing:x")
    desk.waits(item, "unknown_effect", effect_id=effect)
    with desk.db.connect() as connection:
        connection.execute(
            "insert into pw.payment_events (provider, dedupe_key, event_type, raw, received_at, last_delivery_at, "
            "state, worked_at, outcome) values ('stripe', 'k', 'paid', '', %s, %s, 'held', %s, 'Another amount.')",
            (NOW, NOW, NOW),
        )
    assert "Another amount." in admin.get("/desk/payments").text
    assert "1 effect is unknown" in words(admin.get("/desk").text)
    for page in [*pages, f"/desk/effects/{effect}", f"/desk/items/{item}"]:
        assert admin.get(page).status_code == 200, page
    for page in ["/desk/items/999999", "/desk/effects/999999", f"/desk/items/{item}/review", f"/desk/items/{10**30}"]:
        assert admin.get(page).status_code in (404, 422), page
    assert f"/desk/items/{item}" in admin.get(f"/desk/orders/{number_of(desk, item)}").text
    assert admin.get("/desk/orders/%2F%2Fevil").status_code == 404


# -- who may -------------------------------------------------------------------------------------------------------

DEEDS: dict[str, set[str]] = {
    "hold": {"ops", "admin"}, "retry": {"ops", "admin"}, "pass": {"ops", "admin"}, "details": {"ops", "admin"},
    "filed": {"ops", "admin"}, "signature-link": {"ops", "admin"}, "by-hand": {"ops", "admin"},
    "review": {"reviewer", "admin"}, "private": {"admin"},
}  # fmt: skip


def test_a_role_does_its_own_deeds_and_no_others_whatever_address_it_asks(desk: Desk) -> None:
    item = desk.item()
    effect = desk.effect(item, "filing:x")
    desk.waits(item, "details")
    for role in ("analyst", "ops", "reviewer", "admin"):
        person = desk.person(role)
        for deed, allowed in DEEDS.items():
            reply = person.post(f"/desk/items/{item}/{deed}", {"do": "nothing"})
            assert (reply.status_code != 403) == (role in allowed), (role, deed)
        settles = person.post(f"/desk/effects/{effect}", {"do": "nothing", "note": "x"}).status_code
        assert (settles != 403) == (role in {"reviewer", "admin"})
        portal = person.post("/desk/portals/nowhere", {"do": "close", "why": "x"}).status_code
        assert (portal != 403) == (role in {"ops", "admin"})
        assert (person.get("/desk/log").status_code == 200) == (role == "admin")
        assert (person.get(f"/desk/items/{item}/packet").status_code == 200) == (role in {"ops", "admin"})
    assert desk.row("select state from pw.effects")["state"] == "unknown"


def test_an_analyst_sees_that_there_is_evidence_and_opens_none(desk: Desk) -> None:
    item = desk.item()
    digest = desk.evidence(item, PNG, "image/png", title="The confirmation")
    analyst = desk.person("analyst")
    text = analyst.get(f"/desk/items/{item}").text
    assert "The confirmation" in text and f"files/{digest}" not in text
    assert analyst.get(f"/desk/items/{item}/files/{digest}").status_code == 403


@pytest.mark.parametrize("csrf", ["", "x", "another's"])
def test_a_form_without_this_logins_token_does_nothing(desk: Desk, csrf: str) -> None:
    item = desk.item()
    digest = desk.form(item, {"a": "1"})
    admin = desk.person("admin")
    token = desk.person("admin").csrf if csrf == "another's" else csrf
    for deed in DEEDS:
        reply = admin.client.post(
            f"/desk/items/{item}/{deed}",
            data={"csrf": token, "do": "approve", "digest": digest, "why": "because", "name": "signer_name"},
        )
        assert reply.status_code == 403
    assert state(desk, item) == ("waiting", "review")
    assert desk.rows("select * from pw.approvals") == []


def test_a_form_sent_from_another_site_does_nothing_even_with_the_token(desk: Desk) -> None:
    item = desk.item()
    digest = desk.form(item, {"a": "1"})
    admin = desk.person("admin")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        reply = admin.post(f"/desk/items/{item}/review", {"do": "approve", "digest": digest}, headers=headers)
        assert reply.status_code == 403
    assert desk.rows("select * from pw.approvals") == []


# -- the review ----------------------------------------------------------------------------------------------------


def test_a_reviewer_sees_fields_differences_and_pictures_and_approves_this_form(desk: Desk) -> None:
    item = desk.item()
    old = desk.form(item, {"name": "Blue Mesa", "year": "2025", "gone": "x", "ssn": "hmac:1"})
    reviewer = desk.person("reviewer", "rita")
    assert "There is no earlier edition" in reviewer.get(f"/desk/items/{item}/review").text
    silent = reviewer.post(f"/desk/items/{item}/review", {"do": "return", "digest": old, "note": " "})
    assert silent.status_code == 422 and "say in the note what is wrong with the form" in words(silent.text)
    assert old in silent.text and "Blue Mesa" in silent.text, "the page stands as before"
    reviewer.post(f"/desk/items/{item}/review", {"do": "return", "digest": old, "note": "The year is wrong."})
    assert state(desk, item) == ("waiting", "held")
    new = desk.form(item, {"name": "Blue Mesa", "year": "2026", "added": "y", "ssn": "hmac:2"})
    text = reviewer.get(f"/desk/items/{item}/review").text
    seen = words(text)
    assert "4 differences to the edition rita returned" in seen
    assert "2026" in seen and "2025" in seen and "hmac" not in text
    assert text.count("<img") == 1 + 2, "the mark, and the pictures of both fillings of this run"
    assert new in text
    reply = reviewer.post(f"/desk/items/{item}/review", {"do": "approve", "digest": new})
    assert reply.headers["location"] == f"/desk/items/{item}?said=approved"
    assert state(desk, item) == ("ready", None)
    decided = desk.rows('select form_digest, decision, "by" from pw.approvals order by approval_id')
    assert [tuple(row.values()) for row in decided] == [(old, "returned", "rita"), (new, "approved", "rita")]
    did = [row["what"] for row in desk.rows("select what from pw.staff_actions order by action_id")]
    assert did[-1] == "approved" and "returned" in did


def test_an_approval_of_one_form_is_none_of_another(desk: Desk) -> None:
    first, second = desk.item(), desk.item(frn="0099999999")
    form_a, form_b = desk.form(first, {"a": "1"}), desk.form(second, {"b": "2"})
    newer = desk.form(first, {"a": "refilled meanwhile"})
    reviewer = desk.person("reviewer")
    for item, digest in ((second, form_a), (first, form_b), (first, form_a), (second, ""), (second, newer)):
        reply = reviewer.post(f"/desk/items/{item}/review", {"do": "approve", "digest": digest})
        assert reply.status_code == 409
    assert desk.rows("select * from pw.approvals") == []
    assert state(desk, first) == state(desk, second) == ("waiting", "review")
    assert reviewer.post(f"/desk/items/{second}/review", {"do": "approve", "digest": form_b}).status_code == 303
    again = reviewer.post(f"/desk/items/{second}/review", {"do": "approve", "digest": form_b})
    assert again.status_code == 409 and "does not wait for a review" in words(again.text)


def test_the_form_of_an_earlier_year_is_what_a_renewal_is_compared_with(desk: Desk) -> None:
    last_year = desk.item()
    form = desk.form(last_year, {"year": "2025"})
    reviewer = desk.person("reviewer")
    reviewer.post(f"/desk/items/{last_year}/review", {"do": "approve", "digest": form})
    this_year = desk.item()
    desk.form(this_year, {"year": "2026"})
    assert "1 difference to the edition" in words(reviewer.get(f"/desk/items/{this_year}/review").text)
    somebody_else = desk.item(frn="0099999999", email="other@example.com")
    desk.form(somebody_else, {"year": "2026"})
    assert "There is no earlier edition" in reviewer.get(f"/desk/items/{somebody_else}/review").text


# -- what was captured elsewhere -----------------------------------------------------------------------------------


def test_captured_pages_are_text_and_nothing_captured_can_run(desk: Desk) -> None:
    item = desk.item()
    reviewer = desk.person("reviewer")
    html = f"<html><body>{EVIL}</body></html>".encode()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    for content, media_type, shown in (
        (html, "text/html", "text/plain; charset=utf-8"),
        (svg, "image/svg+xml", "application/octet-stream"),
        (html + b"2", "image/png", "application/octet-stream"),
        (html + b"3", "application/xhtml+xml", "text/plain; charset=utf-8"),
        (PNG, "image/png", "image/png"),
        (b"PK", "application/zip", "application/zip"),
        (b"%PDF-1.7 no", "application/pdf", "application/pdf"),
    ):
        digest = desk.evidence(item, content, media_type, title=f"{EVIL}/../x\r\ny")
        reply = reviewer.get(f"/desk/items/{item}/files/{digest}")
        assert (reply.status_code, reply.headers["content-type"]) == (200, shown)
        policy = reply.headers["content-security-policy"]
        assert "sandbox" in policy and "default-src 'none'" in policy and "script-src" not in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        if not shown.startswith(("image/png", "text/plain")):
            assert re.fullmatch(r'attachment; filename="[A-Za-z0-9-]+\.\w+"', reply.headers["content-disposition"])
    assert "<script>" not in reviewer.get(f"/desk/items/{item}").text
    assert len(desk.rows("select 1 from pw.staff_actions where what = 'opened'")) == 7


def test_one_look_is_one_line_in_the_log_however_much_the_page_loads(desk: Desk) -> None:
    item = desk.item()
    desk.form(item, {"name": "Blue Mesa"}, pictures=(PNG, PNG + b"2", PNG + b"3"))
    pdf = desk.document(item, small_pdf("Certificate"))
    rita, omar = desk.person("reviewer", "rita"), desk.person("ops", "omar")
    pictures = re.findall(r'<img src="(/desk/[^"]+)"', rita.get(f"/desk/items/{item}/review").text)
    assert len(pictures) == 3
    for address in pictures:
        assert rita.get(address, headers={"Sec-Fetch-Dest": "image"}).status_code == 200
    opened = "select \"by\", detail from pw.staff_actions where what = 'opened' order by action_id"
    assert len(desk.rows(opened)) == 1
    for _ in range(2):
        page = omar.get(f"/desk/items/{item}/files/{pdf}/view").text
        for address in re.findall(r'<img src="(/desk/[^"]+)"', page):
            omar.get(address, headers={"Sec-Fetch-Dest": "image"})
    assert [(row["by"], row["detail"].get("digest")) for row in desk.rows(opened)[1:]] == [("omar", pdf)]
    omar.get(pictures[0])
    assert len(desk.rows(opened)) == 3, "another file is another line"


def test_a_pdf_stands_on_one_page_as_pictures_and_is_linked_from_the_item(desk: Desk) -> None:
    item, other = desk.item(), desk.item(frn="0099999999")
    digest = desk.document(item, small_pdf("Certificate"))
    reviewer = desk.person("reviewer")
    address = f"/desk/items/{item}/files/{digest}/view"
    assert address in reviewer.get(f"/desk/items/{item}").text
    text = reviewer.get(address).text
    assert text.count('class="shot"') == 1 and f"/files/{digest}/pages/1" in text and "page 1 of 1" in text
    assert reviewer.get(f"/desk/items/{other}/files/{digest}/view").status_code == 404
    broken = desk.evidence(item, b"%PDF-1.7 no", "application/pdf")
    picture = desk.evidence(item, PNG, "image/png")
    for wrong in (broken, picture):
        assert reviewer.get(f"/desk/items/{item}/files/{wrong}/view").status_code == 404
    assert desk.person("analyst").get(address).status_code == 403


def test_a_pdf_is_shown_page_by_page_as_pictures(desk: Desk) -> None:
    item = desk.item()
    digest = desk.document(item, small_pdf("Certificate"))
    reviewer = desk.person("reviewer")
    reply = reviewer.get(f"/desk/items/{item}/files/{digest}/pages/1")
    assert reply.headers["content-type"] == "image/png" and reply.content.startswith(b"\x89PNG")
    assert reviewer.get(f"/desk/items/{item}/files/{digest}/pages/2").status_code == 404
    broken = desk.evidence(item, b"%PDF-1.7 no", "application/pdf")
    assert reviewer.get(f"/desk/items/{item}/files/{broken}/pages/1").status_code == 404


def test_a_digest_opens_nothing_of_another_item_and_no_other_object(desk: Desk) -> None:
    first, second = desk.item(), desk.item(frn="0099999999")
    of_second = desk.evidence(second, PNG, "image/png")
    raw = desk.keep(b"the raw bytes of a public record")
    reviewer = desk.person("reviewer")
    for digest in (of_second, raw, "0" * 64, "..%2F..%2Fkeys%2Fprivate_keys", of_second.upper()):
        assert reviewer.get(f"/desk/items/{first}/files/{digest}").status_code == 404


def test_names_answers_and_reasons_are_text_on_every_page(desk: Desk) -> None:
    item = desk.item()
    with desk.db.connect() as connection:
        connection.execute("update pw.customers set company = %s", (EVIL,))
        connection.execute("update pw.compliance_orders set carrier_name = %s", (EVIL,))
        connection.execute("update pw.order_items set title = %s", (EVIL,))
        connection.execute(
            "insert into pw.item_answers values (%s, 'cpni_procedures', %s, 'customer', %s, 'x')", (item, EVIL, NOW)
        )
    desk.form(item, {EVIL: EVIL})
    effect = desk.effect(item, EVIL)
    admin = desk.person("admin")
    admin.post(f"/desk/items/{item}/hold", {"why": EVIL})
    for page in ("/desk", f"/desk/items/{item}", "/desk/effects", f"/desk/effects/{effect}", "/desk/log"):
        text = admin.get(page).text
        assert "alert(1)" in text or page == "/desk/log"
        assert "<script>" not in text and "<img src=x" not in text
    desk.form(item, {EVIL: EVIL})
    text = admin.get(f"/desk/items/{item}/review").text
    assert "alert(1)" in text and "<script>" not in text and "<img src=x" not in text

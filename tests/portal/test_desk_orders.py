"""The order's page while its items are worked, its documents, and the questions it still asks."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from pw_pipelines.clock import EASTERN
from pw_pipelines.commerce.orders import PlacedOrder
from pw_pipelines.documents.signing import requests
from pw_pipelines.documents.signing.keys import link_keys
from pw_pipelines.fulfillment.private_data import Vault
from tests.commerce.making import NOW
from tests.desk.making import paid_order
from tests.portal.desk_making import Desk, desk, words
from tests.portal.small_pdf import small_pdf

__all__ = ["desk"]
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>{{7*7}}'
SSN = "900-70-1234"


def placed(desk: Desk, *services: str, **more: Any) -> tuple[PlacedOrder, list[int]]:
    with desk.db.connect() as connection:
        return paid_order(connection, *services, **more)


class Customer:
    """A browser with the order's page open."""

    def __init__(self, desk: Desk, order: PlacedOrder) -> None:
        self.client = desk.browser()
        self.path = f"/orders/{order.token}"

    def page(self, more: str = "", **query: str) -> str:
        reply = self.client.get(f"{self.path}{more}", params=query)
        assert reply.status_code == 200
        return reply.text

    def send(self, **answers: str) -> httpx.Response:
        """Fills the details form by the names of facts; the first group's, or `q2_…` for another's."""
        text = self.page("/details")
        proof = re.findall(r'name="proof" value="([^"]*)"', text)[0]
        named = {name if re.match(r"q\d_", name) else f"q1_{name}": value for name, value in answers.items()}
        return self.client.post(f"{self.path}/details", data={"proof": proof, **named})


def asked(text: str) -> set[str]:
    return set(re.findall(r'name="(q\d+_\w+)"', text))


def test_each_item_shows_its_steps_and_what_proves_them(desk: Desk) -> None:
    order, (item,) = placed(desk)
    signed = desk.document(item, small_pdf("plain"), signed=small_pdf("signed"), title="CPNI certificate")
    desk.effect(item, "filing:cpni:1", state="done")
    with desk.db.connect() as connection:
        connection.execute(
            "update pw.item_work set stage = 'deliver', due_on = '2027-03-01' where item_id = %s", (item,)
        )
        connection.execute(
            "insert into pw.cures (item_id, frn, code, state, filed_at, settled_at) "
            "values (%s, '0012345678', 'CPNI_MISSING', 'cured', %s, %s)",
            (item, NOW, NOW),
        )
    customer = Customer(desk, order)
    seen = words(customer.page())
    for said in ("Details complete", "Documents drawn up done CPNI certificate", "CPNI certificate (signed)",
                 "Confirmation number 2026112200001", "Delivered to you under way", "Due Mar 1, 2027",
                 "the public record shows it mended"):  # fmt: skip
        assert said in seen, said
    reply = customer.client.get(f"{customer.path}/documents/{signed}")
    assert reply.content == small_pdf("signed")
    assert reply.headers["content-type"] == "application/pdf"
    assert reply.headers["content-disposition"].startswith("attachment;") and "noindex" in reply.headers["x-robots-tag"]


def test_the_page_says_what_the_items_say_with_the_next_thing_to_do_on_top(desk: Desk) -> None:
    order, (first, second) = placed(desk, "cpni_certification", "form_499a")
    customer = Customer(desk, order)
    headline = "<h1>(.*?)</h1>"
    assert re.findall(headline, customer.page()) == ["Being worked on"]
    desk.waits(first, "signature")
    assert re.findall(headline, customer.page()) == ["Waiting for a signature"]
    desk.waits(second, "details", missing=["carrier_phone"])
    text = customer.page()
    assert re.findall(headline, text) == ["Waiting for your details"]
    assert "Of 2 services, 1 waits for your details, 1 waits for its signature." in words(text)
    assert text.index("Give the details") < text.index("What we do, and what proves it")
    status = customer.client.get(f"/api/v1{customer.path}").json()
    assert status["status_words"] == "Waiting for your details"


def test_what_does_not_show_in_the_record_yet_says_why_and_when_we_look_again(desk: Desk) -> None:
    order, (item,) = placed(desk)
    with desk.db.connect() as connection:
        connection.execute(
            "insert into pw.cures (item_id, frn, code, state, filed_at, looked_at) "
            "values (%s, '0012345678', 'CPNI_MISSING', 'waiting', %s, %s)",
            (item, NOW, NOW),
        )
    seen = words(Customer(desk, order).page())
    assert "not visible yet" in seen and "show a filing days after it was made" in seen
    tomorrow = desk.settings.clock.now().astimezone(EASTERN)
    day = tomorrow.date() if tomorrow.hour < 6 else tomorrow.date() + timedelta(days=1)
    assert f"next on {day:%b} {day.day}, {day.year}" in seen
    assert f"It did not show on {NOW:%b} {NOW.day}" in seen


def test_what_staff_wrote_and_who_signs_is_not_on_the_page(desk: Desk) -> None:
    order, (item,) = placed(desk)
    with desk.db.connect() as connection:
        for name, value in (("signer_name", "Ann Example"), ("signer_email", "ann@signer.example")):
            Vault(desk.settings).put(connection, item, name, value, now=NOW)
    ops = desk.person("ops", "oli")
    ops.post(f"/desk/items/{item}/hold", {"why": "This customer is difficult."})
    for gate in ("held", "error", "unknown_effect", "duplicate", "changed_page", "challenge", "signature", "review"):
        desk.waits(item, gate, "Staff words: difficult.", stage="signature", who="oli")
        text = Customer(desk, order).page()
        for hidden in ("difficult", "Ann Example", "ann@signer.example", "oli", "Staff words", "/desk"):
            assert hidden not in text, (gate, hidden)


def test_papers_delivered_are_offered_and_others_are_not(desk: Desk) -> None:
    order, (item,) = placed(desk)
    draft = desk.document(item, small_pdf("draft"), title="Draft")
    picture = desk.evidence(item, b"\x89PNG\r\n\x1a\n1", "image/png", kind="confirmation", title="The confirmation")
    inner = desk.evidence(item, b"<html>", "text/html", title="A page of the portal")
    effect = desk.effect(item, "mail:1", state="done", kind="delivery_mail")
    customer = Customer(desk, order)
    assert "Your documents" not in customer.page()
    for digest in (draft, picture, inner):
        assert customer.client.get(f"{customer.path}/documents/{digest}").status_code == 404
    with desk.db.connect() as connection:
        connection.execute(
            """update pw.effects set detail = jsonb_build_object('delivered', jsonb_build_array(
                 jsonb_build_object('digest', %s::text), jsonb_build_object('digest', %s::text),
                 jsonb_build_object('digest', %s::text))) where effect_id = %s""",
            (draft, picture, inner, effect),
        )
    got = {one: customer.client.get(f"{customer.path}/documents/{one}").status_code for one in (draft, picture, inner)}
    assert got == {draft: 200, picture: 200, inner: 404}


def test_another_customers_order_and_documents_are_out_of_reach(desk: Desk) -> None:
    mine, (my_item,) = placed(desk)
    theirs, (their_item,) = placed(desk, email="bob@example.com", frn="0099999999")
    their_paper = desk.document(their_item, small_pdf("theirs"), signed=small_pdf("their signature"))
    my_paper = desk.document(my_item, small_pdf("mine"), signed=small_pdf("my signature"))
    desk.waits(their_item, "signature", stage="signature")
    me = Customer(desk, mine)
    assert me.client.get(f"{me.path}/documents/{my_paper}").status_code == 200
    for digest in (their_paper, "0" * 64, "..%2Fx", desk.keep(b"raw bytes")):
        assert me.client.get(f"{me.path}/documents/{digest}").status_code == 404
    assert me.client.post(f"{me.path}/items/{their_item}/signature-link").status_code == 404
    for token in (theirs.number, "x" * 43, mine.token + "x", str(their_item)):
        for path in (f"/orders/{token}", f"/orders/{token}/details", f"/orders/{token}/documents/{my_paper}"):
            assert me.client.get(path).status_code == 404
    assert theirs.number not in me.page()


# -- the signature's link ------------------------------------------------------------------------------------------


def asked_to_sign(desk: Desk, item: int) -> None:
    if not desk.rows("select 1 from pw.item_documents"):
        desk.document(item, small_pdf("to sign"))
    now = desk.settings.clock.now()
    with desk.db.connect() as connection:
        requests.issue(
            connection, link_keys(desk.settings), item_id=item, signer_id="s",
            documents=requests.documents_of(connection, item), needs_perjury_statement=False,
            expires_at=now + timedelta(days=14), now=now,
        )  # fmt: skip
    desk.waits(item, "signature", stage="signature")


def later(desk: Desk, by: timedelta) -> None:
    desk.settings.clock.set_offset(desk.settings.clock.offset() + by)


def test_a_fresh_link_goes_to_the_signers_own_address_and_not_too_often(desk: Desk) -> None:
    order, (item,) = placed(desk)
    asked_to_sign(desk, item)
    customer = Customer(desk, order)
    path = f"{customer.path}/items/{item}/signature-link"
    assert "after ten minutes" in customer.page() and path not in customer.page()
    assert customer.client.post(path).headers["location"].endswith("said=later")
    later(desk, timedelta(minutes=11))
    assert path in customer.page()
    refused = customer.client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    reply = customer.client.post(path)
    assert reply.headers["location"].endswith("said=link")
    assert "on its way to the signer" in words(customer.page(said="link"))
    row = desk.row("select state, closed_why from pw.signature_requests")
    assert row == {"state": "revoked", "closed_why": "replaced"}
    assert desk.row("select state from pw.item_work")["state"] == "ready", "the stage sends the new one"
    for _ in range(3):
        asked_to_sign(desk, item)
        later(desk, timedelta(minutes=11))
    assert "Several links went out today" in customer.page()
    assert customer.client.post(path).headers["location"].endswith("said=later")


# -- the details ---------------------------------------------------------------------------------------------------


def lacking(desk: Desk, *services: str, **more: Any) -> tuple[Customer, list[int]]:
    """An order whose items wait for their details, and its customer."""
    order, found = placed(desk, *services, **more)
    for item in found:
        desk.waits(item, "details", "Details are missing.")
    return Customer(desk, order), found


ANSWERS = {
    "signer_name": "Ann Example", "signer_title": "President", "signer_email": "ann@signer.example",
    "carrier_name": "Blue Mesa LLC", "carrier_street": "1 Mesa Road", "carrier_city": "Denver",
    "carrier_state": "CO", "carrier_zip": "80202", "carrier_phone": "202-555-0100",
}  # fmt: skip


def test_each_fact_is_asked_once_however_many_items_need_it(desk: Desk) -> None:
    customer, _ = lacking(desk, "cpni_certification", "form_499a")
    text = customer.page("/details")
    names = asked(text)
    assert "q1_signer_name" in names and not any(name.startswith("q2_") for name in names)
    assert text.count('id="q1_signer_name"') == 1
    assert f'href="{customer.path}/details"' in customer.page()


def test_answers_are_kept_the_private_ones_encrypted_and_never_shown_again(desk: Desk) -> None:
    customer, (item,) = lacking(desk)
    reply = customer.send(**ANSWERS)
    assert reply.status_code == 303 and "kept=some" in reply.headers["location"]
    text = customer.page("/details", kept="some")
    assert "Ann Example" not in text and "ann@signer.example" not in text
    assert "President" in text and "We have it; type it only to change it." in unescape(text)
    kept = {row["name"]: row["value"] for row in desk.rows("select name, value from pw.item_answers")}
    assert kept["carrier_city"] == "Denver" and "signer_name" not in kept
    everywhere = str(desk.rows("select * from pw.item_events")) + str(desk.rows("select * from pw.staff_actions"))
    assert "Ann Example" not in everywhere
    with desk.db.connect() as connection:
        value = Vault(desk.settings).get(connection, item, "signer_name", by="test", why="look", now=NOW)
    assert value == "Ann Example"


def test_with_the_last_answer_the_item_goes_on(desk: Desk) -> None:
    customer, _ = lacking(desk)
    customer.send(**ANSWERS)
    left = asked(customer.page("/details"))
    fill = {
        "yes_no": "yes", "number": "12", "money": "10.50", "date": "2026-01-31", "email": "a@example.com",
        "phone": "202-555-0101", "state": "CO",
    }  # fmt: skip
    from pw_pipelines.fulfillment.facts import facts

    more = {}
    for name in left:
        fact = facts()[name[3:]]
        if name[3:] not in ANSWERS and not fact.optional:
            more[name] = next(iter(fact.choices), None) or fill.get(fact.kind, "Some words.")
    reply = customer.send(**more)
    assert reply.headers["location"] == f"{customer.path}?said=details"
    assert desk.row("select state, gate from pw.item_work")["state"] == "ready"
    assert "Nothing is needed from you" in customer.page("/details")
    assert customer.client.post(f"{customer.path}/details", data={"q1_signer_title": "Clown"}).status_code == 403


def test_wrong_answers_are_named_and_the_others_kept_and_a_private_one_is_not_repeated(desk: Desk) -> None:
    customer, (item,) = lacking(desk)
    reply = customer.send(
        signer_name="Ann Example", signer_email="ann at signer dot example", carrier_state="Atlantis", carrier_city=EVIL
    )
    assert reply.status_code == 400
    seen = words(reply.text)
    assert "An email address. Please type it again." in seen and "The two letters of a state." in seen
    assert "ann at signer" not in reply.text and "Ann Example" not in reply.text
    assert "<script>" not in reply.text and "<img src=x" not in reply.text and "49" not in asked(reply.text)
    with desk.db.connect() as connection:
        assert Vault(desk.settings).names(connection, item) == {"signer_name"}
    assert desk.row("select value from pw.item_answers where name = 'carrier_city'")["value"] == EVIL, "text is text"


@pytest.mark.parametrize("trick", ["no proof", "another site", "another item", "unknown fact", "firm's fact"])
def test_a_form_that_is_not_this_pages_keeps_nothing(desk: Desk, trick: str) -> None:
    customer, _ = lacking(desk)
    proof = re.findall(r'name="proof" value="([^"]*)"', customer.page("/details"))[0]
    field = {"another item": "q2_carrier_city", "unknown fact": "q1_nothing", "firm's fact": "q1_firm_name"}
    data = {"proof": "" if trick == "no proof" else proof, field.get(trick, "q1_carrier_city"): "Denver"}
    headers = {"Sec-Fetch-Site": "cross-site"} if trick == "another site" else {}
    reply = customer.client.post(f"{customer.path}/details", data=data, headers=headers)
    assert reply.status_code == (403 if trick in ("no proof", "another site") else 303)
    assert desk.rows("select * from pw.item_answers") == []


def test_once_documents_are_drawn_up_only_what_is_missing_is_asked_and_nothing_else_changes(desk: Desk) -> None:
    order, (item,) = placed(desk)
    with desk.db.connect() as connection:
        connection.execute(
            "insert into pw.item_answers values (%s, 'carrier_city', 'Denver', 'customer', %s, 'customer')", (item, NOW)
        )
    desk.waits(item, "details", stage="review", missing=["contact_title"])
    customer = Customer(desk, order)
    assert "q1_carrier_city" not in asked(customer.page("/details"))
    customer.send(carrier_city="Boulder", contact_title="Director")
    kept = {row["name"]: row["value"] for row in desk.rows("select name, value from pw.item_answers")}
    assert kept == {"carrier_city": "Denver", "contact_title": "Director"}

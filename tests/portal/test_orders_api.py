"""Orders over the API: one POST, one order, whatever happens on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pw_pipelines.commerce.agents import register
from pw_pipelines.commerce.orders import cancel, change, hold
from pw_pipelines.commerce.reference import load_commerce
from pw_pipelines.settings import Settings
from tests.commerce.making import pay
from tests.portal import given
from tests.portal.asking import API, CUSTOMER, count, cpni, post, problem
from tests.portal.conftest import Web


def test_an_order_is_placed_with_its_bill_and_the_findings_that_led_to_it(deficient: Web) -> None:
    reply = post(deficient, "compliance-orders", cpni(utm={"utm_source": "mail", "utm_campaign": "cpni_missing"}))
    body = reply.json()
    assert reply.status_code == 201
    assert (body["total"], body["surcharge"], body["currency"]) == ("204.97", "5.97", "USD")
    assert sum(Decimal(line["amount"]) for line in body["lines"]) == Decimal(body["total"])
    assert body["page"].endswith(f"/orders/{body['token']}")
    with deficient.db.connect() as connection:
        row = connection.execute(
            "select o.number, o.status, o.utm, c.frn, c.carrier_name, c.findings, c.snapshot_ids, i.cures "
            "from pw.orders o join pw.compliance_orders c using (order_id) join pw.order_items i using (order_id)"
        ).fetchone()
    assert row is not None
    assert (row["number"], row["status"], row["frn"]) == (body["number"], "received", "0012345678")
    assert row["carrier_name"] == "Blue Mesa <Communications> & Söhne, LLC"
    assert row["findings"] == row["cures"] == ["CPNI_MISSING"]
    assert row["snapshot_ids"] == ["fcc_cpni-2026-11-22-complete"]
    assert row["utm"] == {"utm_source": "mail", "utm_campaign": "cpni_missing"}


def test_a_post_without_a_sound_key_is_refused_with_a_remedy(web: Web) -> None:
    for key in (None, "short", "x" * 129, "with a blank in it, twenty"):
        assert "UUID" in problem(post(web, "compliance-orders", cpni(), key), 400, "Idempotency-Key")["remedy"]
    assert count(web.db, "orders") == 0


def test_every_post_of_the_document_asks_for_the_key_and_says_every_answer(web: Web) -> None:
    paths = web.get(f"{API}/openapi.json").json()["paths"]
    posts = {path: one["post"] for path, one in paths.items() if "post" in one}
    assert len(posts) >= 7
    for path, post_ in posts.items():
        (key,) = [one for one in post_["parameters"] if one["name"] == "Idempotency-Key"]
        assert key["required"], path
        assert {"400", "413", "422", "503"} <= post_["responses"].keys(), path


def test_the_same_request_again_gets_the_same_answer_and_no_second_order(web: Web) -> None:
    key = str(uuid.uuid4())
    first, again = post(web, "compliance-orders", cpni(), key), post(web, "compliance-orders", cpni(), key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert count(web.db, "orders") == 1


def test_the_same_key_with_another_request_is_refused(web: Web) -> None:
    key = str(uuid.uuid4())
    post(web, "compliance-orders", cpni(), key)
    said = problem(post(web, "compliance-orders", cpni(method="ach"), key), 422, "Idempotency-Key")
    assert "nothing was done" in said["detail"]
    assert count(web.db, "orders") == 1


def test_a_refused_request_leaves_its_key_free_to_be_mended(web: Web) -> None:
    key = str(uuid.uuid4())
    problem(post(web, "compliance-orders", cpni(discount_code="NOPE"), key), 422, "discount_code")
    assert post(web, "compliance-orders", cpni(), key).status_code == 201


def test_of_sixteen_at_once_one_places_the_order_and_all_get_its_answer(web: Web) -> None:
    key = str(uuid.uuid4())
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: post(web, "compliance-orders", cpni(), key), range(16)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum("idempotent-replayed" not in reply.headers for reply in replies) == 1
    assert count(web.db, "orders") == 1


CRASHING = """
import sys
from fastapi.testclient import TestClient
from pw_pipelines.portal.app import app_from_env
with TestClient(app_from_env()) as client:
    client.post("/api/v1/compliance-orders", content=sys.argv[1],
                headers={"Idempotency-Key": sys.argv[2], "Content-Type": "application/json"})
"""


@pytest.mark.parametrize("point", ["portal.idempotency.before_answer", "portal.idempotency.before_commit"])
def test_a_process_killed_on_the_way_leaves_nothing_and_the_same_request_then_works(
    web: Web, web_settings: Settings, point: str
) -> None:
    key = str(uuid.uuid4())
    variables = {
        **os.environ, "PW_FAULT": f"{point}:kill", "PW_DATABASE_URL": web.db.url, "PW_HOME": str(web_settings.home),
    }  # fmt: skip
    killed = subprocess.run(
        [sys.executable, "-c", CRASHING, json.dumps(cpni()), key], env=variables, capture_output=True, check=False
    )
    assert killed.returncode == -9, killed.stderr.decode()
    assert (count(web.db, "orders"), count(web.db, "idempotency_keys")) == (0, 0)
    assert post(web, "compliance-orders", cpni(), key).status_code == 201
    assert count(web.db, "orders") == 1


def test_the_table_of_keys_opens_no_order(web: Web) -> None:
    key = str(uuid.uuid4())
    token = post(web, "compliance-orders", cpni(), key).json()["token"]
    with web.db.connect() as connection:
        row = connection.execute("select * from pw.idempotency_keys").fetchone()
    assert row is not None
    kept = str(row).encode() + bytes(row["body"])  # type: ignore[arg-type]
    assert token.encode() not in kept
    assert key.encode() not in kept
    assert b"example.com" not in kept


def test_old_keys_are_forgotten(web: Web) -> None:
    key = str(uuid.uuid4())
    post(web, "compliance-orders", cpni(), key)
    with web.db.connect() as connection:
        connection.execute("update pw.idempotency_keys set created_at = created_at - interval '31 days'")
    post(web, "quotes", {"method": "ach", "items": [{"service": "ein"}]})
    assert count(web.db, "idempotency_keys") == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"items": []}, "items"),
        ({"items": [{"service": "cpni_certification"}, {"service": "moon_landing"}]}, "items.1.service"),
        ({"items": [{"service": "cpni_certification", "quantity": 0}]}, "items.0.quantity"),
        ({"items": [{"service": "cpni_certification", "quantity": "2"}]}, "items.0.quantity"),
        ({"items": [{"service": "rmd_filing", "quantity": 2}]}, "items.0.quantity"),
        ({"items": [{"service": "registered_agent"}]}, "items.0.state"),
        ({"items": [{"service": "registered_agent", "state": "ZZ"}]}, "items.0.state"),
        ({"items": [{"service": "cpni_certification", "state": "FL"}]}, "items.0.state"),  # it is filed in none
        ({"items": [{"service": "formation_basic", "state": "FL"}]}, "items.0.service"),  # it needs a name
        ({"items": [{"service": "formation_complete", "state": "FL"}]}, "items.0.service"),
        ({"items": [{"service": "canada_crtc"}]}, "items.0.service"),
        ({"items": [{"service": "rmd_recertification"}]}, "items"),  # by quote
        ({"items": [{"service": "cpni_certification"}, {"service": "cpni_certification"}]}, "items"),
        ({"items": [{"service": "fcc_compliance_check"}]}, "items"),  # free
        ({"frn": "123456789012"}, "frn"),
        ({"frn": "seven"}, "frn"),
        ({"frn": "0"}, "frn"),
        ({"method": "barter"}, "method"),
        ({"consent": False}, "consent"),
        ({"customer": {**CUSTOMER, "email": "nobody"}}, "customer.email"),
        ({"customer": {**CUSTOMER, "name": " "}}, "customer.name"),
        ({"customer": {**CUSTOMER, "name": "A\0b"}}, "customer.name"),
        ({"customer": {**CUSTOMER, "phone": "call me"}}, "customer.phone"),
        ({"customer": {"name": "Ada"}}, "customer.email"),
        ({"referral_code": "REF-NOONE"}, "referral_code"),
        ({"surname": "x"}, "surname"),
        ({"items": [{"service": "cpni_certification", "agreed_price": "1.00"}]}, "items.0.agreed_price"),
    ],
)
def test_what_cannot_be_ordered_names_the_field_and_the_remedy(web: Web, changed: dict[str, Any], field: str) -> None:
    problem(post(web, "compliance-orders", cpni(**changed)), 422, field)
    assert (count(web.db, "orders"), count(web.db, "customers")) == (0, 0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"frn": NaN'])
def test_a_body_that_is_no_order_is_refused(web: Web, body: bytes) -> None:
    assert post(web, "compliance-orders", body).status_code == 422


def test_a_body_that_cannot_be_read_is_refused_with_a_remedy(web: Web) -> None:
    utf8 = problem(post(web, "compliance-orders", b'{"frn": "\xff"}'), 400, "body")
    assert "UTF-8" in utf8["remedy"]
    digits = problem(post(web, "compliance-orders", b'{"frn": ' + b"1" * 6_000 + b"}"), 400, "body")
    assert "digits" in digits["detail"]
    as_text = {"content-type": "text/plain"}
    headers = {"Idempotency-Key": str(uuid.uuid4()), **as_text}
    reply = httpx.post(f"{web.url}{API}/compliance-orders", content=json.dumps(cpni()), headers=headers)
    assert "application/json" in problem(reply, 422, "Content-Type")["remedy"]


@pytest.mark.parametrize(
    ("changed", "field", "remedy"),
    [
        ({"customer": {**CUSTOMER, "email": "nobody"}}, "customer.email", "name@company.com"),
        ({"customer": {**CUSTOMER, "phone": "call me"}}, "customer.phone", "202-555-0100"),
        ({"customer": {**CUSTOMER, "name": "A\0b"}}, "customer.name", "control characters"),
        ({"frn": "seven"}, "frn", "ten digits"),
        ({"items": [{"service": "registered_agent", "state": "Wyoming"}]}, "items.0.state", "two letters"),
        ({"surname": "x"}, "surname", "Leave `surname` out"),
        ({"items": [{}]}, "items.0.service", "Send `items.0.service` too"),
    ],
)
def test_a_wrong_form_is_told_in_words_and_never_by_a_pattern(
    web: Web, changed: dict[str, Any], field: str, remedy: str
) -> None:
    said = problem(post(web, "compliance-orders", cpni(**changed)), 422, field)
    assert remedy in said["remedy"]
    assert "pattern" not in said["detail"]
    assert "^" not in said["detail"]


def test_the_document_says_in_words_what_each_operation_is(web: Web) -> None:
    document = web.get(f"{API}/openapi.json").json()
    assert document["info"]["title"] == "Performance West"
    summaries = {
        f"{method} {path}": one["summary"] for path, ways in document["paths"].items() for method, one in ways.items()
    }
    assert summaries["post /api/v1/canada-crtc"].startswith("Orders the Canadian carrier package")
    assert all(len(words.split()) > 2 for words in summaries.values()), summaries


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(web: Web) -> None:
    large = b'{"frn": "' + b"1" * 70_000 + b'"}'
    problem(post(web, "compliance-orders", large), 413, "body")
    chunked = httpx.post(
        f"{web.url}{API}/compliance-orders",
        content=iter([large[:40_000], large[40_000:]]),
        headers={"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"},
    )
    assert (chunked.status_code, chunked.headers["content-type"]) == (413, "application/problem+json")


def test_a_batch_is_placed_whole_or_not_at_all(web: Web) -> None:
    carriers = [{"frn": f"001234567{n}", "items": [{"service": "cpni_certification"}]} for n in range(3)]
    batch = {"customer": CUSTOMER, "method": "ach", "consent": True, "orders": carriers}
    body = post(web, "compliance-orders/batch", batch).json()
    assert len({order["number"] for order in body["orders"]}) == 3
    with web.db.connect() as connection:
        rows = connection.execute("select distinct batch_key from pw.compliance_orders").fetchall()
    assert rows == [{"batch_key": body["batch"]}]
    carriers[2]["items"] = [{"service": "rmd_recertification"}]
    problem(post(web, "compliance-orders/batch", batch), 422, "orders.2.items")
    carriers[2]["items"] = [{"service": "cpni_certification"}, {"service": "cpni", "state": "FL"}]
    assert "Order 3" in problem(post(web, "compliance-orders/batch", batch), 422, "orders.2.items.1.service")["detail"]
    problem(post(web, "compliance-orders/batch", {**batch, "referral_code": "REF-NOONE"}), 422, "referral_code")
    assert count(web.db, "orders") == 3


def test_a_quote_has_the_surcharge_and_both_reductions_and_orders_nothing(web: Web) -> None:
    with web.db.connect() as connection:
        code = register(connection, name="Bo", email="bo@example.com", now=given.NOW).referral_code
        connection.execute(
            "insert into pw.discount_codes (code, kind, amount, created_at, created_by) "
            "values ('TENTH', 'percent', 10, now(), 'test')"
        )
    asked = {
        "method": "klarna", "items": [{"service": "form_499a"}], "discount_code": "tenth",
        "referral_code": code.lower(), "frn": "0012345678",
    }  # fmt: skip
    body = post(web, "quotes", asked).json()
    assert (body["subtotal"], body["discount"], body["surcharge"]) == ("499.00", "74.85", "21.21")
    assert body["total"] == "445.36"
    assert body["can_be_ordered"] is True
    assert count(web.db, "orders") == 0
    by_quote = post(web, "quotes", {"method": "ach", "items": [{"service": "rmd_recertification"}]}).json()
    assert (by_quote["can_be_ordered"], len(by_quote["unknown"])) == (False, 1)


def test_a_discount_code_good_for_one_use_is_used_once_by_ten_at_once(web: Web) -> None:
    with web.db.connect() as connection:
        connection.execute(
            "insert into pw.discount_codes (code, kind, amount, usage_limit, created_at, created_by) "
            "values ('ONCE', 'fixed', 10, 1, now(), 'test')"
        )
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: post(web, "compliance-orders", cpni(discount_code="once")), range(10)))
    assert sorted(reply.status_code for reply in replies) == [201] + [422] * 9
    assert count(web.db, "orders") == 1


def formation(**changed: Any) -> dict[str, Any]:
    return {
        "customer": CUSTOMER, "method": "ach", "consent": True, "state": "fl", "company_name": "Blue Fox Telecom LLC",
        "extras": ["ein", "registered_agent"], **changed,
    }  # fmt: skip


def test_a_company_is_ordered_with_the_states_fee_and_asked_after_by_number_and_token(web: Web) -> None:
    placed = post(web, "formations", formation()).json()
    assert (placed["subtotal"], placed["fees"], placed["total"]) == ("327.00", "125.00", "452.00")
    found = web.get(f"{API}/formations/{placed['number']}", params={"token": placed["token"]}).json()
    assert (found["status"], found["company_name"], found["state"]) == ("received", "Blue Fox Telecom LLC", "FL")
    with web.db.connect() as connection:
        row = connection.execute("select name_verdict from pw.formation_orders").fetchone()
    assert row is not None
    assert row["name_verdict"]["verdict"] == "a person must look"  # type: ignore[index]
    for number, token in ((placed["number"], "x"), ("PW-2026-999999", placed["token"]), ("x", placed["token"])):
        assert web.get(f"{API}/formations/{number}", params={"token": token}).status_code == 404
    other = post(web, "compliance-orders", cpni()).json()
    assert web.get(f"{API}/formations/{other['number']}", params={"token": other["token"]}).status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"state": "ZZ"}, "state"),
        ({"company_name": "LLC"}, "company_name"),
        ({"expedite": "by rocket"}, "expedite"),
        ({"package": "formation_golden"}, "package"),
        ({"extras": ["boat"]}, "extras.0"),
    ],
)
def test_a_company_that_cannot_be_ordered_names_the_field(web: Web, changed: dict[str, Any], field: str) -> None:
    problem(post(web, "formations", formation(**changed)), 422, field)


def test_a_bundle_is_ordered_and_flagged_for_a_person_to_settle(web: Web) -> None:
    load_commerce(web.db)
    body = post(
        web, "bundle-orders", {"customer": CUSTOMER, "method": "ach", "consent": True, "bundle": "starter"}
    ).json()
    assert body["total"] == "158.00"
    assert "State fees, where any are due, are not in this total" in body["notes"][0]
    assert next(one["code"] for one in web.get(f"{API}/bundles").json()["bundles"]) == "starter"
    assert count(web.db, "conversation_flags") == 1


def test_the_canadian_package_has_no_price_and_goes_to_a_person(web: Web) -> None:
    asked = {
        "customer": CUSTOMER,
        "method": "ach",
        "consent": True,
        "company_name": "Fox Canada",
        "year_end": "2026-12-31",
    }
    reply = post(web, "canada-crtc", asked)
    assert (reply.status_code, reply.json()["received"]) == (202, True)
    with web.db.connect() as connection:
        row = connection.execute("select kind, text from pw.conversation_flags").fetchone()
    assert row is not None
    assert (row["kind"], json.loads(str(row["text"]))["year_end"]) == ("quote", "2026-12-31")
    assert count(web.db, "orders") == 0


def test_ways_to_pay_are_told_with_their_surcharge(start: Callable[..., Web]) -> None:
    web = start(paypal_surcharge_percent=Decimal("3.49"))
    methods = {one["method"]: one["surcharge_percent"] for one in web.get(f"{API}/payment-methods").json()["methods"]}
    assert methods == {
        "ach": "0", "card": "3", "paypal": "3.49", "klarna": "5", "cashapp": "3", "amazonpay": "3", "crypto": "0",
    }  # fmt: skip


def test_of_an_agent_only_the_code_is_public_and_who_applies_learns_nothing_of_others(web: Web) -> None:
    with web.db.connect() as connection:
        code = register(connection, name="Bo Agent", email="bo@example.com", now=given.NOW).referral_code
    reply = web.get(f"{API}/agents/{code.lower()}")
    assert reply.json() == {"referral_code": code, "discount_percent": "5"}
    assert web.get(f"{API}/agents/REF-00000").status_code == 404
    known = post(web, "agents", {"name": "Bo", "email": "bo@example.com"})
    unknown = post(web, "agents", {"name": "Cy", "email": "cy@example.com"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, unknown.content)
    assert count(web.db, "sales_agents") == 1


def test_an_order_is_shown_to_whoever_has_its_link_and_to_nobody_else(web: Web) -> None:
    placed = post(web, "compliance-orders", cpni(method="ach")).json()
    order = web.get(f"{API}/orders/{placed['token']}").json()
    assert (order["number"], order["status"], order["can_be_paid"]) == (placed["number"], "received", True)
    assert "Ada" not in json.dumps(order)
    for wrong in (placed["number"], "x", "%00", placed["token"][:-1]):
        assert web.get(f"{API}/orders/{wrong}").status_code == 404, wrong


def test_an_order_tells_its_steps_and_its_money_but_not_why_a_person_looks_at_it(web: Web) -> None:
    placed = post(web, "compliance-orders", cpni(method="ach")).json()
    with web.db.connect() as connection:
        row = connection.execute("select order_id from pw.orders").fetchone()
        assert row is not None
        order_id = int(str(row["order_id"]))
        pay(connection, order_id, now=given.NOW)
        change(connection, order_id, "submitted", by="test", why="sent", now=given.NOW)
        hold(connection, order_id, by="test", why="an inner reason", now=given.NOW)
    reply = web.get(f"{API}/orders/{placed['token']}")
    order = reply.json()
    assert (order["status"], order["can_be_paid"]) == ("held", False)
    assert [(one["amount"], one["state"]) for one in order["payments"]] == [("199.00", "paid")]
    assert [(one["status"], one["at"] is not None) for one in order["steps"]] == [
        ("received", True), ("processing", True), ("submitted", True), ("filed", False), ("delivered", False),
    ]  # fmt: skip
    assert "inner reason" not in reply.text


def test_a_cancelled_order_says_so_and_cannot_be_paid(web: Web) -> None:
    placed = post(web, "compliance-orders", cpni(method="ach")).json()
    with web.db.connect() as connection:
        row = connection.execute("select order_id from pw.orders").fetchone()
        assert row is not None
        cancel(connection, int(str(row["order_id"])), by="test", why="asked for", now=given.NOW)
    order = web.get(f"{API}/orders/{placed['token']}").json()
    assert (order["status"], order["can_be_paid"]) == ("cancelled", False)
    assert [(one["status"], one["is_now"]) for one in order["steps"]] == [("received", False), ("cancelled", True)]


def test_an_own_referral_is_refused_under_the_name_it_was_sent_by(web: Web) -> None:
    with web.db.connect() as connection:
        code = register(connection, name="Ada", email="ada@example.com", now=given.NOW).referral_code
    problem(post(web, "compliance-orders", cpni(referral_code=code)), 422, "referral_code")


def test_a_code_that_the_cap_cuts_down_says_so_on_its_line(web: Web) -> None:
    with web.db.connect() as connection:
        connection.execute(
            "insert into pw.discount_codes (code, kind, amount, created_at, created_by) "
            "values ('HALF', 'percent', 50, now(), 'test'), ('TENTH', 'percent', 10, now(), 'test')"
        )
    asked = {"method": "ach", "items": [{"service": "cpni_certification"}]}
    texts = {
        code: post(web, "quotes", {**asked, "discount_code": code}).json()["lines"][1]["text"]
        for code in ("HALF", "TENTH")
    }
    assert texts == {
        "HALF": "Discount HALF, cut down: codes together take at most 15 % off our fees",
        "TENTH": "Discount TENTH",
    }

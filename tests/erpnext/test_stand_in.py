"""The stand-in keeps ERPNext's rules, traps included."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pw_pipelines.commerce.payments.verify import frappe
from pw_pipelines.sandbox.erpnext.webhooks import signed
from tests.fixtures_erpnext import AUTHORIZATION, Books
from tests.served import served

ITEM = {"item_code": "PW-SERVICE", "qty": 1, "rate": 499.0}
ORDER = {"customer": "Ada", "company": "Performance West", "delivery_date": "2099-01-01", "items": [ITEM]}


def post(books: Books, doctype: str, /, **fields: Any) -> httpx.Response:
    return books.api.post(f"/erpnext/api/resource/{doctype}", json=fields)


def put(books: Books, doctype: str, name: str, /, **fields: Any) -> httpx.Response:
    return books.api.put(f"/erpnext/api/resource/{doctype}/{name}", json=fields)


@pytest.fixture
def ada(books: Books) -> Books:
    assert post(books, "Customer", customer_name="Ada").status_code == 200
    return books


def told(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    message = json.loads(json.loads(body["_server_messages"])[0])["message"]
    return answer.status_code, body["exc_type"], message


def test_two_posts_make_two_documents(ada: Books) -> None:
    names = [post(ada, "Sales Order", **ORDER).json()["data"]["name"] for _ in range(2)]
    assert names[0][:-5] == names[1][:-5]
    assert [int(name[-5:]) for name in names] == [1, 2]
    assert post(ada, "Customer", customer_name="Ada").json()["data"]["name"] == "Ada - 1"


@pytest.mark.parametrize(
    ("old", "answer"), [(False, (417, "UniqueValidationError")), (True, (409, "DuplicateEntryError"))]
)
def test_a_unique_field_refuses_a_second_value_and_takes_no_number_of_the_series(
    ada: Books, old: bool, answer: tuple[int, str]
) -> None:
    ada.behave(old_duplicates=old)
    assert post(ada, "Sales Order", **ORDER, custom_order_id="PW-1").status_code == 200
    assert told(post(ada, "Sales Order", **ORDER, custom_order_id="PW-1"))[:2] == answer
    assert post(ada, "Sales Order", **ORDER, custom_order_id="PW-2").json()["data"]["name"].endswith("-00002")


def test_errors_are_json_inside_json(ada: Books) -> None:
    assert told(post(ada, "Sales Order", **{**ORDER, "customer": "Bob"})) == (
        417, "LinkValidationError", "Could not find Customer: Bob",
    )  # fmt: skip
    assert told(post(ada, "Sales Order", **{**ORDER, "items": []}))[1] == "MandatoryError"
    assert told(ada.api.get("/erpnext/api/resource/Sales Order/none"))[:2] == (404, "DoesNotExistError")
    assert told(ada.api.get("/erpnext/api/resource/Nothing"))[:2] == (404, "DoesNotExistError")
    filters = json.dumps([["custom_nothing", "=", "1"]])
    answer = ada.api.get("/erpnext/api/resource/Sales Order", params={"filters": filters})
    assert told(answer)[1] == "DataError"


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 403), ({"Authorization": "token a:b"}, 401), ({**AUTHORIZATION, "Cookie": "sid=1"}, 403)],
)
def test_who_may_not_call_is_told_so(books: Books, headers: dict[str, str], status: int) -> None:
    assert httpx.get(f"{books.url}/erpnext/api/resource/Customer", headers=headers).status_code == status


def test_a_body_that_is_not_called_json_is_no_body(books: Books) -> None:
    answer = books.api.post("/erpnext/api/resource/Customer", content=b'{"customer_name":"Ada"}')
    assert told(answer)[1] == "MandatoryError"


def test_a_draft_is_changed_a_submitted_one_is_not(ada: Books) -> None:
    name = post(ada, "Sales Order", **ORDER, docstatus=1).json()["data"]["name"]
    draft = ada.one("Sales Order", name)
    assert (draft["docstatus"], draft["status"]) == (0, "Draft")  # created as a draft, whatever was sent
    two = [{**ITEM, "rate": 1.0}, {**ITEM, "rate": 2.0}]
    assert put(ada, "Sales Order", name, items=two).json()["data"]["grand_total"] == 3.0  # rows are replaced
    assert told(put(ada, "Sales Order", name, modified="2020-01-01"))[1] == "TimestampMismatchError"
    assert put(ada, "Sales Order", name, docstatus=1).json()["data"]["status"] == "To Deliver and Bill"
    assert put(ada, "Sales Order", name, docstatus=1).status_code == 200
    assert told(put(ada, "Sales Order", name, po_no="other"))[1] == "UpdateAfterSubmitError"
    assert told(put(ada, "Sales Order", name, docstatus=0))[1] == "DocstatusTransitionError"
    assert told(ada.api.delete(f"/erpnext/api/resource/Sales Order/{name}"))[0] == 417


def test_all_three_ways_to_submit(ada: Books) -> None:
    names = [post(ada, "Sales Order", **ORDER).json()["data"]["name"] for _ in range(3)]
    put(ada, "Sales Order", names[0], docstatus=1)
    ada.api.post(f"/erpnext/api/resource/Sales Order/{names[1]}", params={"run_method": "submit"})
    document = json.dumps(ada.one("Sales Order", names[2]))
    ada.api.post("/erpnext/api/method/frappe.client.submit", json={"doc": document})
    assert [ada.one("Sales Order", name)["docstatus"] for name in names] == [1, 1, 1]


def test_a_posting_date_is_reset_to_today_and_a_due_date_before_it_is_refused(ada: Books) -> None:
    sale = {"customer": "Ada", "company": "Performance West", "items": [ITEM], "posting_date": "2020-01-02"}
    assert post(ada, "Sales Invoice", **sale).json()["data"]["posting_date"] > "2026"
    refused = post(ada, "Sales Invoice", **sale, due_date="2020-01-02")
    assert told(refused)[2] == "Due Date cannot be before Posting / Supplier Invoice Date"
    kept = post(ada, "Sales Invoice", **sale, due_date="2020-01-02", set_posting_time=1).json()["data"]
    assert (kept["posting_date"], kept["outstanding_amount"]) == ("2020-01-02", 499.0)


def test_an_order_is_billed_once_and_an_invoice_paid_once(ada: Books) -> None:
    order = post(ada, "Sales Order", **ORDER).json()["data"]["name"]
    put(ada, "Sales Order", order, docstatus=1)
    make = "/erpnext/api/method/erpnext.selling.doctype.sales_order.sales_order.make_sales_invoice"
    prepared = ada.api.post(make, json={"source_name": order}).json()["message"]
    assert "custom_order_id" not in prepared
    invoices = [post(ada, "Sales Invoice", **prepared).json()["data"]["name"] for _ in range(2)]
    assert put(ada, "Sales Invoice", invoices[0], docstatus=1).json()["data"]["status"] == "Unpaid"
    assert told(put(ada, "Sales Invoice", invoices[1], docstatus=1))[1] == "OverAllowanceError"
    assert ada.one("Sales Order", order)["billing_status"] == "Fully Billed"
    assert ada.api.post(make, json={"source_name": order}).json()["message"]["items"] == []

    pay = "/erpnext/api/method/erpnext.accounts.doctype.payment_entry.payment_entry.get_payment_entry"
    asked = {"dt": "Sales Invoice", "dn": invoices[0]}
    receipt = ada.api.post(pay, json=asked).json()["message"] | {"reference_no": "1", "reference_date": "2026-11-22"}
    first, second = (post(ada, "Payment Entry", **receipt).json()["data"]["name"] for _ in range(2))
    put(ada, "Payment Entry", first, docstatus=1)
    assert ada.one("Sales Invoice", invoices[0])["status"] == "Paid"
    assert put(ada, "Payment Entry", second, docstatus=1).status_code == 417
    assert ada.api.post(pay, json=asked).json()["message"]["paid_amount"] == 0
    assert put(ada, "Payment Entry", first, docstatus=2).status_code == 200
    assert ada.one("Sales Invoice", invoices[0])["outstanding_amount"] == 499.0


def test_the_published_signature_of_a_webhook() -> None:
    raw, headers = signed({"name": "SO-1", "customer": "Zoë"}, "demo-secret")
    assert raw == b'{"name": "SO-1", "customer": "Zo\\u00eb"}'
    assert headers == {"X-Frappe-Webhook-Signature": "vGn5Qx4hJ1W7zeIhYNMo73y8iANWn3zBQNmcCoVA8Ao="}


def test_a_submit_is_told_by_a_signed_webhook_and_again_until_it_is_taken(run_erpnext: Callable[..., Books]) -> None:
    heard: list[tuple[bytes, dict[str, str]]] = []

    async def door(request: Request) -> Response:
        heard.append((await request.body(), dict(request.headers)))
        return Response(status_code=503 if len(heard) == 1 else 200)

    with served(Starlette(routes=[Route("/hook", door, methods=["POST"])])) as url:
        books = run_erpnext(webhook_url=f"{url}/hook", webhook_secret="shared")
        books.site.sender._sleep = lambda _seconds: None
        post(books, "Customer", customer_name="Ada")
        name = post(books, "Sales Order", **ORDER, custom_order_id="PW-2026-000001").json()["data"]["name"]
        put(books, "Sales Order", name, docstatus=1)
        books.site.sender.settle()

    assert [raw for raw, _ in heard] == [heard[0][0]] * 2
    raw, headers = heard[0]
    digest = base64.b64encode(hmac.new(b"shared", raw, hashlib.sha256).digest()).decode()
    assert headers["x-frappe-webhook-signature"] == digest
    event = frappe.verify(raw, headers, secrets=("shared",))
    assert (event.event_type, event.order_number) == ("order.created", "PW-2026-000001")
    assert json.loads(raw)["amount"] == "499.00"


def test_the_page_shows_what_is_there_and_no_markup_of_a_customers(ada: Books) -> None:
    post(ada, "Customer", customer_name="<script>x</script>")
    shown = ada.api.get("/erpnext/").text
    assert "2 Customer" in shown
    assert "<script>" not in shown

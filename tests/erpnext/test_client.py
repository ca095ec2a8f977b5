"""The ERPNext client closes the traps: whole lists, quoted names, errors read twice, writes never repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
from pydantic import SecretStr

from pw_pipelines.errors import ConfigError
from pw_pipelines.resources.erpnext import (
    Erpnext,
    ErpnextDenied,
    ErpnextExists,
    ErpnextForbidden,
    ErpnextMissing,
    ErpnextRefused,
    ErpnextUnavailable,
    cents,
)
from pw_pipelines.settings import Settings
from tests.fixtures_erpnext import Books

Answer = Callable[[httpx.Request], httpx.Response]


def client(settings: Settings, answer: Answer, waits: list[float] | None = None) -> Erpnext:
    given = settings.model_copy(
        update={"erpnext_url": "http://erp.test/site", "erpnext_api_key": "k", "erpnext_api_secret": SecretStr("s")}
    )
    slept = [] if waits is None else waits
    return Erpnext(given, transport=httpx.MockTransport(answer), sleep=slept.append)


def refusing(status: int, exc_type: str = "", message: str = "") -> Answer:
    body = {"exc_type": exc_type, "exc": json.dumps(["Traceback\nsecret internals"]),
            "_server_messages": json.dumps([json.dumps({"message": message})])}  # fmt: skip
    return lambda _request: httpx.Response(status, json=body)


def test_without_credentials_it_says_which_are_missing(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="PW_ERPNEXT_API_KEY"):
        Erpnext(settings)


def test_types_and_names_with_blanks_and_slashes_are_one_part_of_the_address_each(settings: Settings) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"data": {"name": "A/B 1"}}, headers={"Set-Cookie": "sid=abc; Path=/"})

    with client(settings, answer) as erpnext:
        erpnext.get("Sales Order", "A/B 1")
        erpnext.submit("Sales Order", "A/B 1")
    assert [request.url.raw_path for request in seen] == [b"/site/api/resource/Sales%20Order/A%2FB%201"] * 2
    assert seen[1].headers["authorization"] == "token k:s"
    assert seen[1].headers["content-type"] == "application/json"
    assert json.loads(seen[1].content) == {"docstatus": 1}
    # Frappe's session cookie would ask for a CSRF token
    assert "cookie" not in seen[1].headers


@pytest.mark.parametrize(
    ("status", "exc_type", "kind"),
    [
        (409, "DuplicateEntryError", ErpnextExists),
        (417, "UniqueValidationError", ErpnextExists),
        (417, "ValidationError", ErpnextRefused),
        (417, "RateLimitExceededError", ErpnextUnavailable),
        (404, "DoesNotExistError", ErpnextMissing),
        (403, "PermissionError", ErpnextDenied),
        (401, "AuthenticationError", ErpnextForbidden),
        (429, "TooManyRequestsError", ErpnextUnavailable),
        (503, "SessionStopped", ErpnextUnavailable),
        (500, "", ErpnextUnavailable),
    ],
)
def test_each_refusal_is_told_by_its_kind_and_in_its_own_words(
    settings: Settings, status: int, exc_type: str, kind: type[Exception]
) -> None:
    answer = refusing(status, exc_type, "<b>Customer</b> is\nnot there")
    with client(settings, answer) as erpnext, pytest.raises(Exception, match="Customer is not there") as told:
        erpnext.create("Sales Order", {})
    assert type(told.value) is kind
    assert "secret internals" not in str(told.value)


def test_reading_is_repeated_and_writing_is_not(settings: Settings) -> None:
    calls: list[str] = []
    waits: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        raise httpx.ReadTimeout("slow", request=request)

    with client(settings, answer, waits) as erpnext:
        with pytest.raises(ErpnextUnavailable):
            erpnext.get("Customer", "Ada")
        with pytest.raises(ErpnextUnavailable, match="ReadTimeout"):
            erpnext.create("Customer", {})
        with pytest.raises(ErpnextUnavailable):
            erpnext.submit("Sales Order", "SO-1")
    assert calls == ["GET", "GET", "GET", "POST", "PUT"]
    assert len(waits) == 2


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, html="<html>we will be back</html>"),
        httpx.Response(302, headers={"Location": "/login"}),
        httpx.Response(200, json=["not an object"]),
        httpx.Response(200, json={"message": "no data"}),
    ],
)
def test_a_page_instead_of_an_answer_is_never_taken_for_one(settings: Settings, response: httpx.Response) -> None:
    with client(settings, lambda _request: response) as erpnext:
        with pytest.raises(ErpnextUnavailable):
            erpnext.create("Customer", {})
        with pytest.raises(ErpnextUnavailable):
            erpnext.find("Customer", [], [])


def test_amounts_come_and_go_without_a_float_in_between(settings: Settings) -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, content=b'{"data":{"name":"x","grand_total":1299.9,"total":0.07}}')

    with client(settings, answer) as erpnext:
        stored = erpnext.create("Sales Order", {"rate": Decimal("1299.90")})
    assert json.loads(sent[0]) == {"rate": 1299.9}
    assert (stored["grand_total"], stored["total"]) == (Decimal("1299.9"), Decimal("0.07"))


@pytest.mark.parametrize(
    ("given", "amount"), [(1299.9, "1299.90"), (499, "499.00"), ("0.1", "0.10"), (100.0000000001, "100.00")]
)
def test_floats_are_read_as_the_cents_they_mean(given: object, amount: str) -> None:
    assert str(cents(given)) == amount


def test_what_lies_between_two_cents_is_no_amount() -> None:
    with pytest.raises(ValueError, match="cents"):
        cents(10.004)


def test_a_list_is_whole_where_frappe_would_give_twenty_rows(books: Books, erpnext: Erpnext) -> None:
    for number in range(123):
        erpnext.create("Customer", {"customer_name": f"Customer {number:03}", "customer_group": "Commercial"})
    bare = books.api.get("/erpnext/api/resource/Customer").json()["data"]
    assert (len(bare), list(bare[0])) == (20, ["name"])

    found = erpnext.find("Customer", [["customer_name", "like", "Customer %"]], ["customer_name"])

    assert [one["customer_name"] for one in found] == [f"Customer {number:03}" for number in range(123)]


def test_a_maker_stores_nothing_and_its_marks_are_taken_off(books: Books, erpnext: Erpnext) -> None:
    order = {"customer": "Ada", "company": "Performance West", "delivery_date": "2099-01-01",
             "items": [{"item_code": "PW-SERVICE", "qty": 1, "rate": 10}]}  # fmt: skip
    erpnext.create("Customer", {"customer_name": "Ada"})
    name = erpnext.create("Sales Order", order)["name"]
    maker = "erpnext.selling.doctype.sales_order.sales_order.make_sales_invoice"
    with pytest.raises(ErpnextRefused, match="docstatus=1"):
        erpnext.make(maker, {"source_name": name})
    erpnext.submit("Sales Order", name)
    prepared = erpnext.make(maker, {"source_name": name})
    assert not {"name", "__islocal", "__unsaved"} & set(prepared)
    assert prepared["items"][0]["sales_order"] == name
    assert books.all_of("Sales Invoice") == []


def test_the_unique_field_is_asked_for_once(books: Books, erpnext: Erpnext) -> None:
    erpnext.demand_unique("Sales Order", "custom_order_id")
    books.misbehave("status", status=500, times=None)
    erpnext.demand_unique("Sales Order", "custom_order_id")
    books.faults.clear()
    with pytest.raises(ErpnextForbidden, match="no unique custom field custom_other"):
        erpnext.demand_unique("Sales Order", "custom_other")

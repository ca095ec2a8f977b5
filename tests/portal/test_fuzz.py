"""The API under requests made up from its own OpenAPI document: nothing breaks, and no answer is undocumented."""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pw_pipelines.commerce.reference import load_commerce
from tests.portal.conftest import Web

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20"))  # of each operation
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def document(deficient: Web) -> Any:
    load_commerce(deficient.db)
    return schemathesis.openapi.from_url(f"{deficient.url}/api/v1/openapi.json")


def operations(document: Any) -> Iterator[Any]:
    for found in document.get_all_operations():
        yield found.ok()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_sent_the_answer_is_one_the_document_promises(deficient: Web, document: Any, mode: Any) -> None:
    answered: Counter[int] = Counter()
    tried = set()
    for operation in operations(document):
        if mode is GenerationMode.NEGATIVE and not (list(operation.iter_parameters()) or len(operation.body)):
            continue  # there is nothing to be wrong

        @seed(20261122)
        @BOUNDED
        @given(case=operation.as_strategy(mode))
        def run(case: Any) -> None:
            answered[case.call_and_validate(checks=CHECKS, timeout=60).status_code] += 1

        run()
        tried.add(operation.label)
    assert len(tried) >= 14, tried
    assert answered[422] > 50
    assert {status // 100 for status in answered} <= {2, 4}, answered


def test_made_up_requests_with_real_codes_in_them_place_orders_and_break_nothing(deficient: Web, document: Any) -> None:
    """Made-up codes never get past the catalogue; these do, and reach the database."""
    answered: Counter[int] = Counter()
    for operation in operations(document):
        if operation.method != "post" or operation.label.endswith("/payments"):
            continue

        @seed(20261122)
        @BOUNDED
        @given(case=operation.as_strategy(GenerationMode.POSITIVE))
        def run(case: Any) -> None:
            case.body = mended(case.body)
            case.headers = {**(case.headers or {}), "Idempotency-Key": str(uuid.uuid4())}
            answered[case.call_and_validate(checks=CHECKS, timeout=60).status_code] += 1

        run()
    assert answered[201] > 20, answered
    with deficient.db.connect() as connection:
        row = connection.execute("select count(*)::int as n from pw.orders").fetchone()
    assert row is not None
    assert int(str(row["n"])) >= answered[201] - answered[202]


def mended(body: Any) -> Any:
    """The body with codes the catalogue knows, everything else as it was made up."""
    if not isinstance(body, dict):
        return body
    known = {"method": "ach", "bundle": "starter", "frn": "0012345678", "state": "FL"}
    found = {
        name: known.get(name, value)
        for name, value in body.items()
        if name not in {"discount_code", "referral_code", "expedite"}
    }
    if "items" in found:
        found["items"] = [{"service": "cpni_certification", "quantity": 1 + len(found["items"]) % 10}]
    if "orders" in found:
        found["orders"] = [
            {"frn": f"{place:010}", "items": [{"service": "form_499a"}], "frn_is_confirmed": True}
            for place, _ in enumerate(found["orders"], 1)
        ]
    return found


def test_an_order_is_found_by_every_road_of_the_document(deficient: Web) -> None:
    """Reading by a real token, as the document says it."""
    body = {
        "customer": {"name": "Ada", "email": "ada@example.com"}, "method": "ach", "consent": True,
        "items": [{"service": "cpni_certification"}],
    }  # fmt: skip
    placed = httpx.post(
        f"{deficient.url}/api/v1/compliance-orders", content=json.dumps(body),
        headers={"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"},
    ).json()  # fmt: skip
    document = schemathesis.openapi.from_url(f"{deficient.url}/api/v1/openapi.json")
    case = document["/api/v1/orders/{token}"]["GET"].Case(path_parameters={"token": placed["token"]})
    assert case.call_and_validate(checks=CHECKS).status_code == 200

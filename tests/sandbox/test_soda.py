"""The Socrata stand-in answers as the real service does, its refusals included."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fixtures_registers import Registers

CO = "/socrata/data.colorado.gov/resource/4ykn-tg5h.json"
OR = "/socrata/data.oregon.gov/resource/tckn-sxa6.json"


@pytest.fixture
def client(registers: Registers) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=registers.settings.sandbox_url, timeout=60) as client:
        yield client


def ask(client: httpx.Client, path: str, **query: str) -> Any:
    reply = client.get(path, params={f"${name}": value for name, value in query.items()})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_thousand_rows_come_unless_more_are_asked_for(client: httpx.Client) -> None:
    total = int(ask(client, CO, select="count(*)")[0]["count"])
    assert total > 1_000
    assert len(ask(client, CO)) == 1_000
    assert len(ask(client, CO, limit="90000")) == total
    assert len(ask(client, CO, limit="90000", offset=str(total - 3))) == 3


def test_pages_fit_together_only_in_an_order(client: httpx.Client) -> None:
    whole = ask(client, OR, order=":id", limit="600")
    halves = ask(client, OR, order=":id", limit="300") + ask(client, OR, order=":id", limit="300", offset="300")
    assert halves == whole
    assert ask(client, OR, limit="300") != ask(client, OR, limit="300")


def test_a_beginning_is_found_whatever_its_case(client: httpx.Client) -> None:
    some = ask(client, CO, limit="1", order=":id")[0]["entityname"]
    beginning = some[:6].upper().replace("'", "''")
    found = ask(client, CO, where=f"starts_with(upper(entityname),'{beginning}')")
    assert found
    assert all(row["entityname"].upper().startswith(some[:6].upper()) for row in found)
    assert ask(client, CO, where=f"upper(entityname) like '%{beginning[2:]}%'", limit="5000")


def test_a_quote_is_doubled_and_a_lone_one_is_a_400_in_json_never_an_empty_list(client: httpx.Client) -> None:
    found = ask(client, CO, where="upper(entityname) like '%''S %'", limit="5")
    assert found and all("'S " in row["entityname"].upper() for row in found)
    reply = client.get(CO, params={"$where": "upper(entityname) like '%'S %'"})
    assert reply.status_code == 400
    assert reply.json().keys() == {"code", "error", "message"}
    assert (reply.json()["code"], reply.json()["error"]) == ("query.compiler.malformed", True)


def test_comparisons_are_joined_filters_and_words_are_understood(client: httpx.Client) -> None:
    both = "entitystatus = 'Good Standing' and entitytype = 'DLLC'"
    found = ask(client, CO, where=both, limit="5000", select="entityid,entitystatus,entitytype")
    assert found and {tuple(sorted(row.items()))[1:] for row in found} == {
        (("entitystatus", "Good Standing"), ("entitytype", "DLLC"))
    }
    count = ask(client, CO, select="count(*)", where=both)
    assert int(count[0]["count"]) == len(found)
    filtered = client.get(CO, params={"entitystatus": "Good Standing", "entitytype": "DLLC", "$limit": "5000"}).json()
    assert len(filtered) == len(found)
    assert all("trucking" in str(row).lower() for row in ask(client, CO, q="trucking"))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"$select": "nothing_such"}, "query.soql.no-such-column"),
        ({"$limit": "many"}, "query.soql.invalid-parameter"),
        ({"$having": "x"}, "query.soql.unrecognized-parameter"),
        ({"$where": "entityid > '1' or 1=1"}, "query.compiler.malformed"),
    ],
)
def test_what_cannot_be_compiled_is_refused(client: httpx.Client, query: dict[str, str], code: str) -> None:
    reply = client.get(CO, params=query)
    assert (reply.status_code, reply.json()["code"]) == (400, code)


def test_values_that_are_missing_are_left_out(client: httpx.Client) -> None:
    rows = ask(client, CO, order=":id")
    assert any("principaladdress2" not in row for row in rows) and any("principaladdress2" in row for row in rows)
    assert all(value for row in rows for value in row.values())


@pytest.mark.parametrize(
    "path",
    [
        "/socrata/data.iowa.gov/resource/ez5t-3qay.json",
        "/socrata/data.illinois.gov/resource/vqps-xatp.json",
        "/socrata/data.michigan.gov/resource/uc6u-xab8.json",
        "/socrata/data.vermont.gov/resource/c7cm-s92n.json",
        "/socrata/data.wa.gov/resource/7naq-cqm3.json",
        "/socrata/data.ny.gov/resource/4ykn-tg5h.json",
    ],
)
def test_a_dataset_that_is_gone_or_is_elsewhere_is_a_404(client: httpx.Client, path: str) -> None:
    reply = client.get(path)
    assert (reply.status_code, reply.json()["error"]) == (404, True)


def test_csv_has_every_column_and_the_same_rows(client: httpx.Client) -> None:
    text = client.get(OR.replace(".json", ".csv"), params={"$order": ":id", "$limit": "20"}).text
    found = list(csv.DictReader(io.StringIO(text)))
    assert [{name: value for name, value in row.items() if value} for row in found] == ask(
        client, OR, order=":id", limit="20"
    )


def test_the_description_tells_columns_and_the_day_of_the_rows(client: httpx.Client) -> None:
    view = client.get("/socrata/data.oregon.gov/api/views/tckn-sxa6.json").json()
    assert "associated_name_type" in [column["fieldName"] for column in view["columns"]]
    assert view["rowsUpdatedAt"] == 1793523600, "09:00 UTC of the first of November: Oregon's is renewed monthly"


def test_a_fault_spoils_pages_and_leaves_counts_alone(client: httpx.Client, registers: Registers) -> None:
    total = int(ask(client, CO, select="count(*)")[0]["count"])
    registers.misbehave("socrata", "shrunk", times=1)
    assert int(ask(client, CO, select="count(*)")[0]["count"]) == total
    assert len(ask(client, CO, order=":id", limit="1000")) == 700


def test_iowa_redirects_to_a_signed_address_that_nobody_can_guess(client: httpx.Client) -> None:
    reply = client.get("/iowa_hub/api/v1/datasets/554/rows.json")
    assert reply.status_code == 303
    assert "X-Amz-Signature=" in reply.headers["location"]
    assert client.get("/iowa_hub/storage/554.zip", params={"X-Amz-Signature": "0" * 64}).status_code == 403
    assert client.get("/iowa_hub/api/v1/datasets/1/rows.json").status_code == 404

"""GET /api/v1/compliance-check/{frn} over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from psycopg import sql

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError
from pw_pipelines.portal.app import create_app
from pw_pipelines.settings import Mode, Settings
from tests.portal import given
from tests.portal.conftest import Web
from tests.portal.public_record import Sites

CHECK = "/api/v1/compliance-check"
CONTRACT = {"frn", "name", "sources", "findings", "questions", "answer"}


def test_an_answer_has_the_keys_that_are_promised(deficient: Web) -> None:
    reply = deficient.get(f"{CHECK}/0012345678")
    body = reply.json()
    assert reply.status_code == 200
    assert body.keys() >= CONTRACT
    assert body["answer"] == "deficient"
    assert body["sources"][0].keys() >= {"source", "as_of", "live", "grade"}
    assert body["findings"][0].keys() >= {
        "code", "severity", "certainty", "citation", "evidence", "snapshots", "service", "price_usd",
    }  # fmt: skip
    assert body["findings"][0]["price_usd"] == "499.00"
    assert body["questions"][0].keys() >= {"code", "text"}


def test_page_and_api_give_the_same_findings(deficient: Web) -> None:
    codes = [finding["title"] for finding in deficient.get(f"{CHECK}/0012345678").json()["findings"]]
    page = deficient.get("/tools/fcc-compliance-check?frn=0012345678").text
    assert [title for title in codes if f"<h4>{title}</h4>" not in page] == []


def test_hyphens_and_lost_zeros_are_accepted_and_told(deficient: Web) -> None:
    body = deficient.get(f"{CHECK}/12-345-678").json()
    assert body["frn"] == "0012345678"
    assert "leading zeros" in body["notes"][0]


@pytest.mark.parametrize("frn", ["hello", "123456789012", "%20", "' or 1=1 --"])
def test_what_is_no_frn_gets_a_problem_with_field_and_remedy(web: Web, frn: str) -> None:
    reply = web.get(f"{CHECK}/{frn}")
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    problem = reply.json()
    assert problem["field"] == "frn"
    assert "10 digits" in problem["detail"]
    assert problem["remedy"]


@pytest.mark.parametrize("as_of", ["tomorrow", "2026-02-30", "2027-01-01"])
def test_a_day_that_cannot_be_asked_about_gets_a_problem(web: Web, as_of: str) -> None:
    given.fresh_books(web.db)
    reply = web.get(f"{CHECK}/0012345678", params={"as_of": as_of})
    assert (reply.status_code, reply.json()["field"]) == (422, "as_of")


def test_an_unknown_frn_is_a_good_answer(start: Callable[..., Web]) -> None:
    web = start(Sites(registered=False))
    given.fresh_books(web.db)
    reply = web.get(f"{CHECK}/0000000000")
    assert (reply.status_code, reply.json()["answer"]) == (200, "unknown FRN")


def test_the_record_is_read_live_only_when_asked(deficient: Web) -> None:
    deficient.get(f"{CHECK}/0012345678")
    assert deficient.sites.asked == []
    body = deficient.get(f"{CHECK}/0012345678", params={"live": "true"}).json()
    assert [source["source"] for source in body["sources"] if source["live"]] == [
        "fcc_form499",
        "fcc_cpni",
        "fcc_cores",
    ]


def test_every_check_is_logged_with_its_utm(web: Web) -> None:
    given.fresh_books(web.db)
    given.carrier(web.db)
    web.get(f"{CHECK}/0012345678", params={"utm_source": "mail", "utm_medium": "lead", "other": "x"})
    web.get(f"{CHECK}/nonsense")
    with web.db.connect() as connection:
        rows = connection.execute(
            "select channel, asked, answer, utm from pw.compliance_check_log order by checked_at"
        ).fetchall()
    assert rows == [
        {
            "channel": "api",
            "asked": "0012345678",
            "answer": "nothing found",
            "utm": {"utm_source": "mail", "utm_medium": "lead"},
        },
        {"channel": "api", "asked": "nonsense", "answer": "malformed", "utm": {}},
    ]


def test_without_a_database_the_api_asks_to_try_again_and_readiness_says_so(web: Web, db: Database) -> None:
    name = db.url.rsplit("/", 1)[1]
    with Database(db.url.rsplit("/", 1)[0] + "/postgres").connect() as connection:
        connection.autocommit = True
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    reply = web.get(f"{CHECK}/0012345678")
    assert (reply.status_code, reply.headers["content-type"]) == (503, "application/problem+json")
    assert reply.headers["retry-after"] == "10"
    assert "password" not in reply.text
    assert (web.get("/ready").status_code, web.get("/health").status_code) == (503, 200)


def test_a_rebuild_that_exchanges_the_schemas_is_seen_by_connections_that_were_open_before(deficient: Web) -> None:
    """The statement is prepared by then; its plan must not cling to the tables of before."""
    answers = [deficient.get(f"{CHECK}/0012345678").json()["answer"] for _ in range(12)]
    with deficient.db.connect() as connection:
        connection.execute("alter schema marts rename to marts_before")
        connection.execute(given.MARTS.replace("segments.segment", "marts.segment"))
        connection.execute("drop schema marts_before cascade")
    given.carrier(deficient.db)
    answers += [deficient.get(f"{CHECK}/0012345678").json()["answer"] for _ in range(3)]
    assert answers == ["deficient"] * 12 + ["nothing found"] * 3


def test_the_contract_is_published_with_types(web: Web) -> None:
    schema = web.get("/api/v1/openapi.json").json()
    operation = schema["paths"]["/api/v1/compliance-check/{frn}"]["get"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/CheckResult"
    }
    assert schema["components"]["schemas"]["CheckResult"]["properties"].keys() >= CONTRACT
    assert {parameter["name"] for parameter in operation["parameters"]} >= {"frn", "as_of", "live"}
    assert all(path.startswith("/api/v1/") for path in schema["paths"]), "pages and webhooks are no part of it"


def test_an_unknown_address_of_the_api_is_a_problem_too(web: Web) -> None:
    reply = web.get("/api/v1/nothing")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


def test_live_mode_without_a_staff_password_does_not_start(web_settings: Settings) -> None:
    with pytest.raises(ConfigError, match="PW_STAFF_PASSWORD"):
        create_app(web_settings.model_copy(update={"mode": Mode.LIVE}))


def test_without_a_database_address_it_does_not_start(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="PW_DATABASE_URL"):
        create_app(settings)

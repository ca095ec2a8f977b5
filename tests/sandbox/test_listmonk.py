"""The stand-in Listmonk keeps the real one's rules, traps included."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pw_pipelines.sandbox.listmonk import ApiUser
from pw_pipelines.sandbox.listmonk.access import PERMISSIONS
from tests.fixtures_listmonk import Listmonk

LEADS = 9


def _create(server: Listmonk, email: str, **more: Any) -> dict[str, Any]:
    answer = server.api.post("/api/subscribers", json={"email": email, "name": "", "lists": [LEADS], **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


def _found(server: Listmonk, **params: Any) -> dict[str, Any]:
    answer = server.api.get("/api/subscribers", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


def _subscription(server: Listmonk, email: str) -> str | None:
    stored = server.stored(email)
    assert stored is not None
    return stored["subscriptions"].get(str(LEADS))


def test_health_is_open_and_everything_under_api_wants_credentials(listmonk_server: Listmonk) -> None:
    assert httpx.get(f"{listmonk_server.url}/health").json() == {"data": True}
    answer = httpx.get(f"{listmonk_server.url}/api/health")
    assert (answer.status_code, answer.json()) == (403, {"message": "invalid session"})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "token pw:sandbox-token"}, 200),
        ({"Authorization": "Basic " + base64.b64encode(b"pw:sandbox-token").decode()}, 200),
        ({"Authorization": "token pw:wrong"}, 403),
        ({"Authorization": "token nobody:sandbox-token"}, 403),
        ({"Authorization": "token pw:sandbox-token", "Cookie": "session=abc"}, 403),
    ],
)
def test_credentials_are_a_token_or_basic_and_a_session_cookie_hides_them(
    listmonk_server: Listmonk, headers: dict[str, str], status: int
) -> None:
    assert httpx.get(f"{listmonk_server.url}/api/health", headers=headers).status_code == status


def test_the_lead_list_is_there_from_the_start(listmonk_server: Listmonk) -> None:
    found = listmonk_server.api.get(f"/api/lists/{LEADS}").json()["data"]
    assert (found["id"], found["name"], found["optin"]) == (LEADS, "Deficiency leads", "single")
    assert listmonk_server.api.get("/api/lists/77").status_code == 400


def test_an_email_that_is_there_is_409_whatever_its_case(listmonk_server: Listmonk) -> None:
    made = _create(listmonk_server, " Ann@Carrier.Example ", attribs={"frn": "0000000001"})
    assert (made["email"], made["name"], made["lists"][0]["subscription_status"]) == (
        "ann@carrier.example",
        "Ann",
        "unconfirmed",
    )
    again = listmonk_server.api.post("/api/subscribers", json={"email": "ANN@carrier.example", "lists": [LEADS]})
    assert (again.status_code, again.json()) == (409, {"message": "E-mail already exists."})


def test_attributes_left_out_on_create_are_stored_as_null(listmonk_server: Listmonk) -> None:
    assert _create(listmonk_server, "ann@carrier.example")["attribs"] is None
    refused = listmonk_server.api.post("/api/subscribers", json={"email": "b@carrier.example", "attribs": ["a"]})
    assert refused.status_code == 400


def test_an_unknown_id_is_400_not_404(listmonk_server: Listmonk) -> None:
    assert listmonk_server.api.get("/api/subscribers/999").status_code == 400


def test_pages_are_silently_cut_to_fifty(listmonk_server: Listmonk) -> None:
    for number in range(60):
        _create(listmonk_server, f"p{number}@carrier.example")
    cut = _found(listmonk_server, list_id=LEADS, per_page=100)
    assert (len(cut["results"]), cut["per_page"], cut["total"]) == (50, 50, 60)
    assert len(_found(listmonk_server, list_id=LEADS, per_page=100, page=2)["results"]) == 10
    assert len(_found(listmonk_server, list_id=LEADS)["results"]) == 20
    assert len(_found(listmonk_server, list_id=LEADS, per_page="all")["results"]) == 60


def test_a_query_is_sql_in_a_read_only_transaction_on_allowed_tables(listmonk_server: Listmonk) -> None:
    _create(listmonk_server, "o'hara@carrier.example", attribs={"frn": "0000000002"})
    _create(listmonk_server, "b@carrier.example", attribs={"frn": "0000000003"})
    by_email = _found(listmonk_server, query="subscribers.email = 'o''hara@carrier.example'")
    by_frn = _found(listmonk_server, query="subscribers.attribs->>'frn' = '0000000003'")
    like = _found(listmonk_server, query="subscribers.email like '%hara%'")
    assert [item["email"] for item in by_email["results"] + by_frn["results"] + like["results"]] == [
        "o'hara@carrier.example",
        "b@carrier.example",
        "o'hara@carrier.example",
    ]
    for query, status in [
        ("subscribers.email = ", 400),
        ("exists (select 1 from pg_user)", 403),
        ("exists (with gone as (delete from bounces returning 1) select 1 from gone)", 400),
        ("true); delete from subscribers; --", 400),
    ]:
        assert listmonk_server.api.get("/api/subscribers", params={"query": query}).status_code == status, query
    assert _found(listmonk_server)["total"] == 2


def test_search_is_a_regular_expression(listmonk_server: Listmonk) -> None:
    _create(listmonk_server, "a.b@carrier.example")
    _create(listmonk_server, "axb@carrier.example")
    assert _found(listmonk_server, search="^a.b@")["total"] == 2
    assert _found(listmonk_server, search=r"^a\.b@")["total"] == 1
    assert listmonk_server.api.get("/api/subscribers", params={"search": "("}).status_code == 400


def test_a_person_on_two_asked_lists_comes_twice(listmonk_server: Listmonk) -> None:
    second = listmonk_server.api.post("/api/lists", json={"name": "News", "type": "public"}).json()["data"]["id"]
    _create(listmonk_server, "a@carrier.example", lists=[LEADS, second])
    assert _found(listmonk_server, list_id=[LEADS, second])["total"] == 2


def test_put_wipes_what_it_is_not_given_but_keeps_an_opt_out(listmonk_server: Listmonk) -> None:
    made = _create(listmonk_server, "a@carrier.example", attribs={"frn": "0000000001"})
    path = f"/api/subscribers/{made['id']}"
    listmonk_server.play("unsubscribe", email="a@carrier.example")
    kept = listmonk_server.api.put(path, json={"email": "a@carrier.example", "lists": [LEADS], "attribs": {"k": 1}})
    assert kept.json()["data"]["lists"][0]["subscription_status"] == "unsubscribed"
    wiped = listmonk_server.api.put(path, json={"email": "a@carrier.example"}).json()["data"]
    assert (wiped["attribs"], wiped["lists"], wiped["name"]) == ({}, [], "A")


def test_patch_merges_attributes_at_the_top_level_and_leaves_the_rest(listmonk_server: Listmonk) -> None:
    made = _create(listmonk_server, "a@carrier.example", attribs={"frn": "1", "deep": {"x": 1, "y": 2}})
    answer = listmonk_server.api.patch(f"/api/subscribers/{made['id']}", json={"attribs": {"deep": {"x": 9}, "n": 1}})
    patched = answer.json()["data"]
    assert patched["attribs"] == {"frn": "1", "deep": {"x": 9}, "n": 1}
    assert [item["id"] for item in patched["lists"]] == [LEADS]


def test_another_persons_email_is_500_on_put(listmonk_server: Listmonk) -> None:
    _create(listmonk_server, "a@carrier.example")
    other = _create(listmonk_server, "b@carrier.example")
    answer = listmonk_server.api.put(f"/api/subscribers/{other['id']}", json={"email": "a@carrier.example"})
    assert answer.status_code == 500


def test_before_v6_1_there_is_no_patch(run_listmonk: Callable[..., Listmonk]) -> None:
    server = run_listmonk(version="v6.0.0")
    made = _create(server, "a@carrier.example")
    assert server.api.patch(f"/api/subscribers/{made['id']}", json={"attribs": {}}).status_code == 405
    assert server.api.get("/api/about").json()["version"] == "v6.0.0"


def test_add_with_a_status_overrules_an_opt_out_and_without_one_does_not(listmonk_server: Listmonk) -> None:
    made = _create(listmonk_server, "a@carrier.example")
    listmonk_server.play("unsubscribe", email="a@carrier.example", list_id=LEADS)
    body = {"ids": [made["id"]], "action": "add", "target_list_ids": [LEADS]}
    listmonk_server.api.put("/api/subscribers/lists", json=body)
    assert _subscription(listmonk_server, "a@carrier.example") == "unsubscribed"
    by_query = {"query": "true", "action": "add", "target_list_ids": [LEADS], "status": "confirmed"}
    listmonk_server.api.put("/api/subscribers/query/lists", json=by_query)
    assert _subscription(listmonk_server, "a@carrier.example") == "unsubscribed"
    listmonk_server.api.put("/api/subscribers/lists", json={**body, "status": "confirmed"})
    assert _subscription(listmonk_server, "a@carrier.example") == "confirmed"


def test_remove_and_unsubscribe_are_different_things(listmonk_server: Listmonk) -> None:
    made = _create(listmonk_server, "a@carrier.example")
    body = {"ids": [made["id"]], "target_list_ids": [LEADS]}
    listmonk_server.api.put("/api/subscribers/lists", json={**body, "action": "unsubscribe"})
    assert _subscription(listmonk_server, "a@carrier.example") == "unsubscribed"
    listmonk_server.api.put("/api/subscribers/lists", json={**body, "action": "remove"})
    assert _subscription(listmonk_server, "a@carrier.example") is None
    empty = {"ids": [], "action": "remove", "target_list_ids": [LEADS]}
    assert listmonk_server.api.put("/api/subscribers/lists", json=empty).status_code == 400
    assert listmonk_server.api.put("/api/subscribers/lists/9", json=empty).status_code == 400


def test_a_query_route_without_a_query_means_everybody(listmonk_server: Listmonk) -> None:
    for number in range(3):
        _create(listmonk_server, f"p{number}@carrier.example")
    listmonk_server.api.put("/api/subscribers/query/lists", json={"action": "unsubscribe", "target_list_ids": [LEADS]})
    assert _found(listmonk_server, list_id=LEADS, subscription_status="unsubscribed")["total"] == 3


def test_two_list_ids_match_nobody_on_the_query_routes(listmonk_server: Listmonk) -> None:
    second = listmonk_server.api.post("/api/lists", json={"name": "News"}).json()["data"]["id"]
    _create(listmonk_server, "a@carrier.example", lists=[LEADS, second])
    body = {"list_ids": [LEADS, second], "action": "remove", "target_list_ids": [LEADS]}
    listmonk_server.api.put("/api/subscribers/query/lists", json=body)
    assert _subscription(listmonk_server, "a@carrier.example") == "unconfirmed"


def test_blocklisting_unsubscribes_from_everything(listmonk_server: Listmonk) -> None:
    made = _create(listmonk_server, "a@carrier.example")
    assert listmonk_server.api.put(f"/api/subscribers/{made['id']}/blocklist").json() == {"data": True}
    stored = listmonk_server.stored("a@carrier.example")
    assert stored is not None
    assert (stored["status"], stored["subscriptions"]) == ("blocklisted", {"9": "unsubscribed"})


def test_deleting_a_person_takes_the_bounces_along(listmonk_server: Listmonk) -> None:
    made = _create(listmonk_server, "a@carrier.example")
    listmonk_server.play("bounce", email="a@carrier.example")
    assert listmonk_server.api.get("/api/bounces").json()["data"]["total"] == 1
    listmonk_server.api.delete("/api/subscribers", params={"id": made["id"]})
    assert listmonk_server.api.get("/api/bounces").json()["data"]["total"] == 0
    assert listmonk_server.stored("a@carrier.example") is None


def test_lists_a_user_may_not_manage_are_dropped_without_a_word(run_listmonk: Callable[..., Listmonk]) -> None:
    narrow = ApiUser("pw", "sandbox-token", PERMISSIONS, frozenset({10}))
    server = run_listmonk(users=[narrow])
    assert server.api.post("/api/lists", json={"name": "Own"}).json()["data"]["id"] == 10
    answer = server.api.post("/api/subscribers", json={"email": "a@carrier.example", "lists": [9, 10]})
    assert [item["id"] for item in answer.json()["data"]["lists"]] == [10]
    assert server.api.post("/api/subscribers", json={"email": "b@x.example", "lists": [9]}).status_code == 403


def test_a_query_wants_a_permission_of_its_own(run_listmonk: Callable[..., Listmonk]) -> None:
    server = run_listmonk(users=[ApiUser("pw", "sandbox-token", PERMISSIONS - {"subscribers:sql_query"})])
    answer = server.api.get("/api/subscribers", params={"query": "true"})
    assert (answer.status_code, answer.json()) == (403, {"message": "permission denied: subscribers:sql_query"})


def _bounce(server: Listmonk, email: str, kind: str) -> httpx.Response:
    return server.api.post("/webhooks/bounce", json={"email": email, "type": kind, "source": "postfix-dsn"})


def test_one_hard_bounce_or_complaint_blocklists_and_soft_ones_do_nothing(listmonk_server: Listmonk) -> None:
    for name in ("hard", "complaint", "soft"):
        _create(listmonk_server, f"{name}@carrier.example")
        for _ in range(3):
            assert _bounce(listmonk_server, f"{name}@carrier.example", name).json() == {"data": True}
    stored = {name: listmonk_server.stored(f"{name}@carrier.example") for name in ("hard", "complaint", "soft")}
    assert {name: row and row["status"] for name, row in stored.items()} == {
        "hard": "blocklisted",
        "complaint": "blocklisted",
        "soft": "enabled",
    }
    kinds = [item["type"] for item in listmonk_server.api.get("/api/bounces").json()["data"]["results"]]
    assert sorted(kinds) == ["complaint", "hard", "soft", "soft"], "later ones leave no row"


def test_the_bounce_hook_answers_true_for_people_nobody_knows(listmonk_server: Listmonk) -> None:
    assert _bounce(listmonk_server, "ghost@carrier.example", "hard").json() == {"data": True}
    assert _bounce(listmonk_server, "ghost@carrier.example", "odd").status_code == 400
    assert _bounce(listmonk_server, "not an address", "hard").status_code == 400


def _import(server: Listmonk, text: str, **params: Any) -> httpx.Response:
    given = {"mode": "subscribe", "delim": ",", "lists": [LEADS], **params}
    return server.api.post(
        "/api/import/subscribers",
        data={"params": json.dumps(given)},
        files={"file": ("leads.csv", text.encode(), "text/csv")},
    )


def _finished(server: Listmonk) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        state = dict(server.api.get("/api/import/subscribers").json()["data"])
        if state["status"] in ("finished", "failed") or time.monotonic() > deadline:
            return state


def test_an_import_skips_bad_lines_and_still_says_finished(listmonk_server: Listmonk) -> None:
    text = 'email,name,attributes\na@carrier.example,Ann,"{""frn"": ""1""}"\nbroken,B,\nc@carrier.example,C\n'
    assert _import(listmonk_server, text).status_code == 200
    state = _finished(listmonk_server)
    assert (state["status"], state["total"], state["imported"]) == ("finished", 3, 1)
    logs = listmonk_server.api.get("/api/import/subscribers/logs").json()["data"]
    assert "skipping line 3" in logs
    assert "skipping line 4" in logs


def test_an_import_with_overwrite_puts_back_who_had_left_but_not_the_blocklisted(listmonk_server: Listmonk) -> None:
    text = "email,name,attributes\na@carrier.example,Ann,\nb@carrier.example,Bob,\n"
    blocked = _create(listmonk_server, "b@carrier.example")
    _create(listmonk_server, "a@carrier.example", attribs={"frn": "1"})
    listmonk_server.play("unsubscribe", email="a@carrier.example")
    listmonk_server.api.put(f"/api/subscribers/{blocked['id']}/blocklist")
    _import(listmonk_server, text)
    _finished(listmonk_server)
    assert _subscription(listmonk_server, "a@carrier.example") == "unsubscribed"
    _import(listmonk_server, text, overwrite=True)
    _finished(listmonk_server)
    assert _subscription(listmonk_server, "a@carrier.example") == "unconfirmed"
    assert _subscription(listmonk_server, "b@carrier.example") == "unsubscribed"
    stored = listmonk_server.stored("a@carrier.example")
    assert stored is not None
    assert stored["attribs"] is None, "an empty attributes column writes null"


def test_one_import_at_a_time(listmonk_server: Listmonk) -> None:
    listmonk_server.play("import", hold=True)
    assert _import(listmonk_server, "email,name,attributes\na@carrier.example,Ann,\n").status_code == 200
    second = _import(listmonk_server, "email,name,attributes\nb@carrier.example,Bob,\n")
    assert (second.status_code, "already running" in second.json()["message"]) == (400, True)
    listmonk_server.play("import", hold=False)
    assert _finished(listmonk_server)["imported"] == 1
    assert _import(listmonk_server, "x", delim=";;").status_code == 400


def test_a_public_subscription_needs_a_public_list_and_puts_people_back(listmonk_server: Listmonk) -> None:
    news = listmonk_server.api.post("/api/lists", json={"name": "News", "type": "public"}).json()["data"]
    private = listmonk_server.api.get(f"/api/lists/{LEADS}").json()["data"]
    body = {"email": "a@carrier.example", "name": "Ann", "list_uuids": [news["uuid"]]}
    path = f"{listmonk_server.url}/api/public/subscription"
    assert httpx.post(path, json={**body, "list_uuids": [private["uuid"]]}).status_code == 400
    assert httpx.post(path, json=body).status_code == 200
    listmonk_server.play("unsubscribe", email="a@carrier.example")
    httpx.post(path, json=body)
    stored = listmonk_server.stored("a@carrier.example")
    assert stored is not None
    assert stored["subscriptions"] == {str(news["id"]): "unconfirmed"}


def test_two_starts_over_one_database_keep_the_subscribers(
    run_listmonk: Callable[..., Listmonk], listmonk_server: Listmonk
) -> None:
    _create(listmonk_server, "a@carrier.example")
    from pw_pipelines.sandbox.listmonk import create_app
    from tests.served import served

    with served(create_app(listmonk_server.database_url)) as url:
        answer = httpx.get(f"{url}/api/subscribers", headers={"Authorization": "token pw:sandbox-token"})
    assert answer.json()["data"]["total"] == 1


def test_writes_are_counted_by_kind(listmonk_server: Listmonk) -> None:
    _create(listmonk_server, "a@carrier.example")
    assert listmonk_server.writes() == {"subscribers_created": 1}
    listmonk_server.forget_writes()
    assert listmonk_server.writes() == {}
    listmonk_server.play("wipe")
    assert listmonk_server.stored("a@carrier.example") is None
    assert listmonk_server.api.get(f"/api/lists/{LEADS}").status_code == 200


def test_people_can_see_who_arrived_and_nothing_they_typed_becomes_markup(listmonk_server: Listmonk) -> None:
    attribs = {"company": "<script>x</script>", "codes": ["RMD_MISSING"], "check_url": "javascript:alert(1)"}
    _create(listmonk_server, "a@carrier.example", attribs=attribs)
    page = httpx.get(f"{listmonk_server.url}/").text
    assert "1 unconfirmed" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "javascript:" not in page

"""The Listmonk client closes the traps: no cookies, whole reads only, quoted literals, lists checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable
from pw_pipelines.resources.listmonk import (
    Listmonk,
    ListmonkForbidden,
    ListmonkRefused,
    ListmonkUnavailable,
    email_literal,
)
from pw_pipelines.sandbox.listmonk import ApiUser
from pw_pipelines.sandbox.listmonk.access import PERMISSIONS
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk as Server

ANN = "ann@alpha.example"
PERSON = {"id": 1, "email": ANN, "status": "enabled", "attribs": None, "lists": []}


def _client(settings: Settings, answer: Callable[[httpx.Request], httpx.Response], waits: list[float]) -> Listmonk:
    settings = settings.model_copy(update={"listmonk_token": SecretStr("secret-token")})
    return Listmonk(settings, transport=httpx.MockTransport(answer), sleep=waits.append)


@pytest.fixture
def client(listmonk_server: Server, settings: Settings) -> Any:
    with Listmonk(listmonk_server.settings(settings)) as client:
        yield client


def _page(rows: list[dict[str, Any]], total: int) -> httpx.Response:
    return httpx.Response(200, json={"data": {"results": rows, "total": total}})


def test_a_cookie_is_never_sent_back_because_it_would_hide_the_token(settings: Settings) -> None:
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(
            200, json={"data": {"results": [], "total": 0}}, headers={"Set-Cookie": "session=abc; Path=/"}
        )

    with _client(settings, answer, []) as listmonk:
        listmonk.bounces()
        listmonk.bounces()
    assert [("cookie" in headers, headers["authorization"]) for headers in seen] == [
        (False, "token pw:secret-token"),
        (False, "token pw:secret-token"),
    ]


def test_without_a_token_it_says_which_setting(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="PW_LISTMONK_TOKEN"):
        Listmonk(settings)


def test_everybody_on_the_list_is_read_however_many(client: Listmonk, listmonk_server: Server) -> None:
    for number in range(61):
        client.create(f"p{number}@alpha.example", "P", {"frn": str(number)}, 9)
    members = client.members(9)
    assert len({member.email for member in members}) == 61
    assert members[0].subscriptions == {9: "unconfirmed"}


def test_a_release_that_cuts_every_page_is_read_page_by_page(settings: Settings) -> None:
    people = [{**PERSON, "id": number, "email": f"p{number}@alpha.example"} for number in range(120)]

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        start = (int(asked.get("page", "1")) - 1) * 50
        return _page(people[start : start + 50], 120)

    with _client(settings, answer, []) as listmonk:
        assert [member.id for member in listmonk.members(9)] == list(range(120))


def test_a_list_that_changed_while_being_read_is_not_believed(settings: Settings) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return _page([PERSON], 3 if request.url.params["per_page"] == "all" else 1)

    with _client(settings, answer, []) as listmonk, pytest.raises(ListmonkUnavailable, match="stated 3 rows"):
        listmonk.members(9)


def test_the_unwelcome_are_read_wherever_they_are(client: Listmonk, listmonk_server: Server) -> None:
    news = listmonk_server.api.post("/api/lists", json={"name": "News"}).json()["data"]["id"]
    for email, body in {
        "blocked@x.example": {"status": "blocklisted"},
        "disabled@x.example": {"status": "disabled"},
        "left@x.example": {"lists": [news]},
        "fine@x.example": {"lists": [news, 9]},
    }.items():
        listmonk_server.api.post("/api/subscribers", json={"email": email, "attribs": {}, **body})
    listmonk_server.play("unsubscribe", email="left@x.example")
    assert {person.email for person in client.not_mailable()} == {
        "blocked@x.example",
        "disabled@x.example",
        "left@x.example",
    }


def test_bounces_are_read_with_their_time(client: Listmonk, listmonk_server: Server) -> None:
    client.create(ANN, "Ann", {}, 9)
    body = {"email": ANN, "type": "hard", "source": "dsn", "created_at": "2026-11-19T23:59:00-05:00", "meta": {"s": 1}}
    listmonk_server.api.post("/webhooks/bounce", json=body)
    (bounce,) = client.bounces()
    assert (bounce.email, bounce.type, bounce.bounced_at.isoformat()) == (ANN, "hard", "2026-11-20T04:59:00+00:00")


def test_an_address_that_is_there_is_no_error_and_no_second_subscriber(client: Listmonk) -> None:
    assert client.create(ANN, "Ann", {}, 9) is not None
    assert client.create(ANN.upper(), "Ann", {}, 9) is None


@pytest.mark.parametrize("email", ["o'hara@alpha.example", "a%b@alpha.example", 'a"b@alpha.example'])
def test_an_address_is_found_whatever_characters_it_has(client: Listmonk, email: str) -> None:
    if '"' not in email:
        client.create(email, "O", {}, 9)
    found = client.by_email(email)
    assert (found.email if found else None) == (email if '"' not in email else None)


def test_a_row_in_mixed_case_answers_500_and_is_found_all_the_same(client: Listmonk, listmonk_server: Server) -> None:
    import psycopg

    client.create(ANN, "Ann", {}, 9)
    with psycopg.connect(listmonk_server.database_url) as connection:
        connection.execute("update listmonk.subscribers set email = 'Ann@Alpha.example'")
    assert client.create(ANN, "Ann", {}, 9) is None
    found = client.by_email(ANN)
    assert found is not None
    assert found.email == ANN


@pytest.mark.parametrize(
    "email",
    ["a\x00@b.example", "a b@c.example", "a\n@b.example", "a@b@c.example", "none", "ä@b.example", "a\\'@b.example"],
)
def test_what_may_not_stand_in_a_query_never_gets_there(email: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        email_literal(email)


def test_a_quote_is_doubled() -> None:
    assert email_literal(" O'Hara@Alpha.example") == "'o''hara@alpha.example'"


@pytest.mark.parametrize("version", ["v6.0.0", "v6.2.0"])
def test_attributes_are_merged_on_old_and_new_releases_and_nothing_else_moves(
    run_listmonk: Callable[..., Server], settings: Settings, version: str
) -> None:
    server = run_listmonk(version=version)
    with Listmonk(server.settings(settings)) as client:
        made = client.create(ANN, "Ann", {"frn": "1", "keep": True}, 9)
        assert made is not None
        server.play("unsubscribe", email=ANN)
        client.merge_attribs(made, {"frn": "2"})
    stored = server.stored(ANN)
    assert stored is not None
    assert (stored["attribs"], stored["subscriptions"]) == ({"frn": "2", "keep": True}, {"9": "unsubscribed"})
    expected = "subscribers_patched" if version == "v6.2.0" else "subscribers_replaced"
    assert server.writes()[expected] == 1


def test_putting_somebody_on_the_list_never_overrules_an_opt_out(client: Listmonk, listmonk_server: Server) -> None:
    made = client.create(ANN, "Ann", {}, 9)
    assert made is not None
    listmonk_server.play("unsubscribe", email=ANN)
    client.add_to_list([made], 9)
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    assert stored["subscriptions"] == {"9": "unsubscribed"}


def test_a_list_dropped_without_a_word_is_noticed(run_listmonk: Callable[..., Server], settings: Settings) -> None:
    server = run_listmonk(users=[ApiUser("pw", "sandbox-token", PERMISSIONS, frozenset({10}))])

    def dropping(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": {**PERSON, "attribs": {}}})

    with _client(settings, dropping, []) as client, pytest.raises(ListmonkForbidden, match="not on list 9"):
        client.create(ANN, "Ann", {}, 9)
    with Listmonk(server.settings(settings)) as client, pytest.raises(ListmonkForbidden):
        client.create(ANN, "Ann", {}, 9)


def test_a_wrong_token_is_forbidden_and_says_where_to_look(listmonk_server: Server, settings: Settings) -> None:
    wrong = listmonk_server.settings(settings).model_copy(update={"listmonk_token": SecretStr("wrong")})
    with Listmonk(wrong) as client, pytest.raises(ListmonkForbidden, match="PW_LISTMONK_TOKEN") as caught:
        client.members(9)
    assert isinstance(caught.value, OutsideRefused)
    assert "wrong" not in str(caught.value).replace("is wrong", "")


def test_an_unknown_list_is_forbidden_with_the_remedy(client: Listmonk) -> None:
    with pytest.raises(ListmonkForbidden, match="PW_LISTMONK_LIST_ID"):
        client.demand_list(77)


def test_a_broken_connection_is_tried_again_and_then_called_unavailable(settings: Settings) -> None:
    attempts: list[str] = []
    waits: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        attempts.append(request.method)
        raise httpx.ConnectError("refused", request=request)

    with _client(settings, answer, waits) as listmonk, pytest.raises(ListmonkUnavailable):
        listmonk.bounces()
    assert (len(attempts), waits) == (3, [0.25, 1.0])


def test_retry_after_is_waited_for_within_reason(settings: Settings) -> None:
    waits: list[float] = []
    answers = iter([httpx.Response(429, headers={"Retry-After": "3"}), httpx.Response(503), _page([], 0)])
    with _client(settings, lambda _request: next(answers), waits) as listmonk:
        assert listmonk.bounces() == []
    assert waits == [3.0, 12.0]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(500, json={"message": "pq: down"}), ListmonkUnavailable),
        (httpx.Response(200, text="<html>login</html>"), ListmonkUnavailable),
        (httpx.Response(200, json={"data": {}}), ListmonkUnavailable),
        (httpx.Response(200, json={"data": None}), ListmonkUnavailable),
        (httpx.Response(200, json={"data": {"results": [{"id": 1}], "total": 1}}), ListmonkUnavailable),
        (httpx.Response(302, headers={"Location": "/login"}), ListmonkRefused),
        (httpx.Response(400, json={"message": "bad"}), ListmonkRefused),
        (httpx.Response(403, json={"message": "no"}), ListmonkForbidden),
    ],
)
def test_no_answer_but_a_whole_one_is_read_as_people(
    settings: Settings, response: httpx.Response, error: type[Exception]
) -> None:
    with _client(settings, lambda _request: response, []) as listmonk, pytest.raises(error):
        listmonk.members(9)


@pytest.mark.parametrize(
    "raised",
    [kind for kind in vars(httpx).values() if isinstance(kind, type) and issubclass(kind, httpx.RequestError)],
)
def test_no_exception_of_httpx_escapes_untranslated(settings: Settings, raised: type[httpx.RequestError]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise raised("broken", request=request)

    with _client(settings, answer, []) as listmonk, pytest.raises(OutsideUnavailable):
        listmonk.members(9)


def test_ids_go_in_batches_and_never_as_an_empty_list(settings: Settings) -> None:
    sizes: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        assert (body["action"], "status" in body) == ("remove", False)
        sizes.append(len(body["ids"]))
        return httpx.Response(200, json={"data": True})

    with _client(settings, answer, []) as listmonk:
        listmonk.remove_from_list(list(range(1, 1_202)), 9)
        listmonk.remove_from_list([], 9)
    assert sizes == [500, 500, 201]

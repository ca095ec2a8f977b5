"""The door in front of Dagster: nobody without a login sees anything, and who may only look changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pw_pipelines.db.connection import Database
from pw_pipelines.portal import desk_session, desk_users
from pw_pipelines.portal.door import create_door
from pw_pipelines.portal.door_graphql import Unreadable, read_body
from pw_pipelines.settings import Settings
from tests.served import served

PASSWORD = "correct horse battery"
LAUNCH = (
    "mutation LaunchRun($executionParams: ExecutionParams!) "
    "{ launchRun(executionParams: $executionParams) { __typename } }"
)
CHANGES = {
    "launch": LAUNCH,
    "terminate": 'mutation { terminateRun(runId: "0c6f1b1e-0000-4000-8000-000000000001") { __typename } }',
    "wipe": "mutation W($p: [PartitionsByAssetSelector!]!) { wipeAssets(assetPartitionRanges: $p) { __typename } }",
    "delete": 'mutation { deletePipelineRun(runId: "x") { __typename } }',
    "behind a query": "query A { version } mutation B { launchRun { __typename } }",
    "in a fragment": "mutation { ...f } fragment f on Mutation { wipeAssets { __typename } }",
    "behind comments": "# query\n\ufeffmutation\n{ launchRun { __typename } }",
}


class Dagster:
    """Stands in for both webservers, and keeps what reached them."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []
        self.url = ""

    async def http(self, request: Request) -> Response:
        body = await request.body()
        said = json.loads(body) if body else None
        self.seen.append((request.method, request.url.path, dict(request.headers), said))
        if said and "launchRun" in said["query"]:
            answer = {"data": {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "run-1"}}}}
            return JSONResponse(answer)
        return JSONResponse({"data": {"version": "1"}}, headers={"Set-Cookie": "a=b", "X-Other": "kept"})

    async def websocket(self, socket: WebSocket) -> None:
        await socket.accept(subprotocol="graphql-ws")
        try:
            while True:
                said = await socket.receive_json()
                self.seen.append(("WS", socket.url.path, dict(socket.headers), said))
                if said["type"] == "connection_init":
                    await socket.send_json({"type": "connection_ack"})
                elif said["type"] == "start":
                    await socket.send_json({"type": "data", "id": said["id"], "payload": {"data": {"n": 1}}})
        except WebSocketDisconnect:
            return

    def changes(self) -> list[Any]:
        return [said for _, _, _, said in self.seen if said and "mutation" in json.dumps(said)]


class House:
    """The door with people before it and Dagster behind it."""

    def __init__(self, url: str, dagster: Dagster, db: Database, settings: Settings) -> None:
        self.url, self.dagster, self.db, self.settings = url, dagster, db, settings

    def token(self, role: str) -> str:
        now = self.settings.clock.now()
        with self.db.connect() as connection:
            user = desk_users.add_user(connection, role, role, None, now=now)
            connection.execute("update pw.staff_users set password_hash = 'x' where user_id = %s", (user.user_id,))
            return desk_session.begin_session(connection, user, now=now)

    def browser(self, role: str | None = None, **headers: str) -> httpx.Client:
        """Somebody's browser, on a page of Dagster's."""
        client = httpx.Client(base_url=self.url, timeout=20, headers={"Origin": self.url, **headers})
        if role:
            client.cookies.set("pw_desk", self.token(role), domain="127.0.0.1")
        return client

    def socket(self, path: str, token: str | None, origin: str | None = None) -> ClientConnection:
        headers = {"Cookie": f"pw_desk={token}"} if token else {}
        return connect(
            self.url.replace("http", "ws") + path, subprotocols=["graphql-ws"], origin=origin or self.url,  # type: ignore[list-item,arg-type]
            additional_headers=headers, proxy=None,
        )  # fmt: skip

    def log(self) -> list[tuple[str, str, dict[str, Any]]]:
        with self.db.connect() as connection:
            rows = connection.execute('select "by", what, detail from pw.staff_actions order by action_id').fetchall()
        return [(str(row["by"]), str(row["what"]), dict(row["detail"])) for row in rows]  # type: ignore[call-overload]


@pytest.fixture
def house(settings: Settings, db: Database) -> Iterator[House]:
    dagster = Dagster()
    behind = Starlette(
        routes=[
            WebSocketRoute("/{path:path}", dagster.websocket),
            Route("/{path:path}", dagster.http, methods=["GET", "POST"]),
        ]
    )
    with served(behind) as inner:
        seen = settings.model_copy(update={"database_url": SecretStr(db.url)})
        with served(create_door(seen, read_write=inner, read_only=inner)) as url:
            yield House(url, dagster, db, seen)


def post(client: httpx.Client, path: str, query: str, **variables: Any) -> httpx.Response:
    return client.post(path, json={"query": query, "variables": variables})


def test_without_a_login_nobody_sees_anything(house: House) -> None:
    stranger = house.browser(Accept="text/html")
    for path in (
        "/",
        "/runs",
        "/graphql",
        "/read-only/",
        "/read-only/graphql",
        "/server_info",
        "/logs/a/b",
        "/_next/x.js",
    ):
        reply = stranger.get(path)
        assert (reply.status_code, reply.headers["location"][:12]) == (303, "/door/login?"), path
        assert stranger.get(path, headers={"Accept": "*/*"}).status_code == 401
        assert stranger.post(path, json={"query": "{ version }"}).status_code == 401
    forged = house.browser()
    forged.cookies.set("pw_desk", "x" * 43, domain="127.0.0.1")
    assert post(forged, "/graphql", "{ version }").status_code == 401
    for path in ("/graphql", "/read-only/graphql"):
        with pytest.raises(InvalidStatus):
            house.socket(path, None)
    assert house.dagster.seen == []


@pytest.mark.parametrize("role", ["analyst", "reviewer"])
def test_who_may_only_look_is_led_to_the_read_only_view_and_reads_there(house: House, role: str) -> None:
    client = house.browser(role)
    reply = client.get("/runs/abc?tab=x")
    assert (reply.status_code, reply.headers["location"]) == (303, "/read-only/runs/abc?tab=x")
    assert client.get("/read-only/runs/abc").headers["x-other"] == "kept"
    assert post(client, "/read-only/graphql", "query Q { version }").json() == {"data": {"version": "1"}}
    assert post(client, "/graphql", "query Q { version }").status_code == 403, "not even a question to the other one"
    assert {path for _, path, _, _ in house.dagster.seen} == {"/read-only/runs/abc", "/read-only/graphql"}


@pytest.mark.parametrize("change", CHANGES)
def test_an_analyst_changes_nothing_by_http(house: House, change: str) -> None:
    client = house.browser("analyst")
    for path in ("/graphql", "/read-only/graphql"):
        for operation in (None, "A", "B"):
            reply = client.post(path, json={"query": CHANGES[change], "operationName": operation})
            assert reply.status_code == 403, (path, operation)
            assert "Nothing was done" in reply.json()["errors"][0]["message"]
    assert house.dagster.seen == []
    assert {what for _, what, _ in house.log()} == {"dagster_refused"}


def test_an_analyst_changes_nothing_by_ways_that_are_not_the_uis(house: House) -> None:
    client = house.browser("analyst")
    tries = [
        client.get("/read-only/graphql", params={"query": LAUNCH}),
        client.get("/read-only/graphql", params={"query": LAUNCH}, headers={"Accept": "text/html"}),
        client.post("/read-only/graphql", content=LAUNCH, headers={"Content-Type": "application/graphql"}),
        client.post("/read-only/graphql", params={"query": LAUNCH}, data={"a": "b"}),
        client.post("/read-only/graphql", json=[{"query": LAUNCH}]),
        client.post("/read-only/graphql", content=b'{"query": "{ version }", "query": "mutation { x }"}',
                    headers={"Content-Type": "application/json"}),
        client.post("/read-only/report_asset_materialization/leads", json={}),
        client.post("/read-only/graphql/", json={"query": LAUNCH}),
        client.post("/read-only/%2e%2e/graphql", json={"query": LAUNCH}),
        client.get("/read-only/..%2fgraphql"),
        client.put("/read-only/graphql", json={"query": LAUNCH}),
        client.post("/report_asset_check/leads", json={}),
    ]  # fmt: skip
    assert all(reply.status_code >= 400 for reply in tries), [reply.status_code for reply in tries]
    assert house.dagster.seen == []


def test_ops_may_launch_and_the_log_says_who_asked_for_what_without_its_data(house: House) -> None:
    client = house.browser("ops")
    params = {
        "selector": {"jobName": "acquire", "repositoryLocationName": "pw_pipelines"},
        "runConfigData": {"runId": "secret-config"}, "executionMetadata": {"tags": [{"key": "runId", "value": "tag"}]},
    }  # fmt: skip
    reply = client.post(
        "/graphql", json={"query": LAUNCH, "operationName": "LaunchRun", "variables": {"executionParams": params}}
    )
    assert reply.json()["data"]["launchRun"]["run"]["runId"] == "run-1"
    asked, answered = house.log()
    assert asked == ("ops", "dagster_asked", {
        "operation": "LaunchRun", "mutations": ["launchRun"], "on": ["acquire", "pw_pipelines"],
    })  # fmt: skip
    assert (answered[1], answered[2]["runs"], answered[2]["answers"]) == (
        "dagster_answered",
        ["run-1"],
        ["LaunchRunSuccess"],
    )
    method, path, headers, said = house.dagster.seen[-1]
    assert (method, path) == ("POST", "/graphql")
    assert said["variables"]["executionParams"] == params
    assert "cookie" not in headers, "the login stays at the door"
    assert post(client, "/read-only/graphql", LAUNCH).status_code == 403, "the read-only view is that for ops as well"


def test_what_cannot_be_written_into_the_log_is_not_done(house: House) -> None:
    client = house.browser("ops")
    with house.db.connect() as connection:
        connection.execute("alter table pw.staff_actions rename to staff_actions_away")
    assert post(client, "/graphql", LAUNCH).status_code == 500
    assert house.dagster.changes() == []


@pytest.mark.parametrize(
    "said",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:8900"},
        {"Origin": "null"},
        {"Origin": "", "Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_another_sites_page_cannot_use_somebodys_login(house: House, said: dict[str, str]) -> None:
    client = house.browser("ops")
    reply = client.post("/graphql", json={"query": LAUNCH}, headers=said)
    assert reply.status_code == 403
    if said.get("Origin"):
        with pytest.raises(InvalidStatus):
            house.socket("/graphql", client.cookies["pw_desk"], origin=said["Origin"])
    assert house.dagster.seen == []


def test_subscriptions_pass_and_changes_do_not_come_by_websocket(house: House) -> None:
    for role, path in (("analyst", "/read-only/graphql"), ("ops", "/graphql")):
        with house.socket(path, house.token(role)) as socket:
            socket.send('{"type": "connection_init", "payload": {"secret": "x"}}')
            assert json.loads(socket.recv(5)) == {"type": "connection_ack"}
            for number, change in enumerate(CHANGES.values()):
                socket.send(json.dumps({"type": "start", "id": str(number), "payload": {"query": change}}))
                assert json.loads(socket.recv(5))["type"] == "error"
            socket.send(json.dumps({"type": "start", "id": "s", "payload": {"query": "subscription S { n }"}}))
            assert json.loads(socket.recv(5))["payload"] == {"data": {"n": 1}}
    assert house.dagster.changes() == []
    assert "secret" not in json.dumps([said for *_, said in house.dagster.seen])


def test_an_analyst_gets_no_websocket_of_the_webserver_that_changes(house: House) -> None:
    token = house.token("analyst")
    for path in ("/graphql", "/read-only/other"):
        with pytest.raises(InvalidStatus):
            house.socket(path, token)


def test_a_websocket_ends_with_its_login(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pw_pipelines.portal.door_relay.ASK_AGAIN_SECONDS", 0.1)
    with house.socket("/graphql", house.token("ops")) as socket:
        socket.send('{"type": "connection_init"}')
        socket.recv(5)
        with house.db.connect() as connection:
            desk_users.disable_user(connection, "ops", now=house.settings.clock.now())
        with pytest.raises(ConnectionClosed):
            socket.recv(5)


def test_a_login_ends_after_its_time(house: House) -> None:
    client = house.browser("ops")
    assert client.get("/").status_code == 200
    house.settings.clock.set_offset(timedelta(hours=2))
    assert client.get("/").status_code == 401


def log_in(client: httpx.Client, name: str, password: str, going: str = "/") -> httpx.Response:
    page = client.get("/door/login", params={"next": going})
    fields = dict(re.findall(r'name="(proof|next)" value="([^"]*)"', page.text))
    return client.post("/door/login", data={**fields, "name": name, "password": password})


def test_staff_log_in_once_and_come_back_to_where_they_were_going(house: House) -> None:
    with house.db.connect() as connection:
        desk_users.add_user(connection, "ann", "ops", PASSWORD, now=datetime.now(UTC))
    client = house.browser()
    assert log_in(client, "ann", "wrong password!").status_code == 403
    reply = log_in(client, "ann", PASSWORD, "/runs/abc")
    assert (reply.status_code, reply.headers["location"]) == (303, "/runs/abc")
    assert client.get("/runs/abc").status_code == 200
    assert log_in(house.browser(), "ann", PASSWORD, "//evil.example").headers["location"] == "/"
    page = client.get("/door").text
    assert "ann (ops)" in page
    csrf = re.findall(r'name="csrf" value="([^"]*)"', page)[0]
    assert client.post("/door/logout", data={"csrf": csrf}).status_code == 303
    assert client.get("/runs/abc").status_code == 401


def test_an_address_that_tries_too_often_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pw_pipelines.portal.door_site.TRIES", 2)
    client = house.browser()
    statuses = [log_in(client, "nobody", "wrong password!").status_code for _ in range(3)]
    assert statuses == [403, 403, 429]


def test_a_link_from_a_chat_finds_the_login_that_is_there(house: House) -> None:
    reply = house.browser().get("/runs/abc", headers={"Accept": "text/html", "Sec-Fetch-Site": "cross-site"})
    assert '<meta http-equiv="refresh" content="0">' in reply.text, "the browser asks again, with its cookie"


def test_answers_stand_in_no_frame_and_set_no_cookie(house: House) -> None:
    reply = house.browser("ops").get("/")
    assert reply.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert "set-cookie" not in reply.headers


def test_dagster_that_is_away_is_said_and_the_door_stays(settings: Settings, db: Database) -> None:
    seen = settings.model_copy(update={"database_url": SecretStr(db.url)})
    nowhere = "http://127.0.0.1:9"
    with served(create_door(seen, read_write=nowhere, read_only=nowhere)) as url:
        house = House(url, Dagster(), db, seen)
        client = house.browser("ops")
        assert client.get("/").status_code == 502
        assert client.get("/door/health").text == "ok"


def test_an_endless_or_nested_question_is_refused_quickly() -> None:
    for query in ("{a" * 5_000 + "}" * 5_000, "query { " + "a " * 100_000 + "}", "x" * 300_000):
        with pytest.raises(Unreadable):
            read_body(json.dumps({"query": query}).encode())

"""A reconciliation that cannot see or may not write concludes nothing and leaves the books true."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import psycopg
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError
from pw_pipelines.leads.reconcile import ListLost, SyncBusy
from pw_pipelines.resources.listmonk import ListmonkForbidden, ListmonkUnavailable
from pw_pipelines.sandbox.listmonk import ApiUser
from pw_pipelines.sandbox.listmonk.access import PERMISSIONS
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.reconciling import ANN, reconcile, three
from tests.leads.warehouse import GivenLead, admissions, given_leads, states, suppressions


def _answering(status: int, path: str, method: str = "GET") -> Callable[[Any], Any]:
    """An ASGI layer that answers one route with a status of its own."""

    def wrap(app: Any) -> Any:
        async def layer(scope: dict[str, Any], receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
            if scope["type"] == "http" and (scope["method"], scope["path"]) == (method, path):
                await send({"type": "http.response.start", "status": status, "headers": []})
                await send({"type": "http.response.body", "body": json.dumps({"message": "down"}).encode()})
                return
            await app(scope, receive, send)

        return layer

    return wrap


@pytest.mark.parametrize("path", ["/api/subscribers", "/api/bounces", "/api/lists/9"])
def test_a_failed_read_back_is_not_an_empty_list(
    marts: Database, run_listmonk: Callable[..., Listmonk], settings: Settings, path: str
) -> None:
    server = run_listmonk(wrap=_answering(503, path))
    given_leads(marts, three())
    with pytest.raises(ListmonkUnavailable):
        reconcile(marts, server, settings)
    assert server.writes() == {}
    assert (admissions(marts), states(marts)) == ({}, {})
    with marts.connect() as connection:
        run = connection.execute("select ended_at, error from pw.sync_runs").fetchone()
    assert run is not None
    assert (run["ended_at"] is not None, "503" in str(run["error"])) == (True, True)


@pytest.mark.usefixtures("three_on_the_list")
def test_a_reply_cut_short_is_no_reply(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    real = httpx.HTTPTransport()

    class Cutting(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = real.handle_request(request)
            if "list_id" not in request.url.params:
                return response
            content = json.loads(response.read())
            content["data"]["results"] = content["data"]["results"][:1]
            return httpx.Response(200, json=content)

    listmonk_server.forget_writes()
    with pytest.raises(ListmonkUnavailable, match="stated 3 rows"):
        reconcile(marts, listmonk_server, settings, transport=Cutting())
    real.close()
    assert listmonk_server.writes() == {}


def test_listmonk_failing_in_the_middle_leaves_the_books_true_and_the_next_run_finishes(
    marts: Database, run_listmonk: Callable[..., Listmonk], settings: Settings
) -> None:
    failing = {"after": 20}

    def wrap(app: Any) -> Any:
        async def layer(scope: dict[str, Any], receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
            if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", "/api/subscribers"):
                failing["after"] -= 1
                if failing["after"] < 0:
                    await send({"type": "http.response.start", "status": 502, "headers": []})
                    await send({"type": "http.response.body", "body": b"bad gateway"})
                    return
            await app(scope, receive, send)

        return layer

    server = run_listmonk(wrap=wrap)
    given_leads(marts, [GivenLead(f"{n:010}", f"p{n}@alpha.example") for n in range(60)])
    with pytest.raises(ListmonkUnavailable, match="502"):
        reconcile(marts, server, settings)
    done = [state for state in states(marts).values() if state == "synced"]
    assert len(done) == 20
    failing["after"] = 1_000
    report = reconcile(marts, server, settings)
    assert (report.already_there, report.created, report.quota.used) == (20, 40, 60)


def test_a_list_that_lost_many_at_once_stops_everything_and_suppresses_nobody(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(
        marts, [GivenLead(f"{n:010d}", f"lead{n}@carrier.example", codes=("RMD_MISSING",)) for n in range(1, 31)]
    )
    reconcile(marts, listmonk_server, settings)
    with psycopg.connect(listmonk_server.database_url) as connection:
        connection.execute("delete from listmonk.subscribers")
    listmonk_server.forget_writes()
    with pytest.raises(ListLost, match="30 of 30 addresses"):
        reconcile(marts, listmonk_server, settings)
    assert (listmonk_server.writes(), suppressions(marts)) == ({}, {})


def test_a_user_who_may_not_manage_the_list_is_found_out_before_anybody_is_written(
    marts: Database, run_listmonk: Callable[..., Listmonk], settings: Settings
) -> None:
    server = run_listmonk(users=[ApiUser("pw", "sandbox-token", PERMISSIONS, frozenset({10}))])
    given_leads(marts, three())
    with pytest.raises(ListmonkForbidden, match="list role"):
        reconcile(marts, server, settings)
    assert admissions(marts) == {}


def test_a_double_opt_in_list_is_refused_because_it_would_mail_everybody(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    listmonk_server.api.put("/api/lists/9", json={"optin": "double"})
    given_leads(marts, three())
    with pytest.raises(ListmonkForbidden, match="single opt-in"):
        reconcile(marts, listmonk_server, settings)
    assert listmonk_server.stored(ANN) is None


def test_two_reconciliations_never_run_together(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    given_leads(marts, three())
    with marts.connect() as other:
        other.execute("select pg_advisory_lock(hashtext('pw.leads.sync'))")
        with pytest.raises(SyncBusy):
            reconcile(marts, listmonk_server, settings)
    assert reconcile(marts, listmonk_server, settings).created == 3


def test_marts_that_were_never_built_are_not_an_empty_set_of_leads(
    db: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    with pytest.raises(ConfigError, match="never built"):
        reconcile(db, listmonk_server, settings)

"""The lead list is reconciled, never pushed at: against a real database and a real stand-in Listmonk."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError
from pw_pipelines.leads.reconcile import ListLost, SyncBusy, sync
from pw_pipelines.leads.suppression import suppress
from pw_pipelines.leads.sync_report import SyncReport
from pw_pipelines.resources.listmonk import Listmonk as Client
from pw_pipelines.resources.listmonk import ListmonkForbidden, ListmonkUnavailable
from pw_pipelines.sandbox.listmonk import ApiUser
from pw_pipelines.sandbox.listmonk.access import PERMISSIONS
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.warehouse import (
    NOW,
    TODAY,
    GivenLead,
    admissions,
    given_admissions,
    given_leads,
    given_snapshot,
    recall_snapshot,
    states,
    suppressions,
)

ANN, BOB, CAT = "ann@alpha.example", "bob@beta.example", "cat@gamma.example"


def _three() -> list[GivenLead]:
    return [
        GivenLead("0000000001", ANN, name="Ñandú & Söhne, LLC", codes=("RMD_ROLE_NONE", "RMD_NOT_RECERTIFIED")),
        GivenLead("0000000002", BOB, codes=("RMD_MISSING",), severity="critical"),
        GivenLead("0000000003", CAT, contact_name="Cat Example"),
    ]


def _sync(
    db: Database, server: Listmonk, settings: Settings, *, today: date = TODAY, per_day: int = 200, **client: Any
) -> SyncReport:
    settings = server.settings(settings).model_copy(update={"warmup_per_day": per_day})
    with Client(settings, sleep=lambda _seconds: None, **client) as listmonk:
        return sync(db, listmonk, settings=settings, now=NOW + (today - TODAY), today=today)


def _on_list(server: Listmonk, email: str) -> str | None:
    stored = server.stored(email)
    return stored["subscriptions"].get("9") if stored else None


def test_a_lead_arrives_with_what_the_mail_needs(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings)
    assert (report.desired, report.created, report.queued, report.quota.used) == (3, 3, 0, 3)
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    assert stored["attribs"] == {
        "frn": "0000000001",
        "frns": ["0000000001"],
        "company": "Ñandú & Söhne, LLC",
        "codes": ["RMD_NOT_RECERTIFIED", "RMD_ROLE_NONE"],
        "sure_codes": ["RMD_NOT_RECERTIFIED", "RMD_ROLE_NONE"],
        "severity": "high",
        "check_url": "http://127.0.0.1:8800/tools/fcc-compliance-check?frn=0000000001"
        "&utm_source=listmonk&utm_medium=email&utm_campaign=rmd_not_recertified",
        "as_of": "2026-11-20",
    }
    assert stored["subscriptions"] == {"9": "unconfirmed"}
    assert states(marts) == {ANN: "synced", BOB: "synced", CAT: "synced"}


def test_when_nothing_changed_nothing_is_written(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    listmonk_server.forget_writes()
    report = _sync(marts, listmonk_server, settings)
    assert listmonk_server.writes() == {}
    assert (report.already_there, report.created, report.updated, report.quota.used) == (3, 0, 0, 3)


def test_changed_attributes_are_patched_and_those_of_others_stay(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    listmonk_server.api.patch(f"/api/subscribers/{stored['id']}", json={"attribs": {"sales_note": "called"}})
    listmonk_server.forget_writes()
    leads = _three()
    given_leads(marts, [GivenLead("0000000001", ANN, codes=("CPNI_MISSING",)), *leads[1:]])
    report = _sync(marts, listmonk_server, settings)
    assert (report.updated, listmonk_server.writes()) == (1, {"subscribers_patched": 1})
    after = listmonk_server.stored(ANN)
    assert after is not None
    assert (after["attribs"]["codes"], after["attribs"]["sales_note"]) == (["CPNI_MISSING"], "called")


def test_before_v6_1_an_update_keeps_lists_and_foreign_attributes(
    marts: Database, run_listmonk: Callable[..., Listmonk], settings: Settings
) -> None:
    server = run_listmonk(version="v6.0.0")
    given_leads(marts, _three())
    _sync(marts, server, settings)
    stored = server.stored(ANN)
    assert stored is not None
    body = {"email": ANN, "lists": [9], "attribs": {**stored["attribs"], "sales_note": "called"}}
    server.api.put(f"/api/subscribers/{stored['id']}", json=body)
    given_leads(marts, [GivenLead("0000000001", ANN, codes=("CPNI_MISSING",)), *_three()[1:]])
    assert _sync(marts, server, settings).updated == 1
    after = server.stored(ANN)
    assert after is not None
    assert (after["subscriptions"], after["attribs"]["sales_note"]) == ({"9": "unconfirmed"}, "called")
    assert after["attribs"]["codes"] == ["CPNI_MISSING"]


def test_who_unsubscribed_is_never_touched_again_even_if_the_lead_gets_worse(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    listmonk_server.play("unsubscribe", email=ANN, list_id=9)
    listmonk_server.forget_writes()
    given_leads(marts, [GivenLead("0000000001", ANN, codes=("RMD_MISSING",), severity="critical"), *_three()[1:]])
    report = _sync(marts, listmonk_server, settings)
    assert report.suppressed == {"unsubscribed": 1}
    assert listmonk_server.writes() == {}
    assert suppressions(marts) == {ANN: {"unsubscribed"}}
    assert states(marts)[ANN] == "held"
    assert _on_list(listmonk_server, ANN) == "unsubscribed"


def test_an_opt_out_is_remembered_by_us_when_listmonk_has_forgotten_it(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    listmonk_server.play("unsubscribe", email=ANN)
    listmonk_server.play("complain", email=BOB)
    _sync(marts, listmonk_server, settings)
    listmonk_server.play("wipe")
    report = _sync(marts, listmonk_server, settings)
    assert (report.created, report.suppressed) == (0, {"unsubscribed": 1, "complained": 1, "manual": 1})
    assert [listmonk_server.stored(email) is not None for email in (ANN, BOB, CAT)] == [False, False, False]
    assert report.quota.used == 3, "an address that had its place needs no second one"


def test_bounces_and_complaints_are_read_back_and_kept(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    listmonk_server.play("bounce", email=ANN)
    listmonk_server.play("complain", email=BOB)
    listmonk_server.play("bounce", email=CAT, type="soft")
    report = _sync(marts, listmonk_server, settings)
    assert suppressions(marts) == {ANN: {"bounced"}, BOB: {"complained"}}, "one event, one reason"
    assert (report.new_bounces, report.already_there) == (3, 1)
    listmonk_server.api.delete("/api/bounces", params={"all": "true"})
    assert _sync(marts, listmonk_server, settings).new_bounces == 0
    with marts.connect() as connection:
        rows = connection.execute("select type from pw.bounces order by type").fetchall()
    assert [row["type"] for row in rows] == ["complaint", "hard", "soft"]


def test_people_blocked_in_listmonk_outside_the_lead_list_are_not_written_to(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    for email, status in ((ANN, "blocklisted"), (BOB, "disabled")):
        listmonk_server.api.post("/api/subscribers", json={"email": email, "status": status, "attribs": {}})
    news = listmonk_server.api.post("/api/lists", json={"name": "News"}).json()["data"]["id"]
    listmonk_server.api.post("/api/subscribers", json={"email": CAT, "lists": [news], "attribs": {}})
    listmonk_server.play("unsubscribe", email=CAT)
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings)
    assert report.suppressed == {"blocklisted": 1, "disabled": 1, "unsubscribed": 1}
    assert (report.created, report.joined, admissions(marts)) == (0, 0, {})


def test_somebody_listmonk_knows_from_another_list_joins_and_keeps_that_list(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    news = listmonk_server.api.post("/api/lists", json={"name": "News"}).json()["data"]["id"]
    body = {"email": "Ann@Alpha.example", "lists": [news], "attribs": {"since": 2020}, "preconfirm_subscriptions": True}
    listmonk_server.api.post("/api/subscribers", json=body)
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings)
    assert (report.created, report.joined, report.quota.used) == (2, 1, 3)
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    assert stored["subscriptions"] == {str(news): "confirmed", "9": "unconfirmed"}
    assert (stored["attribs"]["since"], stored["attribs"]["frn"]) == (2020, "0000000001")


def test_the_cured_leave_the_list_but_stay_in_listmonk(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    given_leads(marts, _three()[1:])
    report = _sync(marts, listmonk_server, settings)
    assert report.withdrawn == {"cured": 1}
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    assert (stored["subscriptions"], states(marts)[ANN]) == ({}, "withdrawn")
    assert listmonk_server.writes().get("subscribers_deleted") is None


def test_a_recalled_snapshot_takes_its_leads_off_the_list_and_says_so(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_snapshot(marts, "rmd-wrong", as_of=TODAY - timedelta(days=1))
    given_leads(marts, [GivenLead("0000000001", ANN, snapshot_ids=("rmd-wrong",)), *_three()[1:]])
    _sync(marts, listmonk_server, settings)
    recall_snapshot(marts, "rmd-wrong")
    report = _sync(marts, listmonk_server, settings)
    assert (report.withdrawn, report.held) == ({"snapshot recalled": 1}, {"snapshot recalled": 1})
    given_leads(marts, _three()[1:])
    assert _sync(marts, listmonk_server, settings).withdrawn == {}
    assert _on_list(listmonk_server, ANN) is None


def test_a_new_contact_takes_the_place_of_the_old_one(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    given_leads(marts, [GivenLead("0000000001", "new@alpha.example"), *_three()[1:]])
    report = _sync(marts, listmonk_server, settings)
    assert (report.withdrawn, report.created) == ({"contact changed": 1}, 1)
    assert _on_list(listmonk_server, "new@alpha.example") == "unconfirmed"


def test_who_comes_back_needs_no_new_place_in_the_quota(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings, per_day=3)
    given_leads(marts, _three()[1:])
    _sync(marts, listmonk_server, settings, per_day=3)
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings, per_day=3)
    assert (report.joined, report.queued, report.quota.used) == (1, 0, 3)


def test_people_put_on_the_list_by_hand_stay(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    listmonk_server.api.post("/api/subscribers", json={"email": "staff@own.example", "lists": [9], "attribs": {}})
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings)
    assert (report.strangers, report.withdrawn) == (1, {})
    assert _on_list(listmonk_server, "staff@own.example") == "unconfirmed"


def test_a_customer_is_taken_off_and_a_manual_no_is_remembered_in_listmonk_too(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    suppress(marts, ANN, reason="customer", origin="orders", now=NOW)
    suppress(marts, "BOB@beta.example ", reason="manual", origin="manual", now=NOW, note="asked by phone")
    report = _sync(marts, listmonk_server, settings)
    assert (report.withdrawn, report.unsubscribed) == ({"customer": 1}, {"manual": 1})
    assert (_on_list(listmonk_server, ANN), _on_list(listmonk_server, BOB)) == (None, "unsubscribed")
    again = _sync(marts, listmonk_server, settings)
    assert (again.withdrawn, again.unsubscribed, again.new_suppressions) == ({}, {}, 0)
    assert suppressions(marts) == {ANN: {"customer"}, BOB: {"manual"}}


def test_several_carriers_with_one_address_are_one_subscriber_carried_by_the_worst(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(
        marts,
        [
            GivenLead("0000000011", "group@counsel.example"),
            GivenLead("0000000012", "Group@Counsel.example ", codes=("RMD_MISSING",), severity="critical"),
        ],
    )
    report = _sync(marts, listmonk_server, settings)
    assert (report.leads, report.desired, report.created) == (2, 1, 1)
    stored = listmonk_server.stored("group@counsel.example")
    assert stored is not None
    assert stored["attribs"]["frn"] == "0000000012"
    assert stored["attribs"]["frns"] == ["0000000011", "0000000012"]


def test_role_and_broken_addresses_and_old_evidence_are_held_with_the_reason(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_snapshot(marts, "rmd-old", as_of=TODAY - timedelta(days=46))
    given_snapshot(marts, "bdc-j25", source="fcc_bdc", as_of=date(2025, 12, 31))
    given_leads(
        marts,
        [
            GivenLead("0000000021", "no-reply@alpha.example"),
            GivenLead("0000000022", "two@at@signs.example"),
            GivenLead("0000000023", ANN, snapshot_ids=("rmd-old",)),
            GivenLead("0000000024", BOB, snapshot_ids=("rmd-today", "bdc-j25")),
            GivenLead("0000000025", CAT, snapshot_ids=("nobody-knows",)),
        ],
    )
    report = _sync(marts, listmonk_server, settings)
    assert report.held == {
        "evidence too old": 1,
        "invalid address": 1,
        "no provenance": 1,
        "role address": 1,
    }
    assert (report.created, states(marts)[BOB], states(marts)[ANN]) == (1, "synced", "held")


def test_a_subscriber_whose_evidence_grew_old_stays_where_it_is(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    listmonk_server.forget_writes()
    report = _sync(marts, listmonk_server, settings, today=TODAY + timedelta(days=60))
    assert (report.held, report.withdrawn) == ({"evidence too old": 3}, {})
    assert listmonk_server.writes() == {}


def test_the_quota_is_a_hard_limit_and_the_worst_go_first(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings, per_day=1)
    assert (report.created, report.queued, report.quota.left) == (1, 2, 0)
    assert states(marts) == {ANN: "queued", BOB: "synced", CAT: "queued"}
    again = _sync(marts, listmonk_server, settings, per_day=1)
    assert (again.created, again.queued) == (0, 2)
    tomorrow = _sync(marts, listmonk_server, settings, per_day=1, today=TODAY + timedelta(days=1))
    assert (tomorrow.created, tomorrow.quota.used) == (1, 1)


class _Killed(BaseException):
    """Stands for the process being killed: nothing of ours handles it."""


def _dying_at(deed: str, *, after: bool) -> httpx.BaseTransport:
    real = httpx.HTTPTransport()

    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            dying = f"{request.method} {request.url.path}" == deed
            if dying and not after:
                raise _Killed
            response = real.handle_request(request)
            if dying:
                response.read()
                raise _Killed
            return response

        def close(self) -> None:
            real.close()

    return Transport()


@pytest.mark.parametrize("after", [False, True])
def test_a_run_killed_around_the_create_is_completed_by_the_next_without_counting_twice(
    marts: Database, listmonk_server: Listmonk, settings: Settings, after: bool
) -> None:
    given_leads(marts, _three()[:1])
    with pytest.raises(_Killed):
        _sync(marts, listmonk_server, settings, per_day=1, transport=_dying_at("POST /api/subscribers", after=after))
    assert admissions(marts) == {ANN: TODAY}, "the place is committed before Listmonk is told"
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings, per_day=1)
    assert _on_list(listmonk_server, ANN) == "unconfirmed"
    assert report.quota.used == 1
    assert (report.queued, admissions(marts)) == (2, {ANN: TODAY})
    assert listmonk_server.writes()["subscribers_created"] == 1


def test_a_place_not_used_on_its_day_counts_on_the_day_it_is_used(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    given_leads(marts, _three()[:1])
    with pytest.raises(_Killed):
        _sync(marts, listmonk_server, settings, per_day=1, transport=_dying_at("POST /api/subscribers", after=False))
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings, per_day=1, today=tomorrow)
    assert (report.created, report.queued, admissions(marts)) == (1, 2, {ANN: tomorrow})


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
    given_leads(marts, _three())
    with pytest.raises(ListmonkUnavailable):
        _sync(marts, server, settings)
    assert server.writes() == {}
    assert (admissions(marts), states(marts)) == ({}, {})
    with marts.connect() as connection:
        run = connection.execute("select ended_at, error from pw.sync_runs").fetchone()
    assert run is not None
    assert (run["ended_at"] is not None, "503" in str(run["error"])) == (True, True)


def test_a_reply_cut_short_is_no_reply(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
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
        _sync(marts, listmonk_server, settings, transport=Cutting())
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
        _sync(marts, server, settings)
    done = [state for state in states(marts).values() if state == "synced"]
    assert len(done) == 20
    failing["after"] = 1_000
    report = _sync(marts, server, settings)
    assert (report.already_there, report.created, report.quota.used) == (20, 40, 60)


def test_a_user_who_may_not_manage_the_list_is_found_out_before_anybody_is_written(
    marts: Database, run_listmonk: Callable[..., Listmonk], settings: Settings
) -> None:
    server = run_listmonk(users=[ApiUser("pw", "sandbox-token", PERMISSIONS, frozenset({10}))])
    given_leads(marts, _three())
    with pytest.raises(ListmonkForbidden, match="list role"):
        _sync(marts, server, settings)
    assert admissions(marts) == {}


def test_a_double_opt_in_list_is_refused_because_it_would_mail_everybody(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    listmonk_server.api.put("/api/lists/9", json={"optin": "double"})
    given_leads(marts, _three())
    with pytest.raises(ListmonkForbidden, match="single opt-in"):
        _sync(marts, listmonk_server, settings)
    assert listmonk_server.stored(ANN) is None


def test_two_reconciliations_never_run_together(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    given_leads(marts, _three())
    with marts.connect() as other:
        other.execute("select pg_advisory_lock(hashtext('pw.leads.sync'))")
        with pytest.raises(SyncBusy):
            _sync(marts, listmonk_server, settings)
    assert _sync(marts, listmonk_server, settings).created == 3


def test_marts_that_were_never_built_are_not_an_empty_set_of_leads(
    db: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    with pytest.raises(ConfigError, match="never built"):
        _sync(db, listmonk_server, settings)


def test_too_many_bounces_stop_the_newcomers_and_say_why(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    from tests.leads.warehouse import given_bounces

    given_admissions(marts, 200, day=TODAY - timedelta(days=2))
    given_bounces(marts, 11)
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings)
    assert (report.created, report.queued, report.quota.limit) == (0, 3, 0)
    assert report.quota.reasons == (
        "all mail: 11 of 200 recipients bounced hard in 7 days (5.5 %, limit 5 %): nobody new is written to.",
    )


def test_the_counts_of_a_run_are_kept(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    given_leads(marts, _three())
    report = _sync(marts, listmonk_server, settings)
    with marts.connect() as connection:
        row = connection.execute("select id, counts, error from pw.sync_runs").fetchone()
    assert row is not None
    assert (row["id"], row["error"]) == (report.run_id, None)
    assert row["counts"]["created"] == 3  # type: ignore[index]
    assert row["counts"]["quota"]["by_provider"] == {"other": 3}  # type: ignore[index]


def test_whoever_is_deleted_in_listmonk_is_not_put_back(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    """Deleting erases the complaint that came before it; a person's own “wipe my data” looks the same."""
    given_leads(marts, _three())
    _sync(marts, listmonk_server, settings)
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    listmonk_server.api.delete(f"/api/subscribers/{stored['id']}").raise_for_status()
    report = _sync(marts, listmonk_server, settings)
    assert (report.created, report.joined, listmonk_server.stored(ANN)) == (0, 0, None)
    assert states(marts)[ANN] == "held"
    assert suppressions(marts)[ANN] == {"manual"}


def test_a_list_that_lost_many_at_once_stops_everything_and_suppresses_nobody(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(
        marts, [GivenLead(f"{n:010d}", f"lead{n}@carrier.example", codes=("RMD_MISSING",)) for n in range(1, 31)]
    )
    _sync(marts, listmonk_server, settings)
    with psycopg.connect(listmonk_server.database_url) as connection:
        connection.execute("delete from listmonk.subscribers")
    listmonk_server.forget_writes()
    with pytest.raises(ListLost, match="30 of 30 addresses"):
        _sync(marts, listmonk_server, settings)
    assert (listmonk_server.writes(), suppressions(marts)) == ({}, {})

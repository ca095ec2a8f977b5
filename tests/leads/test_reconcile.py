"""The lead list is reconciled, never pushed at: against a real database and a real stand-in Listmonk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.reconciling import ANN, BOB, CAT, on_list, reconcile, three
from tests.leads.warehouse import TODAY, GivenLead, given_leads, given_snapshot, recall_snapshot, states


def test_a_lead_arrives_with_what_the_mail_needs(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings)
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


@pytest.mark.usefixtures("three_on_the_list")
def test_when_nothing_changed_nothing_is_written(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    listmonk_server.forget_writes()
    report = reconcile(marts, listmonk_server, settings)
    assert listmonk_server.writes() == {}
    assert (report.already_there, report.created, report.updated, report.quota.used) == (3, 0, 0, 3)


@pytest.mark.usefixtures("three_on_the_list")
def test_changed_attributes_are_patched_and_those_of_others_stay(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    listmonk_server.api.patch(f"/api/subscribers/{stored['id']}", json={"attribs": {"sales_note": "called"}})
    listmonk_server.forget_writes()
    leads = three()
    given_leads(marts, [GivenLead("0000000001", ANN, codes=("CPNI_MISSING",)), *leads[1:]])
    report = reconcile(marts, listmonk_server, settings)
    assert (report.updated, listmonk_server.writes()) == (1, {"subscribers_patched": 1})
    after = listmonk_server.stored(ANN)
    assert after is not None
    assert (after["attribs"]["codes"], after["attribs"]["sales_note"]) == (["CPNI_MISSING"], "called")


def test_before_v6_1_an_update_keeps_lists_and_foreign_attributes(
    marts: Database, run_listmonk: Callable[..., Listmonk], settings: Settings
) -> None:
    server = run_listmonk(version="v6.0.0")
    given_leads(marts, three())
    reconcile(marts, server, settings)
    stored = server.stored(ANN)
    assert stored is not None
    body = {"email": ANN, "lists": [9], "attribs": {**stored["attribs"], "sales_note": "called"}}
    server.api.put(f"/api/subscribers/{stored['id']}", json=body)
    given_leads(marts, [GivenLead("0000000001", ANN, codes=("CPNI_MISSING",)), *three()[1:]])
    assert reconcile(marts, server, settings).updated == 1
    after = server.stored(ANN)
    assert after is not None
    assert (after["subscriptions"], after["attribs"]["sales_note"]) == ({"9": "unconfirmed"}, "called")
    assert after["attribs"]["codes"] == ["CPNI_MISSING"]


def test_somebody_listmonk_knows_from_another_list_joins_and_keeps_that_list(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    news = listmonk_server.api.post("/api/lists", json={"name": "News"}).json()["data"]["id"]
    body = {"email": "Ann@Alpha.example", "lists": [news], "attribs": {"since": 2020}, "preconfirm_subscriptions": True}
    listmonk_server.api.post("/api/subscribers", json=body)
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings)
    assert (report.created, report.joined, report.quota.used) == (2, 1, 3)
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    assert stored["subscriptions"] == {str(news): "confirmed", "9": "unconfirmed"}
    assert (stored["attribs"]["since"], stored["attribs"]["frn"]) == (2020, "0000000001")


@pytest.mark.usefixtures("three_on_the_list")
def test_the_cured_leave_the_list_but_stay_in_listmonk(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, three()[1:])
    report = reconcile(marts, listmonk_server, settings)
    assert report.withdrawn == {"cured": 1}
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    assert (stored["subscriptions"], states(marts)[ANN]) == ({}, "withdrawn")
    assert listmonk_server.writes().get("subscribers_deleted") is None


def test_a_recalled_snapshot_takes_its_leads_off_the_list_and_says_so(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_snapshot(marts, "rmd-wrong", as_of=TODAY - timedelta(days=1))
    given_leads(marts, [GivenLead("0000000001", ANN, snapshot_ids=("rmd-wrong",)), *three()[1:]])
    reconcile(marts, listmonk_server, settings)
    recall_snapshot(marts, "rmd-wrong")
    report = reconcile(marts, listmonk_server, settings)
    assert (report.withdrawn, report.held) == ({"snapshot recalled": 1}, {"snapshot recalled": 1})
    given_leads(marts, three()[1:])
    assert reconcile(marts, listmonk_server, settings).withdrawn == {}
    assert on_list(listmonk_server, ANN) is None


@pytest.mark.usefixtures("three_on_the_list")
def test_a_new_contact_takes_the_place_of_the_old_one(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, [GivenLead("0000000001", "new@alpha.example"), *three()[1:]])
    report = reconcile(marts, listmonk_server, settings)
    assert (report.withdrawn, report.created) == ({"contact changed": 1}, 1)
    assert on_list(listmonk_server, "new@alpha.example") == "unconfirmed"


def test_people_put_on_the_list_by_hand_stay(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    listmonk_server.api.post("/api/subscribers", json={"email": "staff@own.example", "lists": [9], "attribs": {}})
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings)
    assert (report.strangers, report.withdrawn) == (1, {})
    assert on_list(listmonk_server, "staff@own.example") == "unconfirmed"


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
    report = reconcile(marts, listmonk_server, settings)
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
    report = reconcile(marts, listmonk_server, settings)
    assert report.held == {
        "evidence too old": 1,
        "invalid address": 1,
        "no provenance": 1,
        "role address": 1,
    }
    assert (report.created, states(marts)[BOB], states(marts)[ANN]) == (1, "synced", "held")


@pytest.mark.usefixtures("three_on_the_list")
def test_a_subscriber_whose_evidence_grew_old_stays_where_it_is(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    listmonk_server.forget_writes()
    report = reconcile(marts, listmonk_server, settings, today=TODAY + timedelta(days=60))
    assert (report.held, report.withdrawn) == ({"evidence too old": 3}, {})
    assert listmonk_server.writes() == {}


def test_the_counts_of_a_run_are_kept(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings)
    with marts.connect() as connection:
        row = connection.execute("select id, counts, error from pw.sync_runs").fetchone()
    assert row is not None
    assert (row["id"], row["error"]) == (report.run_id, None)
    assert row["counts"]["created"] == 3  # type: ignore[index]
    assert row["counts"]["quota"]["by_provider"] == {"other": 3}  # type: ignore[index]

"""Whoever does not want our mail gets none, whatever the leads say and whatever Listmonk forgets."""

from __future__ import annotations

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.leads.suppression import suppress
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.reconciling import ANN, BOB, CAT, on_list, reconcile, three
from tests.leads.warehouse import NOW, GivenLead, admissions, given_leads, states, suppressions


@pytest.mark.usefixtures("three_on_the_list")
def test_who_unsubscribed_is_never_touched_again_even_if_the_lead_gets_worse(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    listmonk_server.play("unsubscribe", email=ANN, list_id=9)
    listmonk_server.forget_writes()
    given_leads(marts, [GivenLead("0000000001", ANN, codes=("RMD_MISSING",), severity="critical"), *three()[1:]])
    report = reconcile(marts, listmonk_server, settings)
    assert report.suppressed == {"unsubscribed": 1}
    assert listmonk_server.writes() == {}
    assert suppressions(marts) == {ANN: {"unsubscribed"}}
    assert states(marts)[ANN] == "held"
    assert on_list(listmonk_server, ANN) == "unsubscribed"


@pytest.mark.usefixtures("three_on_the_list")
def test_an_opt_out_is_remembered_by_us_when_listmonk_has_forgotten_it(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    listmonk_server.play("unsubscribe", email=ANN)
    listmonk_server.play("complain", email=BOB)
    reconcile(marts, listmonk_server, settings)
    listmonk_server.play("wipe")
    report = reconcile(marts, listmonk_server, settings)
    assert (report.created, report.suppressed) == (0, {"unsubscribed": 1, "complained": 1, "manual": 1})
    assert [listmonk_server.stored(email) is not None for email in (ANN, BOB, CAT)] == [False, False, False]
    assert report.quota.used == 3, "an address that had its place needs no second one"


@pytest.mark.usefixtures("three_on_the_list")
def test_bounces_and_complaints_are_read_back_and_kept(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    listmonk_server.play("bounce", email=ANN)
    listmonk_server.play("complain", email=BOB)
    listmonk_server.play("bounce", email=CAT, type="soft")
    report = reconcile(marts, listmonk_server, settings)
    assert suppressions(marts) == {ANN: {"bounced"}, BOB: {"complained"}}, "one event, one reason"
    assert (report.new_bounces, report.already_there) == (3, 1)
    listmonk_server.api.delete("/api/bounces", params={"all": "true"})
    assert reconcile(marts, listmonk_server, settings).new_bounces == 0
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
    given_leads(marts, three())
    report = reconcile(marts, listmonk_server, settings)
    assert report.suppressed == {"blocklisted": 1, "disabled": 1, "unsubscribed": 1}
    assert (report.created, report.joined, admissions(marts)) == (0, 0, {})


@pytest.mark.usefixtures("three_on_the_list")
def test_a_customer_is_taken_off_and_a_manual_no_is_remembered_in_listmonk_too(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    suppress(marts, ANN, reason="customer", origin="orders", now=NOW)
    suppress(marts, "BOB@beta.example ", reason="manual", origin="manual", now=NOW, note="asked by phone")
    report = reconcile(marts, listmonk_server, settings)
    assert (report.withdrawn, report.unsubscribed) == ({"customer": 1}, {"manual": 1})
    assert (on_list(listmonk_server, ANN), on_list(listmonk_server, BOB)) == (None, "unsubscribed")
    again = reconcile(marts, listmonk_server, settings)
    assert (again.withdrawn, again.unsubscribed, again.new_suppressions) == ({}, {}, 0)
    assert suppressions(marts) == {ANN: {"customer"}, BOB: {"manual"}}


@pytest.mark.usefixtures("three_on_the_list")
def test_whoever_is_deleted_in_listmonk_is_not_put_back(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    """Deleting erases the complaint that came before it; a person's own “wipe my data” looks the same."""
    stored = listmonk_server.stored(ANN)
    assert stored is not None
    listmonk_server.api.delete(f"/api/subscribers/{stored['id']}").raise_for_status()
    report = reconcile(marts, listmonk_server, settings)
    assert (report.created, report.joined, listmonk_server.stored(ANN)) == (0, 0, None)
    assert states(marts)[ANN] == "held"
    assert suppressions(marts)[ANN] == {"manual"}

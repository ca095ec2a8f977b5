"""How many mails went out on a day: each campaign mail once, on the day it went."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import OutsideError
from pw_pipelines.leads.mail_days import mails_of
from pw_pipelines.sandbox.listmonk import ApiUser
from pw_pipelines.sandbox.listmonk.access import PERMISSIONS
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.reconciling import reconcile, three
from tests.leads.warehouse import NOW, TODAY, given_leads

TOMORROW = TODAY + timedelta(days=1)


def campaign(server: Listmonk) -> int:
    said = {"name": "n", "subject": "s", "lists": [9], "content_type": "html", "body": "x"}
    return int(server.api.post("/api/campaigns", json=said).json()["data"]["id"])


def sent(server: Listmonk, number: int, mails: int, **more: Any) -> None:
    server.api.post("/_sandbox/campaign", json={"id": number, "sent": mails, "status": "finished", **more})


def days(db: Database) -> dict[date, int]:
    with db.connect() as connection:
        rows: Any = connection.execute("select * from pw.mail_days").fetchall()
    return {row["day"]: row["campaign_mails"] for row in rows}


def test_what_a_campaign_sent_since_the_last_count_is_the_day_of_that_count(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    number = campaign(listmonk_server)
    sent(listmonk_server, number, 120, started_at=NOW.isoformat())
    reconcile(marts, listmonk_server, settings)
    reconcile(marts, listmonk_server, settings)
    assert days(marts) == {TODAY: 120}
    sent(listmonk_server, number, 150)
    reconcile(marts, listmonk_server, settings, today=TOMORROW)
    assert days(marts) == {TODAY: 150, TOMORROW: 0}


def test_a_campaign_that_started_since_belongs_to_its_own_day(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    reconcile(marts, listmonk_server, settings)
    sent(listmonk_server, campaign(listmonk_server), 70, started_at=(NOW + timedelta(days=1)).isoformat())
    reconcile(marts, listmonk_server, settings, today=TODAY + timedelta(days=2))
    assert days(marts)[TOMORROW] == 70


def test_a_deleted_campaign_takes_no_mail_back(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    number = campaign(listmonk_server)
    sent(listmonk_server, number, 40, started_at=NOW.isoformat())
    reconcile(marts, listmonk_server, settings)
    listmonk_server.api.delete(f"/api/campaigns/{number}")
    reconcile(marts, listmonk_server, settings)
    assert days(marts) == {TODAY: 40}


def test_a_run_that_fails_counts_nothing_twice(
    marts: Database, listmonk_server: Listmonk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(listmonk_server, campaign(listmonk_server), 40, started_at=NOW.isoformat())
    with monkeypatch.context() as broken:
        broken.setattr("pw_pipelines.leads.books.end_run", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reconcile(marts, listmonk_server, settings)
    assert days(marts) == {}
    reconcile(marts, listmonk_server, settings)
    assert days(marts) == {TODAY: 40}


def test_newly_admitted_people_count_at_least(marts: Database, listmonk_server: Listmonk, settings: Settings) -> None:
    given_leads(marts, three())
    reconcile(marts, listmonk_server, settings)
    with marts.connect() as connection:
        assert (mails_of(connection, TODAY), mails_of(connection, TODAY, 7)) == (3, 7)


def test_without_the_right_to_see_campaigns_the_list_is_reconciled_all_the_same(
    marts: Database, run_listmonk: Any, settings: Settings
) -> None:
    server = run_listmonk(users=[ApiUser("pw", "sandbox-token", PERMISSIONS - {"campaigns:get"})])
    given_leads(marts, three())
    try:
        assert reconcile(marts, server, settings).created == 3
    except OutsideError as error:
        pytest.fail(str(error))
    assert days(marts) == {}

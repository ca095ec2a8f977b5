"""The assets of mail: templates kept and campaigns judged; what came back summed up."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets import bounces, campaigns
from pw_pipelines.resources.listmonk import Listmonk as Client
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings
from tests.bounces.test_watch import House, house

__all__ = ["house"]


def made(house: House, asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    (house.folder / "new").mkdir(parents=True, exist_ok=True)
    settings = house.settings.model_copy(update={"bounce_maildir": house.folder})
    with Client(settings, sleep=lambda _seconds: None) as client:
        resources = {
            "settings": settings, "db": house.db, "listmonk": client,
            "objects": Objects((house.folder / "objects").as_uri()),
        }  # fmt: skip
        return dg.materialize([asset], resources=resources, instance=instance)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, str]]:
    found = (event.asset_check_evaluation_data for event in result.all_events if event.event_type_value == CHECKED)
    return {each.check_name: (each.passed, str(each.description)) for each in found}


CHECKED = "ASSET_CHECK_EVALUATION"


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def metadata(result: dg.ExecuteInProcessResult, key: str) -> dict[str, Any]:
    [event] = result.asset_materializations_for_node(key) or result.asset_materializations_for_node(f"_{key}")
    return {name: value.value for name, value in event.metadata.items()}


def test_templates_are_kept_and_every_campaign_is_judged(
    house: House, settings: Settings, instance: dg.DagsterInstance
) -> None:
    asset = campaigns.asset(settings)
    assert {name: passed for name, (passed, _) in checks(made(house, asset, instance)).items()} == {
        campaigns.COMPLETE: True, campaigns.ONE_CLICK: True,
    }  # fmt: skip
    said = {"name": "November", "subject": "s", "lists": [9], "content_type": "html", "body": "<p>x"}
    number = house.listmonk.api.post("/api/campaigns", json=said).json()["data"]["id"]
    house.listmonk.api.put(f"/api/campaigns/{number}/status", json={"status": "running"})
    house.listmonk.api.post("/_sandbox/settings", json={"unsubscribe_header": False})
    for _ in range(2):
        found = checks(made(house, asset, instance))
    assert found[campaigns.COMPLETE][0] is False
    assert "`November` is running" in found[campaigns.COMPLETE][1]
    assert found[campaigns.ONE_CLICK] == (False, "It is off: switch it on in Listmonk, Settings, Privacy.")
    assert len(house.rows("select from pw.alerts where key like 'mail:campaign:%'")) == 1


def test_what_came_back_is_summed_up_by_day_with_its_rates(house: House, instance: dg.DagsterInstance) -> None:
    today = house.settings.clock.today()
    with house.db.connect() as connection:
        connection.execute("insert into pw.mail_days values (%s, 40, 0, now())", (today,))
    for name, status in (("ann", "5.1.1"), ("bob", "5.7.1"), ("cat", "5.7.1"), ("dan", "5.7.1")):
        house.bounce(f"{name}@carrier.example", house.person(f"{name}@carrier.example"), status=status)
    result = made(house, bounces.bounce_reports, instance)
    shown = metadata(result, bounces.KEY)
    assert (shown["mails_of_the_day"], shown["hard_pct"], shown["policy_pct"], shown["complaint_pct"]) == (
        40,
        2.5,
        7.5,
        0,
    )
    assert f"| {today} | policy | 3 |" in shown["by_day"]
    assert "carrier.example" not in shown["by_day"]
    assert {name: passed for name, (passed, _) in checks(result).items()} == {
        bounces.RATES: True, bounces.POLICY: False, bounces.TOLD: True, bounces.NO_ANSWER: True,
    }  # fmt: skip


def test_too_many_hard_bounces_fail_the_check_and_stop_sending(house: House, instance: dg.DagsterInstance) -> None:
    with house.db.connect() as connection:
        connection.execute("insert into pw.mail_days values (%s, 20, 0, now())", (house.settings.clock.today(),))
    for name in ("ann", "bob"):
        house.bounce(f"{name}@carrier.example", house.person(f"{name}@carrier.example"))
    passed, said = checks(made(house, bounces.bounce_reports, instance))[bounces.RATES]
    assert passed is False
    assert said.startswith("2 of 20 mails bounced for good on")
    assert len(house.rows("select from pw.sending_stops where scope = 'all'")) == 1


def test_while_listmonk_is_away_it_says_what_is_untold(house: House, instance: dg.DagsterInstance) -> None:
    house.bounce("ann@carrier.example", house.person("ann@carrier.example"))
    made(house, bounces.bounce_reports, instance)
    with house.db.connect() as connection:
        connection.execute("update pw.bounce_results set told_at = null, at = at - interval '2 hours'")
    house.settings = house.settings.model_copy(update={"listmonk_url": "http://127.0.0.1:9"})
    passed, said = checks(made(house, bounces.bounce_reports, instance))[bounces.TOLD]
    assert passed is False
    assert "did not answer" in said

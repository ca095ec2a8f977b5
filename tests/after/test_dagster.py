"""Renewals and cures in Dagster: the assets, what their checks say, what starts them."""

from __future__ import annotations

from datetime import date
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets import after
from pw_pipelines.fulfillment.stages import deliver
from pw_pipelines.sensors.cures import BUILD_TAG, cures_due
from tests.after.conftest import AfterHouse
from tests.commerce.making import NOW
from tests.fixtures_sandbox import set_sandbox_day

AHEAD = date(2027, 1, 4)


@pytest.fixture(autouse=True)
def _no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "delivery_letter", lambda *_: None)


def made(house: AfterHouse, asset: dg.AssetsDefinition) -> tuple[dict[str, bool], Any]:
    """(check -> passed, the result) of one materialization."""
    resources = {"fulfillment": house.ground, "settings": house.ground.settings, "db": house.db}
    wanted = {key: value for key, value in resources.items() if key in asset.required_resource_keys}
    result = dg.materialize([asset], resources=wanted, instance=dg.DagsterInstance.ephemeral())
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}, result


def test_the_calendar_raises_what_is_due_and_its_checks_hold(house: AfterHouse) -> None:
    item_id = house.done()
    set_sandbox_day(house.ground.settings, AHEAD)
    checks, result = made(house, after.compliance_calendar)
    assert checks == {after.IN_CALENDAR: True, after.ALL_RAISED: True, after.DAYS_KNOWN: True}
    [materialization] = result.asset_materializations_for_node(after.CALENDAR)
    assert materialization.metadata["came_to"].value == {"mailed": 1}
    assert "Ada" not in str(materialization.metadata) and house.email(item_id) not in str(materialization.metadata)


def test_what_could_not_be_mailed_fails_the_check(house: AfterHouse) -> None:
    house.done()
    house.post_office.misbehave("status", status=451, times=None)
    set_sandbox_day(house.ground.settings, AHEAD)
    checks, _ = made(house, after.compliance_calendar)
    assert checks[after.ALL_RAISED] is False
    house.post_office.book.clear()
    checks, _ = made(house, after.compliance_calendar)
    assert checks[after.ALL_RAISED] is True


def test_a_missing_entry_and_an_unknown_day_are_told(house: AfterHouse) -> None:
    house.done()
    with house.connect() as connection:
        connection.execute("update pw.compliance_calendar set due_on = null, why = 'not known'")
    assert made(house, after.compliance_calendar)[0][after.DAYS_KNOWN] is False
    with house.connect() as connection:
        connection.execute("delete from pw.compliance_calendar")
    assert made(house, after.compliance_calendar)[0][after.IN_CALENDAR] is False


def test_cures_without_findings_yet_say_so(house: AfterHouse) -> None:
    house.done(cures=("CPNI_MISSING",))
    checks, result = made(house, after.cures)
    assert checks == {after.NONE_STILL_THERE: True, after.ALL_BEGUN: True}
    [materialization] = result.asset_materializations_for_node(after.CURES)
    assert materialization.metadata["as_of"].value == "no findings yet"
    with house.connect() as connection:
        connection.execute("delete from pw.cures")
    assert made(house, after.cures)[0][after.ALL_BEGUN] is False


def test_each_rebuild_of_the_findings_is_looked_at_once_while_a_cure_is_open(house: AfterHouse) -> None:
    instance = dg.DagsterInstance.ephemeral()

    def tick() -> Any:
        with dg.build_sensor_context(instance=instance, resources={"db": house.db}) as context:
            return cures_due.evaluate_tick(context)

    def ran(status: dg.DagsterRunStatus, build: str) -> None:
        @dg.job(name="look_for_cures")
        def looked() -> None: ...

        instance.create_run_for_job(looked, status=status, tags={BUILD_TAG: build})

    assert "No cure is open" in tick().skip_message
    house.done(cures=("CPNI_MISSING",))
    with house.connect() as connection:
        connection.execute(
            "insert into pw.mart_builds (as_of, built_at, snapshot_ids) values (%s, %s, '{}')", (NOW.date(), NOW)
        )
    [request] = tick().run_requests
    assert request.tags[BUILD_TAG] == "1"
    ran(dg.DagsterRunStatus.FAILURE, "1")
    [again] = tick().run_requests
    assert again.run_key != request.run_key, "a key that failed is never started again"
    ran(dg.DagsterRunStatus.SUCCESS, "1")
    assert "was looked at" in tick().skip_message

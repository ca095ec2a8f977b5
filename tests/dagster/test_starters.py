"""Schedules and the catch-up sensor against a real instance with real run records."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.compliance.manifest import ensure_manifest
from pw_pipelines.errors import SourceUnavailable
from pw_pipelines.filling import is_being_filled
from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.jobs.registers import STATES
from pw_pipelines.schedules.daily import ASKS, schedules
from pw_pipelines.sensors.books import books_wanted, order_notice
from pw_pipelines.sensors.catch_up import start_overdue
from pw_pipelines.sensors.checks import check_alert
from pw_pipelines.sensors.failures import run_failure_alert
from pw_pipelines.sensors.payments import payment_events
from pw_pipelines.settings import Settings

VINTAGES = [date(2024, 12, 31), date(2025, 6, 30)]


class Published:
    """The FCC's list of vintages; counts how often it was asked for."""

    def __init__(self, vintages: list[date] | None) -> None:
        self._vintages = vintages
        self.asked = 0

    def vintages(self) -> list[date]:
        self.asked += 1
        if self._vintages is None:
            raise SourceUnavailable("The BDC does not answer.", source="fcc_bdc")
        return self._vintages


def record(
    instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus, tags: dict[str, str] | None = None
) -> dg.DagsterRun:
    """A run of `job` as the books would have it."""

    @dg.job(name=job)
    def made() -> None: ...

    return instance.create_run_for_job(made, status=status, tags=tags or {})


def tick(
    house: dict[str, Any], instance: dg.DagsterInstance, name: str, published: Published | None = None
) -> list[dg.RunRequest] | dg.SkipReason:
    fcc = SimpleNamespace(bdc=published or Published(VINTAGES))
    ask, keys = ASKS[name]
    resources = SimpleNamespace(**{key: {**house, "fcc": fcc}[key] for key in keys})
    return ask(instance, resources, house["settings"].clock.today())


def requests(outcome: list[dg.RunRequest] | dg.SkipReason) -> list[dg.RunRequest]:
    assert isinstance(outcome, list)
    return outcome


def reason(outcome: list[dg.RunRequest] | dg.SkipReason) -> str:
    assert isinstance(outcome, dg.SkipReason)
    return str(outcome.skip_message)


def sense(
    house: dict[str, Any], instance: dg.DagsterInstance, published: Published | None = None, cursor: str | None = None
) -> dg.SensorResult:
    fcc = SimpleNamespace(bdc=published or Published(VINTAGES))
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources={**house, "fcc": fcc}) as context:
        return start_overdue(context)


def today(house: dict[str, Any]) -> str:
    day: date = house["settings"].clock.today()
    return day.isoformat()


def test_the_acquisition_asked_for_is_of_the_houses_day_not_of_dagsters(
    house: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    house["settings"].clock.set_offset(timedelta(days=40))
    (request,) = requests(tick(house, instance, "acquire_daily"))
    assert request.partition_key == today(house) > (date(2026, 1, 1)).isoformat()
    assert request.run_key == f"acquire:{today(house)}:1"


def test_a_schedule_starts_nothing_that_is_done_or_under_way(
    house: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    record(instance, "acquire", dg.DagsterRunStatus.SUCCESS, {"dagster/partition": today(house)})
    assert "done" in reason(tick(house, instance, "acquire_daily"))
    record(instance, "sync_listmonk", dg.DagsterRunStatus.STARTED)
    assert "under way" in reason(tick(house, instance, "listmonk_daily"))


def test_a_failed_acquisition_is_asked_for_under_a_new_key(house: dict[str, Any], instance: dg.DagsterInstance) -> None:
    record(instance, "acquire", dg.DagsterRunStatus.FAILURE, {"dagster/partition": today(house)})
    (request,) = requests(tick(house, instance, "acquire_daily"))
    assert request.run_key.endswith(":2")


def test_vintages_are_asked_for_one_run_each_oldest_first(house: dict[str, Any], instance: dg.DagsterInstance) -> None:
    wanted = requests(tick(house, instance, "bdc_daily"))
    assert [request.partition_key for request in wanted] == ["D24", "J25"]


def test_a_silent_bdc_is_told_and_fails_no_tick(house: dict[str, Any], instance: dg.DagsterInstance) -> None:
    assert "does not answer" in reason(tick(house, instance, "bdc_daily", Published(None)))


def test_the_nightly_sweep_is_asked_for_once(house: dict[str, Any], instance: dg.DagsterInstance) -> None:
    (request,) = requests(tick(house, instance, "retention_nightly"))
    assert request.run_key == f"retention:{today(house)}:1"


def test_a_first_start_reads_the_vintages_then_acquires_then_reconciles_then_reads_the_registers(
    house: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    first = sense(house, instance)
    assert [request.job_name for request in first.run_requests or []] == ["refresh_bdc", "refresh_bdc"]
    record(instance, "refresh_bdc", dg.DagsterRunStatus.SUCCESS, {"pw/day": today(house)})
    second = sense(house, instance)
    assert [request.job_name for request in second.run_requests or []] == ["acquire"]
    record(instance, "acquire", dg.DagsterRunStatus.SUCCESS, {"dagster/partition": today(house)})
    third = sense(house, instance)
    assert [request.job_name for request in third.run_requests or []] == ["sync_listmonk"]
    record(instance, "sync_listmonk", dg.DagsterRunStatus.SUCCESS, {"pw/day": today(house)})
    for job in ("probe_portals", *STATES):
        next_one = sense(house, instance)
        assert [request.job_name for request in next_one.run_requests or []] == [job]
        record(instance, job, dg.DagsterRunStatus.SUCCESS, {"pw/day": today(house), "dagster/partition": today(house)})
    last = sense(house, instance)
    assert not last.run_requests
    assert last.skip_reason is not None


def test_a_silent_bdc_is_left_alone_for_a_while_and_does_not_hold_up_acquisition(
    house: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    published = Published(None)
    first = sense(house, instance, published)
    assert [request.job_name for request in first.run_requests or []] == ["acquire"]
    sense(house, instance, published, cursor=first.cursor)
    assert published.asked == 1


def test_what_one_tick_asked_for_the_next_does_not_ask_again(
    house: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    record(instance, "refresh_bdc", dg.DagsterRunStatus.STARTING, {"pw/day": today(house)})
    assert not sense(house, instance).run_requests


def test_while_the_house_is_being_filled_nothing_else_starts(
    house: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    """Filling moves the clock between two days; a run started beside it would find its day over."""
    note = house["settings"].home / "run" / "bootstrap.json"
    note.parent.mkdir(parents=True)
    note.write_text('{"first_day": "2026-11-21", "done": [], "finished": false}')
    assert not sense(house, instance).run_requests
    hours_ago = time.time() - 7_200
    os.utime(note, (hours_ago, hours_ago))
    assert sense(house, instance).run_requests, "a filling that stopped halfway holds nobody up for ever"
    note.write_text('{"first_day": "2026-11-21", "done": [], "finished": true}')
    assert not is_being_filled(house["settings"].home)


@pytest.fixture
def kept_instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance on disk: a tick as the daemon makes it opens the instance anew."""
    folder = tmp_path / "instance"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as made:
        yield made


def something_lies_offsite(house: dict[str, Any]) -> None:
    """A set that could be restored: without one no drill is asked for."""
    with house["db"].connect() as connection:
        connection.execute(
            """insert into pw.backup_sets (set_id, subject, state, started_at, captured_at, finished_at, maker,
                                           manifest_digest, confirmed_at)
               values ('20261101T000000Z-abcdef', 'postgres', 'complete', now(), now(), now(), 'test',
                       repeat('a', 64), now())"""
        )


@pytest.mark.parametrize("name", sorted(ASKS))
def test_a_schedules_tick_as_the_daemon_makes_it_asks_for_runs(
    house: dict[str, Any], kept_instance: dg.DagsterInstance, small_manifest_file: Path, name: str
) -> None:
    ensure_manifest()
    from pw_pipelines.definitions import build_defs

    if name == "restore_drill_weekly":
        something_lies_offsite(house)
    location = build_defs(house["settings"], manifest=small_manifest_file).get_repository_def()
    schedule = location.get_schedule_def(name)
    resources = {**house, "fcc": SimpleNamespace(bdc=Published(VINTAGES))}
    with dg.build_schedule_context(instance=kept_instance, repository_def=location, resources=resources) as context:
        data = schedule.evaluate_tick(context)
    assert {request.tags["pw/day"] for request in data.run_requests or ()} == {today(house)}


def test_a_sensors_tick_as_the_daemon_makes_it_gives_an_answer(
    house: dict[str, Any], kept_instance: dg.DagsterInstance
) -> None:
    resources = {**house, "fcc": SimpleNamespace(bdc=Published(VINTAGES))}
    with dg.build_sensor_context(instance=kept_instance, resources=resources) as context:
        assert run_failure_alert.evaluate_tick(context).skip_message
        assert check_alert.evaluate_tick(context).skip_message
        assert payment_events.evaluate_tick(context).skip_message
        assert books_wanted.evaluate_tick(context).skip_message
        assert order_notice.evaluate_tick(context).skip_message


def test_whatever_starts_by_itself_has_an_entry_that_says_why(settings: Settings) -> None:
    from pw_pipelines.definitions import build_defs

    sensors = [one for one in build_defs(settings).sensors or [] if isinstance(one, dg.SensorDefinition)]
    for sensor in sensors:
        entry = AUTOMATIC[sensor.name]
        assert (entry.kind, entry.every_seconds) == ("sensor", sensor.minimum_interval_seconds)
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    for schedule in schedules(settings):
        entry = AUTOMATIC[schedule.name]
        assert (entry.kind, entry.cron, entry.job) == ("schedule", schedule.cron_schedule, schedule.job_name)
        assert schedule.execution_timezone == "America/New_York"
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    names = {one.name for one in sensors} | {one.name for one in schedules(settings)}
    assert names == set(AUTOMATIC), "an entry without a starter promises what never happens"
    assert all(len(entry.why) > 20 for entry in AUTOMATIC.values())


def test_no_schedule_stands_where_summer_time_changes() -> None:
    assert [name for name, entry in AUTOMATIC.items() if entry.at and 1 <= entry.at.hour < 3] == []


def test_a_starter_not_allowed_in_a_mode_is_absent_from_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from pw_pipelines.jobs import automatic

    only_live = replace(AUTOMATIC["acquire_daily"], modes=frozenset({automatic.Mode.LIVE}))
    monkeypatch.setattr(automatic, "AUTOMATIC", {**AUTOMATIC, "acquire_daily": only_live})
    assert "acquire_daily" not in [one.name for one in schedules(settings)]

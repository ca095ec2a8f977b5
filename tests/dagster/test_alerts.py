"""What ops are told: once each, through outages, and never anybody's data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets.verdicts import verdicts
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SourceRejected, SourceUnavailable
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.sensors.checks import rejected_copies, stale_sources, tell_failing_checks
from pw_pipelines.sensors.failures import tell_failed_runs
from pw_pipelines.sensors.wording import discreet, work
from tests.dagster.conftest import FakeTelegram
from tests.dagster.test_rmd_assets import run
from tests.dagster.test_starters import record
from tests.snapshots.copies import export

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


Sensor = Callable[[dg.SensorEvaluationContext], Any]


def sense(sensor: Sensor, house: dict[str, Any], instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=house) as context:
        return sensor(context)


def failing_run(instance: dg.DagsterInstance) -> str:
    @dg.op
    def breaks() -> None:
        raise ValueError("contact pat@customer.example could not be read")

    @dg.job
    def acquire() -> None:
        breaks()

    return acquire.execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/partition": "2026-11-22"}
    ).run_id


def test_a_failed_run_is_told_once_with_its_link_and_nobodys_data(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    run_id = failing_run(instance)
    sense(tell_failed_runs, house, instance)
    sense(tell_failed_runs, house, instance)
    (message,) = telegram.messages
    assert f"/runs/{run_id}" in message
    assert "acquire of 2026-11-22 in breaks" in message
    assert "customer" not in message


def asset_run(instance: dg.DagsterInstance, error: Exception) -> str:
    @dg.asset
    def raw_socrata_ct() -> None:
        with verdicts():
            raise error

    return dg.materialize([raw_socrata_ct], instance=instance, raise_on_error=False).run_id


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            SourceRejected("The reply is cut short: it says \"Pat O'Neil\" of pat@customer.example. More follows."),
            "The reply is cut short: it says ‹…› of ‹…›.",
        ),
        (SourceUnavailable("data.ct.gov answers 503 after 4 attempts."), "data.ct.gov answers 503 after 4 attempts."),
        (dg.Failure("There is no register of CT yet: no copy was good enough. Load one.", allow_retries=False),
         "There is no register of CT yet: no copy was good enough."),
        (ValueError("contact pat@customer.example could not be read"), "ValueError: see the run."),
    ],
)  # fmt: skip
def test_a_failed_run_of_an_asset_is_told_by_name_with_the_first_sentence_of_our_cause(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram, error: Exception, told: str
) -> None:
    run_id = asset_run(instance, error)
    sense(tell_failed_runs, house, instance)
    (message,) = telegram.messages
    assert message.splitlines()[0].endswith(f"raw_socrata_ct. {told}")
    assert message.splitlines()[1].endswith(f"/runs/{run_id}")
    assert "customer" not in message


def test_a_run_by_hand_is_called_what_it_makes() -> None:
    keys = [dg.AssetKey(name) for name in ("d", "b", "a", "c")]
    assert work(dg.DagsterRun("__ASSET_JOB", asset_selection=frozenset(keys[:1]))) == "materialization of d"
    many = dg.DagsterRun("__ASSET_JOB", asset_selection=frozenset(keys))
    assert work(many) == "materialization of a, b, c and 1 more"
    assert work(dg.DagsterRun("acquire", asset_selection=frozenset(keys))) == "acquire"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("It is an HTML page: Scheduled Maintenance. Try again.", "It is an HTML page: Scheduled Maintenance."),
        ("row 3 holds 'Pat Doe' and (202) 555-0142 or 202-555-0143", "row 3 holds ‹…› and ‹…› or ‹…›."),
        ("the state's file of 47 CFR 64.6305 isn't whole", "the state's file of 47 CFR 64.6305 isn't whole."),
    ],
)
def test_a_reason_is_told_in_one_sentence_without_what_it_quotes(reason: str, told: str) -> None:
    assert discreet(reason) == told


def test_an_outage_of_telegram_loses_nothing_and_fails_no_tick(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    failing_run(instance)
    telegram.down = True
    assert "does not answer" in sense(tell_failed_runs, house, instance).skip_message
    telegram.down = False
    sense(tell_failed_runs, house, instance)
    assert len(telegram.messages) == 1


def test_a_backlog_of_failures_becomes_few_messages_and_each_is_told(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    runs = [record(instance, "acquire", dg.DagsterRunStatus.FAILURE) for _ in range(70)]
    for _ in range(4):
        sense(tell_failed_runs, house, instance)
    told = "\n".join(telegram.messages)
    assert all(one.run_id in told for one in runs)
    assert len(telegram.messages) <= 4
    assert all(len(message) < 4_096 for message in telegram.messages), "Telegram takes no more"


def test_a_run_that_failed_outside_its_steps_is_told_too(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    run = record(instance, "acquire", dg.DagsterRunStatus.STARTED)
    instance.report_run_failed(run, message="Closed at start.")
    sense(tell_failed_runs, house, instance)
    assert "outside its steps" in telegram.messages[0]


def checked_run(instance: dg.DagsterInstance, *, passed: bool, blocking: bool, severity: str) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("plausible", asset="carriers", blocking=blocking)])
    def carriers() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(
            check_results=[
                dg.AssetCheckResult(
                    passed=passed,
                    severity=dg.AssetCheckSeverity[severity],
                )
            ]
        )

    dg.materialize([carriers], instance=instance, raise_on_error=False)


def test_a_check_that_fails_without_failing_its_run_is_told_once(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    checked_run(instance, passed=False, blocking=False, severity="ERROR")
    first = sense(tell_failing_checks, house, instance)
    sense(tell_failing_checks, house, instance, cursor=first.cursor)
    sense(tell_failing_checks, house, instance, cursor=None)
    (message,) = telegram.messages
    assert "plausible of carriers" in message


def test_a_warning_of_a_blocking_check_is_told(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    checked_run(instance, passed=False, blocking=True, severity="WARN")
    sense(tell_failing_checks, house, instance)
    assert len(telegram.messages) == 1


def test_checks_that_passed_or_failed_the_run_are_not_told_here(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    checked_run(instance, passed=True, blocking=False, severity="ERROR")
    checked_run(instance, passed=False, blocking=True, severity="ERROR")
    sense(tell_failing_checks, house, instance)
    assert telegram.messages == []


def test_a_rejected_copy_is_told_with_both_numbers_and_no_cell_of_it(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    day = house["settings"].clock.today()
    run(house, instance, lambda: export(9_000, day=day))
    sense(tell_failing_checks, house, instance)
    (message,) = telegram.messages
    assert "rows_floor (9,000 against at least 9,500)" in message
    assert "Example" not in message
    found = rejected_copies(house["db"], house["settings"].clock.now() + timedelta(days=30), house["settings"])
    assert found == [], "an old rejection is old news"


def test_a_copy_that_could_not_be_read_is_told_with_the_readers_sentence(
    house: dict[str, Any], instance: dg.DagsterInstance, telegram: FakeTelegram
) -> None:
    run(house, instance, lambda: b"<!DOCTYPE html><title>Scheduled Maintenance</title>")
    sense(tell_failing_checks, house, instance)
    (message,) = telegram.messages
    assert "Scheduled Maintenance" in message
    assert "readable (" not in message


def test_a_source_that_grows_old_is_told_and_told_again_a_week_later(
    house: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    settings, db = house["settings"], house["db"]
    run(house, instance, lambda: export(day=settings.clock.today()))
    now = settings.clock.now()
    assert stale_sources(db, now + timedelta(days=4)) == []
    (first,) = stale_sources(db, now + timedelta(days=6))
    (same,) = stale_sources(db, now + timedelta(days=7))
    (again,) = stale_sources(db, now + timedelta(days=13))
    assert first.key == same.key != again.key
    assert "fcc_rmd" in first.text


def test_an_undelivered_alert_is_tried_until_it_is_delivered(db: Database, telegram: FakeTelegram) -> None:
    assert alert_book.write(db, [Alert("run:1", "run", "one"), Alert("run:2", "run", "two")], NOW) == 2
    assert alert_book.write(db, [Alert("run:1", "run", "one")], NOW) == 0
    telegram.down = True
    assert alert_book.deliver(db, telegram, NOW).waiting == 2  # type: ignore[arg-type]
    telegram.down = False
    assert alert_book.deliver(db, telegram, NOW) == alert_book.Delivery(sent=2, waiting=0)  # type: ignore[arg-type]
    assert telegram.messages == ["one\n\ntwo"]
    with db.connect() as connection:
        row = connection.execute("select attempts, last_error from pw.alerts where key = 'run:1'").fetchone()
    assert row == {"attempts": 2, "last_error": None}

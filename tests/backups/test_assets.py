"""Backups as Dagster has them: a set per materialization, checks that mean it, a watch that makes up and tells once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets import backups as assets
from pw_pipelines.jobs.backups import backup_jobs
from pw_pipelines.sensors.backups import backup_watch
from tests.backups.house import BackupHouse


class Silent:
    """Telegram, as far as sending goes."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, text: str) -> None:
        self.sent.append(text)


def resources(house: BackupHouse) -> dict[str, Any]:
    settings = house.settings.model_copy(update={"dagster_database_url": None})
    return {"settings": settings, "db": house.ground.db, "objects": house.ground.objects}


def materialize(house: BackupHouse, subject: str) -> tuple[dict[str, bool], dict[str, Any]]:
    [asset] = [one for one in assets.assets(house.settings) if one.key.to_user_string() == f"backup_{subject}"]
    done = dg.materialize([asset], resources=resources(house), raise_on_error=False)
    checks = {one.check_name: one.passed for one in done.get_asset_check_evaluations()}
    made = done.asset_materializations_for_node(f"backup_{subject}")
    return checks, dict(made[0].metadata) if made else {}


def test_a_materialization_is_one_set_and_its_checks_pass(house: BackupHouse) -> None:
    checks, metadata = materialize(house, "objects")

    assert checks == {assets.RECENT: True, assets.OFF_SITE: True, assets.VERIFIED: True, assets.WHOLE: True}
    [one] = house.sets("objects")
    assert metadata["set_id"].value == one.set_id
    assert metadata["good_sets"].value == 1
    assert one.run_id is not None


def test_a_set_that_is_not_off_site_fails_the_checks_not_the_run(house: BackupHouse) -> None:
    house.with_settings(offsite_port=9)

    checks, _ = materialize(house, "objects")

    assert checks == {assets.RECENT: False, assets.OFF_SITE: False, assets.VERIFIED: True, assets.WHOLE: True}


def test_an_object_that_is_gone_fails_the_check_of_the_source_alone(house: BackupHouse) -> None:
    digest = house.keep(b"precious")
    materialize(house, "objects")
    (house.settings.home / "objects" / "sha256" / digest[:2] / digest).unlink()

    checks, _ = materialize(house, "objects")

    assert [name for name, passed in checks.items() if not passed] == [assets.WHOLE]


def test_no_set_fails_the_run(house: BackupHouse) -> None:
    house.with_settings(forgejo_dump_command="false")

    assert materialize(house, "forgejo") == ({}, {})


def test_what_is_not_configured_passes_and_says_so(house: BackupHouse) -> None:
    checks, metadata = materialize(house, "forgejo")

    assert all(checks.values())
    assert "PW_FORGEJO_DUMP_COMMAND" in str(metadata["skipped"].value)


@pytest.fixture
def instance() -> Any:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(house: BackupHouse, instance: dg.DagsterInstance, telegram: Silent) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance, resources={**resources(house), "telegram": telegram})
    result = backup_watch(backup_jobs())._raw_fn(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_the_watch_makes_the_first_backups_of_what_is_configured(
    house: BackupHouse, instance: dg.DagsterInstance
) -> None:
    wanted = tick(house, instance, Silent()).run_requests or []

    assert sorted(str(one.job_name) for one in wanted) == ["make_backup_objects", "make_backup_postgres"]


def test_a_backup_older_than_promised_is_told_once_a_day_and_made(
    house: BackupHouse, instance: dg.DagsterInstance
) -> None:
    house.back_up("objects")
    telegram = Silent()
    tick(house, instance, telegram)
    assert telegram.sent == []
    with house.ground.db.connect() as connection:
        connection.execute("update pw.backup_sets set captured_at = captured_at - %s", (timedelta(hours=40),))

    wanted = tick(house, instance, telegram).run_requests or []
    tick(house, instance, telegram)

    assert "make_backup_objects" in [one.job_name for one in wanted]
    [told] = telegram.sent
    assert "Backup of objects is late: the newest is of 40 hours ago, promised are 30 hours" in told
    assert told.rstrip().endswith("pw backup run objects")

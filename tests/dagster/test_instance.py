"""dagster.yaml and workspace.yaml load and hold what the docs promise."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from pw_pipelines.db.connection import create_databases
from pw_pipelines.db.embedded import Server
from pw_pipelines.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def promised() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text())
    return loaded


def test_the_instance_loads_on_postgresql_with_an_awkward_password(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_databases(postgres.url("postgres"), ("dagster_loads",))
    monkeypatch.setenv("PW_DAGSTER_DATABASE_URL", postgres.url("dagster_loads"))
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.get_runs() == []
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert instance.run_retries_max_retries == 0
        assert not instance.telemetry_enabled
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"


def test_a_person_who_pressed_a_button_waits_a_second_in_the_queue_not_five(promised: dict[str, Any]) -> None:
    assert promised["run_coordinator"]["config"]["dequeue_interval_seconds"] == 1


def test_runs_of_one_job_and_runs_on_the_marts_take_turns(promised: dict[str, Any]) -> None:
    limits = {one["key"]: one for one in promised["concurrency"]["runs"]["tag_concurrency_limits"]}
    assert {key: one["limit"] for key, one in limits.items()} == {
        "pw/job": 1,
        "pw/marts": 1,
        "pw/registers": 1,
        "pw/backups": 1,
    }
    assert all(one["value"] == {"applyLimitPerUniqueValue": True} for one in limits.values())
    assert promised["concurrency"]["runs"]["max_concurrent_runs"] == 8


def test_a_killed_run_gives_its_places_back(promised: dict[str, Any]) -> None:
    monitoring = promised["run_monitoring"]
    assert monitoring["enabled"] is True
    assert monitoring["free_slots_after_run_end_seconds"] == 60
    assert monitoring["max_runtime_seconds"] == 5400
    assert "max_resume_run_attempts" not in monitoring, "the default launcher refuses to load with it"


def test_only_a_crashed_run_of_a_job_that_asks_for_it_starts_again(promised: dict[str, Any]) -> None:
    assert promised["run_retries"] == {"enabled": True, "max_retries": 0, "retry_on_asset_or_op_failure": False}


def test_ticks_do_not_pile_up(promised: dict[str, Any]) -> None:
    retention = promised["retention"]
    assert retention["sensor"]["purge_after_days"]["skipped"] == 2
    assert all(days > 0 for days in retention["sensor"]["purge_after_days"].values()), "-1 keeps for ever"
    assert retention["schedule"]["purge_after_days"] == 90


def test_one_slow_tick_delays_no_other_and_our_logs_stand_in_the_run(promised: dict[str, Any]) -> None:
    assert promised["sensors"]["use_threads"] and promised["schedules"]["use_threads"]
    assert promised["python_logs"]["managed_python_loggers"] == ["pw_pipelines"]
    assert promised["telemetry"] == {"enabled": False}


def test_no_password_stands_in_a_file(promised: dict[str, Any]) -> None:
    assert promised["storage"]["custom"]["config"] == {"postgres_url": {"env": "PW_DAGSTER_DATABASE_URL"}}


def test_the_workspace_names_the_one_door() -> None:
    workspace = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())
    (entry,) = workspace["load_from"]
    assert entry["python_module"]["module_name"] == "pw_pipelines.definitions"

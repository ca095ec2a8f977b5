"""Dagster's storage asks PostgreSQL's catalogue once, not at each instance and each look at a run."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Engine, event

from pw_pipelines.db.connection import create_databases
from pw_pipelines.db.embedded import Server
from pw_pipelines.launcher.storage import KEPT, EventLog, Runs
from pw_pipelines.settings import PROJECT_ROOT, load_settings


@pytest.fixture
def dagster_home(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """With a database of its own, in which there is nothing yet."""
    name = f"dagster_{tmp_path.name}"[:60]
    create_databases(postgres.url("postgres"), (name,))
    monkeypatch.setenv("PW_DAGSTER_DATABASE_URL", postgres.url(name))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    return str(tmp_path)


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What was asked of a database about itself."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "pg_class" in statement or "pg_attribute" in statement:
            heard.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    yield heard
    event.remove(Engine, "before_cursor_execute", hear)


def asks_little(instance: dg.DagsterInstance) -> bool:
    return isinstance(instance.run_storage, Runs) and isinstance(instance.event_log_storage, EventLog)


def test_tables_are_made_at_the_first_instance_and_not_looked_for_again(dagster_home: str, asked: list[str]) -> None:
    with dg.DagsterInstance.from_config(dagster_home) as instance:
        assert instance.get_runs() == []
        assert asks_little(instance)
    assert asked
    asked.clear()

    with dg.DagsterInstance.from_config(dagster_home) as instance:
        run = instance.create_run_for_job(dg.GraphDefinition(name="nothing").to_job())
        instance.report_run_failed(run)
        assert [one.status for one in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]
    assert asked == []


def test_what_a_run_says_and_what_it_makes_is_all_there(dagster_home: str) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="thing")])
    def thing(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        context.log.info("said in between")
        return dg.MaterializeResult(metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=True)])

    with dg.DagsterInstance.from_config(dagster_home) as instance:
        result = dg.materialize([thing], instance=instance)

        assert "said in between" in [entry.message for entry in instance.all_logs(result.run_id)]
        made = instance.get_latest_materialization_event(thing.key)
        assert made is not None
        assert made.asset_materialization is not None
        assert made.asset_materialization.metadata["rows"] == dg.MetadataValue.int(3)
        [check] = instance.event_log_storage.get_latest_asset_check_execution_by_key([*thing.check_keys]).values()
        assert check.run_id == result.run_id
        assert check.status.value == "SUCCEEDED"


def test_connections_are_kept_once_they_are_wanted_and_not_before(dagster_home: str) -> None:
    with dg.DagsterInstance.from_config(dagster_home) as instance:
        instance.optimize_for_webserver(statement_timeout=1_000, pool_recycle=3_600, max_overflow=20)
        assert instance.get_runs() == []
        pools = [storage._engine.pool for storage in (instance.run_storage, instance.event_log_storage)]  # type: ignore[attr-defined]
        assert [pool.size() for pool in pools] == [KEPT, KEPT]
        assert pools[0].checkedin() == 1


def test_with_the_stock_launcher_it_is_dagsters_own(
    dagster_home: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PW_LAUNCHER", "stock")
    load_settings.cache_clear()
    for _ in range(2):
        asked.clear()
        with dg.DagsterInstance.from_config(dagster_home) as instance:
            assert not asks_little(instance)
        assert asked

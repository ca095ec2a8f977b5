"""Health: the process, what a request needs, and the whole house; each with its status, and detail for watchers."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from pw_pipelines.db.connection import Database
from pw_pipelines.monitoring import health
from pw_pipelines.portal.dagster_status import Daemon, DagsterStatus, Starter
from pw_pipelines.portal.watching import house_parts
from pw_pipelines.settings import Settings
from tests.monitoring.conftest import ELSEWHERE, client_of


def test_the_process_lives_whatever_else_does(watched: Settings) -> None:
    away = watched.model_copy(update={"database_url": SecretStr("postgresql://nobody@127.0.0.1:9/nothing")})

    with client_of(away, ELSEWHERE) as http:
        assert http.get("/health/live").json() == {"ok": True}
        assert http.get("/health/ready").status_code == 503


def test_it_is_ready_when_books_schema_and_objects_are_there(watched: Settings) -> None:
    with client_of(watched) as http:
        told = http.get("/health/ready")

    assert told.status_code == 200
    assert [part["name"] for part in told.json()["parts"]] == ["database", "migrations", "objects"]


def test_a_schema_that_is_behind_is_not_ready_and_strangers_are_not_told_why(watched: Settings, db: Database) -> None:
    with db.connect() as connection:
        connection.execute("update pw.alembic_version set version_num = '0004'")

    with client_of(watched) as http:
        told = http.get("/health/ready")
    with client_of(watched, ELSEWHERE) as http:
        stranger = http.get("/health/ready")

    assert told.status_code == stranger.status_code == 503
    assert "migrations are missing; `pw up` applies them." in told.text
    assert stranger.json() == {"ok": False}


def test_objects_that_cannot_be_read_are_not_ready(db: Database, tmp_path: Path) -> None:
    found = health.ready(db.url, "gopher://nowhere")

    assert [part.name for part in found.parts if not part.ok] == ["objects"]


def test_the_house_is_not_well_while_dagster_is_away(watched: Settings) -> None:
    with client_of(watched) as http:
        told = http.get("/health/house")

    assert told.status_code == 503
    parts = {part["name"]: part for part in told.json()["parts"]}
    assert not parts["dagster"]["ok"]
    assert parts["journal"]["ok"]


def test_dagster_is_asked_behind_its_door(watched: Settings) -> None:
    behind = watched.model_copy(
        update={"dagster_url": "http://127.0.0.1:9/door", "dagster_api_url": "http://127.0.0.1:9/behind"}
    )

    with client_of(behind) as http:
        told = http.get("/health/house")

    assert "http://127.0.0.1:9/behind/graphql" in told.text


def test_what_should_run_and_does_not_is_named() -> None:
    runs = Starter("items_ready", "sensor", "every 5 s", "why", should_run=True, state="runs")
    stopped = Starter("acquire_daily", "schedule", "daily", "why", should_run=True, state="stopped")
    tired = Daemon("sensor", required=True, healthy=False, heartbeat_age_hours=1)

    parts = {part.name: part for part in house_parts(DagsterStatus([runs, stopped], [tired]))}

    assert not parts["starters"].ok
    assert parts["starters"].detail == "Not as they should be: acquire_daily (stopped)."
    assert parts["daemons"].detail == "No sign of life: sensor."
    assert all(part.ok for part in house_parts(DagsterStatus([runs])))


def test_paid_work_that_does_not_leave_the_machine_is_not_well(db: Database, now: datetime) -> None:
    with db.connect() as connection:
        connection.execute(
            "insert into pw.journal (xact, at, table_name, op, key, row) "
            "values (1, %s, 'orders', 'insert', '{}', '{}')",
            (now - timedelta(minutes=20),),
        )

    assert not health.journal(db.url, longest_seconds=900, now=now).ok
    assert health.journal(db.url, longest_seconds=3600, now=now).ok

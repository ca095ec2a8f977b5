"""The web app as a watcher sees it, over books of its own and a database of Dagster's that Dagster made itself."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import dagster as dg
import httpx
import psycopg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster_shared.error import SerializableErrorInfo
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from pw_pipelines.clock import machine_now
from pw_pipelines.db.connection import Database, create_databases
from pw_pipelines.db.embedded import Server
from pw_pipelines.portal.app import create_app
from pw_pipelines.settings import Settings, with_sandbox_addresses

LOOPBACK = ("127.0.0.1", 50_000)
ELSEWHERE = ("203.0.113.9", 50_000)
SENSOR = "run_failure_alert"
Samples = dict[str, list[tuple[dict[str, str], float]]]


class Metrics:
    """A scrape, by name: `value("pw_orders", state="held", age="1d")`."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples: Samples = {}
        for family in self.families.values():
            for sample in family.samples:
                self.samples.setdefault(sample.name, []).append((dict(sample.labels), sample.value))

    def value(self, name: str, **labels: str) -> float | None:
        """The one sample with these labels; None without one."""
        found = [value for has, value in self.samples.get(name, ()) if labels.items() <= has.items()]
        assert len(found) <= 1, f"{name} {labels} is not one sample: {found}"
        return found[0] if found else None


class Client:
    """Asks the app in this process, one question after another."""

    def __init__(self, runner: asyncio.Runner, http: httpx.AsyncClient) -> None:
        self._runner = runner
        self._http = http

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self._runner.run(self._http.get(path, **more))

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self._runner.run(self._http.post(path, **more))


@contextmanager
def client_of(settings: Settings, client: tuple[str, int] = LOOPBACK) -> Iterator[Client]:
    """A client of the app, as if it called from there."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=client)
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            yield Client(runner, httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30))
        finally:
            runner.run(lifespan.__aexit__(None, None, None))


def scrape(settings: Settings) -> Metrics:
    """What /metrics says, asked from the machine."""
    with client_of(settings) as http:
        reply = http.get("/metrics")
    assert reply.status_code == 200, reply.text
    return Metrics(reply.text)


@pytest.fixture(scope="session")
def dagster_instance(
    postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dg.DagsterInstance]]:
    """URL of Dagster's own tables, made by the installed version, and the instance that writes them."""
    name = f"dagster_{uuid.uuid4().hex}"
    create_databases(postgres.url("postgres"), (name,))
    home = tmp_path_factory.mktemp("dagster_home")
    os.environ["PW_MONITORED"] = postgres.url(name)
    (home / "dagster.yaml").write_text(
        "storage:\n  postgres:\n    postgres_url:\n      env: PW_MONITORED\ntelemetry:\n  enabled: false\n"
    )
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield postgres.url(name), instance


@pytest.fixture
def dagster_url(dagster_instance: tuple[str, dg.DagsterInstance]) -> Iterator[str]:
    """The same, emptied after the test."""
    url, _ = dagster_instance
    yield url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("truncate runs, job_ticks, instigators, jobs, daemon_heartbeats cascade")


Tick = Callable[[str, TickStatus, datetime], None]


@pytest.fixture
def tick(dagster_url: str, dagster_instance: tuple[str, dg.DagsterInstance]) -> Tick:
    """`tick(sensor, status, at)`: a tick in Dagster's books, of a sensor that runs."""
    _, instance = dagster_instance

    def ticked(sensor: str, status: TickStatus, at: datetime) -> None:
        location = GrpcServerCodeLocationOrigin(host="localhost", port=1, location_name="pw_pipelines")
        origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), sensor)
        state = InstigatorState(
            origin, InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE, SensorInstigatorData(min_interval=30)
        )
        if instance.get_instigator_state(origin.get_id(), state.selector_id) is None:
            instance.add_instigator_state(state)
        instance.create_tick(
            TickData(
                origin.get_id(),
                sensor,
                InstigatorType.SENSOR,
                status,
                at.timestamp(),
                selector_id=state.selector_id,
                error=SerializableErrorInfo("broken", [], None) if status == TickStatus.FAILURE else None,
            )
        )

    return ticked


@pytest.fixture
def watched(settings: Settings, db: Database, dagster_url: str) -> Settings:
    """Settings of a house whose books and Dagster are there; its clock is the machine's."""
    return with_sandbox_addresses(settings).model_copy(
        update={
            "database_url": SecretStr(db.url),
            "dagster_database_url": SecretStr(dagster_url),
            "dagster_url": "http://127.0.0.1:9",
            "metrics_token": SecretStr("a-long-token"),
        }
    )


@pytest.fixture
def now() -> datetime:
    """The machine's moment."""
    return machine_now()

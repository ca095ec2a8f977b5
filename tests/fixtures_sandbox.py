"""Fixtures of the invented world: the stand-ins as a real server on loopback, at noon of one fixed day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from pw_pipelines.db.connection import create_databases
from pw_pipelines.db.embedded import Server
from pw_pipelines.sandbox.faults import FaultBook
from pw_pipelines.sandbox.server import create_app
from pw_pipelines.sandbox.world import World
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.served import served

SANDBOX_DAY = date(2026, 11, 22)
SEED = 20260101


@pytest.fixture(scope="session")
def world() -> World:
    """The default world; the same object that the server at `sandbox_url` answers from."""
    return World(SEED)


@pytest.fixture(scope="session")
def sandbox_settings(world: World, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings whose every outside address is a stand-in that runs; its clock stands at SANDBOX_DAY, 17:00 UTC."""
    home = tmp_path_factory.mktemp("sandbox_home")
    database = f"sandbox_{home.parent.name.replace('-', '_')}_{home.name}"
    create_databases(postgres.url("postgres"), (database,))
    settings = Settings(home=home, sandbox_seed=SEED, sandbox_database_url=SecretStr(postgres.url(database)))
    set_sandbox_day(settings, SANDBOX_DAY)
    with serving(settings, world) as url:
        yield with_sandbox_addresses(settings.model_copy(update={"sandbox_url": url}))


@pytest.fixture(scope="session")
def sandbox_url(sandbox_settings: Settings) -> str:
    """Base URL of the running stand-ins."""
    return sandbox_settings.sandbox_url


@pytest.fixture
def misbehave(sandbox_url: str) -> Iterator[Callable[..., None]]:
    """`misbehave("rmd", "cut", times=1, …)`: a fault in force for this test only."""

    def misbehave(system: str, fault: str, **more: Any) -> None:
        reply = httpx.post(f"{sandbox_url}/_control/faults", json={"system": system, "fault": fault, **more})
        assert reply.status_code == 201, reply.text

    yield misbehave
    httpx.delete(f"{sandbox_url}/_control/faults")


def set_sandbox_day(settings: Settings, day: date) -> None:
    """Puts the clock of `settings` at 17:00 UTC (noon in New York) of a day, wherever the machine's stands."""
    noon = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
    settings.clock.set_offset(noon - datetime.now(UTC) + timedelta(seconds=1))


@contextmanager
def serving(settings: Settings, world: World | None = None, book: FaultBook | None = None) -> Iterator[str]:
    """The stand-ins on a free port of this machine, in a thread of this process; gives the base URL."""
    with served(create_app(settings, world=world, book=book)) as url:
        httpx.get(f"{url}/_control/health", timeout=30).raise_for_status()
        yield url


@pytest.fixture
def own_home(tmp_path: Path) -> Settings:
    """Sandbox settings with a clock of this test's own, at SANDBOX_DAY."""
    settings = Settings(home=tmp_path / "home", sandbox_seed=SEED)
    set_sandbox_day(settings, SANDBOX_DAY)
    return settings

"""Fixtures of the invented world: the stand-ins as a real server on loopback, at noon of one fixed day."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from pw_pipelines.db.connection import create_databases
from pw_pipelines.db.embedded import Server
from pw_pipelines.sandbox.faults import FaultBook
from pw_pipelines.sandbox.server import create_app
from pw_pipelines.sandbox.world import World
from pw_pipelines.settings import Settings, with_sandbox_addresses

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


class serving:
    """The stand-ins on a free port of this machine, in a thread of this process; gives the base URL."""

    def __init__(self, settings: Settings, world: World | None = None, book: FaultBook | None = None) -> None:
        app = create_app(settings, world=world, book=book)
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", access_log=False)
        self._server = uvicorn.Server(config)
        self._listening = config.bind_socket()
        self._listening.listen()  # whoever asks before the server's loop turns is kept waiting, not refused
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listening]))

    def __enter__(self) -> str:
        self._thread.start()
        url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        httpx.get(f"{url}/_control/health", timeout=30).raise_for_status()
        return url

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._listening.close()


@pytest.fixture
def own_home(tmp_path: Path) -> Settings:
    """Sandbox settings with a clock of this test's own, at SANDBOX_DAY."""
    settings = Settings(home=tmp_path / "home", sandbox_seed=SEED)
    set_sandbox_day(settings, SANDBOX_DAY)
    return settings

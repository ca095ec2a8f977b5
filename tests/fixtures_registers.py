"""Fixtures of the invented registers: a small world of companies behind a real SFTP and a real HTTP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.sandbox.companies import Companies
from pw_pipelines.sandbox.faults import Fault, FaultBook
from pw_pipelines.sandbox.server import florida_files
from pw_pipelines.sandbox.world import World
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.fixtures_sandbox import SANDBOX_DAY, SEED, serving, set_sandbox_day

SMALL = 0.02  # 3,000 companies of Florida's, 1,200 of Colorado's


@dataclass(frozen=True)
class Registers:
    """Running stand-ins and what they are made of."""

    settings: Settings
    book: FaultBook
    companies: Companies

    def misbehave(self, system: str, fault: str, **more: Any) -> None:
        self.book.add(Fault(system=system, fault=fault, **more))


@contextmanager
def running_registers(home: Path, world: World, day: date = SANDBOX_DAY, scale: float = SMALL) -> Iterator[Registers]:
    """The stand-ins at noon of a day, on ports of their own."""
    settings = Settings(home=home, sandbox_seed=SEED, sandbox_companies=scale, retry_delay_seconds=0.0)
    set_sandbox_day(settings, day)
    book = FaultBook()
    files = florida_files(settings, book)
    port = files.start(0)
    try:
        with serving(settings, world, book) as url:
            there = settings.model_copy(update={"sandbox_url": url, "sandbox_sftp_port": port})
            yield Registers(with_sandbox_addresses(there), book, Companies(SEED, scale))
    finally:
        files.stop()


@pytest.fixture(scope="session")
def shared_registers(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    with running_registers(tmp_path_factory.mktemp("registers_home"), world) as running:
        yield running


@pytest.fixture
def registers(shared_registers: Registers) -> Iterator[Registers]:
    """The running stand-ins of the registers at SANDBOX_DAY; faults end with the test."""
    yield shared_registers
    shared_registers.book.clear()


@pytest.fixture
def no_sleep() -> tuple[list[float], Callable[[float], None]]:
    """(waits asked for, what to hand a client as `sleep`)."""
    waits: list[float] = []
    return waits, waits.append

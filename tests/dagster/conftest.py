"""Fixtures of the Dagster tests: an instance in memory, a small manifest, a house whose outside is made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets.manifest import Manifest, read
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings
from tests.dagster import manifest_maker


@pytest.fixture(scope="session")
def small_manifest_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return manifest_maker.write(tmp_path_factory.mktemp("manifest") / "manifest.json")


@pytest.fixture
def small_manifest(small_manifest_file: Path) -> Manifest:
    return read(small_manifest_file)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@dataclass
class FakeTelegram:
    """Remembers what it was told; `down` makes it refuse."""

    messages: list[str] = field(default_factory=list)
    down: bool = False

    def send(self, text: str) -> None:
        if self.down:
            raise OutsideUnavailable("Telegram does not answer.")
        self.messages.append(text)


@pytest.fixture
def telegram() -> FakeTelegram:
    return FakeTelegram()


@pytest.fixture
def house(settings: Settings, db: Database, tmp_path: Path, telegram: FakeTelegram) -> dict[str, Any]:
    """Resources with a real warehouse and object store; nothing outside is reachable until a test says what is."""
    return {
        "settings": settings.model_copy(update={"retry_delay_seconds": 0.0}),
        "db": db,
        "objects": Objects((tmp_path / "objects").as_uri()),
        "fcc": None,
        "listmonk": None,
        "telegram": telegram,
    }

"""Fixtures of the register's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.registry import road
from pw_pipelines.sources.contract import Change, SourceContract, contract
from tests.registry.houses import House


@pytest.fixture
def house(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A register of a few companies, which may double from one copy to the next."""

    def promised(source: str) -> SourceContract:
        return contract(source).model_copy(update={"change": Change(shrink_pct=100, growth_pct=1e6)})

    monkeypatch.setattr(road, "contract", promised)
    return House(db, tmp_path)


@pytest.fixture
def strict_house(db: Database, tmp_path: Path) -> House:
    """A register held to its contracts."""
    return House(db, tmp_path)

"""Fixtures of the snapshot tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_pipelines.db.connection import Database
from tests.snapshots.copies import Road, export


@pytest.fixture
def way(db: Database, tmp_path: Path) -> Road:
    return Road(db, tmp_path)


@pytest.fixture(scope="session")
def whole() -> bytes:
    """A healthy copy of 22 November 2026."""
    return export()

"""A real Dagster, one for all tests of a module."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SERVERS
from tests.launcher.house import House, house


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    """One house for all; each test leaves a warm process behind that works."""
    patched = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith(("PW_", "DAGSTER_"))]:
        patched.delenv(name)
    with house(Path(tempfile.mkdtemp(dir=os.environ[SERVERS]))) as started:
        yield started
    patched.undo()

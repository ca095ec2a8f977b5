"""One off-site machine and one MariaDB for all tests of backups; a house of backups per test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.sandbox.mariadb import SandboxMariadb
from pw_pipelines.sandbox.offsite import SandboxOffsite
from pw_pipelines.settings import Settings
from tests.backups.house import BackupHouse, MariadbAt, OffsiteAt


@pytest.fixture(scope="session")
def offsite_machine() -> Iterator[OffsiteAt]:
    """A real sshd on loopback. Tests keep apart by folders below its `copies`."""
    folder = Path(tempfile.mkdtemp(prefix="pw-offsite-"))
    machine = SandboxOffsite(folder)
    port = machine.start(0)
    yield OffsiteAt(machine, port)
    machine.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariadbAt]:
    """A real mariadbd with an ERPNext-like database."""
    folder = Path(tempfile.mkdtemp(prefix="pw-mariadb-"))
    server = SandboxMariadb(folder, None)
    yield MariadbAt(server.start(0), folder / "site")
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def house(settings: Settings, db: Database, offsite_machine: OffsiteAt) -> BackupHouse:
    """A warehouse with a home, an object store and an empty off-site folder of its own."""
    return BackupHouse.of(settings, db, offsite_machine)

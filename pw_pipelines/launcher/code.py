"""What is imported before the first run, and whether the files it came from are still the same."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pw_pipelines.settings import PROJECT_ROOT

# The module with the definitions; another one in tests.
DEFINITIONS = os.environ.get("PW_WARM_DEFINITIONS", "pw_pipelines.definitions")
PACKAGE = PROJECT_ROOT / "pw_pipelines"
MANIFEST = PROJECT_ROOT / "dbt_models" / "target" / "manifest.json"
# Rooms whose modules the stages of an item import when they need them: every run would pay for it anew.
ROOMS = ("pw_pipelines.fulfillment", "pw_pipelines.documents", "pw_pipelines.filings", "pw_pipelines.commerce")
# What Dagster itself imports only once a run has begun.
DAGSTER = (
    "dagster._cli.api",
    "dagster._core.execution.plan.active",
    "dagster._core.execution.plan.execute_plan",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.run_coordinator",
    "dagster._core.storage.fs_io_manager",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.system_config.composite_descent",
    "dagster._core.utility_ops",
    "dagster._core.workspace.autodiscovery",
    "dagster._utils.test.definitions",
    "dagster_postgres",
    "dagster_postgres.event_log",
    "dagster_postgres.run_storage",
    "dagster_postgres.schedule_storage",
    "psycopg",
    "psycopg2.extras",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "upath.core",
    "upath.implementations.local",
)


def fingerprint() -> str:
    """Changes when a file of the project, dbt's manifest or an installed package changes. Some milliseconds."""
    seen = hashlib.sha256()
    for path, status in _files(str(PACKAGE)):
        seen.update(f"{path}\0{status.st_mtime_ns}\0{status.st_size}\n".encode())
    for place in (MANIFEST, *_definitions(), *(Path(entry) for entry in sys.path if entry.endswith("-packages"))):
        status_or_none = place.stat() if place.exists() else None
        seen.update(f"{place}\0{status_or_none.st_mtime_ns if status_or_none else ''}\n".encode())
    return seen.hexdigest()


def _definitions() -> list[Path]:
    found = importlib.util.find_spec(DEFINITIONS)
    return [Path(found.origin)] if found is not None and found.origin else []


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                yield entry.path, entry.stat()


def load() -> None:
    """Imports everything a run needs and builds every job. Raises whatever an import of the definitions raises.

    A module of a room that can't be imported is said and left out: the run that needs it imports it itself and says so.
    """
    for name in DAGSTER:
        importlib.import_module(name)
    definitions = importlib.import_module(DEFINITIONS)
    definitions.defs.get_repository_def().get_all_jobs()
    for room in ROOMS:
        for name in _modules(room):
            try:
                importlib.import_module(name)
            except Exception as error:  # noqa: BLE001  # whatever it raises, other runs do without it
                sys.stdout.write(f"not loaded: {name} ({type(error).__name__}: {error})\n")


def _modules(room: str) -> Iterator[str]:
    if importlib.util.find_spec(room) is None:
        return
    package = importlib.import_module(room)
    yield from (found.name for found in pkgutil.walk_packages(package.__path__, f"{room}."))

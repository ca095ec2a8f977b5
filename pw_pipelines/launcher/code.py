"""What is imported before the first run, and whether the files it came from are still the same."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pw_pipelines.settings import PROJECT_ROOT

OURS = "pw_pipelines.definitions"
DEFINITIONS = os.environ.get("PW_WARM_DEFINITIONS", OURS)  # another module in tests
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
    "pw_pipelines.launcher.captured",
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
# Libraries that what runs do imports late by itself.
LIBRARIES = (
    "dateutil.tz",
    "encodings.ascii",
    "encodings.cp437",
    "encodings.idna",
    "holidays.countries",
    "httpcore",
    "obstore.store",
    "pypdfium2",
    "pypdfium2.raw",
)
# Data files that are read once per process.
DATA = (
    "pw_pipelines.commerce.catalogue.catalogue",
    "pw_pipelines.compliance.rules.rules",
    "pw_pipelines.fulfillment.facts.facts",
    "pw_pipelines.fulfillment.mails.read_texts",
    "pw_pipelines.fulfillment.playbook.playbooks",
    "pw_pipelines.resources.mail.trust",
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

    What else can't be imported or read is said and left out: the run that needs it tries itself and says so.
    """
    for name in DAGSTER:
        importlib.import_module(name)
    definitions = importlib.import_module(DEFINITIONS)
    definitions.defs.get_repository_def().get_all_jobs()
    if DEFINITIONS == OURS:
        _load_rooms()
    from pw_pipelines.launcher.rehearsal import rehearse

    _tried("rehearsal", rehearse)


def _load_rooms() -> None:
    for name in (*(name for room in ROOMS for name in _modules(room)), *LIBRARIES):
        _tried(name, partial(importlib.import_module, name))
    for name in DATA:
        _tried(name, partial(_called, name))
    _tried("templates", _templates)
    _tried("holidays", _holidays)


def _called(name: str) -> object:
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)()


def _templates() -> None:
    """Every template of a document that a playbook names, parsed."""
    from pw_pipelines.documents.template import template_named
    from pw_pipelines.fulfillment.playbook import playbooks

    def read(name: str) -> object:
        return template_named(name).names

    for name in sorted({document.template for book in playbooks().values() for document in book.documents}):
        _tried(f"template {name}", partial(read, name))


def _holidays() -> None:
    from pw_pipelines.clock import machine_now
    from pw_pipelines.compliance.calendar import federal_holidays

    this = machine_now().year
    for year in range(this - 1, this + 3):
        federal_holidays(year)


def _tried(name: str, deed: Callable[[], object]) -> None:
    try:
        deed()
    except Exception as error:  # noqa: BLE001  # whatever it raises, other runs do without it
        sys.stdout.write(f"not loaded: {name} ({type(error).__name__}: {error})\n")


def _modules(room: str) -> Iterator[str]:
    if importlib.util.find_spec(room) is None:
        return
    package = importlib.import_module(room)
    yield from (found.name for found in pkgutil.walk_packages(package.__path__, f"{room}."))

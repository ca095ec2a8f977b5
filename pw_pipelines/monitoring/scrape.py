"""One scrape: everything that is known, each part failing alone, remembered for some seconds.

Two connections at most, whatever asks how often: one to the warehouse, one to Dagster's database, opened for the
reading and closed after it. An error of a group is the metric pw_collect_error{group}; there is never a 500.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import psycopg
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg.rows import dict_row

from pw_pipelines import logs
from pw_pipelines.clock import Clock, machine_now
from pw_pipelines.monitoring import business, dagster_books, records, warm
from pw_pipelines.monitoring.groups import Group, Moments, read
from pw_pipelines.settings import Settings

log = logs.get_logger(__name__)
CONNECT_SECONDS = 3
CACHE_SECONDS = 10.0
WAREHOUSE, DAGSTER, SCHEMA = "warehouse", "dagster", "schema"


class HouseCollector(Collector):
    """Metrics of the books. `seconds`: how long an answer is given again; asked by several at once, it is read once."""

    def __init__(self, settings: Settings, *, seconds: float = CACHE_SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._kept: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry must not read the books when it is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at >= self._seconds:
                self._kept = list(_collected(self._settings))
                self._read_at = time.monotonic()
            yield from self._kept


def group_names(settings: Settings) -> list[str]:
    """Every value of pw_collect_error's label."""
    groups = [*business.GROUPS, *records.groups(), *dagster_books.groups(settings.mode)]
    return [*(group.name for group in groups), WAREHOUSE, DAGSTER, SCHEMA]


def _collected(settings: Settings) -> Iterator[Metric]:
    begun = time.perf_counter()
    moments = _moments(settings.clock)
    failed = dict.fromkeys(group_names(settings), True)
    warehouse = settings.database_url.get_secret_value() if settings.database_url else None
    yield from _read(warehouse, WAREHOUSE, [*business.GROUPS, *records.groups()], moments, failed)
    dagster = settings.dagster_database_url.get_secret_value() if settings.dagster_database_url else None
    if dagster is None and warehouse is not None:
        from pw_pipelines.db.connection import sibling_url

        dagster = sibling_url(warehouse, "dagster")
    yield from _read(dagster, DAGSTER, dagster_books.groups(settings.mode), moments, failed)
    yield from warm.metrics(settings.home, settings.launcher)
    yield from _settings(settings, warehouse, failed)
    errors = GaugeMetricFamily("pw_collect_error", "1 when a group of metrics could not be read.", labels=["group"])
    for group, has_failed in failed.items():
        errors.add_metric([group], float(has_failed))
    yield errors
    seconds = GaugeMetricFamily("pw_collect_duration_seconds", "How long reading the books took.")
    seconds.add_metric([], time.perf_counter() - begun)
    yield seconds


def _read(
    url: str | None, place: str, groups: Sequence[Group], moments: Moments, failed: dict[str, bool]
) -> list[Metric]:
    if url is None:
        return []
    try:
        with psycopg.connect(
            url,
            row_factory=dict_row,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="pw-metrics",
            options="-c timezone=UTC -c default_transaction_read_only=on",
        ) as connection:
            found, of_groups = read(connection, groups, moments)
    except psycopg.OperationalError as error:
        log.warning("metrics: the database does not answer", place=place, error=type(error).__name__)
        return []
    failed |= of_groups
    failed[place] = False
    return found


def _settings(settings: Settings, warehouse: str | None, failed: dict[str, bool]) -> Iterator[Metric]:
    quota = GaugeMetricFamily("pw_warmup_quota", "Most new recipients of a day, by setting.")
    quota.add_metric([], settings.warmup_per_day)
    yield quota
    promise = GaugeMetricFamily(
        "pw_backup_max_age_seconds",
        "Age at which a backup is too old, for what is to be backed up.",
        labels=["subject"],
    )
    for subject in backed_up(settings):
        promise.add_metric([subject], settings.backup_promise_hours[subject] * 3600)
    yield promise
    if warehouse is not None and (count := _guarded(lambda: pending_migrations(warehouse))) is not None:
        failed[SCHEMA] = False
        pending = GaugeMetricFamily("pw_migrations_pending", "Migrations that the warehouse lacks.")
        pending.add_metric([], count)
        yield pending


def backed_up(settings: Settings) -> list[str]:
    """What these settings say is to be backed up."""
    wanted = {
        "mariadb": settings.mariadb_host is not None,
        "forgejo": settings.forgejo_dump_command is not None,
    }
    return [subject for subject in settings.backup_promise_hours if wanted.get(subject, True)]


def _guarded(ask: Callable[[], int]) -> int | None:
    try:
        return ask()
    except psycopg.Error as error:
        log.warning("metrics: the schema could not be asked", error=type(error).__name__)
        return None


def pending_migrations(url: str) -> int:
    """Migrations this code has and the database has not; the code's are read once, the database's each time."""
    steps = _revisions()
    with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, application_name="pw-metrics") as connection:
        table = connection.execute("select to_regclass('pw.alembic_version')").fetchone()
        row = (
            connection.execute("select version_num from pw.alembic_version").fetchone() if table and table[0] else None
        )
    if row is None:
        return len(steps)
    return len(steps) - 1 - steps.index(row[0]) if row[0] in steps else 0


_steps: list[str] = []


def _revisions() -> list[str]:
    """Oldest first; numbered by their files, so no script is loaded for it."""
    if not _steps:
        from pw_pipelines.db.connection import MIGRATIONS

        _steps.extend(sorted(path.name.split("_")[0] for path in Path(MIGRATIONS, "versions").glob("[0-9]*_*.py")))
    return _steps


def _moments(clock: Clock) -> Moments:
    return Moments(business=clock.now(), machine=machine_now(), today=clock.today())

"""Metrics that are read from a database: groups of them, each one query that may fail alone.

Times come in as `now` (UTC): the project's clock for business rows, the machine's for Dagster's and the journal's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import psycopg
from prometheus_client.core import GaugeMetricFamily, Metric

from pw_pipelines import logs

log = logs.get_logger(__name__)
STATEMENT_TIMEOUT = "3s"  # a group that takes longer is an error of its own, not a scrape that never ends
Connection = psycopg.Connection[dict[str, Any]]


@dataclass(frozen=True)
class Gauge:
    """One metric of a group's rows. `value`: the column it is read from; rows where that is NULL say nothing."""

    name: str
    help: str
    value: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """One query and the metrics of its rows. `clock`: whose `now` the query is given as %(now)s."""

    name: str
    sql: str
    gauges: tuple[Gauge, ...]
    clock: Literal["business", "machine"] = "business"
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Moments:
    """The two clocks at one moment, UTC, and the business day in New York."""

    business: datetime
    machine: datetime
    today: Any


def read(connection: Connection, groups: Sequence[Group], moments: Moments) -> tuple[list[Metric], dict[str, bool]]:
    """The metrics of every group that could be read, and of each group whether it failed.

    A group fails alone: its transaction is rolled back and the next one begins. Raises OperationalError only when the
    connection itself is lost.
    """
    found: list[Metric] = []
    failed: dict[str, bool] = {}
    for group in groups:
        try:
            rows = _rows(connection, group, moments)
        except psycopg.Error as error:
            failed[group.name] = True
            log.warning("metrics of a group could not be read", group=group.name, error=type(error).__name__)
            if connection.closed:
                raise
            continue
        failed[group.name] = False
        found.extend(_family(gauge, rows) for gauge in group.gauges)
    return found, failed


def _rows(connection: Connection, group: Group, moments: Moments) -> list[dict[str, Any]]:
    with connection.transaction():
        connection.execute(f"set local statement_timeout = '{STATEMENT_TIMEOUT}'".encode())
        now = moments.business if group.clock == "business" else moments.machine
        asked = {"now": now, "today": moments.today, **group.values}
        return connection.execute(group.sql.encode(), asked).fetchall()


def _family(gauge: Gauge, rows: Sequence[Mapping[str, Any]]) -> Metric:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
    for row in rows:
        if row[gauge.value] is not None:
            family.add_metric([str(row[label]) for label in gauge.labels], float(row[gauge.value]))
    return family

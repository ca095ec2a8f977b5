"""When backups are made: by the clock, and what was missed. The runs of a day are numbered, for there are several."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.schedules import requests
from pw_pipelines.schedules.past import past_of

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = {
    "backup_postgres_six_hourly": "make_backup_postgres",
    "backup_mariadb_daily": "make_backup_mariadb",
    "backup_objects_daily": "make_backup_objects",
    "backup_forgejo_daily": "make_backup_forgejo",
}


def ask(job: str, instance: dg.DagsterInstance, _resources: Any, today: date) -> list[dg.RunRequest] | dg.SkipReason:
    """One more backup today, unless one is under way."""
    past = past_of(instance, job, today.isoformat())
    if past.open:
        return dg.SkipReason("This backup is being made.")
    return [requests.of_today(job, today, past.failed + past.succeeded + 1)]


def asks() -> dict[str, tuple[Callable[..., list[dg.RunRequest] | dg.SkipReason], frozenset[str]]]:
    """By schedule, as schedules/daily.py wants them."""
    return {name: (partial(ask, job), frozenset({"settings"})) for name, job in EVERY.items()}

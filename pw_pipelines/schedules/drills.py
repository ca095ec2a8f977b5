"""When a restore drill is due: a week after the last one, whatever came of it; a missed night is made up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.schedules import requests
from pw_pipelines.schedules.past import past_of

if TYPE_CHECKING:
    from pw_pipelines.settings import Settings

JOB = "restore_drill"
WEEK = timedelta(days=6, hours=12)  # asked once a night


def ask_drill(instance: dg.DagsterInstance, resources: Any, today: date) -> list[dg.RunRequest] | dg.SkipReason:
    """Tonight's drill, when the last is a week old and there is something off-site to restore."""
    settings: Settings = resources.settings
    with resources.db.connect(application="pw backup") as connection:
        row = connection.execute(
            """select (select max(started_at) from pw.backup_drills) as last,
                      exists (select 1 from pw.backup_sets where subject = 'postgres' and confirmed_at is not null)
                          as anything"""
        ).fetchone()
    if not row["anything"]:
        return dg.SkipReason("Nothing lies off-site yet that could be restored.")
    if row["last"] is not None and settings.clock.now() - row["last"] < WEEK:
        return dg.SkipReason(f"The last drill is of {row['last']:%Y-%m-%d}; one is made every week.")
    past = past_of(instance, JOB, today.isoformat())
    if past.open:
        return dg.SkipReason("A drill is under way.")
    return [requests.of_today(JOB, today, past.next_try)]

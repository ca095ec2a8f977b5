"""The public records on the staff's first page: which copy is in force, how old, what was looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from pw_pipelines.compliance.check_books import Copy
from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.portal.dagster_status import DagsterStatus
from pw_pipelines.portal.status_runs import Run
from pw_pipelines.sources.contract import SourceContract, contracts

Row = dict[str, Any]


@dataclass(frozen=True)
class LookUps:
    """What is known from a record that is looked up one FRN at a time.

    carriers  FRNs with at least one answer; found: those whose newest answer showed a registration
    oldest, newest  days of the newest answers: the one looked up longest ago, and last (America/New_York)
    """

    carriers: int
    found: int
    oldest: date
    newest: date


@dataclass(frozen=True)
class SourceLine:
    """One source: the copy in force and the newest copy, which may be another that was refused.

    `look_ups` instead of one copy's rows where a copy is only a batch of look-ups; None elsewhere. `note`: what is
    to be known of the state, as a short text; `run`: the run that loads it.
    """

    source: str
    title: str
    landing_page: str
    in_force: Copy | None
    newest: Copy | None
    newest_reason: str
    rows: int | None
    age_hours: float | None
    state: str  # fresh | ageing | too old | missing; looked up, for look-ups that are as they should be;
    # by hand, where only a person can load it and nobody has; loading | on its way, before the first copy
    look_ups: LookUps | None = None
    note: str = ""
    run: Run | None = None


_COPIES = """
select s.snapshot_id, s.source, s.as_of, s.fetched_at, s.grade, s.vintage, s.rows, s.reasons
  from unnest(%(sources)s::text[]) as wanted(source)
 cross join lateral (select * from pw.snapshots s where s.source = wanted.source {condition}
                      order by s.as_of desc, s.fetched_at desc limit 1) as s
"""
_IN_FORCE = "and s.grade in ('complete', 'partial') and s.recalled_at is null and s.loaded_at is not null"
_LOOK_UPS = """
select count(*) as carriers, count(*) filter (where is_found) as found, min(as_of) as oldest, max(as_of) as newest
  from (select distinct on (r.frn) r.is_found, s.as_of
          from core.fcc_cores_registrations r join pw.snapshots s using (snapshot_id)
         where s.grade in ('complete', 'partial') and s.recalled_at is null
         order by r.frn, s.as_of desc, s.fetched_at desc) as newest_answers
"""


def source_lines(connection: Connection[Row], now: datetime) -> list[SourceLine]:
    """One line for each contract, in the contracts' order. `now` UTC."""
    asked = {"sources": list(contracts())}
    in_force = {row["source"]: row for row in connection.execute(_COPIES.format(condition=_IN_FORCE).encode(), asked)}
    newest = {row["source"]: row for row in connection.execute(_COPIES.format(condition="").encode(), asked)}
    lines = []
    for source, promise in contracts().items():
        copy, latest = _copy(in_force.get(source)), newest.get(source)
        age = copy.age_hours(now) if copy else None
        look_ups = _look_ups(connection) if copy and promise.is_looked_up else None
        lines.append(
            SourceLine(
                source=source,
                title=promise.title,
                landing_page=promise.landing_page,
                in_force=copy,
                newest=_copy(latest),
                newest_reason=latest["reasons"][0] if latest and latest["reasons"] else "",
                rows=in_force[source]["rows"] if copy else None,
                age_hours=age,
                state=_state(promise, age),
                look_ups=look_ups,
                note=f"pw names load {promise.state} FILES" if promise.by_hand else "",
            )
        )
    return lines


# What starts by itself as soon as it can: the jobs of schedules, which the catch-up sensor makes up for.
_STARTING = frozenset(entry.job for entry in AUTOMATIC.values() if entry.kind == "schedule" and entry.job)


def expected(
    lines: Sequence[SourceLine], dagster: DagsterStatus, *, filling: bool, machine_now: datetime
) -> list[SourceLine]:
    """The same lines; one without a copy whose first load is still to come says so instead of `missing`.

    `filling`: the house is being filled by `pw up`. Otherwise Dagster must say that the job is queued or under way, or
    was never started while the catch-up sensor is well. Once a run of the job has ended, missing is missing.
    """
    is_caught_up = any(one.name == "catch_up" and one.should_run and one.state == "runs" and one.is_well
                       for one in dagster.starters)  # fmt: skip

    def told(line: SourceLine) -> SourceLine:
        if line.state != "missing" or line.newest is not None:
            return line
        if filling:
            return replace(line, state="on its way")
        load = dagster.runs.first_load(f"raw_{line.source}", _STARTING, machine_now)
        if load is None or (load[1] is None and not is_caught_up):
            return line
        job, run = load
        is_waiting = run is None or run.status == "QUEUED"
        return replace(line, state="loading", note=f"{job} {'waits for its turn' if is_waiting else 'is under way'}",
                       run=run)  # fmt: skip

    return [told(line) for line in lines]


def _state(promise: SourceContract, age: float | None) -> str:
    if age is None:
        return "by hand" if promise.by_hand else "missing"
    if age > promise.freshness.fail_hours:
        return "too old"
    if promise.is_looked_up:  # a day on which no carrier is due has no batch, and nothing ages by that
        return "looked up"
    return "ageing" if age > promise.freshness.warn_hours else "fresh"


def _look_ups(connection: Connection[Row]) -> LookUps | None:
    row = connection.execute(_LOOK_UPS.encode()).fetchone()
    return LookUps(**row) if row and row["carriers"] else None


def _copy(row: Row | None) -> Copy | None:
    if row is None:
        return None
    return Copy(row["snapshot_id"], row["source"], row["as_of"], row["fetched_at"], row["grade"], row["vintage"])

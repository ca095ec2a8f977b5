"""Builds the marts with dbt, in this process, and puts them in force only when every test has passed.

dbt writes to schemas beside the real ones (`staging_next`, `marts_next`, `segments_next`). When both phases are
built and tested, one transaction renames them into place and books the findings' history. A build that fails
leaves `staging`, `marts` and `segments` as they were: no finding is ever served from a failed build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from pw_pipelines.compliance import history, jumps, matching
from pw_pipelines.compliance.dbt_run import NodeResult, run_phase
from pw_pipelines.compliance.history import HistoryReport
from pw_pipelines.compliance.reference import load_reference
from pw_pipelines.db.connection import Database
from pw_pipelines.db.deadlocks import again_after_deadlock
from pw_pipelines.errors import PwError
from pw_pipelines.settings import load_settings

Phase = Literal["findings", "leads", "all"]
SCHEMAS = ("staging", "marts", "segments")
NEXT = "_next"
SWAP_WAIT = "30s"  # longest a reader's query may hold up the exchange of schemas


@dataclass(frozen=True)
class BuildResult:
    """What one build did. `history` is None after the first phase alone."""

    as_of: date
    phase: Phase
    nodes: tuple[NodeResult, ...]
    history: HistoryReport | None


def build(
    db: Database,
    *,
    as_of: date,
    now: datetime,
    phase: Phase = "all",
    on_node: Callable[[NodeResult], None] | None = None,
    work_folder: Path | None = None,
    released: Mapping[str, int] | None = None,
) -> BuildResult:
    """Builds one phase, or both, as of the day `as_of` (America/New_York); `now` is an aware moment.

    findings  loads the reference data, matches names if the copies in force changed, judges all rules that need
              no CORES page. Readers still see the marts of before.
    leads     judges the rest, makes contacts, leads and segments, and puts the whole build in force.

    `on_node` hears of each model and test as it ends. `work_folder` is where dbt keeps its files (PW_HOME/dbt).
    `released`: rule -> new findings a person lets through where more than `jumps.yaml` allows would be held.
    Raises PwError naming the model or test that failed; the marts in force stay as they were.
    """
    folder = work_folder or load_settings().home / "dbt"
    nodes: list[NodeResult] = []
    booked: HistoryReport | None = None
    with closing(psycopg.connect(db.url, autocommit=True, application_name="pw-marts")) as guard:
        guard.execute("select pg_advisory_lock(hashtext('pw.marts'))")  # one build of a warehouse at a time
        if phase in ("findings", "all"):
            load_reference(db)
            if not matching.is_matched(db, on=as_of):
                matching.match_names(db, on=as_of, now=now)
            _clear(db)
            nodes += run_phase(db, folder, "phase_findings", as_of, on_node, limits=jumps.for_build(released or {}))
        if phase in ("leads", "all"):
            _require_first_phase(db, as_of)
            nodes += run_phase(db, folder, "phase_leads", as_of, on_node)
            try:
                booked = again_after_deadlock(lambda: _put_in_force(db, as_of, now))
            except psycopg.errors.LockNotAvailable as error:
                raise PwError(
                    f"The marts as of {as_of} are built, but somebody has read the old ones for more than {SWAP_WAIT}. "
                    "End that query, then build the phase `leads` again; the old marts stay in force."
                ) from error
    return BuildResult(as_of, phase, tuple(nodes), booked)


def wanted_cores_frns(db: Database, *, on: date, cap: int) -> list[str]:
    """FRNs whose CORES page should be read on day `on`, most urgent first, at most `cap`.

    Those with a finding come first, worst severity first; among them, never read before read, long ago before
    lately. A page that was empty once is asked for again on another day, because an absence needs that. Some known
    registrations are read along (beyond `cap`), so that a site answering everybody with nothing is noticed.
    """
    with db.connect(application="pw-marts") as connection:
        schema = next((name for name in (f"staging{NEXT}", "staging") if _has(connection, name, _FIRST_PHASE)), None)
        if schema is None:
            return []
        rows = connection.execute(
            sql.SQL(
                """with wanted as (
                       select v.frn, min(r.severity_rank) as severity_rank
                       from {verdicts} v
                       join pw.compliance_rules r using (code)
                       where v.verdict = 'finding' and r.severity <> 'information'
                       group by v.frn
                   ),
                   read as (
                       select c.frn, max(s.as_of) as last_on,
                              (array_agg(c.is_found order by s.as_of desc, s.fetched_at desc))[1] as is_found,
                              count(distinct s.as_of) filter (where not c.is_found) as empty_days
                       from core.fcc_cores_registrations c
                       join pw.snapshots s using (snapshot_id)
                       where s.recalled_at is null and s.as_of <= %(on)s
                       group by c.frn
                   )
                   select w.frn
                   from wanted w left join read r using (frn)
                   where r.last_on is null
                      or r.last_on < %(on)s and (not r.is_found and r.empty_days < 2 or r.last_on <= %(on)s - %(days)s)
                   order by coalesce(not r.is_found and r.empty_days < 2, false) desc, r.last_on nulls first,
                            w.severity_rank, w.frn
                   limit %(cap)s"""
            ).format(verdicts=sql.Identifier(schema, _FIRST_PHASE)),
            {"on": on, "days": CORES_READ_AGAIN_DAYS, "cap": cap},
        )
        wanted = [str(row["frn"]) for row in rows]
        known = connection.execute(
            """select frn from core.fcc_cores_registrations c join pw.snapshots s using (snapshot_id)
               where s.recalled_at is null and s.as_of < %s and frn <> all(%s)
               group by frn having bool_and(c.is_found) order by max(s.as_of), frn limit %s""",
            (on, wanted, max(CONTROLS, len(wanted) // 3)),
        ).fetchall()
        return wanted + [str(row["frn"]) for row in known] if wanted else []


_FIRST_PHASE = "int_verdicts_before_cores"  # the last table of the first phase
CONTROLS = 10  # registrations known to be there, read along: a batch that finds nobody proves nothing
CORES_READ_AGAIN_DAYS = 7  # a considerate client of CORES keeps its pages for seven days


def _clear(db: Database) -> None:
    """Takes away what an earlier build left beside the marts in force."""
    with db.connect(application="pw-marts") as connection:
        for schema in SCHEMAS:
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema + NEXT)))


def _has(connection: psycopg.Connection[dict[str, object]], schema: str, table: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null as there", (f"{schema}.{table}",)).fetchone()
    return row is not None and bool(row["there"])


def _require_first_phase(db: Database, as_of: date) -> None:
    with db.connect(application="pw-marts") as connection:
        there = _has(connection, f"staging{NEXT}", _FIRST_PHASE)
        day = (
            connection.execute(
                sql.SQL("select as_of from {}").format(sql.Identifier(f"staging{NEXT}", "stg_as_of"))
            ).fetchone()
            if there
            else None
        )
    if day is None or day["as_of"] != as_of:
        seen = f"what stands ready is as of {day['as_of']}" if day else "nothing stands ready"
        raise PwError(
            f"The phase `leads` as of {as_of} follows the phase `findings` of the same day, but {seen}. "
            "Build the phase `findings` first, or `all`."
        )


def _put_in_force(db: Database, as_of: date, now: datetime) -> HistoryReport:
    """One transaction: the new schemas take the old ones' names, and history is booked.

    Raises PwError when a copy the findings stand on was recalled while they were being built.
    """
    with db.connect(application="pw-marts") as connection:
        connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(SWAP_WAIT)))
        recalled = connection.execute(
            sql.SQL(
                """select s.snapshot_id from pw.snapshots s
                   where s.recalled_at is not null and s.snapshot_id in (
                       select snapshot_id from {staging} union select snapshot_id from {cores})
                   order by 1"""
            ).format(
                staging=sql.Identifier(f"staging{NEXT}", "stg_snapshots"),
                cores=sql.Identifier(f"staging{NEXT}", "stg_cores_snapshots"),
            )
        ).fetchall()
        if recalled:
            ids = ", ".join(str(row["snapshot_id"]) for row in recalled)
            raise PwError(
                f"Recalled while the marts were being built: {ids}. Build again; the marts stay as they were."
            )
        for schema in SCHEMAS:
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
            connection.execute(
                sql.SQL("alter schema {} rename to {}").format(sql.Identifier(schema + NEXT), sql.Identifier(schema))
            )
        return history.record(connection, as_of=as_of, now=now)

"""The history of findings and of builds: when each finding came into force, when it left, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from psycopg import Connection

CURED = "cured"  # the record no longer shows it
RECALLED = "recalled"  # a copy it stood on was recalled
HELD = "held"  # it can no longer be shown surely enough
WITHDRAWN = "withdrawn"  # we no longer judge by that rule


@dataclass(frozen=True)
class HistoryReport:
    """What one build changed. `recorded` false: a later day was built before, and history is not rewound."""

    recorded: bool
    opened: int
    seen_again: int
    closed: int


def record(connection: Connection[dict[str, object]], *, as_of: date, now: datetime) -> HistoryReport:
    """Books the build that stands in schema `marts`: one row of pw.mart_builds, findings opened and closed.

    Runs inside the caller's transaction, so that marts and history change together.
    """
    latest = connection.execute("select max(as_of) as as_of from pw.mart_builds").fetchone()
    rewinds = latest is not None and isinstance(latest["as_of"], date) and latest["as_of"] > as_of
    connection.execute(
        """insert into pw.mart_builds (as_of, built_at, snapshot_ids)
           select %s, %s, coalesce((select array_agg(distinct id order by id) from (
               select snapshot_id from staging.stg_snapshots
               union select snapshot_id from staging.stg_cores_snapshots) as one(id)), '{}')""",
        (as_of, now),
    )
    if rewinds:
        return HistoryReport(False, 0, 0, 0)
    closed = connection.execute(
        """update pw.finding_history h
           set closed_as_of = %(as_of)s, closed_at = %(now)s,
               closed_reason = case
                   when exists (select from pw.snapshots s
                                where s.snapshot_id = any(h.snapshot_ids) and s.recalled_at is not null)
                       then %(recalled)s
                   when not exists (select from pw.compliance_rules r where r.code = h.code and r.is_enabled)
                       then %(withdrawn)s
                   when exists (select from marts.held x where x.frn = h.frn and x.code = h.code)
                     or exists (select from marts.questions q where q.frn = h.frn and q.code = h.code) then %(held)s
                   else %(cured)s end
           where h.closed_at is null
             and not exists (select from marts.findings f where f.frn = h.frn and f.code = h.code)""",
        {"as_of": as_of, "now": now, "recalled": RECALLED, "withdrawn": WITHDRAWN, "held": HELD, "cured": CURED},
    ).rowcount
    seen_again = connection.execute(
        """update pw.finding_history h
           set last_seen_as_of = %(as_of)s, severity = f.severity, certainty = f.certainty,
               evidence = f.evidence, snapshot_ids = f.snapshot_ids
           from marts.findings f
           where h.closed_at is null and f.frn = h.frn and f.code = h.code""",
        {"as_of": as_of},
    ).rowcount
    opened = connection.execute(
        """insert into pw.finding_history
             (frn, code, severity, certainty, evidence, snapshot_ids, opened_as_of, opened_at, last_seen_as_of)
           select f.frn, f.code, f.severity, f.certainty, f.evidence, f.snapshot_ids, %(as_of)s, %(now)s, %(as_of)s
           from marts.findings f
           where not exists (select from pw.finding_history h
                             where h.closed_at is null and h.frn = f.frn and h.code = f.code)""",
        {"as_of": as_of, "now": now},
    ).rowcount
    return HistoryReport(True, opened, seen_again, closed)

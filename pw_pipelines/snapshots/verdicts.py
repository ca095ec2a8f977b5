"""Writing a verdict into the books, with the records that could not be read."""

from __future__ import annotations

from datetime import datetime

from psycopg.types.json import Jsonb

from pw_pipelines.snapshots.books import Connection
from pw_pipelines.snapshots.grading import Verdict
from pw_pipelines.snapshots.model import Snapshot, checks_as_json
from pw_pipelines.sources.report import ReadReport


def write(connection: Connection, snapshot: Snapshot, report: ReadReport, verdict: Verdict, *, now: datetime) -> None:
    """Puts the verdict in place of whatever was there, within the caller's transaction.

    The edition inside the copy becomes its vintage only when it is accepted: a rejected one keeps what was asked for.
    """
    vintage = snapshot.vintage
    if verdict.grade != "rejected":
        vintage = vintage or report.vintage
    connection.execute(
        """update pw.snapshots set vintage = %s, layout = %s, rows = %s, rejected_rows = %s, control_total = %s,
               control_source = %s, newest_on = %s, grade = %s, proves_absence = %s, reasons = %s, checks = %s,
               facts = %s, graded_at = %s
           where snapshot_id = %s""",
        (vintage, _storable(report.layout) or None, report.rows, report.reject_count, report.control_total,
         report.control_source, report.newest, verdict.grade, verdict.proves_absence,
         [_storable(reason) for reason in verdict.reasons], Jsonb(_clean(checks_as_json(verdict.checks))),
         Jsonb(_clean(report.facts)), now, snapshot.snapshot_id),
    )  # fmt: skip
    connection.execute("delete from pw.snapshot_rejects where snapshot_id = %s", (snapshot.snapshot_id,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into pw.snapshot_rejects (snapshot_id, seq, line, reason, excerpt) values (%s, %s, %s, %s, %s)",
            [
                (snapshot.snapshot_id, seq, one.line, _storable(one.reason), _storable(one.excerpt))
                for seq, one in enumerate(report.rejects, start=1)
            ],
        )


def _storable(text: str) -> str:
    """Text PostgreSQL can hold: excerpts of a broken file may have NUL characters and half characters in them."""
    return text.replace("\x00", "␀").encode("utf-8", "replace").decode()


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, dict):
        return {_storable(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(item) for item in value]
    return value

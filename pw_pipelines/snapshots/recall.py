"""Taking a snapshot back: it is no longer in force, and what was concluded from it is named.

Raw bytes stay. The findings, leads and segments that stand on it fall when the marts are rebuilt; addresses
already handed to Listmonk are withdrawn at the next reconciliation. This module says which those are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import SnapshotError, UsageError
from pw_pipelines.faults import point
from pw_pipelines.snapshots import books
from pw_pipelines.snapshots.books import Connection
from pw_pipelines.snapshots.loading import unload
from pw_pipelines.snapshots.model import Snapshot


@dataclass(frozen=True)
class Standing:
    """A finding in force that rests on the snapshot (alone or among others)."""

    frn: str
    code: str
    opened_as_of: str


@dataclass(frozen=True)
class Recipient:
    """An address the snapshot had a part in. state as in `pw.subscribers`; synced_at None: nothing had gone out."""

    email: str
    frn: str
    codes: tuple[str, ...]
    state: str
    synced_at: datetime | None

    @property
    def had_gone_out(self) -> bool:
        return self.synced_at is not None


@dataclass(frozen=True)
class RecallReport:
    """What a recalled snapshot had led to. `again`: it had been recalled before; by whom and why stays as it was."""

    snapshot: Snapshot
    again: bool
    rows_taken_out: int
    findings: tuple[Standing, ...]
    recipients: tuple[Recipient, ...]

    @property
    def findings_by_code(self) -> dict[str, int]:
        return dict(sorted(Counter(finding.code for finding in self.findings).items()))

    @property
    def gone_out(self) -> tuple[Recipient, ...]:
        """Those already handed to Listmonk, who may have had mail."""
        return tuple(one for one in self.recipients if one.had_gone_out)


def recall(db: Database, snapshot_id: str, *, by: str, reason: str, now: datetime) -> RecallReport:
    """Takes one snapshot back and says what stands on it. Doing it twice reports again and changes nothing.

    Its rows leave `core` in the same transaction; its raw bytes and its entry in the books stay. The marts must be
    rebuilt afterwards. Raises UsageError without a reason, SnapshotError for a snapshot that was never accepted.
    """
    if not reason.strip():
        raise UsageError("A recall needs a reason (--reason): it is what people read afterwards.")
    with db.connect(application="pw recall") as connection:
        snapshot = books.fetch(connection, snapshot_id, lock=True)
        if snapshot.grade in ("pending", "rejected"):
            raise SnapshotError(f"{snapshot_id} is {snapshot.grade}: it was never loaded, so nothing stands on it.")
        again = snapshot.grade == "recalled"
        taken_out = 0
        if not again:
            taken_out = unload(connection, snapshot)
            connection.execute(
                """update pw.snapshots set grade = 'recalled', proves_absence = false, recalled_at = %s,
                       recalled_by = %s, recall_reason = %s where snapshot_id = %s""",
                (now, by, reason.strip(), snapshot_id),
            )
        report = RecallReport(
            snapshot=books.fetch(connection, snapshot_id),
            again=again,
            rows_taken_out=taken_out,
            findings=_findings(connection, snapshot_id),
            recipients=_recipients(connection, snapshot_id),
        )
        point("snapshot.recall.before_commit")
    return report


def _findings(connection: Connection, snapshot_id: str) -> tuple[Standing, ...]:
    found: list[dict[str, Any]] = connection.execute(
        """select frn, code, opened_as_of from pw.finding_history
           where closed_at is null and snapshot_ids @> array[%s] order by code, frn""",
        (snapshot_id,),
    ).fetchall()
    return tuple(Standing(row["frn"], row["code"], row["opened_as_of"].isoformat()) for row in found)


def _recipients(connection: Connection, snapshot_id: str) -> tuple[Recipient, ...]:
    found: list[dict[str, Any]] = connection.execute(
        """select email, frn, codes, state, synced_at from pw.subscribers
           where snapshot_ids @> array[%s] order by email""",
        (snapshot_id,),
    ).fetchall()
    return tuple(
        Recipient(row["email"], row["frn"], tuple(row["codes"]), row["state"], row["synced_at"]) for row in found
    )

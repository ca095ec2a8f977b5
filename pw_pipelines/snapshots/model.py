"""What a snapshot is, as values: the row of `pw.snapshots` and the results of its checks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

Grade = Literal["pending", "complete", "partial", "rejected", "recalled"]
Origin = Literal["fetched", "ingested"]
GOOD: tuple[Grade, ...] = ("complete", "partial")


@dataclass(frozen=True)
class CheckResult:
    """One check of one copy. `reason` is a sentence with both numbers, whether it passed or not.

    severity: a failed `error` rejects the copy, a failed `warn` is only told.
    observed, expected: the two sides as text, for tables.
    """

    name: str
    passed: bool
    severity: Literal["error", "warn"]
    reason: str
    observed: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Snapshot:
    """One dated copy of one source; the columns of `pw.snapshots`. Times aware UTC, `as_of` America/New_York."""

    snapshot_id: str
    source: str
    as_of: date
    vintage: str | None
    fetched_at: datetime
    origin: Origin
    stated_by: str | None
    stated_total: int | None
    file_name: str | None
    subject: str
    raw_digest: str
    size_bytes: int
    media_type: str
    layout: str | None
    rows: int
    rejected_rows: int
    control_total: int | None
    control_source: str | None
    newest_on: date | None
    grade: Grade
    proves_absence: bool
    reasons: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    facts: dict[str, Any]
    graded_at: datetime | None
    loaded_at: datetime | None
    pruned_at: datetime | None
    recalled_at: datetime | None
    recalled_by: str | None
    recall_reason: str | None

    @property
    def is_good(self) -> bool:
        """Graded complete or partial: its facts may be used."""
        return self.grade in GOOD

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Snapshot:
        """From a row of `pw.snapshots` as a dictionary; columns this class does not know are left aside."""
        values = {field.name: row[field.name] for field in fields(cls)}
        values["reasons"] = tuple(values["reasons"])
        values["checks"] = tuple(CheckResult(**check) for check in values["checks"])
        return cls(**values)


def checks_as_json(checks: tuple[CheckResult, ...]) -> list[dict[str, Any]]:
    """The checks as `pw.snapshots.checks` keeps them."""
    return [asdict(check) for check in checks]

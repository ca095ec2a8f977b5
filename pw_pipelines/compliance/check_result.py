"""What a compliance check answers: plain data, the same for page, API and command line.

The field names are the JSON keys of `pw check --json` and of the API; they are a contract and stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

Answer = Literal["deficient", "nothing found", "no filing duty visible", "unknown FRN", "cannot say"]
DEFICIENT: Final = "deficient"
NOTHING_FOUND: Final = "nothing found"
NO_DUTY: Final = "no filing duty visible"
UNKNOWN_FRN: Final = "unknown FRN"
CANNOT_SAY: Final = "cannot say"

Price = Decimal | Literal["quote"] | None


@dataclass(frozen=True)
class SourceState:
    """One public record, as this answer used it.

    as_of        day the copy speaks for (America/New_York); for a live reading, the day it was read
    edition      what the source itself calls the data of the stored copy: a day (2026-11-16), a name (J25) or None
    fetched_at   when the stored copy was read; None when there is none
    live         read from the public record while answering, not from a stored copy
    grade        grade of the stored copy, None when there is none
    age_hours    age of the stored copy on the day asked about
    is_current   the stored copy is there and within its promised freshness
    is_needed    this carrier's duties cannot be judged without it
    note         one sentence: what is missing, too old, or was read just now
    """

    source: str
    title: str
    publisher: str
    landing_page: str
    as_of: date | None
    live: bool
    grade: str | None
    age_hours: float | None
    is_current: bool
    is_needed: bool
    note: str
    snapshot_id: str | None = None
    read_at: datetime | None = None
    edition: str | None = None
    fetched_at: datetime | None = None


@dataclass(frozen=True)
class Finding:
    """One rule's verdict on this carrier, with what shows it.

    certainty   `sure` read directly from the record, `probable` concluded from it
    evidence    plain words -> values, as the record has them
    price_usd   what the service that cures it costs; "quote" where it is priced case by case; None: no service
    due_on      the day it was due, business-day shifted (America/New_York)
    note        what a live reading added; empty otherwise
    is_aged     it stands on a copy older than its promised freshness
    """

    code: str
    title: str
    severity: str
    severity_rank: int
    certainty: str
    citation: str
    explanation: str
    remedy: str
    evidence: dict[str, Any]
    snapshots: list[str]
    sources: list[str]
    service: str | None
    price_usd: Price
    due_on: date | None
    note: str = ""
    is_aged: bool = False

    @property
    def is_deficiency(self) -> bool:
        """Something to mend; a finding of severity `information` is a remark."""
        return self.severity != "information" and self.certainty in {"sure", "probable"}


@dataclass(frozen=True)
class Cleared:
    """A finding of the stored copies that a live reading shows to be cured."""

    code: str
    title: str
    source: str
    why: str


@dataclass(frozen=True)
class Question:
    """What the public record cannot show and only the carrier can answer."""

    code: str
    text: str
    citation: str | None = None


@dataclass(frozen=True)
class CheckResult:
    """The whole answer.

    as_of    the day the judgement speaks for; None when there is no judgement to speak of
    summary  the answer in one careful sentence; notes: remarks on how the question was read
    unsettled  points that public data could not settle either way; they are not counted in the answer
    services codes of the services that would cure the findings, each once, most severe first
    """

    check_id: UUID
    asked: str
    frn: str
    name: str | None
    answer: Answer
    summary: str
    as_of: date | None
    checked_at: datetime
    sources: list[SourceState]
    findings: list[Finding] = field(default_factory=list)
    cleared: list[Cleared] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    duties: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    unsettled: int = 0
    is_foreign: bool = False

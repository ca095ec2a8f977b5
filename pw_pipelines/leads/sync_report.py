"""What one reconciliation found and did, for people, for `--json` and for pw.sync_runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class QuotaUse:
    """The day's quota as it stands after the run. `by_provider`: places taken today; `caps`: most for each."""

    day: date
    per_day: int
    limit: int
    used: int
    left: int
    by_provider: Mapping[str, int]
    caps: Mapping[str, int]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SyncReport:
    """Counts are addresses. Dictionaries are reason -> count.

    leads: rows of the marts; desired: addresses wanted after suppression; already_there: of these, on the list
    before; created: new in Listmonk; joined: were in Listmonk, now on the list; updated: attributes changed;
    withdrawn: taken off; unsubscribed: marked so in Listmonk; queued: waiting for the quota; strangers: on the
    list by somebody else's hand, left alone.
    """

    run_id: int
    leads: int
    desired: int
    already_there: int
    created: int
    joined: int
    updated: int
    withdrawn: Mapping[str, int]
    unsubscribed: Mapping[str, int]
    held: Mapping[str, int]
    suppressed: Mapping[str, int]
    refused: Mapping[str, int]
    queued: int
    strangers: int
    new_suppressions: int
    new_bounces: int
    quota: QuotaUse
    seconds: float

    def counts(self) -> dict[str, Any]:
        """As JSON types, without the run's number: what pw.sync_runs keeps."""
        counts = asdict(self)
        del counts["run_id"]
        counts["quota"]["day"] = self.quota.day.isoformat()
        counts["quota"]["reasons"] = list(self.quota.reasons)
        return counts

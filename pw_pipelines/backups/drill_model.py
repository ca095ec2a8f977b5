"""The words of a restore drill: what was looked at, what was found, how long it took and what would be lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pw_pipelines.errors import PwError


@dataclass(frozen=True)
class Check:
    """One thing looked at. `detail`: what was found, in sentences a person can act on; no personal data."""

    name: str
    ok: bool
    detail: str
    seconds: float = 0.0


@dataclass
class Checks:
    """What was looked at so far, in order."""

    done: list[Check] = field(default_factory=list)

    def add(self, name: str, wrong: Sequence[str] | str, good: str) -> bool:
        """One check: bad when anything is wrong."""
        sentences = [wrong] if isinstance(wrong, str) else list(wrong)
        sentences = [one for one in sentences if one]
        self.done.append(Check(name, not sentences, " ".join(sentences) if sentences else good))
        return not sentences

    @contextmanager
    def guarded(self, name: str) -> Iterator[None]:
        """A step whose failure is a failed check of this name, and the end of the step."""
        try:
            yield
        except (PwError, OSError, LookupError, ValueError) as error:
            self.add(name, str(error) or type(error).__name__, "")

    @property
    def ok(self) -> bool:
        return bool(self.done) and all(one.ok for one in self.done)

    def failed(self) -> list[Check]:
        return [one for one in self.done if not one.ok]


@dataclass(frozen=True)
class Drill:
    """How a drill went. rpo_seconds: age of the oldest change that the off-site copies do not have; None when it could
    not be measured. rto_seconds: from the first byte fetched to the last check. Times of the machine's clock.
    set_ids: what was restored. figures: counts for the report."""

    started_at: datetime
    ok: bool
    rpo_seconds: float | None
    rto_seconds: float
    checks: tuple[Check, ...]
    set_ids: tuple[str, ...]
    figures: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Of plain values, as `pw backup drill --json` prints it."""
        return {
            "ok": self.ok, "rpo_seconds": self.rpo_seconds, "rto_seconds": round(self.rto_seconds, 3),
            "checks": [{"name": one.name, "ok": one.ok, "detail": one.detail} for one in self.checks],
            "sets": list(self.set_ids), "figures": self.figures, "started_at": self.started_at.isoformat(),
        }  # fmt: skip

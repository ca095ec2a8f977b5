"""What a source's client hands over: a file on disk with the exact bytes, and how they came."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Fetched:
    """`vintage`: the edition asked for, where the source has editions. `notes`: what happened on the way, in words."""

    path: Path
    media_type: str
    vintage: str | None = None
    notes: tuple[str, ...] = field(default=())

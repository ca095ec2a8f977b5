"""What a source's client hands over: a file on disk with the exact bytes, and how they came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Fetched:
    """`vintage`: the edition asked for, where the source has editions. `notes`: what happened on the way, in words.

    as_of: the day the copy shows by the source's own words, where it has any; else the day of fetching holds.
    """

    path: Path
    media_type: str
    vintage: str | None = None
    notes: tuple[str, ...] = field(default=())
    as_of: date | None = None


def target(into: Path, name: str) -> Path:
    """Where a copy goes: `into` itself, or the file `name` in it when it is a folder."""
    return into / name if into.is_dir() else into


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A draft that becomes `path` when the block ends well, and is removed when it does not."""
    draft = path.with_name(path.name + ".part")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

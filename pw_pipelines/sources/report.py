"""What a reader found out while reading: the evidence a snapshot is graded by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Protocol

REJECTS_KEPT = 1_000  # of each snapshot, with line and reason; the count is always exact
EXCERPT_CHARACTERS = 400


@dataclass(frozen=True)
class Reject:
    """One record that could not be read: kept, never guessed at."""

    line: int
    reason: str
    excerpt: str


@dataclass
class ReadReport:
    """Filled by a reader as it goes; complete when its row iterator is exhausted.

    file_name       given to the reader: what the copy was called, where that says something (CORES: the FRN)
    rows            rows yielded
    filled          column -> rows in which it holds something
    duplicate_keys  keys met more than once (each once)
    control_total   the count the source itself states, and where it states it
    newest          newest date found inside the copy; vintage: the source's own name for this edition
    proves_absence  False where the layout is not the whole list (a single query's reply, a reference table)
    notes           what was mended on the way, in words (FRNs padded …)
    facts           anything the grader compares between snapshots (highest filing number …), JSON-able
    """

    file_name: str | None = None
    layout: str = ""
    vintage: str | None = None
    control_total: int | None = None
    control_source: str | None = None
    newest: date | None = None
    proves_absence: bool = True
    rows: int = 0
    reject_count: int = 0
    rejects: list[Reject] = field(default_factory=list)
    duplicate_keys: list[str] = field(default_factory=list)
    filled: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    def reject(self, line: int, reason: str, excerpt: str) -> None:
        """Counts a record that cannot be read and keeps the first ones with their reason."""
        self.reject_count += 1
        if len(self.rejects) < REJECTS_KEPT:
            self.rejects.append(Reject(line, reason, excerpt[:EXCERPT_CHARACTERS]))


class Reader(Protocol):
    """Reads one source. `columns` are those of `table` in schema `core`, without snapshot_id.

    Calling it yields one tuple per row in the order of `columns` and fills `report`. It reads as a stream:
    memory stays bounded whatever the file's size. Raises SourceRejected when the bytes are not this source's
    (wrong header, HTML, cut short, wrong encoding): the message says what was found and what was expected.
    """

    source: str
    table: str
    columns: tuple[str, ...]

    def __call__(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]: ...

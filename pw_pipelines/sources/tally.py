"""Counts what passes through a reader, so that each reader only says what a row is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pw_pipelines.sources.report import ReadReport


class Tally:
    """Fills `rows`, `filled`, `duplicate_keys` and `notes` of a report. Memory: one entry per distinct key."""

    def __init__(self, report: ReadReport, columns: Sequence[str], key: Sequence[str]) -> None:
        self._report = report
        self._columns = columns
        self._key = [columns.index(name) for name in key]
        self._seen: set[tuple[object, ...]] = set()
        self._doubled: set[tuple[object, ...]] = set()
        self._mended: Counter[str] = Counter()

    def take(self, row: tuple[object, ...]) -> tuple[object, ...]:
        """Counts `row` and hands it back. A key met again is told in `duplicate_keys`, once; the row still passes."""
        self._report.rows += 1
        for name, value in zip(self._columns, row, strict=True):
            if value is not None and value not in ("", []):
                self._report.filled[name] += 1
        key = tuple(row[position] for position in self._key)
        if key not in self._seen:
            self._seen.add(key)
        elif key not in self._doubled:
            self._doubled.add(key)
            self._report.duplicate_keys.append("/".join(map(str, key)))
        return row

    def mend(self, sentence: str | None, times: int = 1) -> None:
        """Something was mended on the way; `sentence` holds `{n}` where the count belongs. None: nothing was."""
        if sentence is not None and times:
            self._mended[sentence] += times

    def close(self) -> None:
        """Writes what was mended into the report's notes, in the order first met."""
        self._report.notes.extend(sentence.format(n=f"{count:,}") for sentence, count in self._mended.items())

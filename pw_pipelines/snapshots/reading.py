"""A source's reader run over raw bytes, with what no reader's row may hold looked for on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.report import Reader, ReadReport

CONTENT_DIGEST = "content_digest"  # the fact under which the digest of a copy's rows is kept
_ALL = 1 << 256


def checked_rows(reader: Reader, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
    """The reader's rows, as they come. A row with text PostgreSQL cannot hold becomes a reject: one such record
    (JSON may carry NUL characters and half characters) must not keep the other thousands from being loaded.
    """
    return (row for row, _ in _rows_and_texts(reader, raw, report))


def _rows_and_texts(reader: Reader, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[tuple[object, ...], str]]:
    """Each row that can be stored, with its `repr`."""
    for row in reader(raw, report):
        text = repr(row)
        # `repr` writes a NUL and a half character in these letters; only rows that have them are looked at closely.
        if ("\\x00" not in text and "\\ud" not in text) or all(_is_storable(value) for value in row):
            yield row, text
            continue
        column = next(name for name, value in zip(reader.columns, row, strict=True) if not _is_storable(value))
        report.rows -= 1
        report.reject(
            report.rows + report.reject_count + 1,
            f"{column} holds a NUL character or half of one, which cannot be kept as text.",
            ascii(row),
        )


def _is_storable(value: object) -> bool:
    if isinstance(value, str):
        if "\x00" in value:
            return False
        try:
            return value.isascii() or bool(value.encode())
        except UnicodeEncodeError:
            return False
    return not isinstance(value, (list, tuple)) or all(map(_is_storable, value))


def read_through(reader: Reader, raw: BinaryIO, report: ReadReport) -> str | None:
    """Reads the whole copy and keeps nothing but the report. None, or the reader's sentence when it gave up.

    A copy read to its end gets the fact `content_digest`: the sum, modulo 2**256, of the SHA-256 of each row's
    `repr` (rows are tuples of texts, numbers, days and lists of texts). It is the same whatever the order of the
    rows, their packing or their line ends, and differs with any row.
    """
    total = 0
    try:
        for _, text in _rows_and_texts(reader, raw, report):
            total += int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    except SourceRejected as error:
        return str(error)
    report.facts[CONTENT_DIGEST] = f"{total % _ALL:064x}"
    return None

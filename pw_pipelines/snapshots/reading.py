"""A source's reader run over raw bytes, with what no reader's row may hold looked for on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.report import Reader, ReadReport


def checked_rows(reader: Reader, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
    """The reader's rows, as they come. Raises SourceRejected for text PostgreSQL cannot hold (NUL characters)."""
    for row in reader(raw, report):
        for column, value in zip(reader.columns, row, strict=True):
            if isinstance(value, str) and "\x00" in value:
                raise SourceRejected(
                    f"row {report.rows:,} holds a NUL character in {column}: the file is binary or its encoding is "
                    "not the one the source uses",
                    source=reader.source,
                )
        yield row


def read_through(reader: Reader, raw: BinaryIO, report: ReadReport) -> str | None:
    """Reads the whole copy and keeps nothing but the report. None, or the reader's sentence when it gave up."""
    try:
        for _ in checked_rows(reader, raw, report):
            pass
    except SourceRejected as error:
        return str(error)
    return None

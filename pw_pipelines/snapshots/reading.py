"""A source's reader run over raw bytes, with what no reader's row may hold looked for on the way."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.body import CHUNK_BYTES, GZIP_MAGIC, MOST_UNPACKED_BYTES
from pw_pipelines.sources.report import Reader, ReadReport


def checked_rows(reader: Reader, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
    """The reader's rows, as they come. A row with text PostgreSQL cannot hold becomes a reject: one such record
    (JSON may carry NUL characters and half characters) must not keep the other thousands from being loaded.
    """
    for row in reader(raw, report):
        if all(_is_storable(value) for value in row):
            yield row
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
    """Reads the whole copy and keeps nothing but the report. None, or the reader's sentence when it gave up."""
    try:
        for _ in checked_rows(reader, raw, report):
            pass
    except SourceRejected as error:
        return str(error)
    return None


def plain_size(raw: BinaryIO) -> int:
    """Bytes of the copy itself: of a gzip body those inside, for 130 bytes are too few in whatever wrapping.

    A damaged gzip body counts what could be unpacked; one that never ends, what was unpacked when patience did.
    """
    raw.seek(0)
    wrapped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    if not wrapped:
        return raw.seek(0, 2)
    raw.seek(0)
    size = 0
    try:
        with gzip.GzipFile(fileobj=raw) as unpacked:
            while size <= MOST_UNPACKED_BYTES and (piece := unpacked.read(CHUNK_BYTES)):
                size += len(piece)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return size  # the reader says what is wrong with it
    return size

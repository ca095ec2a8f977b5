"""A stream of lines of one length as blocks of whole lines, read here or left where they stand for others to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pw_pipelines.errors import SourceRejected

BLOCK_BYTES = 2 << 20  # larger ones leave the processor's cache
LONGEST_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class Left:
    """Whole lines that were left where they stand in the stream."""

    offset: int
    length: int


def line_blocks(
    raw: BinaryIO, source: str, *, width: int, first_line: int = 1, size: int = BLOCK_BYTES
) -> Iterator[tuple[bytes, int]]:
    """(whole lines of about `size` bytes, number of their first). The last may end without a line end.

    Raises SourceRejected for a line that never ends.
    """
    for data, line in line_places(raw, source, width=width, first_line=first_line, size=size, may_leave=False):
        assert isinstance(data, bytes)
        yield data, line


def line_places(
    raw: BinaryIO, source: str, *, width: int, first_line: int = 1, size: int = BLOCK_BYTES, may_leave: bool
) -> Iterator[tuple[bytes | Left, int]]:
    """As `line_blocks`; where `may_leave`, all but the first and the last lines are left in the (seekable) stream.

    Only the ends of such a stretch are looked at: whoever reads it sees whether its lines are right. Where an end is
    not where right lines would have it, the lines are read from there on.
    """
    line, stride = first_line, width + 1
    while data := raw.read(max(size // stride, 1) * stride):
        if not data.endswith(b"\n"):
            rest = raw.readline(LONGEST_LINE_BYTES)
            if len(rest) == LONGEST_LINE_BYTES and not rest.endswith(b"\n"):
                place = line + data.count(b"\n")
                raise SourceRejected(
                    f"Line {place:,} is longer than {LONGEST_LINE_BYTES:,} bytes; records have {width:,}.",
                    source=source,
                )
            data += rest
        if line == first_line and (first := data.find(b"\n")) > 0 and data[first - 1] == 13:
            stride = width + 2  # blocks then end where records end, and need no second read
        yield data, line
        line += data.count(b"\n")
        if may_leave:
            may_leave = False
            for left in _left(raw, data[-stride:], stride, max(size // stride, 1) * stride):
                yield left, line
                line += left.length // stride


def _left(raw: BinaryIO, last: bytes, stride: int, size: int) -> Iterator[Left]:
    """Stretches of `size` bytes from the stream's position on, as long as lines end at their ends; the stream then
    stands behind the last. last: the line before, as its length and end say what a right one is."""
    line_end = last[-2:] if last.endswith(b"\r\n") else last[-1:]
    if len(last) != stride or not last.endswith(b"\n"):
        return
    offset = raw.tell()
    end = raw.seek(0, 2)
    while offset + size <= end - stride:  # the last lines are read: they may be cut short
        raw.seek(offset + size - len(line_end))
        if raw.read(len(line_end)) != line_end:
            break
        yield Left(offset, size)
        offset += size
    raw.seek(offset)

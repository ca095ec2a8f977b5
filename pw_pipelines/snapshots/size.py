"""How large a copy is inside its wrapping, looked at before any reader is let near it.

A few kilobytes of gzip or ZIP may unpack to terabytes. What is counted here is what comes out when it is unpacked,
not what the wrapping says of itself; counting ends as soon as the answer is "too much".
"""

from __future__ import annotations

import gzip
import struct
import tempfile
import zipfile
import zlib
from typing import BinaryIO, cast

from pw_pipelines.sources.body import CHUNK_BYTES, GZIP_MAGIC, ZIP_MAGICS

_LOCAL_HEADER = struct.Struct("<26xHH")  # of a ZIP's member: ends with the lengths of its name and of an extra field
_NESTED = 2  # wrappings inside a wrapping that a reader opens: a gzip body or a bundle, and the ZIP inside it
_IN_MEMORY_BYTES = 8 << 20
_RAW_DEFLATE = -zlib.MAX_WBITS


def plain_size(raw: BinaryIO, *, most: int) -> int:
    """Bytes of the copy itself: of a gzip body those inside, for 130 bytes are too few in whatever wrapping.

    Counts no further than just over `most`. A damaged gzip body counts what could be unpacked.
    """
    if _head(raw)[: len(GZIP_MAGIC)] != GZIP_MAGIC:
        return raw.seek(0, 2)
    size = 0
    try:
        with gzip.GzipFile(fileobj=raw) as unpacked:
            while size <= most and (piece := unpacked.read(CHUNK_BYTES)):
                size += len(piece)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return size  # the reader says what is wrong with it
    return size


def unpacked_size(raw: BinaryIO, *, most: int) -> int:
    """Bytes a reader would meet: of a gzip body those inside; of a ZIP (or a workbook, which is one) all members',
    whichever is more of what they state and what they unpack to, ZIPs among them unpacked too.

    Counts no further than just over `most`. What is damaged counts as far as it could be unpacked.
    """
    return _unpacked(raw, most, _NESTED)


def _unpacked(raw: BinaryIO, most: int, nested: int) -> int:
    head = _head(raw)
    if head in ZIP_MAGICS:
        return _zip_size(raw, most, nested)
    if head[: len(GZIP_MAGIC)] != GZIP_MAGIC or not nested:
        return raw.seek(0, 2)
    with gzip.GzipFile(fileobj=raw) as unpacked:
        return _of_stream(unpacked, most, nested - 1)


def _head(raw: BinaryIO) -> bytes:
    raw.seek(0)
    head = raw.read(4)
    raw.seek(0)
    return head


def _of_stream(stream: object, most: int, nested: int) -> int:
    """The bytes of `stream`, or of what is wrapped in them if that is more."""
    readable = cast("BinaryIO", stream)
    size = 0
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as kept:
        keep = False
        try:
            while size <= most and (piece := readable.read(CHUNK_BYTES)):
                keep = keep or (size == 0 and piece[:4] in ZIP_MAGICS)
                size += len(piece)
                if keep:
                    kept.write(piece)
        except (EOFError, OSError, zlib.error):
            return size  # gzip.BadGzipFile is an OSError; the reader says what is wrong
        if not keep or size > most or not nested:
            return size
        return max(size, _zip_size(cast("BinaryIO", kept), most, nested - 1))


def _zip_size(raw: BinaryIO, most: int, nested: int) -> int:
    size = 0
    try:
        with zipfile.ZipFile(raw) as archive:
            members = archive.infolist()
            stated = sum(member.file_size for member in members)
            if stated > most:
                return stated
            for member in members:
                size += max(member.file_size, _member_size(raw, archive, member, most - size, nested))
                if size > most:
                    break
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError, struct.error):
        return max(size, raw.seek(0, 2))  # the reader says what is wrong with it
    return size


def _member_size(raw: BinaryIO, archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, nested: int) -> int:
    """What one member unpacks to. Python's own reader stops at the stated size; others go on, so deflate is counted."""
    if member.compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        with archive.open(member) as stream:
            return _of_stream(stream, most, nested)
    raw.seek(member.header_offset)
    name, extra = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
    raw.seek(name + extra, 1)
    return _of_stream(_Member(raw, member), most, nested)


class _Member:
    """The bytes of one member as they unpack, from where `raw` stands."""

    def __init__(self, raw: BinaryIO, member: zipfile.ZipInfo) -> None:
        self._raw = raw
        self._left = member.compress_size
        self._inflate = zlib.decompressobj(_RAW_DEFLATE) if member.compress_type == zipfile.ZIP_DEFLATED else None

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        while True:
            packed = self._inflate.unconsumed_tail if self._inflate else b""
            if not packed:
                packed = self._raw.read(min(CHUNK_BYTES, self._left))
                self._left -= len(packed)
            if self._inflate is None or not packed:
                return packed
            if piece := self._inflate.decompress(packed, size):
                return piece
            if self._inflate.eof:
                return b""

"""ZIP archives compressed by Deflate64 (method 9), as Florida packs its quarterly files. Few libraries open them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import BinaryIO

METHOD = 9
_VERSION = 21
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_PIECE = 1 << 20


def write_zip(path: Path, members: Iterable[tuple[str, Iterable[bytes]]], on: date) -> None:
    """`members` in order, each of less than 4 GiB; memory stays bounded."""
    day = (on.year - 1980) << 9 | on.month << 5 | on.day
    entries: list[tuple[bytes, int, int, int, int]] = []
    with path.open("wb") as sink:
        for name, lines in members:
            start = sink.tell()
            sink.write(_LOCAL.pack(b"PK\3\4", _VERSION, 0, METHOD, 0, day, 0, 0, 0, len(name), 0) + name.encode())
            crc, packed, plain = _compress(sink, lines)
            end = sink.tell()
            sink.seek(start)
            sink.write(_LOCAL.pack(b"PK\3\4", _VERSION, 0, METHOD, 0, day, crc, packed, plain, len(name), 0))
            sink.seek(end)
            entries.append((name.encode(), crc, packed, plain, start))
        begin = sink.tell()
        for encoded, crc, packed, plain, start in entries:
            sink.write(_CENTRAL.pack(b"PK\1\2", _VERSION, _VERSION, 0, METHOD, 0, day, crc, packed, plain,
                                     len(encoded), 0, 0, 0, 0, 0, start) + encoded)  # fmt: skip
        size = sink.tell() - begin
        sink.write(_END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), size, begin, 0))


def _compress(sink: BinaryIO, lines: Iterable[bytes]) -> tuple[int, int, int]:
    """(CRC-32, bytes written, bytes read)."""
    import inflate64

    deflater = inflate64.Deflater()
    crc = packed = plain = 0
    waiting = bytearray()

    def put(piece: bytes) -> None:
        nonlocal crc, packed, plain
        crc, plain = zlib.crc32(piece, crc), plain + len(piece)
        packed += sink.write(deflater.deflate(piece))

    for line in lines:
        waiting += line
        if len(waiting) >= _PIECE:
            put(bytes(waiting))
            waiting.clear()
    put(bytes(waiting))
    packed += sink.write(deflater.flush())
    return crc, packed, plain

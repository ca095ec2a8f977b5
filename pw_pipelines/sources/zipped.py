"""Members of a ZIP read as streams: stored, Deflate, and Deflate64, which Python's zipfile does not open.

Memory stays bounded whatever a member's size. Length and CRC-32 are checked against the directory at the end.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from datetime import date
from typing import BinaryIO, Protocol, cast

import inflate64

from pw_pipelines.errors import SourceRejected

STORED, DEFLATED, DEFLATED64 = 0, 8, 9
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_CHUNK_BYTES = 1 << 13  # Deflate64 can unpack a byte to 30 kB; ordinary text to 4 to 20
LOOK_BYTES = 1 << 16
_LOOK_CHUNK_BYTES = 1 << 6  # a look is made at any file at all: 64 bytes are at most 2 MB of Deflate64
_ENCRYPTED = 0x1
OLDEST_REAL_YEAR = 1995  # writers that keep no time write 1980


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...

    def inflate(self, data: bytes) -> bytes: ...


class _Deflate:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(-15)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    def inflate(self, data: bytes) -> bytes:
        return self._zlib.decompress(data)


class _Stored:
    eof = True  # its end is the directory's

    def inflate(self, data: bytes) -> bytes:
        return data


def _inflater(method: int) -> _Inflater:
    if method == DEFLATED64:
        return cast("_Inflater", inflate64.Inflater())
    return _Deflate() if method == DEFLATED else _Stored()


def members(raw: BinaryIO, source: str) -> list[zipfile.ZipInfo]:
    """The files of a ZIP in its directory's order, without folders. Raises SourceRejected when it has no directory."""
    try:
        with zipfile.ZipFile(raw) as archive:
            return [one for one in archive.infolist() if not one.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceRejected(
            f"The ZIP has no readable directory ({error}): the file was cut short, or is no ZIP.", source=source
        ) from error


def base_name(member: zipfile.ZipInfo) -> str:
    """The member's file name without folders."""
    return member.filename.replace("\\", "/").rsplit("/", 1)[-1]


def first_look(head: bytes) -> tuple[str, bytes]:
    """(name, first bytes unpacked) of the first member, from a ZIP's first bytes alone; empty where unreadable.

    At most LOOK_BYTES, and little more is unpacked, whatever the member would unpack to.
    """
    if len(head) < _LOCAL_HEADER.size or head[:4] != b"PK\x03\x04":
        return "", b""
    method, length, extra = (int.from_bytes(head[at : at + 2], "little") for at in (8, 26, 28))
    name = head[30 : 30 + length].decode("cp437").replace("\\", "/").rsplit("/", 1)[-1]
    try:
        return name, _first_bytes(method, head[30 + length + extra :])
    except (zlib.error, ValueError, EOFError):
        return name, b""


def _first_bytes(method: int, packed: bytes) -> bytes:
    if method not in (DEFLATED, DEFLATED64):
        return packed[:LOOK_BYTES]
    inflater, out = _inflater(method), bytearray()
    for at in range(0, len(packed), _LOOK_CHUNK_BYTES):
        out += inflater.inflate(packed[at : at + _LOOK_CHUNK_BYTES])
        if len(out) >= LOOK_BYTES or inflater.eof:
            break
    return bytes(out[:LOOK_BYTES])


def oldest_day(found: list[zipfile.ZipInfo]) -> date | None:
    """The day of the oldest member; None where the ZIP keeps no times."""
    days = []
    for one in found:
        try:
            days.append(date(*one.date_time[:3]))
        except ValueError:
            return None
    day = min(days, default=None)
    return day if day and day.year >= OLDEST_REAL_YEAR else None


class _Member(io.RawIOBase):
    def __init__(self, raw: BinaryIO, member: zipfile.ZipInfo, source: str) -> None:
        self._raw, self._member, self._source = raw, member, source
        self._at = self._begin()
        self._left = member.compress_size
        self._inflater = _inflater(member.compress_type)
        self._out = memoryview(b"")
        self._count, self._crc = 0, 0

    def _begin(self) -> int:
        member = self._member
        if member.flag_bits & _ENCRYPTED:
            raise self._refused("is encrypted")
        if member.compress_type not in (STORED, DEFLATED, DEFLATED64):
            raise self._refused(f"is packed by method {member.compress_type}; 0, 8 and 9 (Deflate64) can be read")
        self._raw.seek(member.header_offset)
        header = self._raw.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
            raise self._refused("does not begin where the directory says: the ZIP is damaged")
        fields = _LOCAL_HEADER.unpack(header)
        return int(member.header_offset + _LOCAL_HEADER.size + fields[9] + fields[10])

    def _refused(self, what: str) -> SourceRejected:
        return SourceRejected(f"{self._member.filename} in the ZIP {what}.", source=self._source)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        while not self._out and self._left:
            self._fill()
        if not self._out:
            self._finish()
            return 0
        given = min(len(view), len(self._out))
        view[:given] = self._out[:given]
        self._out = self._out[given:]
        return given

    def _fill(self) -> None:
        self._raw.seek(self._at)  # others may read from the same stream
        chunk = self._raw.read(min(_CHUNK_BYTES, self._left))
        if not chunk:
            raise self._refused(f"ends {self._left:,} bytes early: cut short")
        self._at += len(chunk)
        self._left -= len(chunk)
        try:
            out = self._inflater.inflate(chunk)
        except (zlib.error, ValueError, EOFError) as error:
            raise self._refused(f"cannot be unpacked ({error}): the file is damaged") from error
        self._count += len(out)
        if self._count > self._member.file_size:
            raise self._refused(f"unpacks to more than the {self._member.file_size:,} bytes its directory states")
        self._crc = zlib.crc32(out, self._crc)
        self._out = memoryview(out)

    def _finish(self) -> None:
        if not self._inflater.eof or self._count != self._member.file_size:
            raise self._refused(f"unpacks to {self._count:,} of {self._member.file_size:,} bytes: cut short")
        if self._crc != self._member.CRC:
            raise self._refused(f"has the CRC {self._crc:08x}, not {self._member.CRC:08x}: the file is damaged")


def open_member(raw: BinaryIO, member: zipfile.ZipInfo, source: str) -> io.BufferedReader:
    """The member's bytes as a stream. It raises SourceRejected where they are cut short, damaged or not readable."""
    return io.BufferedReader(_Member(raw, member, source), 1 << 16)

"""The first look at bytes that claim to be a source: gzip opened, HTML told apart, text decoded, CSV cut into records.

Everything here reads as a stream and raises SourceRejected with what was found and what was expected.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import html
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

from pw_pipelines.errors import SourceRejected

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
ZIP_MAGICS = (ZIP_MAGIC, b"PK\x05\x06")  # the second: a ZIP without members
CHUNK_BYTES = 1 << 16
LONGEST_LINE_CHARACTERS = 1 << 20  # longest cell seen: 15,753 (previous DBA names, January 2025)
csv.field_size_limit(LONGEST_LINE_CHARACTERS)  # Python's own limit is 131,072; one for the whole process, on purpose
MOST_COUNTED = 1 << 53  # beyond, a JSON number is no longer exact; PostgreSQL's bigint holds sums of some hundreds
MOST_UNPACKED_BYTES = 1 << 30  # sixteen times the largest source (499 XML, 63.8 MB): a bomb, not a record
_PEEK_BYTES = 4096

_HTML = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def peek(raw: BinaryIO, size: int = _PEEK_BYTES) -> bytes:
    """The first bytes of a seekable stream, which stays at its start. Raises SourceRejected for one that is not."""
    try:
        raw.seek(0)
        head = raw.read(size)
        raw.seek(0)
    except io.UnsupportedOperation as error:
        raise SourceRejected(
            "This is no regular file but a pipe or a device, which can be read only once; save it to a file first."
        ) from error
    return head


def counted(digits: str) -> int | None:
    """The number of records that these ASCII digits state; None where no register has as many (over 2^53)."""
    plain = digits.lstrip("0") or "0"
    if len(plain) > len(str(MOST_COUNTED)) or (count := int(plain)) > MOST_COUNTED:  # int() fails at 4,301 digits
        return None
    return count


def is_html(head: bytes) -> bool:
    """Whether these first bytes begin an HTML page."""
    return _HTML.match(head) is not None


def title(page: bytes) -> str:
    """The words of an HTML page's title, blanks single; `no title` when it has none."""
    found = _TITLE.search(page)
    words = " ".join(html.unescape(found.group(1).decode("utf-8", "replace")).split()) if found else ""
    return words[:120] or "no title"


def refuse_html(head: bytes, source: str, expected: str) -> None:
    """Raises SourceRejected when the bytes begin an HTML page: portals answer maintenance with status 200."""
    if is_html(head):
        raise SourceRejected(f"HTML page instead of {expected}: {title(head)}.", source=source)


class _Unpacked(io.RawIOBase):
    """A gzip body, unpacked as it is read; a broken or endless one is SourceRejected."""

    def __init__(self, raw: BinaryIO, source: str) -> None:
        self._gzip = gzip.GzipFile(fileobj=raw)
        self._source = source
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        try:
            chunk = self._gzip.read(len(view))
        except EOFError as error:
            raise SourceRejected(
                f"The gzip body ends early, after {self._count:,} unpacked bytes: cut short.", source=self._source
            ) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise SourceRejected(f"The gzip body is damaged ({error}).", source=self._source) from error
        self._count += len(chunk)
        if self._count > MOST_UNPACKED_BYTES:
            raise SourceRejected(
                f"The gzip body unpacks to more than {MOST_UNPACKED_BYTES:,} bytes.", source=self._source
            )
        view[: len(chunk)] = chunk
        return len(chunk)


def opened(raw: BinaryIO, source: str) -> tuple[BinaryIO, bytes]:
    """The stream to read (gzip unpacked when the magic bytes say so) and its first bytes, not yet consumed.

    Raises SourceRejected when there is nothing in it.
    """
    if peek(raw, 2) == GZIP_MAGIC:
        unpacked = io.BufferedReader(_Unpacked(raw, source), CHUNK_BYTES)
        stream, head = cast("BinaryIO", unpacked), unpacked.peek(_PEEK_BYTES)[:_PEEK_BYTES]
    else:
        stream, head = raw, peek(raw)
    if not head:
        raise SourceRejected("The file is empty: 0 bytes.", source=source)
    return stream, head


class Records:
    """CSV records of a UTF-8 stream, with line numbers; strict about quotes, encoding and a cut end.

    `has_bom` is known once the first record was read; `ends_whole` once the last one was: whether the file
    ended with a line break.
    """

    def __init__(self, stream: BinaryIO, source: str) -> None:
        self._stream = stream
        self._source = source
        self.has_bom = False
        self.ends_whole = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """(line on which the record ends, cells). Blank lines are skipped."""
        reader = csv.reader(self._lines(), strict=True)
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except csv.Error as error:
            what = str(error)
            if "unexpected end of data" in what:
                what = "a quoted cell is never closed: the file was cut short, or a quote is missing"
            elif "field limit" in what:
                what = f"a cell is longer than {LONGEST_LINE_CHARACTERS:,} characters: a closing quote is missing"
            elif "expected after" in what:
                what = "text follows a closing quote: a quote inside a cell is not doubled, or one is missing"
            raise SourceRejected(f"Line {reader.line_num:,}: {what}.", source=self._source) from error

    def _lines(self) -> Iterator[str]:
        """Lines with their line feeds. Only a line feed ends a line: other separators occur inside cells."""
        rest = ""
        for piece in self._decoded():
            parts = (rest + piece).split("\n")
            rest = parts.pop()
            if len(rest) > LONGEST_LINE_CHARACTERS:
                raise SourceRejected(
                    f"A line is longer than {LONGEST_LINE_CHARACTERS:,} characters: this is not a CSV file.",
                    source=self._source,
                )
            for part in parts:
                yield part + "\n"
        self.ends_whole = not rest
        if rest:
            yield rest

    def _decoded(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        offset = 0
        while True:
            chunk = self._stream.read(CHUNK_BYTES)
            held = len(decoder.getstate()[0])
            try:
                piece = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                place = offset - held + error.start
                why = "ends inside a character: cut short" if not chunk else f"found 0x{error.object[error.start]:02x}"
                raise SourceRejected(
                    f"Not UTF-8 at byte {place:,} ({why}). Save the file as it was sent, without converting it.",
                    source=self._source,
                ) from error
            if offset == 0 and piece.startswith("\ufeff"):
                self.has_bom, piece = True, piece[1:]
            offset += len(chunk)
            if piece:
                yield piece
            if not chunk:
                return


def match_header(found: Sequence[str], layouts: dict[str, tuple[str, ...]], source: str, what: str, where: str) -> str:
    """The name of the layout whose columns `found` are, in order. `what`: the thing's name; `where`: its reader.

    Otherwise raises SourceRejected that says which column is renamed, missing, unknown, doubled or moved,
    against the nearest layout.
    """
    for name, columns in layouts.items():
        if tuple(found) == columns:
            return name
    wanted = min(layouts.values(), key=lambda columns: len(set(columns) ^ set(found)))
    missing = [column for column in wanted if column not in found]
    unknown = [column for column in found if column not in wanted]
    doubled = sorted({column for column in found if list(found).count(column) > 1})
    mend = f"If the source really changed, add the layout in {where}."
    if _ends_inside(found, wanted):
        problem = f"The {what} ends inside its header, after {len(found)} columns: cut short."
        raise SourceRejected(problem, source=source)
    if not set(wanted) & set(found):
        shown = ",".join(found)[:80]
        problem = f"The first line is not the header of the {what}: found {shown!r}, expected {','.join(wanted)[:80]}…"
    elif doubled:
        problem = f"Column twice in the header of the {what}: {', '.join(doubled)}."
    elif (
        unknown
        and len(missing) == len(unknown)
        and [list(found).index(c) for c in unknown] == [wanted.index(c) for c in missing]
    ):
        pairs = ", ".join(f"`{old}` is now `{new}`" for old, new in zip(missing, unknown, strict=True))
        problem = f"Header renamed in the {what}: {pairs}."
    elif missing or unknown:
        parts = [f"column missing: {', '.join(missing)}"] if missing else []
        parts += [f"unknown column: {', '.join(unknown)}"] if unknown else []
        problem = f"The header of the {what} differs: {'; '.join(parts)}."
    else:
        place = next(i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
        problem = (
            f"Column order changed in the {what}: column {place + 1} is `{found[place]}`, expected `{wanted[place]}`."
        )
    raise SourceRejected(f"{problem} {mend}", source=source)


def _ends_inside(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether `found` is the beginning of `wanted`, broken off within a name."""
    last = len(found) - 1
    return (
        last < len(wanted)
        and tuple(found[:last]) == tuple(wanted[:last])
        and found[last] != wanted[last]
        and wanted[last].startswith(found[last])
    )

"""Fixed-width records, byte for byte: the layout as data, blocks of lines (sources/lines.py) cut into columns.

A record is a line of exactly the layout's length. A line of any other length is a reject; it moves nothing else.
Blocks in which every line is right are cut by position alone; in any other the right lines are picked out first.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from importlib import resources
from itertools import repeat
from typing import Literal

from pw_pipelines import native
from pw_pipelines.errors import ConfigError, SourceRejected
from pw_pipelines.sources.report import EXCERPT_CHARACTERS, REJECTS_KEPT, Reject

_CONTROLS = {**dict.fromkeys([*range(32), 0x7F, 0xA0], " ")}
_C1 = {code: bytes([code]).decode("cp1252", "replace").replace("�", " ") for code in range(0x80, 0xA0)}
_PRINTED = {**_CONTROLS, **_C1}
_END_OF_FILE_MARK = b"\x1a"


@dataclass(frozen=True)
class Layout:
    """A record's fields by name, as slices from 0; `length` in bytes without the line end."""

    name: str
    length: int
    fields: dict[str, slice]

    def __getitem__(self, name: str) -> slice:
        return self.fields[name]


@cache
def layout(name: str) -> Layout:
    """The layout `layouts/<name>.csv` (columns field, start from 1, length, …).

    Raises ConfigError when a field does not begin where the one before it ends.
    """
    text = (resources.files("pw_pipelines.sources") / "layouts" / f"{name}.csv").read_text(encoding="utf-8")
    fields: dict[str, slice] = {}
    end = 0
    for row in csv.DictReader(text.splitlines()):
        start, length = int(row["start"]) - 1, int(row["length"])
        if start != end or length < 1 or row["field"] in fields:
            raise ConfigError(f"sources/layouts/{name}.csv: field {row['field']!r} must begin at {end + 1}, once.")
        end = start + length
        fields[row["field"]] = slice(start, end)
    return Layout(name, end, fields)


Written = str | bytes
"""A field as it stands in the record; bytes are latin-1."""


class Known(dict[Written, str | None]):
    """A field whose values repeat -> what it says, kept, so that each is read once and shared. See `_read`.

    doubtful: those that held more than they say, which is noted for every record.
    """

    LARGEST = 200_000  # no field of days, codes or cities has more; memory is bounded where it is something else

    def __init__(self) -> None:
        super().__init__()
        self.doubtful: set[Written] = set()

    def __missing__(self, field: Written) -> str | None:
        if len(self) >= self.LARGEST:
            self.clear()
            self.doubtful.clear()
        self[field] = said = self._read(field)
        return said

    def _read(self, field: Written) -> str | None:
        raise NotImplementedError

    @cached_property
    def quick(self) -> native.records.Repeating:
        return native.records.Repeating(self, self.doubtful)


class Dates(Known):
    """Eight digits -> ISO date; None: blank, zeros, nines (no end), no day. Doubtful: neither empty nor a day."""

    def __init__(self, order: Literal["mdy", "ymd"], *, also: Literal["mdy", "ymd"] | None = None) -> None:
        """`order`: `mdy` (MMDDYYYY) or `ymd`; `also`: the order tried where the first gives no day."""
        super().__init__()
        self._orders = (order, *([also] if also else []))

    def _read(self, field: Written) -> str | None:
        written = _text(field)
        found = next((day for order in self._orders if (day := _day(written, order))), None)
        if found is None and written.strip("0 \0") and written.strip("9"):
            self.doubtful.add(field)
        return found


class Repeated(Known):
    """Cities, codes -> without the blanks around them, None when blank. Doubtful: bytes that cannot be printed."""

    def _read(self, field: Written) -> str | None:
        clean = _text(field).strip()
        if not clean.isprintable():
            mended = printable(clean)
            if clean.strip("\0 ") != mended:
                self.doubtful.add(field)
            clean = mended
        return clean or None


def _text(field: Written) -> str:
    return field if isinstance(field, str) else field.decode("latin-1")


@dataclass(frozen=True)
class _Whole:
    """A block whose lines are all right, from which compiled code cuts single fields."""

    data: bytes
    stride: int
    upto: int

    def records(self) -> list[str]:
        text = self.data.decode("latin-1")
        return [text[at : at + self.upto] for at in range(0, len(text), self.stride)]


@dataclass
class Sheet:
    """The right records of one block, latin-1, so that characters are bytes; cut off after the last field asked for.

    lines: line number of each record; None: they follow each other from the block's first.
    """

    found: list[str] | _Whole
    read: int
    first_line: int
    lines: list[int] | None = None
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def records(self) -> list[str]:
        if isinstance(self.found, _Whole):
            self.found = self.found.records()
        return self.found

    def _read(self, where: slice, known: Known) -> tuple[list[str | None], int]:
        """One field of every record as `known` reads it, and how many are doubtful."""
        if isinstance(self.found, _Whole) and native.IS_COMPILED:
            return known.quick.column(self.found.data, self.found.stride, where.start, where.stop)
        found, doubtful = [], 0
        for record in self.records:
            found.append(known[record[where]])
            doubtful += record[where] in known.doubtful  # at once: it forgets when it is full
        return found, doubtful

    def column(self, where: slice) -> list[str]:
        """One field of every record, without the blanks around it; bytes that cannot be printed are mended, noted."""
        if isinstance(self.found, _Whole) and native.IS_COMPILED:
            plain = native.records.texts(self.found.data, self.found.stride, where.start, where.stop)
            if plain is not None:
                return plain
        found = [record[where].strip() for record in self.records]
        if "".join(found).isprintable():
            return found
        mended = [one if one.isprintable() else printable(one) for one in found]
        self._note_odd(sum(1 for one, clean in zip(found, mended, strict=True) if one.strip("\0 ") != clean))
        return mended

    def repeated(self, where: slice, known: Repeated) -> list[str | None]:
        """Like `column` for a field whose values repeat; None when blank."""
        found, odd = self._read(where, known)
        self._note_odd(odd)
        return found

    def dates(self, where: slice, known: Dates, what: str) -> list[str | None]:
        """A field of dates as ISO text; what is no day is None, noted by its name."""
        found, wrong = self._read(where, known)
        if wrong:
            self.note(f"{{n}} records have no possible {what}; kept without it", wrong)
        return found

    def _note_odd(self, count: int) -> None:
        if count:
            self.note("{n} fields held bytes that cannot be printed; read as blanks or Windows-1252", count)

    def line(self, position: int) -> int:
        return self.first_line + position if self.lines is None else self.lines[position]

    def note(self, what: str, count: int) -> None:
        self.notes[what] = self.notes.get(what, 0) + count

    def refuse(self, reasons: dict[int, str]) -> None:
        """Takes records (position -> reason) out of the sheet; cut the columns again afterwards."""
        self.rejected += len(reasons)
        self.rejects += [
            Reject(self.line(place), reason, _shown(self.records[place])) for place, reason in sorted(reasons.items())
        ]
        self.rejects = sorted(self.rejects, key=lambda one: one.line)[:REJECTS_KEPT]
        kept = [place for place in range(len(self.records)) if place not in reasons]
        self.lines = [self.line(place) for place in kept]
        self.found = [self.records[place] for place in kept]


def printable(text: str) -> str:
    """NUL and other control characters become blanks; 80 to 9F, not printable in latin-1, are read as Windows-1252."""
    return text.translate(_PRINTED).strip()


def sheet(
    data: bytes,
    width: int,
    first_line: int = 1,
    *,
    upto: int | None = None,
    least: int | None = None,
) -> Sheet:
    """The records of one block of lines, LF or CRLF. Lines of another length than `width` are rejects.

    upto: where the last field of interest ends; records are kept up to there.
    least: where publishers take off the blanks at the end of lines: the bytes that are always there. Such lines are
    accepted only in a block whose lines all have theirs taken off.
    """
    stride = native.records.stride_of(data, width) if native.IS_COMPILED else _stride(data, width)
    if not stride:
        return _picked(data, width, first_line, upto or width, least or width)
    return Sheet(_Whole(data, stride, upto or width), len(data) // stride, first_line)


def _stride(data: bytes, width: int) -> int:
    """Bytes from one record to the next when every line is right and ends alike; 0 otherwise."""
    for end in (b"\n", b"\r\n"):
        stride = width + len(end)
        count, over = divmod(len(data), stride)
        if over or data[width::stride] != end[:1] * count or data[stride - 1 :: stride] != b"\n" * count:
            continue
        # From each record's first byte the next line end is its own: quicker than counting them, and nothing is copied.
        starts = range(0, len(data), stride)
        if list(map(data.find, repeat(b"\n"), starts)) != list(range(stride - 1, len(data), stride)):
            return 0
        if end == b"\n":
            return 0 if b"\r" in data else stride
        ends = list(map(data.find, repeat(b"\r"), starts))
        return stride if ends == list(range(width, len(data), stride)) else 0
    return 0


def _picked(data: bytes, width: int, first_line: int, upto: int, least: int) -> Sheet:
    lines = data.split(b"\n")
    is_ended = not lines[-1]
    if is_ended:
        lines.pop()
    if least < width and any(line.removesuffix(b"\r").endswith(b" ") for line in lines):
        least = width
    places: list[int] = []
    records: list[str] = []
    found = Sheet(records, 0, first_line, lines=places)
    for number, line in enumerate(lines, first_line):
        record = line.removesuffix(b"\r")
        if least <= len(record) <= width and b"\r" not in record:
            records.append(record[:upto].decode("latin-1").ljust(upto))
            places.append(number)
            continue
        if record in (b"", _END_OF_FILE_MARK):
            found.note("{n} empty lines", 1)
            continue
        found.rejected += 1
        if len(found.rejects) < REJECTS_KEPT:
            is_last = number == first_line + len(lines) - 1 and not is_ended
            found.rejects.append(Reject(number, _why(record, width, is_last), excerpt(record)))
    found.read = len(records) + found.rejected
    return found


def _why(record: bytes, width: int, is_last: bool) -> str:
    if len(record) == width:
        return "a carriage return stands inside the record"
    if is_last and len(record) < width:
        return f"the file ends inside this record, after {len(record):,} of {width:,} bytes: cut short"
    return f"the record has {len(record):,} bytes, not {width:,}"


def excerpt(record: bytes) -> str:
    """The first bytes of a record for people, control bytes written as \\x00."""
    return _shown(record[:EXCERPT_CHARACTERS].decode("latin-1"))


def _shown(text: str) -> str:
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)[:EXCERPT_CHARACTERS]


def refuse_other_widths(head: bytes, width: int, source: str, known: dict[int, str]) -> None:
    """Raises SourceRejected when none of the first lines is a record. `known`: other widths and what they are."""
    lines = head.split(b"\n")
    whole = lines[:-1] or lines
    widths = [len(line.removesuffix(b"\r")) for line in whole]
    if width in widths or not head:
        return
    found = max(set(widths), key=widths.count)
    if len(lines) == 1:
        what = f"no line ends within the first {len(head):,} bytes"
    else:
        what = f"lines have {found:,} bytes" + (f" ({known[found]})" if found in known else "")
    raise SourceRejected(f"Records of {width:,} bytes were expected; {what}: {excerpt(head)[:60]!r}.", source=source)


def _day(written: str, order: str) -> str | None:
    if len(written) != 8 or not (written.isascii() and written.isdigit()):
        return None
    year, month, day = (
        (written[4:], written[:2], written[2:4]) if order == "mdy" else (written[:4], written[4:6], written[6:])
    )
    try:
        return date(int(year), int(month), int(day)).isoformat() if int(year) >= 1600 else None
    except ValueError:
        return None

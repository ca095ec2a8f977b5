"""Fixed-width records, byte for byte: the layout as data, blocks of lines (sources/lines.py) cut into columns.

A record is a line of exactly the layout's length. A line of any other length is a reject; it moves nothing else.
Blocks in which every line is right are cut by position alone; in any other the right lines are picked out first and
then cut by the same code, so both ways give the same.
"""

from __future__ import annotations

import csv
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from itertools import repeat
from typing import Literal

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


class Dates(dict[Written, str | None]):
    """Eight digits -> ISO date, kept because registers repeat their days; None: blank, zeros, nines (no end), no day.

    wrong: those that are neither empty nor a day.
    """

    LARGEST = 200_000

    def __init__(self, order: Literal["mdy", "ymd"], *, also: Literal["mdy", "ymd"] | None = None) -> None:
        """`order`: `mdy` (MMDDYYYY) or `ymd`; `also`: the order tried where the first gives no day."""
        super().__init__()
        self._orders = (order, *([also] if also else []))
        self.wrong: set[Written] = set()

    def __missing__(self, field: Written) -> str | None:
        written = _text(field)
        if len(self) >= self.LARGEST:  # no register has so many days: this is no date field, and memory is bounded
            self.clear()
            self.wrong.clear()
        found = next((day for order in self._orders if (day := _day(written, order))), None)
        if found is None and written.strip("0 \0") and written.strip("9"):
            self.wrong.add(field)
        self[field] = found
        return found


class Repeated(dict[Written, str | None]):
    """A field whose values repeat (cities, codes) -> without blanks, None when blank; kept, so that each is cleaned
    once and shared. `odd`: those that held bytes which cannot be printed."""

    LARGEST = 200_000

    def __init__(self) -> None:
        super().__init__()
        self.odd: set[Written] = set()

    def __missing__(self, field: Written) -> str | None:
        if len(self) >= self.LARGEST:
            self.clear()
            self.odd.clear()
        clean = _text(field).strip()
        if not clean.isprintable():
            mended = printable(clean)
            if clean.strip("\0 ") != mended:
                self.odd.add(field)
            clean = mended
        self[field] = clean or None
        return clean or None


def _text(field: Written) -> str:
    return field if isinstance(field, str) else field.decode("latin-1")


@dataclass(frozen=True)
class _Cut:
    """A block whose lines are all right, and the fields that were cut out of all of it at once, by their place."""

    data: bytes
    stride: int
    upto: int
    cells: dict[tuple[int, int], Sequence[bytes]]

    def records(self) -> list[str]:
        text = self.data.decode("latin-1")
        return [text[at : at + self.upto] for at in range(0, len(text), self.stride)]


@dataclass
class Sheet:
    """The right records of one block, latin-1, so that characters are bytes; cut off after the last field asked for.

    lines: line number of each record; None: they follow each other from the block's first.
    """

    found: list[str] | _Cut
    read: int
    first_line: int
    lines: list[int] | None = None
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def records(self) -> list[str]:
        if isinstance(self.found, _Cut):
            self.found = self.found.records()
        return self.found

    def _written(self, where: slice) -> Sequence[Written]:
        """One field of every record as it stands there."""
        if isinstance(self.found, _Cut) and (cells := self.found.cells.get((where.start, where.stop))) is not None:
            return cells
        begin, end = where.start, where.stop
        return [record[begin:end] for record in self.records]

    def _quickly(self, where: slice) -> list[str] | None:
        """As `column`, where nothing needs mending and the field was cut out already."""
        cells = self.found.cells.get((where.start, where.stop)) if isinstance(self.found, _Cut) else None
        if not cells:
            return None
        # What str.strip takes off and bytes.strip does not cannot be printed, and so is found here.
        text = b"|".join(map(bytes.strip, cells)).decode("latin-1")
        if not text.isprintable():
            return None
        found = text.split("|")
        return found if len(found) == len(cells) else None

    def column(self, where: slice) -> list[str]:
        """One field of every record, without the blanks around it; bytes that cannot be printed are mended, noted."""
        if (plain := self._quickly(where)) is not None:
            return plain
        begin, end = where.start, where.stop
        found = [record[begin:end].strip() for record in self.records]
        if "".join(found).isprintable():
            return found
        mended = [one if one.isprintable() else printable(one) for one in found]
        self._note_odd(sum(1 for one, clean in zip(found, mended, strict=True) if one.strip("\0 ") != clean))
        return mended

    def repeated(self, where: slice, known: Repeated) -> list[str | None]:
        """Like `column` for a field whose values repeat; None when blank."""
        written = self._written(where)
        found = list(map(known.__getitem__, written))
        if known.odd:
            self._note_odd(sum(1 for one in written if one in known.odd))
        return found

    def dates(self, where: slice, known: Dates, what: str) -> list[str | None]:
        """A field of dates as ISO text; what is no day is None, noted by its name."""
        written = self._written(where)
        found = list(map(known.__getitem__, written))
        if known.wrong and not known.wrong.isdisjoint(written):
            wrong = sum(1 for one in written if one in known.wrong)
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
    fields: Sequence[slice] = (),
) -> Sheet:
    """The records of one block of lines, LF or CRLF. Lines of another length than `width` are rejects.

    upto: where the last field of interest ends; records are kept up to there.
    fields: what will be asked for, in any order; cut out of a right block all at once, which is quicker.
    least: where publishers take off the blanks at the end of lines: the bytes that are always there. Such lines are
    accepted only in a block whose lines all have theirs taken off.
    """
    stride = _stride(data, width)
    if not stride:
        return _picked(data, width, first_line, upto or width, least or width)
    count, places = len(data) // stride, tuple(sorted((one.start, one.stop) for one in fields))
    cells: dict[tuple[int, int], Sequence[bytes]] = {}
    if places:
        found = _cutter(places, stride, count).unpack(data)
        cells = {place: found[number :: len(places)] for number, place in enumerate(places)}
    return Sheet(_Cut(data, stride, upto or width, cells), count, first_line)


@lru_cache(maxsize=4)  # blocks are of one size, but for the last
def _cutter(places: tuple[tuple[int, int], ...], stride: int, count: int) -> struct.Struct:
    """Cuts the fields at `places` (in order, apart) out of `count` records at once, record by record."""
    record, at = "", 0
    for begin, end in places:
        record += f"{begin - at}x{end - begin}s"
        at = end
    return struct.Struct((record + f"{stride - at}x") * count)


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

"""Rows of open-data portals, in every form they are handed out in, cut into blocks and read.

Forms: a JSON array (one page of an API), lines of JSON, CSV (an export), and each of them in a ZIP: a bundle of
replies that we fetched (`sources.bundle`), or the portal's own. Only whole rows are cut off; JSON never has a bare
line feed inside a text, so a line feed beside a comma is a border between rows.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

from pw_pipelines.clock import eastern_day
from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.body import ZIP_MAGICS, counted, peek, refuse_html
from pw_pipelines.sources.bundle import INDEX
from pw_pipelines.sources.fixed_width import excerpt
from pw_pipelines.sources.lines import LONGEST_LINE_BYTES
from pw_pipelines.sources.register import Block, RegisterFacts
from pw_pipelines.sources.report import REJECTS_KEPT, Reject
from pw_pipelines.sources.zipped import OLDEST_REAL_YEAR, base_name, members, oldest_day, open_member

BLOCK_BYTES = 2 << 20
MOST_BYTES_UNCUT = 256 << 20  # a page of 50,000 rows without line feeds has 50 to 100 MB
MOST_INDEX_BYTES = 4 << 20  # 250 bytes a reply; the largest register has some hundreds of pages
_BORDERS = (b"\n,{", b",\n{", b",\r\n{")
_BOM = b"\xef\xbb\xbf"
_SMALL_BYTES = 1 << 16  # counts, metadata and errors are smaller
JSON, LINES, CSV = "json", "lines", "csv"


def row_blocks(raw: BinaryIO, facts: RegisterFacts, source: str) -> Iterator[Block]:
    """Blocks of whole rows. `Block.member`: the form and the page. Fills layout, count and day of `facts`.

    Raises SourceRejected for an error reply, a page cut short, or bytes that are none of the forms.
    """
    head = peek(raw)
    refuse_html(head, source, "rows of open data")
    if not head.startswith(ZIP_MAGICS):
        facts.layout = f"{_form(head, source, 'The file')}, one file"
        yield from _page_blocks(raw, head, source, "")
        return
    found = members(raw, source)
    _check_index(raw, found, source)
    pages = [one for one in found if base_name(one) != INDEX]
    facts.layout = f"ZIP of {len(pages)}"
    facts.day = oldest_day(pages)
    for page in pages:
        name = base_name(page)
        with open_member(raw, page, source) as stream:
            if page.file_size <= _SMALL_BYTES and _is_aside(stream.read(), facts, source, name):
                continue
        with open_member(raw, page, source) as stream:
            yield from _page_blocks(stream, stream.peek(_SMALL_BYTES), source, name)


def _check_index(raw: BinaryIO, found: Sequence[zipfile.ZipInfo], source: str) -> None:
    """A bundle's index lists every reply with its status: all must be there, and none may be an error."""
    index = next((one for one in found if base_name(one) == INDEX), None)
    if index is None:
        return
    if index.file_size > MOST_INDEX_BYTES:
        raise SourceRejected(
            f"{INDEX} in the ZIP has {index.file_size:,} bytes, more than the {MOST_INDEX_BYTES:,} that an index of a "
            "bundle's replies has at most.",
            source=source,
        )
    with open_member(raw, index, source) as stream:
        try:
            listed = [(_text_of(one["name"]), one["status"], one["url"]) for one in json.loads(stream.read())]
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise SourceRejected(f"{INDEX} in the ZIP is no index of a bundle's replies.", source=source) from error
    names = {one.filename for one in found}
    for name, status, url in listed:
        if name not in names:
            raise SourceRejected(f"{name[:200]} is listed in the bundle but not in it.", source=source)
        if status != 200:
            raise SourceRejected(f"{name} is a reply of status {str(status)[:20]} to {str(url)[:200]}.", source=source)


def _text_of(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def _is_aside(body: bytes, facts: RegisterFacts, source: str, name: str) -> bool:
    """Whether a small member is a row count or a data set's description; what it says goes into `facts`."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if isinstance(told, dict):
        _refuse_error(told, source, name)
        if "columns" not in told or "id" not in told:
            return False
        if (updated := told.get("rowsUpdatedAt")) is not None:
            _take_day(updated, facts, name)
        return True
    digits = _count_told(told)
    if digits is None:
        return False
    count = counted(digits)
    if count is None:
        raise SourceRejected(
            f"{name} counts rows by a number of {len(digits):,} digits, which no register has.", source=source
        )
    if facts.control_total is not None and facts.control_total != count:
        facts.notes.append(f"The source counted {facts.control_total:,} rows at first and {count:,} later.")
    facts.control_total, facts.control_source = count, f"the source's count(*) in {name}"
    return True


def _take_day(updated: object, facts: RegisterFacts, name: str) -> None:
    """The day of the data set's last change, in New York as every day; a moment that is none is noted."""
    day = None
    if isinstance(updated, int):
        with suppress(OverflowError, OSError, ValueError):
            day = eastern_day(datetime.fromtimestamp(updated, UTC))
    if day is None or day.year < OLDEST_REAL_YEAR:
        facts.notes.append(f"{name} gives no possible day of the last change ({updated!r:.40}); kept without it.")
    else:
        facts.day = day


def row_count(told: object) -> int | None:
    """The number in a reply to `$select=count(*)`: one row of one column `count…`; None for any other reply, and for
    more rows than there can be."""
    digits = _count_told(told)
    return None if digits is None else counted(digits)


def _count_told(told: object) -> str | None:
    if not (isinstance(told, list) and len(told) == 1 and isinstance(told[0], dict) and len(told[0]) == 1):
        return None
    ((column, value),) = told[0].items()
    text = str(value)
    return text if column.lower().startswith("count") and text.isascii() and text.isdigit() else None


def _refuse_error(told: dict[str, Any], source: str, name: str) -> None:
    """Raises SourceRejected for a reply that is an error: it never means that nothing was found."""
    if told.get("error") or ("message" in told and ("code" in told or "errorCode" in told)):
        what = told.get("message") or told.get("code") or told.get("error")
        raise SourceRejected(f"{name or 'The file'} is an error reply, not data: {str(what)[:200]}", source=source)


def _form(head: bytes, source: str, name: str) -> str:
    begin = head.removeprefix(_BOM).lstrip()
    if not begin:
        raise SourceRejected(f"{name} is empty: {len(head)} bytes.", source=source)
    if begin.startswith(b"["):
        return JSON
    if begin.startswith(b"{"):
        return LINES
    if b"," in begin.split(b"\n", 1)[0]:
        return CSV
    raise SourceRejected(f"{name} is neither JSON nor CSV: it begins with {excerpt(begin[:60])!r}.", source=source)


def _page_blocks(stream: BinaryIO, head: bytes, source: str, name: str) -> Iterator[Block]:
    form = _form(head, source, name or "The file")
    shown = f"{form} {name}"
    if form == JSON:
        yield from _array_blocks(stream, source, name or "The file", shown)
    elif form == LINES:
        first = head.removeprefix(_BOM).lstrip().split(b"\n", 1)[0]
        try:
            told = json.loads(first if len(first) < len(head) else head)
        except (ValueError, RecursionError):
            told = {}
        if isinstance(told, dict):
            _refuse_error(told, source, name)
        yield from _line_blocks(stream, source, name or "The file", shown)
    else:
        yield from _csv_blocks(stream, source, name or "The file", shown)


def _array_blocks(stream: BinaryIO, source: str, name: str, member: str) -> Iterator[Block]:
    rest, row, is_begun = b"", 1, False
    while chunk := stream.read(BLOCK_BYTES):
        rest += chunk
        if not is_begun:
            rest, is_begun = rest.removeprefix(_BOM).lstrip()[1:], True
        if len(rest) < BLOCK_BYTES:
            continue
        border = max((rest.rfind(one), one) for one in _BORDERS)
        if border[0] > 0:
            data, rest = rest[: border[0]], rest[border[0] + len(border[1]) - 1 :]
            yield Block(data, row, member)
            row += 1 + sum(data.count(one) for one in _BORDERS)
        elif len(rest) > MOST_BYTES_UNCUT:
            raise SourceRejected(
                f"{name} has more than {MOST_BYTES_UNCUT:,} bytes without a line feed; ask for smaller pages.",
                source=source,
            )
    last = rest.rstrip()
    if not last.endswith(b"]"):
        raise SourceRejected(f"{name} ends inside its JSON array: cut short.", source=source)
    if last[:-1].strip():
        yield Block(last[:-1], row, member)


def _cut_short(name: str, source: str) -> SourceRejected:
    return SourceRejected(f"{name} ends inside its last row: cut short.", source=source)


def _line_blocks(stream: BinaryIO, source: str, name: str, member: str) -> Iterator[Block]:
    line = 1
    while data := stream.read(BLOCK_BYTES):
        if not data.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE_BYTES)
            if len(rest) == LONGEST_LINE_BYTES and not rest.endswith(b"\n"):
                place = line + data.count(b"\n")
                raise SourceRejected(
                    f"{name}: line {place:,} is longer than {LONGEST_LINE_BYTES:,} bytes, which no row is; save each "
                    "row as a line of its own.",
                    source=source,
                )
            data += rest
        if not data.endswith(b"\n"):
            try:
                json.loads(data[data.rfind(b"\n") + 1 :].removeprefix(_BOM) or b"0")
            except (ValueError, RecursionError) as error:
                raise _cut_short(name, source) from error
        yield Block(data.removeprefix(_BOM) if line == 1 else data, line, member)
        line += data.count(b"\n")


def _csv_blocks(stream: BinaryIO, source: str, name: str, member: str) -> Iterator[Block]:
    """Every block begins with the header again, so that it can be read by itself."""
    header = stream.readline(_SMALL_BYTES).removeprefix(_BOM)
    if not header.endswith(b"\n"):
        header += b"\n"
    line, rest = 2, b""
    while chunk := stream.read(BLOCK_BYTES):
        rest += chunk
        if len(rest) < BLOCK_BYTES:
            continue
        cut = _last_record_end(rest)
        if cut:
            yield Block(header + rest[:cut], line, member)
            line += rest.count(b"\n", 0, cut)
            rest = rest[cut:]
        elif len(rest) > MOST_BYTES_UNCUT:
            raise SourceRejected("A quoted cell is never closed: a quote is missing.", source=source)
    if rest.strip() and not rest.endswith(b"\n") and _is_cut_short(header, rest):
        raise _cut_short(name, source)
    if rest.strip() or line == 2:
        yield Block(header + rest, line, member)


def _is_cut_short(header: bytes, rest: bytes) -> bool:
    """Whether the last record, which no line feed ends, lacks cells or a closing quote."""
    text = (header + rest).decode("utf-8", "replace")
    try:
        widths = [len(cells) for cells in csv.reader(io.StringIO(text, newline=""), strict=True)]
    except csv.Error:
        return True
    return widths[-1] < widths[0]


def _last_record_end(data: bytes) -> int:
    """Where the last whole CSV record ends, 0 for nowhere: after a line feed with an even number of quotes before."""
    cut = data.rfind(b"\n") + 1
    quotes = data.count(b'"', 0, cut)
    while cut and quotes % 2:
        before = data.rfind(b"\n", 0, cut - 1) + 1
        quotes -= data.count(b'"', before, cut)
        cut = before
    return cut


@dataclass
class Rows:
    """Rows of one block as dictionaries, with the line of each; `columns` of a CSV, empty for JSON."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    page: str = ""

    def reject(self, line: int, reason: str, shown: str) -> None:
        self.rejected += 1
        if len(self.rejects) < REJECTS_KEPT:
            where = f" (in {self.page})" if self.page else ""
            self.rejects.append(Reject(line, reason + where, excerpt(shown.encode("latin-1", "replace"))))

    def add(self, line: int, row: object, *, is_suspect: bool = False) -> None:
        """Takes a row. is_suspect: somewhere in the block a number was none, so each value is looked at."""
        if is_suspect and isinstance(row, dict) and (wrong := [key for key in row if row[key] is _NO_NUMBER]):
            self.reject(line, f"{wrong[0]} is a number without a value (Infinity, NaN)", str(row))
        elif isinstance(row, dict):
            self.rows.append(row)
            self.lines.append(line)
        else:
            self.reject(line, "the row is no JSON object", str(row))


def read_rows(block: Block, source: str) -> Rows:
    """The rows of one block. Raises SourceRejected where the bytes cannot be cut into rows at all."""
    form, _, page = block.member.partition(" ")
    found = Rows(page=page)
    try:
        if form == JSON:
            rows, is_suspect = _values(b"[" + block.data + b"]")
            for number, row in enumerate(rows, block.first_line):
                found.add(number, row, is_suspect=is_suspect)
        elif form == LINES:
            _read_lines(block, found)
        else:
            _read_csv(block, found)
    except UnicodeDecodeError as error:
        raise SourceRejected(
            f"{page or 'The file'} is not UTF-8 (0x{error.object[error.start]:02x}); save it as it was sent.",
            source=source,
        ) from error
    except (ValueError, RecursionError) as error:
        raise SourceRejected(f"{page or 'The file'} is not valid JSON: {error}.", source=source) from error
    except csv.Error as error:
        raise SourceRejected(
            f"{page or 'The file'}, near line {block.first_line:,}: {error}.", source=source
        ) from error
    return found


def _read_lines(block: Block, found: Rows) -> None:
    lines = block.data.split(b"\n")
    whole = [line for line in lines if line.strip()]
    try:
        rows, is_suspect = _values(b"[" + b",".join(whole) + b"]")
    except (ValueError, RecursionError):
        rows, is_suspect = [], False
    if len(rows) == len(whole) == len(lines) - (not lines[-1].strip()):
        for number, row in enumerate(rows, block.first_line):
            found.add(number, row, is_suspect=is_suspect)
        return
    for number, line in enumerate(lines, block.first_line):
        if line.strip():
            try:
                row, is_suspect = _values(line)
                found.add(number, row, is_suspect=is_suspect)
            except (ValueError, RecursionError) as error:
                found.reject(number, f"the line is not valid JSON ({error})", line.decode("latin-1"))


class _NoNumber:
    """Stands for Infinity and NaN, which are no JSON, and for numbers too large for any: 1e999."""

    def __repr__(self) -> str:
        return "no number"


_NO_NUMBER = _NoNumber()


def _values(data: bytes) -> tuple[Any, bool]:
    """What JSON says, and whether a number in it was none: then it is `_NO_NUMBER`, and never a name `inf`."""
    wrong: list[str] = []

    def none_of(written: str) -> _NoNumber:
        wrong.append(written)
        return _NO_NUMBER

    def number(written: str) -> float | _NoNumber:
        value = float(written)
        return value if math.isfinite(value) else none_of(written)

    return json.loads(data, parse_constant=none_of, parse_float=number), bool(wrong)


def _read_csv(block: Block, found: Rows) -> None:
    reader = csv.reader(io.StringIO(block.data.decode("utf-8"), newline=""), strict=True)
    found.columns = next(reader)
    before = block.first_line - 2  # the header was put before the block's own lines
    for cells in reader:
        if not cells:
            continue
        if len(cells) == len(found.columns):
            found.add(before + reader.line_num, dict(zip(found.columns, cells, strict=True)))
        else:
            reason = f"the row has {len(cells)} cells, the header {len(found.columns)}"
            found.reject(before + reader.line_num, reason, ",".join(cells))


def day_in_name(name: str) -> date | None:
    """The day in an export's file name (`…_20261004.csv`); None for none."""
    digits = name.rsplit(".", 1)[0][-8:]
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return date.fromisoformat(digits)
    except (ValueError, RecursionError):
        return None

"""Registers published as rows of open data: which column tells what is data (`socrata_datasets.yaml`), and how the
words are read is data too (`terms/`). Columns that nobody asked for are ignored; without a column of identifiers or
of names the copy is rejected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import Any, BinaryIO, Literal

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.body import ZIP_MAGICS, is_html, peek
from pw_pipelines.sources.fixed_width import printable
from pw_pipelines.sources.register import Block, EntityColumns, Parsed, RegisterFacts, Share
from pw_pipelines.sources.register_terms import RegisterTerms, terms
from pw_pipelines.sources.socrata_datasets import Columns, columns
from pw_pipelines.sources.socrata_rows import CSV, Rows, day_in_name, read_rows, row_blocks, row_count
from pw_pipelines.sources.zipped import first_look

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?", re.ASCII)
_US = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: .*)?", re.ASCII)
_EXPORT_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_EXPORT = re.compile(r"(\d{4}) (" + "|".join(_EXPORT_MONTHS) + r") (\d{2})(?: .*)?", re.ASCII)


_EXPORTED = re.compile(r"(.*?)(?: ?\(\d+\))?\.csv(?:\.zip)?", re.IGNORECASE | re.DOTALL)
LONGEST_IDENTIFIER, LONGEST_NAME = 100, 500  # beyond, no index holds them; no register has a longer one


class OpenDataReader:
    """One state's register as rows. See `RegisterReader`.

    is_whole_by_nature: whether the source hands out the whole set or nothing (Iowa's hub).
    """

    what: Literal["entities", "events"] = "entities"
    share: Share = "whole"
    replaces: tuple[str, ...] = ()

    def __init__(self, source: str, state: str, *, is_grouped: bool = False, is_whole_by_nature: bool = False) -> None:
        self.source = source
        self.state = state
        self.is_grouped = is_grouped
        self._is_whole_by_nature = is_whole_by_nature

    @property
    def _columns(self) -> Columns:
        return columns(self.source)

    @property
    def _terms(self) -> RegisterTerms:
        return _terms_of(self.state, self.source)

    def recognises(self, head: bytes, file_name: str) -> bool:
        """By columns in the first bytes; also an error reply or a count, so that reading it says what it is."""
        if head.startswith(ZIP_MAGICS):
            _, head = first_look(head)
        begin = head.lstrip(b"\xef\xbb\xbf \r\n\t")
        if is_html(head) or not begin:
            return False
        text = begin[: 1 << 16].decode("utf-8", "replace")
        if begin.startswith(b"["):
            inside = begin[1:].lstrip()
            if inside.startswith(b"]") or _looks_like_count(inside):
                return True
        if begin.startswith((b"[", b"{")):
            return self._has(_keys_in(text)) or (begin.startswith(b"{") and _is_error(text))
        return self._has({_plain(cell) for cell in text.split("\n", 1)[0].split(",")})

    def _has(self, found: set[str]) -> bool:
        """Any column of ours: which of them are missing, `blocks` says."""
        told = self._columns
        return any(_plain(one) in found for one in {*told.asked, *told.id, *told.name} - {"name"})

    def blocks(
        self, raw: BinaryIO, facts: RegisterFacts, *, file_name: str | None = None, may_leave: bool = False
    ) -> Iterator[Block]:
        """Blocks of rows. A bundle with the source's own count is the whole register, a lone page is a part."""
        name = file_name or ""
        exported = _exported_on(name)
        facts.day = exported  # before any block: who books the copy asks for its day then
        is_page = peek(raw, 64).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[")
        is_first = True
        for block in row_blocks(raw, facts, self.source):
            facts.day = exported or facts.day  # a ZIP's own stamp tells less than the export's name
            if is_first:
                self._refuse_missing(block)
            is_first = False
            yield block
        facts.day = exported or facts.day
        is_whole = facts.control_total is not None or exported is not None
        facts.share = "whole" if is_whole or (self._is_whole_by_nature and not is_page) else "part"
        if facts.share == "part":
            facts.notes.append("Nothing in the file says that it is the whole set: taken as a part of it.")

    def parse(self, block: Block) -> Parsed:
        """One block's rows as columns. Raises SourceRejected when the bytes cannot be cut into rows."""
        found = read_rows(block, self.source)
        notes: dict[str, int] = {}
        values = Values(found, notes)
        told_ids, told_names = values.first(self._columns.id), values.first(self._columns.name)
        ids, names = self._refuse_rows(found, values, told_ids, told_names)
        ids = [self._zeros_back(one, notes) for one in ids]
        rows = self.columns_of(values, ids, names)
        days = rows.formed_on if isinstance(rows.formed_on, list) else []
        newest = max(filter(None, days), default=None)
        return Parsed(
            rows=rows,
            read=len(ids) + found.rejected,
            rejected=found.rejected,
            rejects=found.rejects,
            notes=notes,
            newest=date.fromisoformat(newest) if newest else None,
        )

    def columns_of(self, values: Values, ids: list[str], names: list[str]) -> EntityColumns:
        """What the rows say, in the register's columns."""
        told, words = self._columns, self._terms
        types = values.first(told.type)
        values.note_unknown(types, words.unknown_types(types), "type")
        statuses = values.first(told.status)
        values.note_unknown(statuses, words.unknown_statuses(statuses), "status")
        sorts = values.first(told.rank)
        places = values.first(told.place)
        if words.place_from:
            places = [
                place if (sort or "").upper() in words.place_from else None
                for place, sort in zip(places, sorts, strict=True)
            ]
        return EntityColumns(
            record_id=ids,
            entity_id=ids,
            name=names,
            name_kind=[words.name_kinds.get((one or "").upper(), "legal") for one in types],
            form=words.forms_of(types),
            type_code=types,
            status=statuses,
            standing=words.listed_are or words.standings_of(statuses),
            formed_on=values.days(told.formed, told.no_date),
            home=values.first(told.home),
            place=places,
            rank=[words.ranks.get((one or "").upper(), len(words.ranks)) for one in sorts] if words.ranks else 0,
        )

    def _refuse_missing(self, block: Block) -> None:
        """Raises SourceRejected when the first rows of the copy have no identifier at all, or no name."""
        is_csv = block.member.startswith(CSV)
        have = block.data.split(b"\n", 1)[0].decode("utf-8", "replace").split(",") if is_csv else None
        for what, wanted in (("identifiers", self._columns.id), ("names", self._columns.name)):
            if have is None:
                is_there = any(f'"{one}"'.encode() in block.data for one in wanted)
            else:
                is_there = not {_plain(one) for one in wanted}.isdisjoint(map(_plain, have))
            if not is_there:
                keys = have or sorted(set(re.findall(r'"([^"\\]{1,60})"\s*:', block.data[: 1 << 16].decode("latin-1"))))
                raise SourceRejected(
                    f"No column {' or '.join(wanted)} ({what}); the columns are "
                    f"{', '.join(one.strip() for one in keys[:40]) or 'none'}. If the source renamed it, add the new "
                    "name in sources/socrata_datasets.yaml.",
                    source=self.source,
                )

    def _refuse_rows(
        self, found: Rows, values: Values, ids: Sequence[str | None], names: Sequence[str | None]
    ) -> tuple[list[str], list[str]]:
        """Rows without an identifier or a name that can be kept are rejects; what is left, in step with `values`."""
        wrong = [
            _wrong_with("identifier", one, LONGEST_IDENTIFIER) or _wrong_with("name", name, LONGEST_NAME)
            for one, name in zip(ids, names, strict=True)
        ]
        if any(wrong):
            for row, line, why in zip(found.rows, found.lines, wrong, strict=True):
                if why:
                    found.reject(line, why, str({k: row[k] for k in list(row)[:6]}))
            values.keep([not why for why in wrong])
        return [one for one, why in zip(ids, wrong, strict=True) if one and not why], [
            name for name, why in zip(names, wrong, strict=True) if name and not why
        ]

    def _zeros_back(self, one: str, notes: dict[str, int]) -> str:
        digits = self._columns.id_digits
        if len(one) >= digits or not one.isdigit():
            return one
        what = "{n} identifiers had lost their leading zeros"
        notes[what] = notes.get(what, 0) + 1
        return one.zfill(digits)


def _exported_on(file_name: str) -> date | None:
    """The day in the name of an export, packed or not; a browser's second copy ends with ` (1)`."""
    found = _EXPORTED.fullmatch(file_name)
    return day_in_name(f"{found[1]}.csv") if found else None


def _wrong_with(what: str, text: str | None, longest: int) -> str | None:
    if not text:
        return f"the row has no {what}"
    return f"the {what} has {len(text):,} characters, more than {longest}" if len(text) > longest else None


@cache
def _terms_of(state: str, source: str) -> RegisterTerms:
    return terms(state, source)


class Values:
    """Values of the rows of one block by column, cleaned: text without blanks around it, None for nothing."""

    def __init__(self, found: Rows, notes: dict[str, int]) -> None:
        self._rows = found.rows
        self._notes = notes
        self._labels = {_plain(one): one for one in found.columns}

    def keep(self, kept: Sequence[bool]) -> None:
        self._rows = [row for row, is_kept in zip(self._rows, kept, strict=True) if is_kept]

    def first(self, wanted: Sequence[str]) -> list[str | None]:
        """Of several columns the first that is filled; exports write their labels differently (`Dos ID`, `dos_id`)."""
        told: list[str | None] = [None] * len(self._rows)
        for column in wanted:
            key = self._labels.get(_plain(column), column)
            found = [_text(row.get(key)) for row in self._rows]
            told = [a or b for a, b in zip(told, found, strict=True)] if any(told) else found
        return told

    def days(self, wanted: Sequence[str], no_date: Sequence[str]) -> list[str | None]:
        """Dates as ISO text; days that stand for none, and impossible ones, are None."""
        written = self.first(wanted)
        known = {one: _day(one) for one in set(written) if one}
        wrong = sum(1 for one in written if one and known[one] is None)
        if wrong:
            self.note("{n} rows have no possible date; kept without it", wrong)
        return [None if not one or (day := known[one]) in no_date else day for one in written]

    def note(self, what: str, count: int) -> None:
        self._notes[what] = self._notes.get(what, 0) + count

    def note_unknown(self, written: Sequence[str | None], unknown: Sequence[str], what: str) -> None:
        for word in unknown:
            self.note(f"{{n}} rows have the unknown {what} {word!r}; kept", list(written).count(word))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (dict, list)):
        return None
    text = (value if isinstance(value, str) else str(value)).strip()
    if not text.isprintable():
        text = printable(text).encode("utf-8", "replace").decode("utf-8").strip()
    return text or None


def _day(written: str) -> str | None:
    try:
        if found := _ISO.fullmatch(written):
            return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
        if found := _US.fullmatch(written):
            return date(int(found[3]), int(found[1]), int(found[2])).isoformat()
        if found := _EXPORT.fullmatch(written):
            return date(int(found[1]), _EXPORT_MONTHS.index(found[2]) + 1, int(found[3])).isoformat()
    except ValueError:
        return None
    return None


def _plain(column: str) -> str:
    """A column's name or label for comparison: letters and digits alone, lower case."""
    return "".join(one for one in column.lower() if one.isalnum())


def _keys_in(text: str) -> set[str]:
    return {_plain(one) for one in re.findall(r'"([^"\\]{1,60})"\s*:', text)}


def _is_error(text: str) -> bool:
    return bool(re.match(r'\{[^{}]*"(?:error|message|code|errorCode)"\s*:', text))


def _looks_like_count(inside: bytes) -> bool:
    import json

    try:
        return row_count(json.loads(b"[" + inside)) is not None
    except (ValueError, RecursionError):
        return False

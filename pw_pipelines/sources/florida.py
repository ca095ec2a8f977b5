"""Florida's registers, as the Division of Corporations publishes them for download: one reader per set.

Fixed-width records in latin-1, lines ended LF or CRLF, filler of NUL bytes. Quarterly sets are ZIPs (Deflate64; the
corporate set in ten parts by the last digit of the document number), daily sets bare files. Layouts:
`layouts/florida_*.csv` (the Division's data definitions). Dates of the corporate record are MMDDYYYY; some lie ahead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import BinaryIO, Literal, TypeVar

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.body import ZIP_MAGICS, is_html, peek, refuse_html
from pw_pipelines.sources.fixed_width import (
    Dates,
    Layout,
    Repeated,
    Sheet,
    layout,
    refuse_other_widths,
    sheet,
)
from pw_pipelines.sources.lines import Left, line_places
from pw_pipelines.sources.register import Block, EntityColumns, EventColumns, Parsed, RegisterFacts, Share
from pw_pipelines.sources.register_terms import RegisterTerms, terms
from pw_pipelines.sources.zipped import base_name, first_look, members, oldest_day, open_member

WIDTHS = {
    1440: "corporate records", 662: "corporate events", 2098: "fictitious names", 762: "fictitious name events",
    759: "general partnerships", 910: "general partnership events", 1170: "corporate records as of before 2001",
}  # fmt: skip
CORPORATE_PARTS = frozenset(f"cordata{digit}.txt" for digit in range(10))
_Said = TypeVar("_Said", str, str | None)
_ANY_TEXT = re.compile(rb"[^\x00\s]")
_MDY = Dates("mdy")
_EITHER = Dates("mdy", also="ymd")  # the sister sets' order is told by one source only; the two cannot be confused


@dataclass(frozen=True)
class _Set:
    """What tells one published set: its layout, its whole set's members (any one of the groups), its names."""

    source: str
    layout: str
    what: Literal["entities", "events"]
    replaces: tuple[str, ...] = ()
    parts: tuple[frozenset[str], ...] = ()
    names: str = ""
    """Pattern of file names that are this set's and no other's."""

    @property
    def is_daily(self) -> bool:
        return self.source.endswith("_daily")


_SETS = (
    _Set("sunbiz_cor", "florida_cordata", "entities", ("sunbiz_cor_daily",),
         (CORPORATE_PARTS, frozenset({"cordata.txt"})), r"(?:np)?cordata\d?\.(?:txt|zip)"),
    _Set("sunbiz_cor_daily", "florida_cordata", "entities", names=r"(\d{8})c\.(?:txt|zip)"),
    _Set("sunbiz_events", "florida_corevent", "events", ("sunbiz_events_daily",),
         (frozenset({"corevt.txt"}), frozenset({"corevent.txt"})), r"corev(?:en)?t\.(?:txt|zip)"),
    _Set("sunbiz_events_daily", "florida_corevent", "events", names=r"(\d{8})ce\.(?:txt|zip)"),
    _Set("sunbiz_fic", "florida_ficdata", "entities", ("sunbiz_fic_daily",),
         (frozenset({"ficdata.txt"}),), r"ficdata\.(?:txt|zip)"),
    _Set("sunbiz_fic_daily", "florida_ficdata", "entities", names=r"(\d{8})f\.(?:txt|zip)"),
)  # fmt: skip


class FloridaReader:
    """One of Florida's sets, whole or daily. See `RegisterReader`."""

    state = "FL"
    is_grouped = False

    def __init__(self, told: _Set) -> None:
        self._set = told
        self.source = told.source
        self.what = told.what
        self.replaces = told.replaces
        self.share: Share = "increment" if told.is_daily else "whole"
        self.width = layout(told.layout).length

    def recognises(self, head: bytes, file_name: str) -> bool:
        """By the file's name and the length of its first lines; a file of no known name is taken for a daily one."""
        name = _base(file_name)
        if head.startswith(ZIP_MAGICS):
            member, head = first_look(head)
            name = member.lower() if _is_of_no_set(name) else name
        if self._is_named(name):
            return not is_html(head)
        return self._set.is_daily and _is_of_no_set(name) and self.width in _widths(head)

    def _is_named(self, name: str) -> bool:
        return re.fullmatch(self._set.names, name) is not None

    def blocks(
        self, raw: BinaryIO, facts: RegisterFacts, *, file_name: str | None = None, may_leave: bool = False
    ) -> Iterator[Block]:
        """Blocks of whole lines. `facts` tells whether all of the set is there, and a daily file's day."""
        head = peek(raw)
        refuse_html(head, self.source, "Florida's data file")
        name = _base(file_name or "")
        if head.startswith(ZIP_MAGICS):
            yield from self._zip_blocks(raw, facts, name)
            return
        if not head and not self._set.is_daily:
            raise SourceRejected("The file is empty: 0 bytes.", source=self.source)
        facts.layout = f"records of {self.width:,} bytes, one file"
        facts.share = self._share({name}, name, facts)
        yield from self._member_blocks(raw, facts, "", may_leave=may_leave)

    def _zip_blocks(self, raw: BinaryIO, facts: RegisterFacts, name: str) -> Iterator[Block]:
        found = members(raw, self.source)
        names = [base_name(one).lower() for one in found]
        if not found or len(set(names)) != len(names):
            raise SourceRejected("The ZIP is empty or holds two files of one name.", source=self.source)
        mine = [one for one in found if self._is_named(base_name(one).lower())]
        if mine and len(mine) < len(found):
            facts.notes.append(f"{len(found) - len(mine)} other files in the ZIP were left aside.")
        found = mine or found
        methods = ", ".join(str(one) for one in sorted({one.compress_type for one in found}))
        facts.layout = f"records of {self.width:,} bytes, ZIP of {len(found)} (method {methods})"
        facts.day = oldest_day(found)
        facts.share = self._share(set(names), name, facts)
        for member in found:
            with open_member(raw, member, self.source) as stream:
                yield from self._member_blocks(stream, facts, member.filename)

    def _member_blocks(
        self, stream: BinaryIO, facts: RegisterFacts, member: str, *, may_leave: bool = False
    ) -> Iterator[Block]:
        is_first, is_empty = True, True
        for data, line in line_places(stream, self.source, width=self.width, may_leave=may_leave):
            if isinstance(data, Left):
                is_empty = False  # so much is left to others only where there is much
                yield Block(b"", line, member, left_at=(data.offset, data.length))
                continue
            if is_first:
                refuse_other_widths(data[: 1 << 16], self.width, self.source, WIDTHS)
                is_first = False
            is_empty = is_empty and _ANY_TEXT.search(data) is None
            yield Block(data, line, member)
            if not data.endswith(b"\n") and len(data) - data.rfind(b"\n") - 1 < self.width:
                facts.share = "part"
                facts.notes.append(f"{member or 'The file'} ends inside a record: cut short.")
        if is_empty and self._set.is_daily:
            facts.share = "part"
            facts.notes.append(
                f"{member or 'The daily file'} holds no record, as after a download that failed: its day counts only "
                "where Florida's server itself states 0 bytes two days later."
            )

    def _share(self, names: set[str], name: str, facts: RegisterFacts) -> Share:
        """How much of the set a file called `name`, holding files called `names`, is."""
        if self._set.is_daily:
            day = _named_day(re.fullmatch(self._set.names, name))
            facts.day = day or facts.day
            if day is None:
                facts.notes.append("The file's name tells no day: its records are taken, the day's file stays missing.")
            return "increment" if day else "part"
        if any(names >= wanted for wanted in self._set.parts):
            return "whole"
        missing = min((sorted(wanted - names) for wanted in self._set.parts), key=len)
        facts.notes.append(f"Not the whole set: {', '.join(missing)} missing.")
        return "part"

    def parse(self, block: Block) -> Parsed:
        """One block's records, cut by the layout."""
        return _CUTTERS[self._set.layout](block, layout(self._set.layout))


def _base(file_name: str) -> str:
    return file_name.replace("\\", "/").rsplit("/", 1)[-1].lower()


def _widths(head: bytes) -> set[int]:
    return {len(line.removesuffix(b"\r")) for line in head.split(b"\n")}


def _is_of_no_set(name: str) -> bool:
    return not any(re.fullmatch(one.names, name) for one in _SETS)


def _named_day(found: re.Match[str] | None) -> date | None:
    try:
        return date.fromisoformat(found.group(1)) if found else None
    except ValueError:
        return None


def _parsed(found: Sheet, rows: EntityColumns | EventColumns, days: list[str | None]) -> Parsed:
    newest = max(filter(None, set(days)), default=None)
    return Parsed(
        rows=rows,
        read=found.read,
        rejected=found.rejected,
        rejects=found.rejects,
        notes=found.notes,
        newest=date.fromisoformat(newest) if newest else None,
    )


def _numbers(found: Sheet, where: slice) -> list[str]:
    """Document numbers; a record whose number is not letters and digits is refused: its bytes stand elsewhere."""
    numbers = found.column(where)
    if all(numbers) and (not numbers or ((joined := "".join(numbers)).isalnum() and joined.isascii())):
        return numbers
    found.refuse(
        {
            place: f"the document number {one!r} is not letters and digits"
            for place, one in enumerate(numbers)
            if not (one.isalnum() and one.isascii())
        }
    )
    return found.column(where)


def _names(found: Sheet, where: slice) -> list[str] | list[str | None]:
    names = found.column(where)
    if all(names):
        return names
    found.note("{n} records have no name", sum(1 for one in names if not one))
    return [one or None for one in names]


def _note_unknown(
    found: Sheet, written: list[str | None], unknown: Callable[[Sequence[str | None]], list[str]], what: str
) -> None:
    for word in unknown(list(set(written))):
        found.note(f"{{n}} records have the unknown {what} {word!r}; kept", written.count(word))


def _read_as(written: list[str | None], reading: Callable[[Sequence[str | None]], list[_Said]]) -> list[_Said]:
    """What each code stands for, told by `reading` once for each that there is."""
    codes = list(set(written))
    told = dict(zip(codes, reading(codes), strict=True))
    return [told[one] for one in written]


def _sheet(block: Block, at: Layout, *fields: str) -> Sheet:
    """The block's records up to the last of `fields`."""
    return sheet(block.data, at.length, block.first_line, upto=max(at[name].stop for name in fields))


@cache
def _terms(source: str) -> RegisterTerms:
    return terms("FL", source)


_CITIES, _TYPES, _STATUSES, _HOMES, _FIC_CITIES = (Repeated() for _ in range(5))


def _corporate(block: Block, at: Layout) -> Parsed:
    known = _terms("sunbiz_cor")
    found = _sheet(block, at, "corporation_number", "corporation_name", "status", "filing_type", "city", "file_date",
                   "last_transaction_date", "state_country")  # fmt: skip
    numbers = _numbers(found, at["corporation_number"])
    types, statuses = found.repeated(at["filing_type"], _TYPES), found.repeated(at["status"], _STATUSES)
    _note_unknown(found, types, known.unknown_types, "filing type")
    _note_unknown(found, statuses, known.unknown_statuses, "status")
    formed = found.dates(at["file_date"], _MDY, "file date")
    rows = EntityColumns(
        record_id=numbers,
        entity_id=numbers,
        name=_names(found, at["corporation_name"]),
        form=_read_as(types, known.forms_of),
        type_code=types,
        status=statuses,
        standing=_read_as(statuses, known.standings_of),
        formed_on=formed,
        changed_on=found.dates(at["last_transaction_date"], _MDY, "date of the last transaction"),
        home=found.repeated(at["state_country"], _HOMES),
        place=found.repeated(at["city"], _CITIES),
    )
    return _parsed(found, rows, formed)


def _fictitious(block: Block, at: Layout) -> Parsed:
    known = _terms("sunbiz_fic")
    found = _sheet(block, at, "document_number", "name", "status", "filing_date", "cancel_date", "expiry_date", "city")
    numbers = _numbers(found, at["document_number"])
    statuses = found.repeated(at["status"], _STATUSES)
    _note_unknown(found, statuses, known.unknown_statuses, "status")
    formed = found.dates(at["filing_date"], _EITHER, "filing date")
    cancelled = found.dates(at["cancel_date"], _EITHER, "day of cancellation")
    expiry = found.dates(at["expiry_date"], _EITHER, "day of expiry")
    rows = EntityColumns(
        record_id=numbers,
        entity_id=numbers,
        name=_names(found, at["name"]),
        name_kind="fictitious",
        form="name",
        status=statuses,
        standing=_read_as(statuses, known.standings_of),
        formed_on=formed,
        changed_on=[
            gone or (end if status == "E" else None)
            for gone, end, status in zip(cancelled, expiry, statuses, strict=True)
        ],
        place=found.repeated(at["city"], _FIC_CITIES),
    )
    return _parsed(found, rows, formed)


def _event(block: Block, at: Layout) -> Parsed:
    found = _sheet(block, at, "corporation_number", "sequence", "code", "description", "filed_date", "effective_date",
                   "name")  # fmt: skip
    numbers = _numbers(found, at["corporation_number"])
    filed = found.dates(at["filed_date"], _EITHER, "day of filing")
    rows = EventColumns(
        entity_id=numbers,
        sequence=found.column(at["sequence"]),
        code=_or_none(found.column(at["code"])),
        description=_or_none(found.column(at["description"])),
        filed_on=filed,
        effective_on=found.dates(at["effective_date"], _EITHER, "effective date"),
        name=_or_none(found.column(at["name"])),
    )
    return _parsed(found, rows, filed)


def _or_none(written: list[str]) -> list[str | None]:
    return [one or None for one in written]


_CUTTERS = {"florida_cordata": _corporate, "florida_corevent": _event, "florida_ficdata": _fictitious}
READERS = tuple(FloridaReader(one) for one in _SETS)

"""Illinois' registers: the Secretary of State's data files of LLCs (8) and corporations (7), fixed width, CRLF.

Each file begins with `RUN DATE=CCYYMMDD   FILE:…` and ends with `END OF FILE RECORD COUNT= nnnnnnn`, which counts the
records between them. Some files come with the blanks at the end of lines taken off. The files of a register speak of
the same file numbers: the master gives status and dates, the name file the name, and assumed and old names (series,
for LLCs) are further names with record numbers of their own. Files without names or status (agents, annual reports,
managers, stock, other) only say that a file number exists. Layouts: `layouts/illinois_*.csv`, from the Secretary of
State's own procedures of 29 September 2022.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import BinaryIO, Literal, cast

import yaml

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.body import ZIP_MAGICS, counted, is_html, peek, refuse_html
from pw_pipelines.sources.fixed_width import Dates, Layout, Repeated, Sheet, excerpt, layout, sheet
from pw_pipelines.sources.lines import line_blocks
from pw_pipelines.sources.register import Block, EntityColumns, Parsed, RegisterFacts, Share
from pw_pipelines.sources.register_terms import RegisterTerms, terms
from pw_pipelines.sources.zipped import base_name, first_look, members, open_member

_HEADER = re.compile(rb"RUN DATE\s*=\s*(\d{8})\s+FILE:\s*([^\r\n]*)")
_TRAILER = re.compile(rb"END OF FILE\s+RECORD COUNT\s*=\s*(\d+)\s*\Z")
_YMD = Dates("ymd")
_CITIES, _CODES, _HOMES = Repeated(), Repeated(), Repeated()
_MASTER_RANK, _NAME_RANK, _MENTION_RANK = 0, 1, 9


@dataclass(frozen=True)
class _File:
    """One of the 15 files: its kind (`llc_name`), words of its header, published name, least bytes of a line."""

    kind: str
    header: tuple[str, ...]
    file: str
    least: int

    @property
    def register(self) -> str:
        return self.kind.split("_", 1)[0]


@cache
def _files() -> dict[str, _File]:
    text = (resources.files("pw_pipelines.sources") / "layouts" / "illinois_files.yaml").read_text(encoding="utf-8")
    return {
        kind: _File(kind, tuple(told["header"]), told["file"], told["least"])
        for kind, told in yaml.safe_load(text).items()
    }


def _told_by(label: str, file_name: str) -> _File | None:
    """The file whose header says `label`, or whose published name is in label or file name."""
    label, name = label.upper(), file_name.lower()
    for one in _files().values():
        if one.file in label.lower() or one.file in name:
            return one
    register = "llc" if re.match(r"LLC|LL\b|LL-|LIMITED", label) else "corp" if re.match(r"CORP|CDX", label) else ""
    return next(
        (
            one
            for one in _files().values()
            if one.register == register and any(word in label.replace("NAMES", "NAME") for word in one.header)
        ),
        None,
    )


class IllinoisReader:
    """One of Illinois' two registers; any of its files, or a ZIP of several. See `RegisterReader`."""

    state = "IL"
    what: Literal["entities", "events"] = "entities"
    share: Share = "whole"
    replaces: tuple[str, ...] = ()
    is_grouped = True

    def __init__(self, source: str, needed: frozenset[str]) -> None:
        self.source = source
        self._needed = needed

    @property
    def _register(self) -> str:
        return self.source.removeprefix("illinois_")

    def recognises(self, head: bytes, file_name: str) -> bool:
        """By the header line; a ZIP by that of its first file."""
        name = file_name
        if head.startswith(ZIP_MAGICS):
            member, head = first_look(head)
            name = member if _told_by("", member) else file_name
        if is_html(head):
            return False
        header = _HEADER.match(head)
        told = _told_by(header.group(2).decode("latin-1").strip() if header else "", name)
        return told is not None and told.register == self._register

    def blocks(
        self, raw: BinaryIO, facts: RegisterFacts, *, file_name: str | None = None, may_leave: bool = False
    ) -> Iterator[Block]:
        """The records between header and trailer. `Block.member` is the kind of file."""
        head = peek(raw)
        refuse_html(head, self.source, "a data file of the Illinois Secretary of State")
        kinds: set[str] = set()
        if head.startswith(ZIP_MAGICS):
            found = members(raw, self.source)
            facts.layout = f"fixed width, ZIP of {len(found)}"
            for member in found:
                with open_member(raw, member, self.source) as stream:
                    yield from self._file_blocks(stream, facts, base_name(member), kinds)
        else:
            facts.layout = "fixed width, one file"
            yield from self._file_blocks(raw, facts, file_name or "the file", kinds)
        missing = sorted(self._needed - kinds)
        facts.share = "part" if missing else "whole"
        if missing:
            facts.notes.append(f"Not the whole register: no file {', '.join(missing)}.")

    def _file_blocks(self, stream: BinaryIO, facts: RegisterFacts, name: str, kinds: set[str]) -> Iterator[Block]:
        header = stream.readline(1 << 12)
        one = self._kind(header, name, facts)
        if one.kind in kinds:
            raise SourceRejected(f"The ZIP holds two files {one.kind}.", source=self.source)
        kinds.add(one.kind)
        held: tuple[bytes, int] | None = None
        for data, line in line_blocks(stream, self.source, width=layout(f"illinois_{one.kind}").length, first_line=2):
            if held:
                yield Block(*held, one.kind)
            held = (data, line)
        data, line = held or (b"", 2)
        body = data.rstrip(b"\r\n \x1a")
        start = body.rfind(b"\n") + 1
        trailer = _TRAILER.match(body[start:])
        if trailer is None:
            raise SourceRejected(
                f"{name} has no END OF FILE line; it ends with {excerpt(body[start:])[:60]!r}: cut short.",
                source=self.source,
            )
        count = counted(trailer.group(1).decode())
        if count is None:
            raise SourceRejected(
                f"{name} states a record count of {len(trailer.group(1)):,} digits in its END OF FILE line, which no "
                "register has: damaged.",
                source=self.source,
            )
        if start:
            yield Block(data[:start], line, one.kind)
        facts.control_total = (facts.control_total or 0) + count
        facts.control_source = "the record count in the END OF FILE line"

    def _kind(self, header: bytes, name: str, facts: RegisterFacts) -> _File:
        found = _HEADER.match(header)
        if found is None:
            raise SourceRejected(
                f"{name} does not begin with RUN DATE=CCYYMMDD FILE:…, but with {excerpt(header)[:60]!r}.",
                source=self.source,
            )
        label = found.group(2).decode("latin-1").strip()
        one = _told_by(label, "") or _told_by("", name)
        if one is None or one.register != self._register:
            known = ", ".join(each.kind for each in _files().values() if each.register == self._register)
            what = f"{one.kind} of another register" if one else "not known"
            raise SourceRejected(f"{name} says it is {label!r}, {what}; read are {known}.", source=self.source)
        if written := _YMD[found.group(1).decode()]:
            day = date.fromisoformat(written)
            if facts.day and facts.day != day:
                facts.notes.append(f"{name} was run on {day}, other files on {facts.day}.")
            facts.day = min(day, facts.day or day)
        return one

    def parse(self, block: Block) -> Parsed:
        """One block of one file. The master speaks first; other files fill what it leaves open."""
        one, at = _files()[block.member], layout(f"illinois_{block.member}")
        found = sheet(block.data, at.length, block.first_line, least=one.least)
        numbers = _file_numbers(found)
        rows = _CUTTERS.get(one.kind, _mention)(found, at, numbers)
        if one.register == "corp":  # LLCs are numbered for themselves, and the two series may meet
            rows.record_id = [f"C{record}" for record in rows.record_id]
        days = rows.formed_on if isinstance(rows.formed_on, list) else []
        newest = max(filter(None, days), default=None)
        return Parsed(
            rows=rows,
            read=found.read,
            rejected=found.rejected,
            rejects=found.rejects,
            notes=found.notes,
            newest=date.fromisoformat(newest) if newest else None,
        )


def _file_numbers(found: Sheet) -> list[str]:
    """File numbers of eight digits; a record without is refused."""
    numbers = [record[:8] for record in found.records]
    wrong = {
        place: f"the file number {one!r} is not eight digits"
        for place, one in enumerate(numbers)
        if not (one.isascii() and one.isdigit())
    }
    if not wrong:
        return numbers
    found.refuse(wrong)
    return [record[:8] for record in found.records]


def _terms(entry: str) -> RegisterTerms:
    return terms("IL", entry)


def _noted(found: Sheet, written: list[str | None], entry: str) -> list[str]:
    known = _terms(entry)
    for word in known.unknown_statuses(written):
        found.note(f"{{n}} records have the unknown status {word!r}; kept", written.count(word))
    return known.standings_of(written)


def _named(found: Sheet, where: slice) -> list[str] | list[str | None]:
    names = found.column(where)
    if all(names):
        return names
    found.note("{n} records have no name", sum(1 for one in names if not one))
    return [one or None for one in names]


def _further(numbers: list[str], sort: str, days: list[str | None], names: list[str] | list[str | None]) -> list[str]:
    """Record numbers of further names: the same from day to day, whatever becomes of the name's status."""
    return [
        f"{number}-{sort}{(day or '').replace('-', '')}-{zlib.crc32((name or '').encode()):08x}"
        for number, day, name in zip(numbers, days, names, strict=True)
    ]


def _llc_master(found: Sheet, at: Layout, numbers: list[str]) -> EntityColumns:
    statuses = found.repeated(at["ll_status_code"], _CODES)
    return EntityColumns(
        record_id=numbers,
        entity_id=numbers,
        name=None,
        form="llc",
        status=statuses,
        standing=_noted(found, statuses, "illinois_llc"),
        formed_on=found.dates(at["ll_organized_date"], _YMD, "day of organization"),
        changed_on=found.dates(at["ll_status_date"], _YMD, "day of the status"),
        home=found.repeated(at["ll_juris_organized"], _HOMES),
        place=found.repeated(at["ll_records_off_city"], _CITIES),
        rank=_MASTER_RANK,
    )


def _llc_name(found: Sheet, at: Layout, numbers: list[str]) -> EntityColumns:
    return EntityColumns(
        record_id=numbers, entity_id=numbers, name=_named(found, at["ll_name"]), form="llc", rank=_NAME_RANK
    )


def _llc_assumed(found: Sheet, at: Layout, numbers: list[str]) -> EntityColumns:
    """An assumed name is live until it is cancelled. A name adopted once may stand in several records."""
    adopted = found.dates(at["ll_assumed_adopt_date"], _YMD, "day of adoption")
    gone = found.dates(at["ll_assumed_can_date"], _YMD, "day of cancellation")
    codes = [record[at["ll_assumed_can_code"]] for record in found.records]
    names = _named(found, at["ll_llc_name"])
    live = [not day and code in "0 " for day, code in zip(gone, codes, strict=True)]
    return EntityColumns(
        record_id=_further(numbers, "A", adopted, names),
        entity_id=numbers,
        name=names,
        name_kind="assumed",
        form="llc",
        type_code="ASSUMED NAME",
        status=["0" if is_live else code for is_live, code in zip(live, codes, strict=True)],
        standing=["live" if is_live else "not_live" for is_live in live],
        formed_on=adopted,
        changed_on=gone,
        rank=[0 if is_live else 1 for is_live in live],
    )


def _llc_old(found: Sheet, at: Layout, numbers: list[str]) -> EntityColumns:
    given_up = found.dates(at["ll_old_date_filed"], _YMD, "day of filing")
    names = _named(found, at["ll_llc_name"])
    return EntityColumns(
        record_id=_further(numbers, "O", given_up, names),
        entity_id=numbers,
        name=names,
        name_kind="former",
        form="llc",
        type_code="OLD NAME",
        standing="not_live",
        changed_on=given_up,
    )


def _llc_series(found: Sheet, at: Layout, numbers: list[str]) -> EntityColumns:
    statuses = found.repeated(at["ll_series_status"], _CODES)
    series = found.column(at["ll_series_number"])
    return EntityColumns(
        record_id=[f"{number}-S{one}" for number, one in zip(numbers, series, strict=True)],
        entity_id=numbers,
        name=_named(found, at["ll_series_name"]),
        form="llc",
        type_code="SERIES",
        status=statuses,
        standing=_noted(found, statuses, "illinois_series"),
        formed_on=found.dates(at["ll_begin_date"], _YMD, "day of adoption"),
        changed_on=found.dates(at["ll_status_date"], _YMD, "day of the status"),
    )


@cache
def _state_codes() -> dict[str, str]:
    text = (resources.files("pw_pipelines.sources") / "layouts" / "illinois_state_codes.csv").read_text("utf-8")
    return {row["code"]: row["alpha"] for row in csv.DictReader(text.splitlines())}


def _corp_master(found: Sheet, at: Layout, numbers: list[str]) -> EntityColumns:
    statuses, types = found.repeated(at["corp_status"], _CODES), found.repeated(at["corp_type_corp"], _CODES)
    homes = found.repeated(at["corp_state_code"], _CODES)
    return EntityColumns(
        record_id=numbers,
        entity_id=numbers,
        name=None,
        form=_terms("illinois_corp").forms_of(types),
        type_code=types,
        status=statuses,
        standing=_noted(found, statuses, "illinois_corp"),
        formed_on=found.dates(at["corp_incorp_date"], _YMD, "day of incorporation"),
        changed_on=found.dates(at["corp_trans_date"], _YMD, "day of the transaction"),
        home=[_state_codes().get(one, one) if one else None for one in homes],
        rank=_MASTER_RANK,
    )


def _corp_name(found: Sheet, at: Layout, numbers: list[str]) -> EntityColumns:
    return EntityColumns(record_id=numbers, entity_id=numbers, name=_named(found, at["corp_name"]), rank=_NAME_RANK)


def _corp_further(found: Sheet, at: Layout, numbers: list[str]) -> EntityColumns:
    kinds = found.repeated(at["corp_assumed_old_ind"], _CODES)
    standing, known = _noted(found, kinds, "illinois_corp_names"), _terms("illinois_corp_names").name_kinds
    adopted = found.dates(at["corp_assumed_old_date"], _YMD, "day of adoption")
    names = _named(found, at["corp_assumed_old_name"])
    name_kinds = [known.get(one or "", "assumed") for one in kinds]
    records = _further(numbers, "A", adopted, names)
    return EntityColumns(
        record_id=[
            record.replace("-A", "-O") if kind == "former" else record
            for record, kind in zip(records, name_kinds, strict=True)
        ],
        entity_id=numbers,
        name=names,
        name_kind=cast("list[str]", name_kinds),
        type_code=["OLD NAME" if kind == "former" else "ASSUMED NAME" for kind in name_kinds],
        status=kinds,
        standing=standing,
        formed_on=[None if kind == "former" else day for kind, day in zip(name_kinds, adopted, strict=True)],
        changed_on=[
            gone or (day if kind == "former" else None)
            for kind, day, gone in zip(
                name_kinds, adopted, found.dates(at["corp_date_cancel"], _YMD, "day of cancellation"), strict=True
            )
        ],
        rank=[0 if one == "live" else 1 for one in standing],
    )


def _mention(_found: Sheet, _at: Layout, numbers: list[str]) -> EntityColumns:
    """Files that tell nothing the register keeps, but that the file number exists."""
    return EntityColumns(record_id=numbers, entity_id=numbers, name=None, rank=_MENTION_RANK)


_CUTTERS: dict[str, Callable[[Sheet, Layout, list[str]], EntityColumns]] = {
    "llc_master": _llc_master,
    "llc_name": _llc_name,
    "llc_assumed_name": _llc_assumed,
    "llc_old_name": _llc_old,
    "llc_series": _llc_series,
    "corp_master": _corp_master,
    "corp_name": _corp_name,
    "corp_assumed_old_name": _corp_further,
}

READERS = (
    IllinoisReader(
        "illinois_llc", frozenset({"llc_master", "llc_name", "llc_assumed_name", "llc_old_name", "llc_series"})
    ),
    IllinoisReader("illinois_corp", frozenset({"corp_master", "corp_name", "corp_assumed_old_name"})),
)

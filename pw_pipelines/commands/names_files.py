"""Files given to `pw names load`: which register each is of, the day it shows, and what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pw_pipelines.commands.output import in_words
from pw_pipelines.errors import PwError, SourceRejected, UsageError
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.registry.road import Taken
from pw_pipelines.sources.register import RegisterFacts, RegisterReader
from pw_pipelines.sources.registers import REGISTERS, recognise, registers_of
from pw_pipelines.sources.socrata_datasets import dataset_of

HEAD_BYTES = 1 << 16

PUBLISHED_AS = {
    "sunbiz_cor": ("cordata.zip", "cordata0.txt", "cordata9.txt"),
    "sunbiz_cor_daily": ("YYYYMMDDc.txt",),
    "sunbiz_events": ("corevent.zip",),
    "sunbiz_events_daily": ("YYYYMMDDce.txt",),
    "sunbiz_fic": ("ficdata.zip",),
    "sunbiz_fic_daily": ("YYYYMMDDf.txt",),
    "illinois_llc": ("llcallmst.txt", "llcallnam.txt"),
    "illinois_corp": ("cdxallmst.txt", "cdxallnam.txt"),
}
"""Names under which files are published, by source: what a person looks for. Open data has none that is fixed."""


class WrongFile(UsageError):
    """One of the files was given wrongly; none of the command's is loaded then."""

    def __init__(self, message: str, file: Path) -> None:
        super().__init__(message)
        self.file = file


@dataclass(frozen=True)
class Parcel:
    """Files of one register and one day that go in together, or none of them."""

    reader: RegisterReader
    files: list[Path]
    day: date


def loadable_state(asked: str) -> str:
    """The code of a state. Raises UsageError, with the states that have files, for what is none."""
    code = asked.strip().upper()
    if registers_of(code) or code in book():
        return code
    raise UsageError(
        f"There is no state {asked!r}. Files can be loaded of {_states_with_files()}; all states are listed by: "
        "pw names search NAME --state all."
    )


def parcels_of(
    state: str, files: Sequence[Path], *, is_whole: bool, stated: date | None, today: date
) -> tuple[list[Parcel], dict[Path, PwError]]:
    """(what is to be taken in, the files refused by their first bytes). Nothing is kept, nor read further than that.

    is_whole: the files are a register together, so one that is refused leaves nothing to take in. Raises UsageError
    for a file given wrongly.
    """
    groups: dict[str, tuple[RegisterReader, list[Path]]] = {}
    refused: dict[Path, PwError] = {}
    for file in files:
        _check_readable(file)
    for file in files:
        try:
            reader = _reader_of(state, file)
        except SourceRejected as error:
            refused[file] = error
        else:
            groups.setdefault(reader.source, (reader, []))[1].append(file)
    parcels = [
        Parcel(reader, together, _day_of(reader, together, stated, today))
        for reader, group in groups.values()
        for together in ([group] if is_whole else [[one] for one in group])
    ]
    return [] if is_whole and refused else parcels, refused


def shown(text: str | Path) -> str:
    """Words of the command line as text that can be written: bytes that are not UTF-8 as escapes."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def is_text(argument: str) -> bool:
    """Whether words from the command line are text: bytes that are not UTF-8 arrive as halves of characters."""
    return not any("\ud800" <= letter <= "\udfff" for letter in argument)


def _check_readable(file: Path) -> None:
    if not is_text(file.name):
        raise WrongFile(f"The name of {file.name!a} is no text (not UTF-8), so it cannot be kept. Rename it.", file)
    if not file.exists():
        raise WrongFile(f"There is no file {shown(file)}. Nothing was loaded.", file)
    if not file.is_file():
        raise WrongFile(f"{shown(file)} is no file. Nothing was loaded. Give the files in it one by one.", file)
    if not os.access(file, os.R_OK):
        raise WrongFile(f"{shown(file)} may not be read by this user. Nothing was loaded.", file)


def _reader_of(state: str, file: Path) -> RegisterReader:
    """Raises SourceRejected for a file of nobody's, with the files there are."""
    with file.open("rb") as raw:
        head = raw.read(HEAD_BYTES)
    try:
        return recognise(state, head, file.name)
    except SourceRejected as error:
        known = registers_of(state)
        there_is = f"Look for {files_in_words(known)}." if known else f"Files can be loaded of {_states_with_files()}."
        raise SourceRejected(f"{error} {there_is}", source=error.source) from error


def files_in_words(readers: Iterable[RegisterReader]) -> str:
    """The files of some registers by the names under which a person finds them."""
    return "; ".join(_published(one.source) for one in readers)


def _published(source: str) -> str:
    if source in PUBLISHED_AS:
        return ", ".join(PUBLISHED_AS[source])
    if source == "iowa_hub":
        return "data set 554 of the Iowa Data Hub (ZIP, lines of JSON or CSV)"
    told = dataset_of(source)
    return f"data set {told.id} of {told.domain} (page of the API, lines of JSON, ZIP of pages, or CSV …_YYYYMMDD.csv)"


def _states_with_files() -> str:
    *some, last = sorted({one.state for one in REGISTERS.values()})
    return f"{', '.join(some)} and {last}"


def _day_of(reader: RegisterReader, files: Sequence[Path], stated: date | None, today: date) -> date:
    """The day files of one register show: the one stated, else the oldest they tell, else today.

    Raises UsageError for a daily file under another day than its name's: its own day would stay missing.
    """
    if stated is None:
        told = [day for file in files if (day := _told_day(reader, file, today)) is not None]
        return min(told, default=today)
    if reader.share == "increment":
        for file in files:
            named = _told_day(reader, file, today)
            if named is not None and named != stated:
                raise WrongFile(
                    f"{file.name} is the file of {named} by its name, and --as-of says {stated}. Nothing was loaded. "
                    "Leave --as-of away, or put the file's name right.",
                    file,
                )
    return stated


def _told_day(reader: RegisterReader, file: Path, today: date) -> date | None:
    """The day a file itself says it is of: told by the time its first block is cut.

    Raises WrongFile for a day that has not come in New York, be it by hours: under that day no search may speak yet,
    and under today's it would hide that today's file is missing.
    """
    facts = RegisterFacts()
    with file.open("rb") as raw, suppress(SourceRejected):  # grading will say why
        next(iter(reader.blocks(raw, facts, file_name=file.name)), None)
    if facts.day is not None and facts.day > today:
        otherwise = "" if reader.share == "increment" else ", or say its day with --as-of"
        raise WrongFile(
            f"{file.name} says it is of {facts.day}, which has not come; today is {today} (America/New_York). Nothing "
            f"was loaded. Load it when that day has come; if it is of another day, put its name right{otherwise}.",
            file,
        )
    return facts.day


@dataclass
class Load:
    """One call of `pw names load`: what came of each of its files."""

    state: str
    files: Sequence[Path]
    begun: float = field(default_factory=time.perf_counter)
    entities: int | None = None  # names of the state that can be searched; None: the books were not reached
    taken: dict[Path, Taken] = field(default_factory=dict)
    together: dict[Path, Sequence[Path]] = field(default_factory=dict)
    refused: dict[Path, PwError] = field(default_factory=dict)

    def keep(self, parcel: Parcel, taken: Sequence[Taken]) -> None:
        """Notes what the road made of a parcel."""
        self.taken |= zip(parcel.files, taken, strict=True)
        self.together |= dict.fromkeys(parcel.files, parcel.files)

    @property
    def is_all_loaded(self) -> bool:
        return not self.refused and all(_is_in_force(one) for one in self.taken.values())

    def refusal(self) -> PwError:
        """The errors of the refused files as one."""
        said = list(dict.fromkeys(in_words(one) for one in self.refused.values()))
        return SourceRejected(" ".join(said)) if len(said) > 1 else next(iter(self.refused.values()))

    def answer(self, error: PwError | None = None) -> dict[str, Any]:
        """The answer in numbers and by file. error: why the command as a whole was refused."""
        if isinstance(error, WrongFile):
            self.refused[error.file] = error
        # a file given twice counts once
        snapshots = list({one.snapshot.snapshot_id: one.snapshot for one in self.taken.values()}.values())
        totals = [one.control_total for one in snapshots]
        good = {one.snapshot.snapshot_id for one in self.taken.values() if _is_in_force(one)}
        answer: dict[str, Any] = {
            "state": self.state,
            "read": sum(one.rows + one.rejected_rows for one in snapshots),
            "loaded": sum(one.rows for one in snapshots if one.snapshot_id in good),
            "rejected": sum(one.rejected_rows + (0 if one.snapshot_id in good else one.rows) for one in snapshots),
            "control_total": sum(one for one in totals if one is not None)
            if snapshots and None not in totals
            else None,
            "seconds": round(time.perf_counter() - self.begun, 3),
            "entities": self.entities,
            "files": [self._line(file, error) for file in self.files],
        }
        return answer if error is None else answer | {"error": in_words(error)}

    def _line(self, file: Path, error: PwError | None) -> dict[str, Any]:
        if file in self.taken:
            return self._taken_line(file, self.taken[file])
        why = self.refused.get(file)
        if why is not None:
            grade, reason = ("rejected" if isinstance(why, SourceRejected) else None), in_words(why)
        elif self.refused:
            grade, reason = None, _because({one: in_words(each) for one, each in self.refused.items()})
        else:
            grade, reason = None, f"Not loaded: {in_words(error)}" if error else "Not loaded."
        return {"file": shown(file.name), "grade": grade, "loaded": False, "reasons": [reason]}

    def _taken_line(self, file: Path, taken: Taken) -> dict[str, Any]:
        one = taken.snapshot
        reasons = list(one.reasons)
        if one.is_good and one.loaded_at is None:
            others = {each: self.taken[each].snapshot for each in self.together[file]}
            bad = {each: " ".join(told.reasons) for each, told in others.items() if not told.is_good}
            reasons += [_because(bad)] if bad else []
        return {
            "file": one.file_name,
            "source": one.source,
            "snapshot_id": one.snapshot_id,
            "as_of": one.as_of,
            "grade": one.grade,
            "share": taken.share,
            "read": one.rows + one.rejected_rows,
            "rejected": one.rejected_rows,
            "control_total": one.control_total,
            "loaded": one.loaded_at is not None,
            "reasons": reasons,
        }


def _is_in_force(taken: Taken) -> bool:
    return taken.snapshot.is_good and taken.snapshot.loaded_at is not None


def _because(refused: dict[Path, str]) -> str:
    """Why a file that is not at fault was not loaded."""
    names = ", ".join(shown(one.name) for one in refused)
    were = "was" if len(refused) == 1 else "were"
    return f"Not loaded, because {names} {were} refused: {' '.join(dict.fromkeys(refused.values()))}"

"""What lies on the Division's file server on a day: daily and quarterly files, their sizes and times."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO

from pw_pipelines.sandbox import companies_florida as florida
from pw_pipelines.sandbox.companies import EPOCH, Companies
from pw_pipelines.sandbox.deflate64 import write_zip
from pw_pipelines.sandbox.renderings import Renderings

LISTED_BEFORE_QUARTER = timedelta(days=10)
_DAILY_AT = time(4, 30)  # UTC of the day after: half past midnight in Florida
_QUARTERLY_AT = time(11, 0)
_LINE_END = 2
_DAILY = {"doc/cor": ("c", "ce"), "doc/fic": ("f",)}  # folder -> endings of its files' names
_QUARTERLY = {"doc/quarterly/Cor": ("cordata.zip", "corevent.zip"), "doc/quarterly/fic": ("ficdata.zip",)}


@dataclass(frozen=True)
class Node:
    """A file. `open` gives its bytes."""

    size: int
    modified: int
    open: Callable[[], BinaryIO]


class SunbizTree:
    """The tree below the login's folder."""

    def __init__(self, companies: Companies, renderings: Renderings) -> None:
        self._companies = companies
        self._renderings = renderings
        self._bytes = lru_cache(maxsize=12)(self._render)
        self._sizes: dict[tuple[str, date], int] = {}

    def files(self, folder: str, today: date) -> dict[str, Node] | None:
        """Name -> file of a folder; None for a folder there is not."""
        if folder in _DAILY:
            return self._daily(_DAILY[folder], today)
        if folder in _QUARTERLY:
            return self._quarterly(_QUARTERLY[folder], today)
        return None

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder."""
        below = ("doc", "doc/quarterly", *_DAILY, *_QUARTERLY)
        return [posixpath.basename(path) for path in below if posixpath.dirname(path) == folder]

    def is_folder(self, folder: str) -> bool:
        return folder in ("", "doc", "doc/quarterly", *_DAILY, *_QUARTERLY)

    def _daily(self, endings: Iterable[str], today: date) -> dict[str, Node]:
        """The file of a day is there by the morning after."""
        first = florida.newest_quarter(today) - LISTED_BEFORE_QUARTER
        found = {}
        for day in florida.daily_days(self._companies.seed, first, today - timedelta(days=1)):
            modified = int(datetime.combine(day + timedelta(days=1), _DAILY_AT, UTC).timestamp())
            for ending in endings:
                found[f"{day:%Y%m%d}{ending}.txt"] = Node(
                    self._size(ending, day), modified, partial(self._open, ending, day)
                )
        return found

    def _open(self, ending: str, day: date) -> BinaryIO:
        return io.BytesIO(self._bytes(ending, day))

    def _size(self, ending: str, day: date) -> int:
        if ending == "c":
            return len(self._companies.new_on(florida.STATE, day.toordinal())) * (florida.RECORD + _LINE_END)
        if (ending, day) not in self._sizes:
            self._sizes[ending, day] = len(self._bytes(ending, day))
        return self._sizes[ending, day]

    def _render(self, ending: str, day: date) -> bytes:
        companies = self._companies
        if ending == "c":
            return b"".join(florida.daily(companies, day))
        if ending == "ce":
            return b"".join(florida.daily_events(companies, day))
        return b"".join(florida.fictitious(companies, day, day))

    def _quarterly(self, names: Iterable[str], today: date) -> dict[str, Node]:
        published = florida.newest_quarter(today)
        modified = int(datetime.combine(published, _QUARTERLY_AT, UTC).timestamp())
        found = {}
        for name in names:
            path = self._renderings.file(
                f"sunbiz-{name.removesuffix('.zip')}",
                f"{published}.zip",
                partial(self._pack, name, published),
            )
            found[name] = Node(path.stat().st_size, modified, partial(_opened, path))
        return found

    def _pack(self, name: str, published: date, path: Path) -> None:
        companies, on = self._companies, published - timedelta(days=1)
        if name == "cordata.zip":
            parts = ((f"cordata{part}.txt", florida.quarterly_part(companies, on, part))
                     for part in range(florida.PARTS))  # fmt: skip
            write_zip(path, parts, published)
        elif name == "corevent.zip":
            write_zip(path, [("corevt.txt", florida.all_events(companies, on))], published)
        else:
            first = date.fromordinal(EPOCH)
            write_zip(path, [("ficdata.txt", florida.fictitious(companies, first, on))], published)


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")

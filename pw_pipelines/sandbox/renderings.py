"""Files that take seconds to make, kept under PW_HOME/sandbox/cache: made once, whole or not at all, then only read."""

from __future__ import annotations

import os
import threading
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_KEPT_OF_A_KIND = 3


class Renderings:
    """The cache of one world in `folder`. Safe across threads; across processes the last one to finish wins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def file(self, kind: str, edition: str, write: Callable[[Path], None]) -> Path:
        """`<folder>/<kind>/<edition>`, written by `write` when it is not there. Older editions of a kind go."""
        path = self._folder / kind / edition
        with self._lock(f"{kind}/{edition}"):
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                draft = path.with_name(f".{edition}.{os.getpid()}.{threading.get_ident()}")
                try:
                    write(draft)
                    draft.replace(path)
                finally:
                    draft.unlink(missing_ok=True)
                self._prune(path)
        return path

    def lines(self, kind: str, edition: str, make: Callable[[], Iterable[bytes]]) -> Lines:
        """Lines (with their ends) from `make`, to be read by their numbers."""

        def write(draft: Path) -> None:
            starts = array("Q", [0])
            with draft.open("wb") as sink:
                for line in make():
                    sink.write(line)
                    starts.append(starts[-1] + len(line))
            with _index(draft.parent / edition).open("wb") as sink:
                starts.tofile(sink)

        path = self.file(kind, edition, write)
        starts = array("Q")
        with _index(path).open("rb") as source:
            starts.frombytes(source.read())
        return Lines(path, starts)

    def _lock(self, name: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(name, threading.Lock())

    def _prune(self, newest: Path) -> None:
        others = [
            path for path in newest.parent.iterdir() if not path.name.startswith(".") and path.suffix != ".starts"
        ]
        for path in sorted(others, key=lambda one: one.stat().st_mtime)[:-_KEPT_OF_A_KIND]:
            path.unlink(missing_ok=True)
            _index(path).unlink(missing_ok=True)


def _index(path: Path) -> Path:
    return path.with_name(f"{path.name}.starts")


@dataclass(frozen=True)
class Lines:
    """A file of lines and where each begins (one more entry than lines: the end)."""

    path: Path
    starts: array[int]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def part(self, first: int, count: int) -> list[bytes]:
        """Lines from `first`, at most `count`."""
        last = min(first + count, len(self))
        if first >= last:
            return []
        with self.path.open("rb") as source:
            source.seek(self.starts[first])
            return source.read(self.starts[last] - self.starts[first]).splitlines(keepends=True)

"""Many replies as one raw object: a ZIP with fixed times, so that the same replies make the same bytes.

Used where a snapshot takes several requests (ECFS pages, CORES look-ups, the BDC list and its file).
`index.json` lists, in order, {name, url, status, content_type}; the members are the exact bodies.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

INDEX = "index.json"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Member:
    """One reply. `url` without credentials: the API key is never written down."""

    name: str
    url: str
    status: int
    content_type: str


class BundleWriter:
    """Writes members in the order given; `close` writes the index. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._members: list[Member] = []

    def add(self, member: Member, body: bytes) -> None:
        self._members.append(member)
        self._write(member.name, body)

    def _write(self, name: str, body: bytes) -> None:
        info = zipfile.ZipInfo(name, _FIXED_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        self._zip.writestr(info, body)

    def close(self) -> None:
        self._write(INDEX, json.dumps([asdict(member) for member in self._members], indent=0).encode())
        self._zip.close()

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def read_bundle(raw: BinaryIO) -> Iterator[tuple[Member, bytes]]:
    """Members in order. Raises zipfile.BadZipFile or KeyError when it is not a whole bundle."""
    with zipfile.ZipFile(raw) as archive:
        for entry in json.loads(archive.read(INDEX)):
            member = Member(**entry)
            yield member, archive.read(member.name)

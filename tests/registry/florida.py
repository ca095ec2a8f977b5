"""Bytes of invented Florida records, for tests of the register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Company:
    """One record of the corporate file. filed: MMDDYYYY."""

    number: str
    name: str
    status: str = "A"
    kind: str = "FLAL"
    filed: str = "01022026"
    city: str = "TAMPA"


def record(company: Company) -> bytes:
    """1,440 bytes, as the Division lays them out."""
    cells = bytearray(b" " * 1440)
    for start, width, text in (
        (1, 12, company.number), (13, 192, company.name), (205, 1, company.status), (206, 15, company.kind),
        (305, 28, company.city), (473, 8, company.filed),
    ):  # fmt: skip
        raw = text.encode("latin-1")
        assert len(raw) <= width
        cells[start - 1 : start - 1 + len(raw)] = raw
    return bytes(cells)


def write(path: Path, companies: Sequence[Company], *, line_end: bytes = b"\r\n") -> Path:
    """A file of these records at `path`."""
    path.write_bytes(b"".join(record(one) + line_end for one in companies))
    return path

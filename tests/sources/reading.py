"""Runs a reader over bytes, the way the road does, for tests."""

from __future__ import annotations

import io
from typing import Any

from pw_pipelines.sources.registry import reader
from pw_pipelines.sources.report import ReadReport


def read(source: str, raw: bytes, *, file_name: str | None = None) -> tuple[list[dict[str, Any]], ReadReport]:
    """(rows by column, the filled report)."""
    chosen, report = reader(source), ReadReport(file_name=file_name)
    rows = [dict(zip(chosen.columns, row, strict=True)) for row in chosen(io.BytesIO(raw), report)]
    return rows, report


def one(source: str, raw: bytes, *, file_name: str | None = None) -> dict[str, Any]:
    """The only row; none rejected."""
    rows, report = read(source, raw, file_name=file_name)
    assert (len(rows), report.rejects) == (1, [])
    return rows[0]

"""What no reader's row may hold, and how large a copy is in whatever wrapping."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from pw_pipelines.snapshots.reading import checked_rows, plain_size
from pw_pipelines.sources.report import ReadReport


class Given:
    """A reader that yields the rows it was given."""

    source = "given"
    table = "given"
    columns = ("name", "others")

    def __init__(self, *rows: tuple[object, ...]) -> None:
        self._rows = rows

    def __call__(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
        for row in self._rows:
            report.rows += 1
            yield row


@pytest.mark.parametrize("bad", [("a\x00b", []), ("half \ud800", []), (None, ["fine", "half \udfff"])])
def test_a_row_that_cannot_be_stored_is_a_reject_and_the_others_go_on(bad: tuple[object, ...]) -> None:
    report = ReadReport()
    fine = ("Ñandú & Söhne", ["日本"]), (None, [])
    assert tuple(checked_rows(Given(fine[0], bad, fine[1]), io.BytesIO(), report)) == fine
    assert (report.rows, report.reject_count, len(report.rejects)) == (2, 1, 1)


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"", 0),
        (b"x" * 130, 130),
        (gzip.compress(b"x" * 130), 130),
        (gzip.compress(b"x" * 130)[:-9], 0),
        (b"\x1f\x8bnot gzip at all", 0),
    ],
    ids=["empty", "plain", "gzip", "gzip cut short", "only looks like gzip"],
)
def test_the_size_of_a_copy_is_that_of_what_is_inside(body: bytes, size: int) -> None:
    assert plain_size(io.BytesIO(body)) == size

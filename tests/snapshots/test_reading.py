"""What no reader's row may hold, and how large a copy is in whatever wrapping."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest

from pw_pipelines.snapshots.reading import CONTENT_DIGEST, checked_rows, read_through
from pw_pipelines.snapshots.size import plain_size, unpacked_size
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
    assert plain_size(io.BytesIO(body), most=1_000) == size


def content_of(*rows: tuple[object, ...]) -> object:
    report = ReadReport()
    assert read_through(Given(*rows), io.BytesIO(), report) is None
    return report.facts[CONTENT_DIGEST]


def test_the_same_rows_have_the_same_content_in_whatever_order() -> None:
    first: tuple[object, ...] = ("Ñandú", ["a", "b"])
    second: tuple[object, ...] = ("Meridian", [])
    assert content_of(first, second) == content_of(second, first)
    assert len(str(content_of())) == 64


@pytest.mark.parametrize(
    "other", [("Ñandu", ["a", "b"]), ("Ñandú", ["b", "a"]), ("Ñandú", ["a, b"]), (None, ["a", "b"]), ("null", ["a"])]
)
def test_a_row_that_differs_in_anything_is_other_content(other: tuple[object, ...]) -> None:
    assert content_of(("Ñandú", ["a", "b"])) != content_of(other)


def test_a_row_that_stands_twice_is_other_content() -> None:
    row: tuple[object, ...] = ("Meridian", [])
    assert len({str(content_of(*[row] * times)) for times in (0, 1, 2, 3)}) == 4


def zipped(*members: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.csv", member)
    return body.getvalue()


def understated(body: bytes, size: int) -> bytes:
    """A ZIP of one member that says in both headers that it unpacks to `size` bytes."""
    local, central = body.index(b"PK\x03\x04"), body.index(b"PK\x01\x02")
    changed = bytearray(body)
    for place in (local + 22, central + 24):
        changed[place : place + 4] = struct.pack("<I", size)
    return bytes(changed)


LONG = b"x" * 500_000


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"number,frn\n", 11),
        (gzip.compress(LONG), 500_000),
        (zipped(LONG, LONG), 1_000_000),
        (gzip.compress(zipped(LONG, LONG)), 1_000_000),
        (zipped(b"{}", zipped(LONG)), 500_002),
        (understated(zipped(LONG), 7), 500_000),
    ],
    ids=["plain", "gzip", "zip", "zip inside gzip", "zip inside a bundle", "zip that understates itself"],
)
def test_what_a_reader_would_meet_is_counted_by_unpacking_it(body: bytes, size: int) -> None:
    assert unpacked_size(io.BytesIO(body), most=10_000_000) == size


@pytest.mark.parametrize("pack", [gzip.compress, zipped, lambda body: zipped(body[:10], body)])
def test_counting_ends_when_it_is_too_much(pack: Callable[[bytes], bytes]) -> None:
    counted = unpacked_size(io.BytesIO(pack(b"0" * 50_000_000)), most=1_000_000)
    assert counted > 1_000_000


@pytest.mark.parametrize("cut", [10, 100, 400])
def test_a_damaged_zip_has_a_size_all_the_same(cut: int) -> None:
    assert unpacked_size(io.BytesIO(zipped(LONG)[:-cut]), most=10_000_000) <= 500_000

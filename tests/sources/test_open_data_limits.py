"""Open data whose values no portal writes: refused in a sentence, or left aside and noted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.bundle import INDEX
from pw_pipelines.sources.lines import LONGEST_LINE_BYTES
from pw_pipelines.sources.registers import REGISTERS
from pw_pipelines.sources.socrata_rows import BLOCK_BYTES, MOST_INDEX_BYTES, row_count
from tests.sources.register_files import page, read_source, zipped

ROW = {"entityid": "20091234567", "entityname": "Invented Mill LLC", "entitystatus": "Good Standing"}
LINE = json.dumps(ROW).encode() + b"\n"


def view(updated: object) -> bytes:
    """A data set's description, as a portal gives it."""
    return json.dumps({"id": "4ykn-tg5h", "columns": [], "rowsUpdatedAt": updated}).encode()


def listed(**changed: Any) -> bytes:
    """An index that lists one page."""
    told = {"name": "page.json", "url": "https://data.example/x", "status": 200, "content_type": "application/json"}
    return json.dumps([told | changed]).encode()


@pytest.mark.parametrize("before", [b"", LINE * (2 * BLOCK_BYTES // len(LINE))])
def test_a_line_that_never_ends_is_refused_with_its_place(before: bytes) -> None:
    endless = b'{"entityid": "1", "entityname": "' + b"X" * (BLOCK_BYTES + LONGEST_LINE_BYTES + 1)
    place = before.count(b"\n") + 1
    with pytest.raises(SourceRejected, match=rf"rows\.json: line {place:,} is longer than 1,048,576 bytes"):
        read_source("socrata_co", zipped({"rows.json": before + endless}), "rows.zip")


def test_a_line_across_the_border_of_blocks_is_read_whole() -> None:
    long = json.dumps(ROW | {"principaladdress1": "X" * (LONGEST_LINE_BYTES // 2)}).encode() + b"\n"
    assert read_source("socrata_co", long * 8).read == 8


@pytest.mark.parametrize("digits", [25, 5_000])
def test_a_count_that_no_register_has_is_refused(digits: int) -> None:
    count = json.dumps([{"count": "9" * digits}]).encode()
    raw = zipped({"page.json": page([ROW]), "count.json": count})
    with pytest.raises(SourceRejected, match=rf"count\.json counts rows by a number of {digits:,} digits"):
        read_source("socrata_co", raw, "x.zip")
    assert not REGISTERS["socrata_co"].recognises(count, "count.json")


@pytest.mark.parametrize("count", ["9" * 25, "9" * 5_000, 10**25, "-1", "1e3", "²", None, {}])
def test_what_is_no_count_is_none(count: object) -> None:
    assert row_count([{"count": count}]) is None


@pytest.mark.parametrize("updated", [99999999999999999, -99999999999999999, 10**300, -1, 0, True, "soon", [], 1e400])
def test_a_moment_that_is_none_is_noted_and_no_day(updated: object) -> None:
    read = read_source("socrata_co", zipped({"view.json": view(updated), "page.json": page([ROW])}), "x.zip")
    assert read.read == 1
    assert read.facts.day is None or read.facts.day.year >= 1995
    assert "view.json gives no possible day of the last change" in read.facts.notes[0]


def test_the_day_of_the_last_change_is_the_day_in_new_york() -> None:
    evening = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)  # 21:00 of the second in New York
    raw = zipped({"view.json": view(int(evening.timestamp())), "page.json": page([ROW])})
    read = read_source("socrata_co", raw, "x.zip")
    assert (str(read.facts.day), read.facts.notes[:-1]) == ("2026-11-02", [])


@pytest.mark.parametrize(
    "index",
    [
        listed(name=["x"]),
        listed(name={}),
        listed(name=None),
        b"{}x",
        b"7",
        b"[7]",
        b"[[]]",
        b'[{"name": "page.json"}]',
        b'[{"status": ' + b"9" * 5_000 + b"}]",
    ],
)
def test_an_index_that_is_none_is_refused(index: bytes) -> None:
    with pytest.raises(SourceRejected, match="no index of a bundle's replies"):
        read_source("socrata_co", zipped({INDEX: index, "page.json": page([ROW])}), "x.zip")


def test_a_reply_that_is_listed_and_not_there_is_named() -> None:
    with pytest.raises(SourceRejected, match=r"other\.json is listed in the bundle but not in it"):
        read_source("socrata_co", zipped({INDEX: listed(name="other.json"), "page.json": page([ROW])}), "x.zip")


def test_an_index_larger_than_any_is_refused_unread() -> None:
    raw = zipped({INDEX: b"[" + b" " * MOST_INDEX_BYTES + b"]", "page.json": page([ROW])})
    with pytest.raises(SourceRejected, match=r"index\.json in the ZIP has 4,194,306 bytes, more than"):
        read_source("socrata_co", raw, "x.zip")

"""Florida's quarterly sets: ten parts in a ZIP that Python's own library does not open."""

from __future__ import annotations

import zipfile

import pytest

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import zipped as zips
from tests.sources.register_files import corporation, deflate64_zip, lines, read_file, read_source, zipped

PARTS = {f"cordata{digit}.txt": lines([corporation(f"L2600000000{digit}")]) for digit in range(10)}


@pytest.mark.parametrize("make", [deflate64_zip, zipped, lambda parts: zipped(parts, zipfile.ZIP_STORED)])
def test_ten_parts_are_the_whole_register_however_they_are_packed(make) -> None:
    read = read_file("FL", make(PARTS), "cordata.zip")
    assert (read.source, read.facts.share, read.read, read.rejected) == ("sunbiz_cor", "whole", 10, 0)
    assert [row["record_id"][-1] for row in read.rows] == list("0123456789")


def test_a_missing_part_makes_it_no_whole_register() -> None:
    read = read_file(
        "FL", zipped({name: body for name, body in PARTS.items() if name != "cordata7.txt"}), "cordata.zip"
    )
    assert (read.facts.share, read.read) == ("part", 9)
    assert read.facts.notes == ["Not the whole set: cordata7.txt missing."]


def test_other_files_in_the_archive_are_left_aside() -> None:
    read = read_file("FL", zipped({"__MACOSX/._cordata0.txt": b"?", "readme.txt": b"Read me."} | PARTS), "cordata.zip")
    assert (read.facts.share, read.read, read.rejected) == ("whole", 10, 0)
    assert read.facts.notes == ["2 other files in the ZIP were left aside."]


def test_a_loose_part_is_a_part() -> None:
    read = read_file("FL", PARTS["cordata3.txt"], "cordata3.txt")
    assert (read.source, read.facts.share) == ("sunbiz_cor", "part")


def test_an_archive_cut_short_is_rejected() -> None:
    whole = deflate64_zip(PARTS)
    with pytest.raises(SourceRejected, match="cut short"):
        read_source("sunbiz_cor", whole[: len(whole) // 2], "cordata.zip")


def test_damaged_bytes_are_rejected_by_their_check_sum() -> None:
    stored = bytearray(zipped(PARTS, zipfile.ZIP_STORED))
    stored[stored.index(b"INVENTED MARINE")] = ord("X")
    with pytest.raises(SourceRejected, match="CRC"):
        read_source("sunbiz_cor", bytes(stored), "cordata.zip")


def test_a_member_longer_than_its_directory_says_is_rejected() -> None:
    made = bytearray(deflate64_zip(PARTS))
    entry = made.index(b"PK\x01\x02")
    made[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    with pytest.raises(SourceRejected, match="more than the 100 bytes"):
        read_source("sunbiz_cor", bytes(made), "cordata.zip")


def test_a_packed_member_longer_than_a_block_is_read_as_a_stream() -> None:
    """5,000 records are four blocks; each is whole, and lines go on counting through the member."""
    records = [corporation(f"L26{number:09d}", f"INVENTED {number} LLC") for number in range(5_000)]
    records[4_321] = records[4_321][:-1]
    read = read_source("sunbiz_cor", deflate64_zip({"cordata0.txt": lines(records)}), "cordata.zip")
    assert (read.read, read.rejected, len({row["record_id"] for row in read.rows})) == (5_000, 1, 4_999)
    assert read.rejects[0].line == 4_322


def test_the_day_of_an_archive_is_told_by_its_oldest_member() -> None:
    found = [zipfile.ZipInfo("a", (2026, 10, 9, 1, 0, 0)), zipfile.ZipInfo("b", (2026, 10, 8, 1, 0, 0))]
    assert str(zips.oldest_day(found)) == "2026-10-08"
    assert zips.oldest_day([zipfile.ZipInfo("a")]) is None  # 1980: the writer kept no time

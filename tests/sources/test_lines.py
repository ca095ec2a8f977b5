"""Blocks told by their place: the same records as blocks that are read, whatever stands in the file."""

from __future__ import annotations

import io
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from pw_pipelines.sources.lines import Left, line_places

WIDTH, SIZE = 7, 64


def read(data: bytes, *, may_leave: bool) -> Iterator[tuple[bytes, int, bool]]:
    """(bytes, first line, whether they were left) of every stretch."""
    stream = io.BytesIO(data)
    for found, line in line_places(stream, "test", width=WIDTH, size=SIZE, may_leave=may_leave):
        if isinstance(found, Left):
            yield data[found.offset : found.offset + found.length], line, True
        else:
            yield found, line, False


def test_all_but_the_ends_of_a_file_of_right_lines_are_left_where_they_stand() -> None:
    for line_end in (b"\n", b"\r\n"):
        lines = [b"%07d" % number + line_end for number in range(100)]
        found = list(read(b"".join(lines), may_leave=True))
        assert b"".join(data for data, _, _ in found) == b"".join(lines)
        assert sum(left for _, _, left in found) > 5
        for data, line, _ in found:
            assert data.startswith(b"%07d" % (line - 1))


@given(
    st.lists(st.sampled_from([b"1234567", b"7654321", b"123456", b"12345678", b"", b"1234\r67"]), max_size=80),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
)
@settings(deadline=None)
def test_no_byte_is_lost_or_moved_and_every_stretch_holds_whole_lines(
    lines: list[bytes], line_end: bytes, is_ended: bool
) -> None:
    data = line_end.join(lines) + (line_end if is_ended else b"")
    found = list(read(data, may_leave=True))
    assert b"".join(piece for piece, _, _ in found) == data
    assert all(piece.endswith(b"\n") for piece, _, _ in found[:-1])


@given(st.integers(0, 79), st.sampled_from([b"123456", b"12345678"]))
def test_after_a_line_of_another_length_the_rest_is_read(place: int, odd: bytes) -> None:
    lines = [b"1234567"] * 80
    lines[place] = odd
    data = b"\n".join(lines) + b"\n"
    for piece, line, left in read(data, may_leave=True):
        assert data.startswith(piece, sum(len(one) + 1 for one in lines[: line - 1])) or left
    assert b"".join(piece for piece, _, _ in read(data, may_leave=True)) == data

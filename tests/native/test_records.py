"""Compiled code cuts and joins records as plain Python does, and says so when it is asked for what is not there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pw_pipelines import native
from pw_pipelines.registry import staging
from pw_pipelines.sources import fixed_width
from pw_pipelines.sources.fixed_width import Dates, Repeated, Sheet, sheet

NUMBER, NAME, DAY, CITY = slice(0, 4), slice(4, 16), slice(16, 24), slice(24, 30)
WIDTH = 30
needs_compiled = pytest.mark.skipif(not native.IS_COMPILED, reason="no C compiler where the project was installed")

TEXT = st.one_of(
    st.sampled_from(
        [b"", b"BLUE FOX", b" BLUE  FOX ", b"caf\xe9", b"\x93FOX\x94", b"FOX\x00\x00", b"A\xa0B", b"\xadX"]
    ),
    st.binary(max_size=12).map(lambda one: one.replace(b"\n", b" ").replace(b"\r", b" ")),
)
DAYS = st.sampled_from([b"12312020", b"02302020", b"        ", b"00000000", b"99999999", b"1 312020", b"\x00" * 8])
RECORDS = st.builds(
    lambda number, name, day, city: b"%04d" % number + name.ljust(12)[:12] + day + city.ljust(6)[:6],
    st.integers(0, 9999), TEXT, DAYS, TEXT,
)  # fmt: skip


@contextmanager
def plainly() -> Iterator[None]:
    """Without compiled code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "IS_COMPILED", False)
        yield


def cut(data: bytes) -> dict[str, object]:
    """All that is read from a block."""
    found = sheet(data, WIDTH, 7, upto=CITY.stop)
    columns = [found.column(NUMBER), found.column(NAME)]
    days, cities = found.dates(DAY, Dates("mdy"), "day"), found.repeated(CITY, Repeated())
    return {"columns": columns, "days": days, "cities": cities, "read": found.read, "rejects": found.rejects,
            "notes": found.notes}  # fmt: skip


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
def test_where_there_is_a_compiler_the_project_is_installed_compiled() -> None:
    assert native.IS_COMPILED


@needs_compiled
@given(st.lists(RECORDS, max_size=12), st.sampled_from([b"\n", b"\r\n"]))
def test_a_block_reads_the_same_both_ways(records: list[bytes], line_end: bytes) -> None:
    data = b"".join(record + line_end for record in records)

    with plainly():
        plain = cut(data)

    assert cut(data) == plain


@needs_compiled
@given(st.lists(st.one_of(RECORDS, st.binary(max_size=40)), max_size=6), st.sampled_from([b"\n", b"\r\n", b"\r", b""]))
@example([b"0" * WIDTH, b"1" * WIDTH], b"\n")
@example([b"0" * 14 + b"\n" + b"1" * 15], b"\n")
def test_any_bytes_read_the_same_both_ways(lines: list[bytes], line_end: bytes) -> None:
    data = line_end.join(lines)

    assert native.records.stride_of(data, WIDTH) == fixed_width._stride(data, WIDTH)
    with plainly():
        plain = cut(data)
    assert cut(data) == plain


@needs_compiled
def test_of_a_right_block_no_record_is_cut_out_whole() -> None:
    found = sheet((b"0001BLUE FOX    12312020TAMPA \n") * 3, WIDTH)

    assert found.column(NAME) == ["BLUE FOX"] * 3
    assert found.repeated(CITY, Repeated()) == ["TAMPA"] * 3
    assert isinstance(found.found, fixed_width._Whole)


@needs_compiled
def test_doubtful_values_are_noted_although_they_are_forgotten_in_the_same_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Repeated, "LARGEST", 3)
    block = b"".join(b"0001BLUE FOX    12312020%b\n" % city for city in (b"TA\x01PA ", b"A     ", b"B     ", b"C     "))

    with plainly():
        plain = cut(block)

    assert cut(block) == plain
    assert list(plain["notes"].values()) == [1]  # type: ignore[attr-defined]


@needs_compiled
def test_what_is_no_block_is_refused() -> None:
    with pytest.raises(TypeError):
        native.records.stride_of(None, 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        native.records.texts(None, 3, 0, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no number of records"):
        native.records.joined([""], 2**56 - 1)
    assert native.records.stride_of(b"", 2**63 - 1) == 0


@needs_compiled
def test_filler_of_nul_bytes_costs_nothing() -> None:
    block = b"0001\x00BLUE FOX \x00\x0012312020TAMPA \n" * 3

    assert native.records.texts(block, WIDTH + 1, NAME.start, NAME.stop) == ["BLUE FOX"] * 3
    assert native.records.texts(block.replace(b"E F", b"E\x00F"), WIDTH + 1, NAME.start, NAME.stop) is None


@needs_compiled
def test_doubtful_values_are_noted_in_every_block_however_often_they_were_met() -> None:
    cities = Repeated()

    def noted() -> Sheet:
        found = sheet(b"0001BLUE FOX    12312020TA\x01PA \n" * 2 + b"0001BLUE FOX    12312020MIAMI \n", WIDTH)
        assert found.repeated(CITY, cities) == ["TA PA", "TA PA", "MIAMI"]
        return found

    assert [list(noted().notes.values()) for _ in range(3)] == [[2], [2], [2]]


@needs_compiled
def test_values_are_let_go_with_the_book_that_kept_them() -> None:
    value = "TAMPA BAY"
    known: dict[str | bytes, str | None] = {b"TAMPA BAY ": value}
    before = sys.getrefcount(value)

    repeating = native.records.Repeating(known, set())
    found = repeating.column(b"TAMPA BAY \n" * 5, 11, 0, 10)
    assert found == ([value] * 5, 0)
    del repeating, found

    assert sys.getrefcount(value) == before


@needs_compiled
def test_many_values_push_each_other_out_and_stay_right() -> None:
    cities = Repeated()
    block = b"".join(b"%06d\n" % (number * 7919 % 1_000_003 % 999_983) for number in range(20_000))

    expected = [f"{number * 7919 % 1_000_003 % 999_983:06d}" for number in range(20_000)]
    assert all(cities.quick.column(block, 7, 0, 6) == (expected, 0) for _ in range(2))


@needs_compiled
@pytest.mark.parametrize(
    ("stride", "begin", "end"), [(0, 0, 1), (7, -1, 3), (7, 3, 2), (7, 0, 8), (6, 0, 3), (-7, 0, 3)]
)
def test_a_field_outside_of_the_records_is_refused(stride: int, begin: int, end: int) -> None:
    data = b"TAMPA \n" * 3

    with pytest.raises(ValueError, match="no field from"):
        native.records.texts(data, stride, begin, end)
    with pytest.raises(ValueError, match="no field from"):
        Repeated().quick.column(data, stride, begin, end)


CELLS = st.one_of(
    st.text(max_size=12),
    st.none(),
    st.sampled_from(["", "\\N", "a\tb", "a\nb", "a\rb", "\\.", "NUL\x00", "\ud800", "é" * 300, "日本", "\\"]),
)


@needs_compiled
@given(st.integers(1, 8).flatmap(lambda count: st.tuples(
    st.just(count),
    st.lists(st.one_of(st.lists(CELLS, min_size=count, max_size=count), st.sampled_from(["", "FL"])), max_size=5),
)))  # fmt: skip
def test_columns_are_joined_the_same_both_ways(given_: tuple[int, list[list[str | None] | str]]) -> None:
    count, columns = given_
    columns = [["L1"] * count, *columns]

    plain = staging._joined(columns, count)
    compiled = native.records.joined(columns, count)

    if plain is not None:
        assert compiled == plain
    elif compiled is not None:  # plain Python leaves what wants an escape to the slow way
        rows = [[column if isinstance(column, str) else column[n] or "" for column in columns] for n in range(count)]
        assert compiled.decode() == "".join(
            "\t".join(cell.translate(staging._SPECIAL) for cell in row) + "\n" for row in rows
        )
    else:
        assert any("\x00" in cell or not cell.isprintable() for column in columns for cell in column if cell)


@needs_compiled
def test_columns_of_other_lengths_or_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="a column has 1 values, not 2"):
        native.records.joined([["a", "b"], ["c"]], 2)

    class Other(list[str]):
        pass

    with pytest.raises(TypeError, match="a list or a str, not Other"):
        native.records.joined([["a"], Other("b")], 1)
    with pytest.raises(TypeError, match="a list or a str, not tuple"):
        native.records.joined([("a", "b")], 2)  # type: ignore[list-item]
    with pytest.raises(TypeError):
        native.records.joined([["a", 5]], 2)  # type: ignore[list-item]

"""Copies that are not what the source promises end as one sentence that a person understands."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest

from pw_pipelines.errors import SourceRejected, UsageError
from pw_pipelines.sources.fcc_rmd import LAYOUTS
from pw_pipelines.sources.registry import SOURCES, reader
from tests.sources import builders
from tests.sources.builders import MAINTENANCE, rmd_csv, rmd_filing
from tests.sources.reading import read

FILINGS = [rmd_filing(n) for n in range(1, 201)]
HEADER = LAYOUTS["2026"]


def _refusal(raw: bytes, source: str = "fcc_rmd") -> str:
    with pytest.raises(SourceRejected) as refused:
        read(source, raw, file_name="copy")
    return str(refused.value)


@pytest.mark.parametrize("share", [0.4, 0.05, 0.731, 0.999])
def test_a_file_cut_short_is_refused(share: float) -> None:
    whole = rmd_csv(FILINGS)
    assert "cut short" in _refusal(whole[: int(len(whole) * share)])


def test_no_cut_of_the_last_rows_is_ever_believed_unless_it_falls_between_rows() -> None:
    """Every byte of the last row: it is refused, or the row was whole but for the end of its link."""
    whole = rmd_csv(FILINGS[:3])
    start = whole.rindex(b"RMD0000003")
    for end in range(start + 1, len(whole)):
        try:
            rows, report = read("fcc_rmd", whole[:end])
        except SourceRejected as refused:
            assert "cut short" in str(refused)
        else:
            assert (len(rows), report.reject_count) == (3, 0)
            assert whole[:end].rstrip(b"\r\n&view=sp").endswith(f"sys_id={3:032x}".encode())


def test_a_page_with_status_200_is_told_by_its_title() -> None:
    assert _refusal(MAINTENANCE) == "HTML page instead of CSV: Site Maintenance."


@pytest.mark.parametrize("source", [source for source in SOURCES if source != "fcc_cores"])
def test_no_reader_takes_a_maintenance_page_for_data(source: str) -> None:
    assert "HTML page" in _refusal(MAINTENANCE, source)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("raw", [b"", b"\x00\x01\x02" * 40, b"PK\x03\x04 cut", gzip.compress(b"", mtime=0)], ids=repr)
def test_no_reader_takes_rubbish_for_data_or_falls_over_it(source: str, raw: bytes) -> None:
    assert _refusal(raw, source)


def _swapped(columns: tuple[str, ...]) -> tuple[str, ...]:
    return (columns[1], columns[0], *columns[2:])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda names: tuple("provider_frn" if n == "frn" else n for n in names),
            "renamed.*`frn` is now `provider_frn`",
        ),
        (lambda names: tuple(n for n in names if n != "country"), "column missing: country"),
        (lambda names: (*names, "ocn"), "unknown column: ocn"),
        (lambda names: (*names[:5], "ocn", *names[5:]), "unknown column: ocn"),
        (_swapped, "order changed.*column 1 is `frn`, expected `number`"),
        (lambda names: (*names[:-1], "frn"), "Column twice.*frn"),
        (lambda _: ("a", "b"), "not the header of the RMD export"),
    ],
)
def test_a_changed_header_is_named(change: Callable[[tuple[str, ...]], tuple[str, ...]], said: str) -> None:
    refusal = _refusal(rmd_csv(FILINGS[:2], header=change(HEADER)))
    assert re.search(said, refusal), refusal
    assert "sources/fcc_rmd.py" in refusal, "the sentence says where to mend it"


def test_another_encoding_is_refused_with_its_place() -> None:
    raw = rmd_csv([rmd_filing(1, business_name="Ñandú Telephone")]).replace("Ñandú".encode(), "Ñandú".encode("latin-1"))
    assert f"Not UTF-8 at byte {raw.index(bytes([0xD1])):,} (found 0xd1)" in _refusal(raw)
    assert "Not UTF-8 at byte 0 (found 0xff)" in _refusal(rmd_csv(FILINGS[:1], bom=False).decode().encode("utf-16"))


def test_another_encoding_of_the_other_records_is_refused_too() -> None:
    xml = builders.form499_xml([builders.form499_filer(1)]).decode().encode("utf-16")
    assert "UTF-16 text; the list is ISO-8859-1" in _refusal(xml, "fcc_form499")
    page = '{"filing": [], "by": "Ñandú"}'.encode("latin-1")
    assert "not UTF-8 at byte 22" in _refusal(page, "fcc_cpni")


def test_the_place_of_a_wrong_byte_is_right_beyond_the_first_block() -> None:
    raw = rmd_csv(FILINGS * 3)
    place = len(raw) - 1_000
    assert f"Not UTF-8 at byte {place:,} " in _refusal(raw[:place] + b"\xff" + raw[place + 1 :])


def test_130_bytes_inside_a_valid_gzip_are_judged_like_a_bare_file() -> None:
    assert "not the header" in _refusal(gzip.compress(b"x" * 130))
    beginning = rmd_csv(FILINGS)[:130]
    assert "ends inside its header, after 10 columns: cut short" in _refusal(gzip.compress(beginning))
    assert "HTML page" in _refusal(gzip.compress(MAINTENANCE[:130]))


def test_a_cut_or_damaged_gzip_is_refused() -> None:
    packed = gzip.compress(rmd_csv(FILINGS))
    assert "gzip body ends early" in _refusal(packed[: len(packed) // 2])
    assert "damaged" in _refusal(packed[:200] + bytes(100) + packed[300:])


def test_a_gzip_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pw_pipelines.sources.body.MOST_UNPACKED_BYTES", 1_000_000)
    assert "unpacks to more than 1,000,000 bytes" in _refusal(gzip.compress(rmd_csv(FILINGS * 60)))


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    assert "A line is longer than" in _refusal(builders.BOM + b"x" * 3_000_000)


def test_a_quote_that_is_never_closed_is_refused() -> None:
    raw = rmd_csv([rmd_filing(1, business_address="1 Example Street\nSpringfield")], layout="2026")
    unclosed = raw.replace(b'Springfield",No', b"Springfield,No")
    assert unclosed != raw
    assert "text follows a closing quote" in _refusal(unclosed)
    assert "never closed" in _refusal(rmd_csv(FILINGS[:1]) + b'"RMD0000002,')


def test_the_reader_of_an_unknown_source_is_a_usage_error_that_names_the_known() -> None:
    with pytest.raises(UsageError, match="fcc_rmd, fcc_form499"):
        reader("fcc_rdm")

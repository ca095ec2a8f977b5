"""Segments as files: safe in a spreadsheet, typed where the format can, the same bytes for the same data."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path

import polars
import pytest
from python_calamine import CalamineWorkbook

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.leads.export import COLUMNS, export_segment, guarded, segment_state, segment_states
from pw_pipelines.leads.segments import read_segments
from pw_pipelines.leads.suppression import suppress
from tests.leads.warehouse import NOW, TODAY, GivenLead, given_leads

SEGMENT = "rmd_not_recertified"


@pytest.fixture
def segment(marts: Database) -> Database:
    """Three leads, the worst last, one with a name that a spreadsheet would run."""
    given_leads(
        marts,
        [
            GivenLead("0000000003", "cat@gamma.example", name="'@Link, LLC"),
            GivenLead("0000000002", "bob@beta.example", name='=HYPERLINK("http://evil.example","x")', state=None),
            GivenLead(
                "0000000001", "ann@alpha.example", name="Ñandú & Söhne", codes=("RMD_MISSING",), severity="critical"
            ),
        ],
    )
    with marts.connect() as connection:
        connection.execute(
            "insert into segments.segment_members select %s, frn from marts.deficiency_leads", (SEGMENT,)
        )
        connection.execute(
            "insert into segments.segment_summary values ('critical', 'Critical', 0, '{}', %s)", (TODAY,)
        )
    return marts


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def test_csv_has_a_row_per_lead_worst_first_and_the_frn_keeps_its_zeros(segment: Database, tmp_path: Path) -> None:
    report = export_segment(segment, SEGMENT, "csv", tmp_path / "out.csv")
    rows = _csv(report.path)
    assert (report.rows, list(rows[0])) == (3, list(COLUMNS))
    assert [row["frn"] for row in rows] == ["0000000001", "0000000002", "0000000003"]
    assert (rows[0]["company"], rows[0]["as_of"]) == ("Ñandú & Söhne", "2026-11-20")


def test_no_cell_of_a_csv_starts_a_formula(segment: Database, tmp_path: Path) -> None:
    rows = _csv(export_segment(segment, SEGMENT, "csv", tmp_path / "out.csv").path)
    assert rows[1]["company"] == '\'=HYPERLINK("http://evil.example","x")'
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_what_starts_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "0000000001", "'quoted"])
def test_what_starts_none_stays_as_it_is(cell: str) -> None:
    assert guarded(cell) == cell


def test_xlsx_has_text_frns_real_dates_and_no_formula(segment: Database, tmp_path: Path) -> None:
    export_segment(segment, SEGMENT, "xlsx", tmp_path / "out.xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "out.xlsx"))
    header, *rows = book.get_sheet_by_name("leads").to_python()
    assert header == list(COLUMNS)
    assert [row[0] for row in rows] == ["0000000001", "0000000002", "0000000003"]
    assert rows[1][1] == '=HYPERLINK("http://evil.example","x")'
    as_of = rows[0][header.index("as_of")]
    assert (as_of.date() if isinstance(as_of, datetime) else as_of) == date(2026, 11, 20)
    about = dict(row[:2] for row in book.get_sheet_by_name("about").to_python())
    assert (about["segment"], about["leads"]) == (SEGMENT, "3")


def test_parquet_is_typed(segment: Database, tmp_path: Path) -> None:
    export_segment(segment, SEGMENT, "parquet", tmp_path / "out.parquet")
    frame = polars.read_parquet(tmp_path / "out.parquet")
    assert frame.schema["frn"] == polars.String
    assert frame.schema["codes"] == polars.List(polars.String)
    assert frame.schema["as_of"] == polars.Date
    assert frame["codes"].to_list()[0] == ["RMD_MISSING"]


@pytest.mark.parametrize("format", ["csv", "xlsx", "parquet"])
def test_the_same_data_gives_the_same_bytes_and_leaves_one_file(segment: Database, tmp_path: Path, format: str) -> None:
    first = export_segment(segment, SEGMENT, format, tmp_path / f"out.{format}")
    content = first.path.read_bytes()
    second = export_segment(segment, SEGMENT, format, tmp_path / f"out.{format}")
    assert (second.sha256, second.path.read_bytes()) == (first.sha256, content)
    assert [path.name for path in tmp_path.iterdir()] == [f"out.{format}"]


@pytest.mark.parametrize("format", ["csv", "xlsx", "parquet"])
def test_an_empty_segment_is_a_file_with_a_header(segment: Database, tmp_path: Path, format: str) -> None:
    report = export_segment(segment, "critical", format, tmp_path / f"out.{format}")
    assert (report.rows, report.as_of, report.path.stat().st_size > 0) == (0, TODAY, True)


def test_suppressed_addresses_are_left_out_and_counted(segment: Database, tmp_path: Path) -> None:
    suppress(segment, "ann@alpha.example", reason="manual", origin="manual", now=NOW)
    report = export_segment(segment, SEGMENT, "csv", tmp_path / "out.csv")
    assert (report.rows, report.suppressed) == (2, 1)
    whole = export_segment(segment, SEGMENT, "csv", tmp_path / "all.csv", include_suppressed=True)
    assert (whole.rows, whole.suppressed) == (3, 0)


@pytest.mark.parametrize(
    ("name", "format", "file", "says"),
    [
        ("nonsense", "csv", "out.csv", "no segment"),
        (SEGMENT, "ods", "out.ods", "csv, xlsx, parquet"),
        (SEGMENT, "csv", "missing/out.csv", "does not exist"),
    ],
)
def test_a_wrong_wish_is_answered_with_what_there_is(
    segment: Database, tmp_path: Path, name: str, format: str, file: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        export_segment(segment, name, format, tmp_path / file)
    assert list(tmp_path.iterdir()) == []


def test_a_segment_is_shown_with_its_counts(segment: Database) -> None:
    suppress(segment, "ann@alpha.example", reason="manual", origin="manual", now=NOW)
    state = segment_state(segment, SEGMENT)
    assert (state.name, state.as_of, state.leads, state.suppressed) == (SEGMENT, TODAY, 3, 1)
    assert dict(state.by_code) == {"RMD_NOT_RECERTIFIED": 2, "RMD_MISSING": 1}
    every = segment_states(segment, read_segments())
    assert [one.name for one in every] == [spec.name for spec in read_segments()]


def test_before_the_first_build_there_are_no_segments_and_it_is_said(db: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="never built"):
        export_segment(db, SEGMENT, "csv", tmp_path / "out.csv")

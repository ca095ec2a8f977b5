"""Broadband Data Collection: a vintage's provider list, and the reference table of provider IDs."""

from __future__ import annotations

from datetime import date

import pytest

from pw_pipelines.errors import SourceRejected
from tests.sources.builders import BDC_NAME, MAINTENANCE, bdc_bundle, bdc_csv, bdc_list, bundle, zipped
from tests.sources.reading import read

SOURCE = "fcc_bdc"
ROWS = [("0020000001", "130317", "Invented Holdings, Inc."), ("0020000002", "130317", "Invented Holdings")]
TABLE = ("provider_name", "affiliation", "operation_type", "frn", "provider_id")


def test_a_bundle_has_rows_vintage_revision_and_the_total_of_the_list_reply() -> None:
    rows, report = read(SOURCE, bdc_bundle(ROWS))
    assert [row["frn"] for row in rows] == ["0020000001", "0020000002"], "one provider ID covers many FRNs"
    assert rows[0]["holding_company_key"] == rows[1]["holding_company_key"] == "invented holdings"
    assert (report.layout, report.vintage, report.newest) == ("provider_list", "J25", date(2026, 3, 3))
    assert (report.control_total, report.control_source) == (2, "record_count in the BDC list reply")
    assert report.facts == {"file": BDC_NAME, "revised_on": "2026-03-03", "providers": 1}
    assert report.proves_absence is True


def test_the_stated_total_is_reported_even_when_it_is_not_met() -> None:
    _, report = read(SOURCE, bdc_bundle(ROWS, count="2,883"))
    assert (report.control_total, report.rows) == (2883, 2)


def test_a_bare_zip_and_a_bare_csv_are_read_without_a_total() -> None:
    for raw, name in ((zipped(f"{BDC_NAME}.csv", bdc_csv(ROWS)), "download.zip"), (bdc_csv(ROWS), f"{BDC_NAME}.csv")):
        rows, report = read(SOURCE, raw, file_name=name)
        assert (len(rows), report.vintage, report.control_total) == (2, "J25", None)


def test_a_file_without_a_vintage_in_its_name_has_none() -> None:
    _, report = read(SOURCE, bdc_csv(ROWS), file_name="providers.csv")
    assert (report.vintage, report.newest) == (None, None)


def test_blanks_around_a_provider_id_are_trimmed_and_told() -> None:
    rows, report = read(SOURCE, bdc_csv([("20000001", "240058 ", "Invented Holdings")]))
    assert (rows[0]["provider_id"], rows[0]["frn"]) == ("240058", "0020000001")
    assert report.notes == [
        "1 FRN(s) had lost leading zeros",
        "1 provider ID(s) had blanks around them, trimmed",
    ]


def test_the_reference_table_is_read_and_proves_no_absence() -> None:
    raw = bdc_csv([("Invented Net", "Invented Holdings, LLC", "Non-ILEC", "0020000001", "290004")], TABLE)
    rows, report = read(SOURCE, raw)
    assert (report.layout, report.proves_absence) == ("provider_id_table", False)
    assert (rows[0]["provider_name"], rows[0]["operation_type"]) == ("Invented Net", "Non-ILEC")
    assert rows[0]["holding_company"] == "Invented Holdings, LLC", "the affiliation is the holding company's name"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("", "130317", "x"), "the FRN is blank"),
        (("0020000001", "13", "x"), "provider_id is '13', expected 6 digits"),
        (("frn", "130317", "x"), "FRN is 'frn', expected 10 digits"),
        (("0020000001", "130317", "x", "y"), "4 columns instead of 3"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_alone(row: tuple[str, ...], reason: str) -> None:
    rows, report = read(SOURCE, bdc_csv([row, ROWS[0]]))
    assert len(rows) == 1
    assert report.rejects[0].reason == reason


def test_a_pair_met_twice_is_told() -> None:
    _, report = read(SOURCE, bdc_csv([ROWS[0], ROWS[0]]))
    assert report.duplicate_keys == ["0020000001/130317"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (bdc_bundle(ROWS)[:300], "cut short or damaged"),
        (bundle([("list.json", bdc_list(2)), ("x.zip", zipped("a.csv", bdc_csv(ROWS))[:80])]), "cut short or damaged"),
        (bundle([("list.json", bdc_list(2))]), "holds 0 provider lists"),
        (bundle([("list.json", bdc_list(2)), ("x.zip", MAINTENANCE)]), "HTML page instead of a ZIP.*Site Maintenance"),
        (bundle([("list.json", b'{"status": "fail", "message": "Unauthorized"}')]), "no data: Unauthorized"),
        (zipped("readme.txt", b"x"), "should hold one CSV; it holds readme.txt"),
        (zipped("[Content_Types].xml", b"x"), "save its sheet as CSV"),
        (zipped("a.csv", MAINTENANCE), "HTML page instead of CSV"),
        (bdc_csv(ROWS, ("frn", "provider", "holding_company")), "`provider_id` is now `provider`"),
        (bdc_csv(ROWS)[:-40], "cut short"),
    ],
)
def test_bad_copies_are_refused_in_words(raw: bytes, said: str) -> None:
    with pytest.raises(SourceRejected, match=said):
        read(SOURCE, raw)

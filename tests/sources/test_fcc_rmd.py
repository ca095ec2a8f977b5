"""The Robocall Mitigation Database's export: what each quirk becomes."""

from __future__ import annotations

import gzip
from datetime import date

import pytest

from pw_pipelines.errors import SourceRejected
from tests.sources.builders import MAINTENANCE, rmd_csv, rmd_filing
from tests.sources.reading import one, read

SOURCE = "fcc_rmd"


def _one(**changed: str) -> dict[str, object]:
    return one(SOURCE, rmd_csv([rmd_filing(1, **changed)]))


def test_a_healthy_filing_is_read_whole() -> None:
    row = _one()
    assert row["number"] == "RMD0000001"
    assert row["frn"] == "0020000001"
    assert row["name_key"] == "invented telephone 1"
    assert row["business_address"] == "1 Example Street\nSuite 2\nSpringfield ZZ 00000", "quoted newlines are kept"
    assert (row["is_foreign"], row["is_voice"], row["is_gateway"], row["is_intermediate"]) == (
        False,
        True,
        False,
        False,
    )
    assert row["implementation"] == "complete"
    assert (row["last_updated_on"], row["last_recertified_on"]) == (date(2026, 2, 10), date(2026, 2, 10))
    assert str(row["filing_url"]).endswith("sys_id=00000000000000000000000000000001&view=sp")


@pytest.mark.parametrize("word", ["", "  ", "N/A", "n/a", "None", "NONE", "null"])
def test_words_for_nothing_are_nothing(word: str) -> None:
    row = _one(business_name=word, contact_department=word, other_frns=word, contact_country=word)
    assert [
        row[column] for column in ("business_name", "contact_department", "other_frns_text", "contact_country")
    ] == [None] * 4
    assert row["name_key"] == ""


def test_an_address_of_nulls_is_empty_and_a_null_line_is_dropped() -> None:
    row = _one(contact_business_address="null\nnull", business_address="1 Example Street\nnull")
    assert (row["contact_address"], row["business_address"]) == (None, "1 Example Street")


def test_the_guard_against_formulas_is_taken_off_and_told() -> None:
    rows, report = read(
        SOURCE,
        rmd_csv([rmd_filing(1, business_name="'@Link, LLC", contact_telephone_number="'+12025550100")]),
    )
    assert (rows[0]["business_name"], rows[0]["contact_phone"]) == ("@Link, LLC", "+12025550100")
    assert report.notes == ["2 cell(s) had an apostrophe before a leading + - @ or =, taken off"]


def test_an_apostrophe_that_guards_nothing_is_kept() -> None:
    assert _one(business_name="'Ohana Telephone")["business_name"] == "'Ohana Telephone"


def test_frns_that_lost_their_zeros_get_them_back_and_it_is_told() -> None:
    rows, report = read(SOURCE, rmd_csv([rmd_filing(n, frn=str(20_000_000 + n)) for n in (1, 2, 3)]))
    assert [row["frn"] for row in rows] == ["0020000001", "0020000002", "0020000003"]
    assert report.notes == ["3 FRN(s) had lost leading zeros"]


def test_a_filing_without_an_frn_is_a_filing() -> None:
    rows, report = read(SOURCE, rmd_csv([rmd_filing(1, frn="")]))
    assert (rows[0]["number"], rows[0]["frn"]) == ("RMD0000001", None)
    assert report.notes == ["1 filing(s) have no FRN"]


def test_what_is_not_an_frn_rejects_its_row_alone() -> None:
    rows, report = read(SOURCE, rmd_csv([rmd_filing(1, frn="12345678901"), rmd_filing(2)]))
    assert [row["number"] for row in rows] == ["RMD0000002"]
    assert report.rejects[0].reason == "FRN is '12345678901', expected 10 digits"
    assert "RMD0000001" in report.rejects[0].excerpt


def test_several_filings_of_one_frn_are_several_rows() -> None:
    rows, report = read(SOURCE, rmd_csv([rmd_filing(1, frn="0020000009"), rmd_filing(2, frn="0020000009")]))
    assert len(rows) == 2
    assert report.duplicate_keys == []
    assert report.facts["frns_with_several_filings"] == 1


def test_a_number_met_twice_is_told_once() -> None:
    _, report = read(SOURCE, rmd_csv([rmd_filing(1), rmd_filing(1), rmd_filing(1), rmd_filing(2)]))
    assert report.duplicate_keys == ["RMD0000001"]


def test_other_frns_are_found_in_free_text_and_the_text_is_kept() -> None:
    written = "0003742715; 0021441233,\r\n123456789 see list in attached RMP."
    row = _one(other_frns=written)
    assert row["other_frns"] == ["0003742715", "0021441233"], "9 digits are no FRN"
    assert row["other_frns_text"] == written


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Acme Voice, Inc.; Beta Tel, LLC", ["Acme Voice, Inc.", "Beta Tel, LLC"]),
        ("Acme Voice, Beta Tel,\r\nGamma Net", ["Acme Voice", "Beta Tel", "Gamma Net"]),
        ("Crocus Telecommunications,  LLC", ["Crocus Telecommunications, LLC"]),
        ("Acme Voice  Beta Tel  Gamma Net", ["Acme Voice", "Beta Tel", "Gamma Net"]),
        ("Biddle Internet Corp. d/b/a BWI", ["Biddle Internet Corp.", "BWI"]),
        ("DBA Temple Telecom", ["Temple Telecom"]),
        ("Acme Cable, Inc. Catskin Cable", ["Acme Cable, Inc.", "Catskin Cable"]),
        ("None; N/A; Acme Voice", ["Acme Voice"]),
        ("none.", []),
        ("see list in attached RMP", []),
        ("Acme Voice; ACME VOICE LLC", ["Acme Voice"]),
        ("Invented Telephone 1, Inc.", []),
    ],
)
def test_other_names_are_split_with_care(written: str, expected: list[str]) -> None:
    row = _one(other_dba_names=written)
    assert row["other_names"] == expected
    keys = row["other_name_keys"]
    assert isinstance(keys, list)
    assert len(keys) == len(expected), "one key per name, in the same order"


def test_previous_names_count_as_other_names() -> None:
    row = _one(other_dba_names="Acme Voice", previous_dba_names="Beta Tel, LLC")
    assert row["other_name_keys"] == ["acme voice", "beta tel"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Complete STIR/SHAKEN Implementation", "complete"),
        ("Partial STIR/SHAKEN Implementation - Performing Robocall Mitigation", "partial"),
        ("No STIR/SHAKEN Implementation - Performing Robocall Mitigation", "none"),
        ("N/A", None),
        ("", None),
    ],
)
def test_the_implementation_answer_has_one_word(written: str, expected: str | None) -> None:
    row = _one(implementation=written)
    assert (row["implementation"], row["implementation_text"]) == (expected, written or None)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("implementation", "Mostly STIR/SHAKEN", "none of the known answers"),
        ("last_updated", "02/10/2026", "expected a day as YYYY-MM-DD"),
        ("last_recertified", "2026-02-30", "expected a day as YYYY-MM-DD"),
        ("voice_service_provider_choice", "Perhaps", "expected Yes, No or blank"),
        ("number", "RMD12", "expected RMD and 7 digits"),
    ],
)
def test_an_answer_nobody_knows_rejects_its_row_and_is_never_guessed(column: str, value: str, reason: str) -> None:
    rows, report = read(SOURCE, rmd_csv([rmd_filing(1, **{column: value}), rmd_filing(2)]))
    assert len(rows) == report.rows == report.reject_count == 1
    assert reason in report.rejects[0].reason


def test_facts_say_what_copies_are_compared_by() -> None:
    filings = [
        rmd_filing(1),
        rmd_filing(7, last_updated="", last_recertified="", implementation="N/A", voice_service_provider_choice="No"),
        rmd_filing(3, business_name="null", last_recertified="2026-03-02"),
    ]
    _, report = read(SOURCE, rmd_csv(filings))
    assert report.newest == date(2026, 3, 2), "the newest of both dates"
    assert report.facts == {
        "highest_number": "RMD0000007",
        "by_implementation": {"blank": 1, "complete": 2},
        "blank_last_updated": 1,
        "role_none": 1,
        "blank_names": 1,
        "frns_with_several_filings": 0,
    }
    assert (report.filled["business_name"], report.filled["number"]) == (2, 3)


def test_the_layout_of_2025_has_no_recertification() -> None:
    rows, report = read(SOURCE, rmd_csv([rmd_filing(1, last_updated="2024-04-08")], layout="2025"))
    assert (report.layout, rows[0]["last_recertified_on"]) == ("2025", None)


def test_a_copy_of_2026_that_lost_last_recertified_is_not_taken_for_one_of_2025() -> None:
    """Otherwise every filer of the country would seem not to have recertified."""
    with pytest.raises(SourceRejected, match=r"Column missing .* last_recertified.*2026-02-10"):
        read(SOURCE, rmd_csv([rmd_filing(1)], layout="2025"))


def test_a_copy_without_byte_order_mark_is_read_and_told() -> None:
    rows, report = read(SOURCE, rmd_csv([rmd_filing(1)], bom=False))
    assert len(rows) == 1
    assert report.notes == ["No byte order mark at the start; the portal's own export has one"]


def test_line_feeds_alone_and_a_missing_last_one_are_fine() -> None:
    rows, report = read(SOURCE, rmd_csv([rmd_filing(1), rmd_filing(2)], line_end="\n").rstrip(b"\n"))
    assert (len(rows), report.reject_count) == (2, 0)


def test_a_gzip_body_is_opened_and_judged_the_same_way() -> None:
    rows, _ = read(SOURCE, gzip.compress(rmd_csv([rmd_filing(1)])))
    assert len(rows) == 1
    with pytest.raises(SourceRejected, match="HTML page instead of CSV: Site Maintenance"):
        read(SOURCE, gzip.compress(MAINTENANCE))


def test_zero_rows_are_left_to_the_grader() -> None:
    rows, report = read(SOURCE, rmd_csv([]))
    assert (rows, report.rows, report.newest, report.facts["highest_number"]) == ([], 0, None, None)


def test_a_middle_row_of_wrong_width_is_rejected_with_its_line() -> None:
    whole = rmd_csv([rmd_filing(1, business_address="x"), rmd_filing(2), rmd_filing(3)])
    lines = whole.split(b"\r\n")
    lines[1] += b",surplus"
    rows, report = read(SOURCE, b"\r\n".join(lines))
    assert [row["number"] for row in rows] == ["RMD0000002", "RMD0000003"]
    assert report.rejects[0].reason == "24 columns instead of 23"


def test_the_highest_cell_ever_seen_passes() -> None:
    assert _one(previous_dba_names="x" * 15_753)["other_names"] == []

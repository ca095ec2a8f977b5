"""CORES: registration pages, and the empty page that means that there is none."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pw_pipelines.errors import SourceRejected
from tests.sources.builders import CORES_NOT_FOUND, MAINTENANCE, cores_bundle, cores_fields, cores_page, zipped
from tests.sources.reading import one, read

SOURCE = "fcc_cores"
FRN = "0020000001"


def test_a_registration_is_read_whole() -> None:
    row = one(SOURCE, cores_bundle({FRN: cores_page()}))
    assert row == {
        "frn": FRN,
        "is_found": True,
        "entity_name": "INVENTED TELEPHONE 1 LLC",
        "name_key": "invented telephone 1",
        "entity_type": "Private Sector, Corporation",
        "registered_at_et": datetime(2000, 9, 12, 20, 16, 13, tzinfo=UTC),
        "updated_at_et": datetime(2026, 5, 18, 14, 13, 28, tzinfo=UTC),
        "contact_organization": "Invented Telephone",
        "contact_position": "Counsel",
        "contact_name": "Robin Example",
        "contact_address": "1 Example Street\nSpringfield, ZZ 00000\nUnited States",
        "contact_email": "robin@invented.example",
        "contact_phone": "(202) 555-0100",
        "contact_fax": None,
    }


def test_the_clock_on_the_page_is_eastern_in_winter_too() -> None:
    page = cores_page(cores_fields(**{"Registration Date:": "01/15/2026 11:30:00 PM"}))
    assert one(SOURCE, cores_bundle({FRN: page}))["registered_at_et"] == datetime(2026, 1, 16, 4, 30, tzinfo=UTC)


def test_the_labels_of_2021_and_other_blanks_are_understood() -> None:
    fields = cores_fields()
    fields["Business Name:"] = fields.pop("Entity Name:")
    fields["Business Type:"] = fields.pop("Entity Type:")
    fields["Contact  Phone :"] = fields.pop("ContactPhone:")
    row = one(SOURCE, cores_bundle({FRN: cores_page(fields)}))
    assert (row["entity_name"], row["contact_phone"]) == ("INVENTED TELEPHONE 1 LLC", "(202) 555-0100")


def test_an_empty_body_with_status_200_is_the_answer_not_found() -> None:
    rows, report = read(SOURCE, cores_bundle({"0000000000": CORES_NOT_FOUND, FRN: cores_page()}))
    assert [(row["frn"], row["is_found"], row["entity_name"]) for row in rows] == [
        ("0000000000", False, None),
        (FRN, True, "INVENTED TELEPHONE 1 LLC"),
    ]
    assert report.facts == {"found": 1, "not_found": 1}
    assert (report.control_total, report.control_source) == (2, "pages asked for")
    assert report.newest == date(2026, 5, 18)


def test_a_single_page_takes_its_frn_from_the_file_name() -> None:
    row = one(SOURCE, CORES_NOT_FOUND, file_name="cores_frn-0000000000-no-record.html")
    assert (row["frn"], row["is_found"]) == ("0000000000", False)
    assert one(SOURCE, cores_page(), file_name="saved.html")["frn"] == FRN, "a found page says itself whose it is"


def test_an_empty_page_of_nobody_knows_whom_is_rejected() -> None:
    rows, report = read(SOURCE, CORES_NOT_FOUND, file_name="saved.html")
    assert rows == []
    assert "call the file <frn>.html" in report.rejects[0].reason


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (MAINTENANCE, "neither a registration nor the site's own empty page: Site Maintenance"),
        (b"", "0 bytes came"),
        (b"Service Unavailable", "neither a registration"),
        (CORES_NOT_FOUND[:60], "neither a registration"),
        (CORES_NOT_FOUND.replace(b"<body>", b"<body>An error occurred."), "that says 'An error occurred.'"),
        (cores_page(cores_fields("0020000002")), "the page is of FRN 0020000002, asked was 0020000001"),
        (cores_page({"FRN:": FRN}), "labels changed or it was cut short: no registered, name"),
        (cores_page(cores_fields(**{"Last Updated:": "yesterday"})), "Last Updated is 'yesterday'"),
    ],
)
def test_a_page_that_is_neither_is_rejected_and_never_means_not_found(page: bytes, reason: str) -> None:
    rows, report = read(SOURCE, cores_bundle({FRN: page}))
    assert rows == []
    assert report.reject_count == 1
    assert reason in report.rejects[0].reason
    assert report.control_total == 1, "it was asked for, so it counts"


def test_a_label_nobody_reads_is_told() -> None:
    _, report = read(SOURCE, cores_bundle({FRN: cores_page(cores_fields(**{"Red Light:": "Green"}))}))
    assert report.notes == ["1 page(s) have labels nobody reads yet, such as 'redlight'"]


def test_an_frn_looked_up_twice_is_told() -> None:
    rows, report = read(SOURCE, cores_bundle({FRN: cores_page(), f"{FRN}-again": cores_page()}))
    assert (len(rows), report.duplicate_keys) == (2, [FRN])


def test_characters_outside_ascii_survive() -> None:
    page = cores_page(cores_fields(**{"Entity Name:": "Ñandú &amp; Söhne"}))
    assert one(SOURCE, cores_bundle({FRN: page}))["entity_name"] == "Ñandú & Söhne"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"frn,name\n1,2\n", "Not an HTML page"),
        (zipped("a.html", b"x"), "index.json is missing"),
        (cores_bundle({FRN: cores_page()})[:200], "cut short or damaged"),
    ],
)
def test_what_is_no_page_at_all_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(SourceRejected, match=said):
        read(SOURCE, raw)

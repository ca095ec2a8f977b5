"""The Form 499 filer database: the XML list and the workbook."""

from __future__ import annotations

import gzip
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.registry import read_reply
from tests.sources.builders import form499_filer, form499_workbook, form499_xml, workbook_filer
from tests.sources.reading import one, read

SOURCE = "fcc_form499"


def _xml(**changed: Any) -> dict[str, Any]:
    return one(SOURCE, form499_xml([form499_filer(1, **changed)]))


def _sheet(**changed: Any) -> dict[str, Any]:
    return one(SOURCE, form499_workbook([workbook_filer(1, **changed)]))


def test_a_healthy_filer_is_read_whole() -> None:
    row = _xml()
    assert (row["filer_id"], row["frn"], row["name_key"]) == ("800001", "0020000001", "invented telephone 1")
    assert (row["comm_type"], row["comm_type_text"]) == ("VOIP", "Interconnected VoIP")
    assert (row["registration_current_as_of"], row["started_on"]) == (date(2026, 4, 1), date(2015, 1, 12))
    assert (row["is_active"], row["is_usf_contributor"], row["ended_on"]) == (True, True, None)
    assert (row["hq_address"], row["hq_state"]) == ("1 Example Street\nSuite 2", "ZZ")
    assert (row["dc_agent"], row["dc_agent_email"]) == ("Agents Example Inc", "agent@agents.example")
    assert (row["dc_agent_city"], row["dc_agent_state"]) == ("Washington", "DC"), "the agent's address, not the filer's"
    assert row["holding_company_key"] == "invented holdings"
    assert row["jurisdictions"] == ["alabama", "north_carolina"]
    assert row["other_names"] == ["Trade Name 1"]


def test_the_root_states_vintage_and_total() -> None:
    _, report = read(SOURCE, form499_xml([form499_filer(1)], count=20669))
    assert (report.vintage, report.newest, report.control_total) == ("2026-07-21", date(2026, 7, 21), 20669)
    assert report.control_source == "RecordCount in the XML's root"
    assert report.proves_absence is True


def test_an_end_date_makes_a_filer_inactive_and_its_reason_says_who_followed() -> None:
    row = _xml(end_date="2013-09-08", end_reason_desc="Replaced by filer 821002")
    assert (row["is_active"], row["ended_on"]) == (False, date(2013, 9, 8))
    assert (row["replaced_by_filer_id"], row["end_reason"]) == ("821002", "Replaced by filer 821002")


def test_the_start_that_means_unknown_is_unknown() -> None:
    rows, report = read(SOURCE, form499_xml([form499_filer(1, start_date="1997-01-01")]))
    assert rows[0]["started_on"] is None
    assert report.notes == ["1 filer(s) start on 1997-01-01, the database's word for unknown"]


def test_absent_elements_are_empty() -> None:
    names = "FRN Registration_Current_as_of dc_agent dc_agent_address holding_company hq_address USF_Contributor"
    row = _xml(**dict.fromkeys(names.split()))
    assert [row[name] for name in ("frn", "registration_current_as_of", "dc_agent", "dc_agent_state", "hq_city")] == [
        None
    ] * 5
    assert row["is_usf_contributor"] is None


def test_an_frn_of_zeros_is_no_frn_and_a_short_one_is_padded() -> None:
    filers = [form499_filer(1, FRN="0000000000"), form499_filer(2, FRN="18547")]
    rows, report = read(SOURCE, form499_xml(filers))
    assert [row["frn"] for row in rows] == [None, "0000018547"]
    assert "1 FRN(s) had lost leading zeros" in report.notes
    assert "1 FRN(s) were all zeros, read as no FRN" in report.notes


def test_trading_names_are_other_names_and_the_legal_name_is_not() -> None:
    row = _xml(doing_business_as="Voice, Inc.", other_trade_name=["INVENTED TELEPHONE 1, L.L.C.", "String by Voice"])
    assert row["other_names"] == ["Voice, Inc.", "String by Voice"]
    assert row["other_name_keys"] == ["voice", "string by voice"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Incumbent LEC", "LEC"),
        ("Cellular/PCS/SMR", "CEL"),
        ("CAP/CLEC", "CAP"),
        ("Interexchange Carrier", "IXC"),
        ("Toll Reseller", "TRES"),
        ("Local Reseller", "LRES"),
        ("Shared-Tenant Service Provider / Building LEC", "TEN"),
        ("Paging & Messaging", "PAG"),
        ("interconnected voip", "VOIP"),
        ("SMR (dispatch)", "SMR"),
    ],
)
def test_communications_types_become_codes(text: str, code: str) -> None:
    assert _xml(Principal_Communications_Type=text)["comm_type"] == code


def test_an_unknown_communications_type_is_none_and_told() -> None:
    rows, report = read(SOURCE, form499_xml([form499_filer(1, Principal_Communications_Type="Quantum {n} Carrier")]))
    assert (rows[0]["comm_type"], rows[0]["comm_type_text"]) == (None, "Quantum {n} Carrier")
    assert report.notes == ["1 filer(s) have the unknown communications type 'Quantum (n) Carrier', read as none"]


def test_latin_and_windows_characters_are_read_as_meant() -> None:
    raw = form499_xml([form499_filer(1, Legal_Name="Ñandú Söhne LLC")])
    assert "Ñandú".encode("latin-1") in raw
    assert one(SOURCE, raw)["legal_name"] == "Ñandú Söhne LLC"
    curly = form499_xml([form499_filer(1, Legal_Name="O'Neil LLC")]).replace(b"O'Neil", b"O\x92Neil")
    assert one(SOURCE, curly)["legal_name"] == "O’Neil LLC"


def test_blanks_before_the_declaration_do_no_harm() -> None:
    assert one(SOURCE, b"\r\n\r\n  " + form499_xml([form499_filer(1)]))["filer_id"] == "800001"


def test_a_filer_that_cannot_be_read_is_rejected_alone() -> None:
    filers = [form499_filer(1, end_date="8 Sep 2013"), form499_filer(2), form499_filer(3, Form_499_ID="12")]
    rows, report = read(SOURCE, form499_xml(filers))
    assert [row["filer_id"] for row in rows] == ["800002"]
    assert [reject.reason for reject in report.rejects] == [
        "end_date is '8 Sep 2013', expected a day as YYYY-MM-DD",
        "Filer ID is '12', expected 6 digits",
    ]
    assert report.rejects[0].line > 0


def test_a_filer_id_met_twice_is_told() -> None:
    _, report = read(SOURCE, form499_xml([form499_filer(1), form499_filer(1)]))
    assert report.duplicate_keys == ["800001"]


@pytest.mark.parametrize("share", [0.1, 0.4, 0.95, 0.9999])
def test_xml_cut_short_is_refused_with_how_far_it_came(share: float) -> None:
    whole = form499_xml([form499_filer(n) for n in range(1, 101)]).rstrip()
    with pytest.raises(SourceRejected, match=r"cut short or damaged after \d+ filers of the 100 it states"):
        read(SOURCE, whole[: int(len(whole) * share)])


def test_an_element_nobody_knows_is_told() -> None:
    _, report = read(SOURCE, form499_xml([form499_filer(1, robocall_officer="x")]))
    assert report.notes == ["Elements nobody reads yet: Filer_ID_Info/robocall_officer"]


def test_a_whole_list_without_end_dates_was_renamed_and_is_refused() -> None:
    """Otherwise every ended filer would be active, and deficient."""
    filers = [form499_filer(n, termination_date="2013-09-08") for n in range(1, 1_002)]
    with pytest.raises(SourceRejected, match=r"missing.*end_date.*Unknown elements: Filer_ID_Info/termination_date"):
        read(SOURCE, form499_xml(filers))


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE Filer499QueryResults [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n',
        f"<!--{'x' * 6000}--><!DOCTYPE Filer499QueryResults [<!ENTITY a 'aaaaaaaaaa'>]>",
    ],
)
def test_a_document_type_and_its_entities_are_refused(prolog: str) -> None:
    with pytest.raises(SourceRejected, match="declares a document type"):
        read(SOURCE, form499_xml([form499_filer(1)], prolog=prolog))


def test_other_xml_is_refused() -> None:
    with pytest.raises(SourceRejected, match="root is not <Filer499QueryResults>"):
        read(SOURCE, b'<?xml version="1.0"?><rss><channel/></rss>')
    with pytest.raises(SourceRejected, match="do not stand in"):
        read(SOURCE, b'<?xml version="1.0"?><list><Filer/></list>')
    with pytest.raises(SourceRejected, match="should state Updated and RecordCount"):
        read(SOURCE, form499_xml([form499_filer(1)], count="many"))


@pytest.mark.parametrize(
    "reply",
    [
        b"<error><code>4</code><message>Invalid value for FRN.</message></error>",
        b"Error 4: Invalid value for FRN.",
        b'<?xml version="1.0"?><results error="4"/>',
    ],
)
def test_a_query_error_is_told_by_its_number(reply: bytes) -> None:
    with pytest.raises(SourceRejected, match="query error 4: invalid FRN"):
        read(SOURCE, reply)


@pytest.mark.parametrize(
    "reply", [b"<error><code>3</code>No results found. Check Query parameters.</error>", form499_xml([])]
)
def test_no_results_is_an_answer_of_no_filers(reply: bytes) -> None:
    rows, report = read_reply(SOURCE, reply)
    assert (rows, report.control_total) == ([], 0)


_MEASURE = """
import resource, sys
from pw_pipelines.sources.registry import reader
from pw_pipelines.sources.report import ReadReport
def megabytes(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
for name in sys.argv[1:]:
    with open(name, "rb") as raw:
        count = sum(1 for _ in reader("fcc_form499")(raw, ReadReport()))
    print(count, megabytes())
"""


def test_the_whole_list_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """A list of sixteen megabytes takes hardly more than one of a single filer (kept whole, it would take eighty)."""
    filers = [form499_filer(n, end_date="2013-09-08", other_trade_name=["Trade " * 40] * 8) for n in range(1, 6_001)]
    (tmp_path / "small.xml").write_bytes(form499_xml(filers[:1]))
    (tmp_path / "large.xml").write_bytes(form499_xml(filers))
    assert (tmp_path / "large.xml").stat().st_size > 16_000_000
    command = [sys.executable, "-c", _MEASURE, str(tmp_path / "small.xml"), str(tmp_path / "large.xml")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert (said[0], said[2]) == ("1", "6000")
    assert float(said[3]) - float(said[1]) < 15, said


def test_the_workbook_is_told_by_its_first_bytes_and_proves_no_absence() -> None:
    rows, report = read(SOURCE, form499_workbook([workbook_filer(1)]), file_name="filers 2025-12-07.xlsx")
    assert (report.layout, report.vintage, report.proves_absence) == ("workbook", "2025-12-07", False)
    assert (report.control_total, report.newest) == (None, None)
    row = rows[0]
    assert (row["filer_id"], row["frn"], row["comm_type"]) == ("800001", "0020000001", "LEC")
    assert row["registration_current_as_of"] == date(2025, 4, 1)
    assert row["jurisdictions"] == ["alabama"]
    assert row["dc_agent"] == "Robin Example, Agents Example Inc"
    assert row["is_active"] is True


def test_numbers_that_a_spreadsheet_made_of_texts_are_mended() -> None:
    rows, report = read(
        SOURCE, form499_workbook([workbook_filer(1, Filer_499_ID=801003, CORESID=18538512, Alaska=True)])
    )
    assert (rows[0]["filer_id"], rows[0]["frn"]) == ("801003", "0018538512")
    assert rows[0]["jurisdictions"] == ["alabama", "alaska"]
    assert report.notes == ["1 FRN(s) had lost leading zeros"]


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        (["No longer active as of 9/8/2013"], {"ended_on": date(2013, 9, 8), "is_active": False}),
        (["Replaced by filer 821002"], {"replaced_by_filer_id": "821002", "is_active": False}),
        (
            ["This company still exists, however it is no longer providing telecommunications services."],
            {"is_active": False, "is_consolidated": False},
        ),
        (
            ["This company has gone out of business in its entirety (no sale of assets involved)."],
            {"is_active": False},
        ),
        (
            ["No longer active as of 9/8/2013", "All assets of this company have been sold to another party."],
            {"end_reason": "All assets of this company have been sold to another party.", "ended_on": date(2013, 9, 8)},
        ),
        (
            [
                "This legal entity accout has been closed because their Form 499 filing is now submitted on a "
                "consolidated basis."
            ],
            {"is_consolidated": True, "is_active": False},
        ),
        (["This company has been absorbed by another filing entity."], {"is_active": False}),
        (["This company has filed for Chapter 11 bankruptcy protection."], {"is_active": True, "end_reason": None}),
    ],
)
def test_the_eight_note_templates(notes: list[str], expected: dict[str, object]) -> None:
    row = _sheet(**{f"note{number}": note for number, note in enumerate(notes, start=1)})
    assert {name: row[name] for name in expected} == expected
    assert row["notes"] == notes, "what was written is kept"


def test_a_ninth_template_ends_nothing_and_is_told() -> None:
    rows, report = read(SOURCE, form499_workbook([workbook_filer(1, note1="This company moved to {Mars}.")]))
    assert rows[0]["is_active"] is True
    assert report.notes == ["1 note(s) match no known template, such as 'This company moved to (Mars).'"]


def test_a_parent_that_files_for_its_family_is_consolidated() -> None:
    assert _sheet(Legal_Name_of_Carrier="Invented Wireless, Inc. CONSOLIDATED")["is_consolidated"] is True


def test_a_workbook_with_another_header_or_cut_short_is_refused() -> None:
    from pw_pipelines.sources.form499_workbook import HEADER

    renamed = ["FRN" if name == "CORESID" else name for name in HEADER]
    with pytest.raises(SourceRejected, match=r"renamed.*`CORESID` is now `FRN`"):
        read(SOURCE, form499_workbook([workbook_filer(1)], header=renamed))
    whole = form499_workbook([workbook_filer(1)])
    with pytest.raises(SourceRejected, match="cannot be opened"):
        read(SOURCE, whole[: len(whole) // 2])


def test_a_bad_date_in_a_note_rejects_its_row() -> None:
    rows, report = read(SOURCE, form499_workbook([workbook_filer(1, note1="No longer active as of 13/13/2013")]))
    assert rows == []
    assert "expected a day as M/D/YYYY" in report.rejects[0].reason
    assert report.rejects[0].line == 2


def test_both_layouts_may_come_gzipped() -> None:
    assert one(SOURCE, gzip.compress(form499_xml([form499_filer(1)])))["filer_id"] == "800001"
    assert one(SOURCE, gzip.compress(form499_workbook([workbook_filer(1)])))["filer_id"] == "800001"

"""Illinois' data files: 15 kinds, told by their header line, counted by their last."""

from __future__ import annotations

import pytest

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.fixed_width import layout
from tests.sources.register_files import illinois, lines, read_file, read_source, record, zipped

STATED = {
    "llc_master": 136, "llc_name": 128, "llc_agent": 164, "llc_annual_report": 74, "llc_assumed_name": 281,
    "llc_old_name": 139, "llc_manager": 163, "llc_series": 277, "corp_master": 160, "corp_name": 197,
    "corp_agent": 164, "corp_annual_report": 126, "corp_assumed_old_name": 222, "corp_stock": 101,
}  # fmt: skip


def master(number: str = "00000019", **fields: str) -> bytes:
    told = {"ll_status_code": "00", "ll_status_date": "20200102", "ll_organized_date": "20190304",
            "ll_dissolution_date": "99999999", "ll_juris_organized": "IL", "ll_records_off_city": "SPRINGFIELD",
            "ll_opt_ind": "1", "ll_uap_ind": "N", "ll_l3c_ind": "N"}  # fmt: skip
    return record("illinois_llc_master", ll_file_number=number, **(told | fields))


def name(number: str, text: str) -> bytes:
    return record("illinois_llc_name", ll_file_number=number, ll_name=text)


def assumed(number: str, text: str, *, gone: str = "00000000", code: str = "0") -> bytes:
    told = {"ll_assumed_adopt_date": "20210506", "ll_assumed_can_date": gone, "ll_assumed_can_code": code}
    return record("illinois_llc_assumed_name", ll_file_number=number, ll_llc_name=text, ll_series_nbr="000", **told)


@pytest.mark.parametrize(("kind", "length"), STATED.items())
def test_each_layout_is_as_long_as_the_office_says(kind: str, length: int) -> None:
    assert layout(f"illinois_{kind}").length == length


def test_the_master_tells_status_and_dates_and_leaves_the_name_open() -> None:
    raw = illinois("LLC MASTER DATA", [master(), master("00000027", ll_status_code="09", ll_organized_date="00000000")])
    read = read_file("IL", raw, "llcallmst.txt")
    assert (read.source, read.facts.control_total, str(read.facts.day)) == ("illinois_llc", 2, "2026-10-07")
    assert [
        (row["name"], row["form"], row["standing"], row["formed_on"], row["home"], row["rank"]) for row in read.rows
    ] == [
        (None, "llc", "live", "2019-03-04", "IL", 0),
        (None, "llc", "not_live", None, "IL", 0),
    ]
    assert read.notes == {}


def test_the_name_file_speaks_of_the_same_record_as_the_master() -> None:
    read = read_file("IL", illinois("LLC MASTER NAME DATA", [name("00000019", "INVENTED PRAIRIE L.L.C.")]), "x.txt")
    assert (read.only["record_id"], read.only["name"], read.only["standing"]) == (
        "00000019",
        "INVENTED PRAIRIE L.L.C.",
        None,
    )
    assert read.only["rank"] > 0


def test_assumed_old_and_series_names_are_records_of_their_own() -> None:
    old = record(
        "illinois_llc_old_name",
        ll_file_number="00000019",
        ll_old_date_filed="20180716",
        ll_llc_name="INVENTED OLD L.L.C.",
    )
    series = record("illinois_llc_series", ll_file_number="00000019", ll_series_number="002", ll_series_status="01",
                    ll_begin_date="20200101", ll_series_name="INVENTED PRAIRIE LLC - SERIES B")  # fmt: skip
    live, gone = assumed("00000019", "PRAIRIE GOODS"), assumed("00000019", "PRAIRIE WARES", gone="20220701", code="2")
    raw = zipped({
        "llcallase.txt": illinois("LLC ASSUMED NAME DATA", [live, gone]),
        "llcallold.txt": illinois("LLC OLD NAME DATA", [old]),
        "llcallser.txt": illinois("LLC SERIES DATA", [series]),
    })  # fmt: skip
    read = read_file("IL", raw, "files.zip")
    assert [(row["name"], row["name_kind"], row["standing"], row["changed_on"]) for row in read.rows] == [
        ("PRAIRIE GOODS", "assumed", "live", None),
        ("PRAIRIE WARES", "assumed", "not_live", "2022-07-01"),
        ("INVENTED OLD L.L.C.", "former", "not_live", "2018-07-16"),
        ("INVENTED PRAIRIE LLC - SERIES B", "legal", "not_live", None),
    ]
    assert {row["entity_id"] for row in read.rows} == {"00000019"}
    assert len({row["record_id"] for row in read.rows}) == 4
    assert (read.facts.control_total, read.facts.share) == (4, "part")


def test_a_name_keeps_its_record_number_when_it_is_cancelled() -> None:
    before = read_file("IL", illinois("LLC ASSUMED NAME DATA", [assumed("00000019", "PRAIRIE GOODS")]), "a.txt").only
    raw = illinois("LLC ASSUMED NAME DATA", [assumed("00000019", "PRAIRIE GOODS", gone="20260101", code="1")])
    after = read_file("IL", raw, "a.txt").only
    assert (before["record_id"], before["standing"], after["standing"]) == (after["record_id"], "live", "not_live")


def test_corporations_tell_their_type_state_and_kinds_of_name() -> None:
    masters = [
        record("illinois_corp_master", corp_file_number=number, corp_incorp_date="19990131", corp_state_code="10",
               corp_status=status, corp_type_corp=kind)
        for number, status, kind in (("50000001", "00", "6"), ("50000002", "03", "5"), ("50000003", "08", "4"))
    ]  # fmt: skip
    read = read_file("IL", illinois("CORP MASTER DATA", masters), "cdxallmst.txt")
    assert [(row["record_id"], row["entity_id"], row["form"], row["standing"], row["home"]) for row in read.rows] == [
        ("C50000001", "50000001", "corporation", "live", "DE"),
        ("C50000002", "50000002", "nonprofit", "unknown", "DE"),
        ("C50000003", "50000003", "corporation", "not_live", "DE"),
    ]
    names = [
        record("illinois_corp_assumed_old_name", corp_file_number="50000001", corp_assumed_old_ind=kind,
               corp_assumed_old_date="20100203", corp_assumed_old_name=f"INVENTED {kind}")
        for kind in "1259"
    ]  # fmt: skip
    read = read_file("IL", illinois("CORP ASSUMED OLD NAME DATA", names), "cdxallaon.txt")
    assert [(row["name_kind"], row["standing"]) for row in read.rows] == [
        ("assumed", "live"), ("former", "not_live"), ("assumed", "not_live"), ("assumed", "live"),
    ]  # fmt: skip


def test_files_without_names_only_mention_their_file_numbers() -> None:
    agent = record(
        "illinois_llc_agent",
        ll_file_number="00000019",
        ll_agent_name="INVENTED AGENTS",
        ll_agent_change_date="20200101",
    )
    read = read_file("IL", illinois("LLC AGENT DATA", [agent]), "llcallagt.txt")
    assert (read.only["record_id"], read.only["name"], read.only["rank"]) == ("00000019", None, 9)
    assert (read.read, read.facts.control_total) == (1, 1)


def test_lines_without_their_trailing_blanks_are_whole() -> None:
    """So the office posts some files; the layout says otherwise."""
    trimmed = [name("00000019", "INVENTED PRAIRIE L.L.C.").rstrip(), name("00000027", "INVENTED ELM LLC").rstrip()]
    read = read_file("IL", illinois("LLC MASTER NAME DATA", trimmed), "llcallnam.txt")
    assert [row["name"] for row in read.rows] == ["INVENTED PRAIRIE L.L.C.", "INVENTED ELM LLC"]


def test_among_padded_lines_a_shorter_one_is_a_reject() -> None:
    whole = name("00000019", "INVENTED PRAIRIE L.L.C.")
    read = read_file("IL", illinois("LLC NAME DATA", [whole, whole[:-1], whole + b" "]), "llcallnam.txt")
    assert (read.read, read.rejected, [one.line for one in read.rejects]) == (3, 2, [3, 4])


def test_a_file_number_that_is_not_one_is_a_reject() -> None:
    read = read_file("IL", illinois("LLC NAME DATA", [name("0000001 ", "X"), name("00000027", "Y")]), "llcallnam.txt")
    assert ([row["name"] for row in read.rows], read.rejects[0].line) == (["Y"], 2)


def test_an_unknown_status_is_kept_and_noted() -> None:
    read = read_file("IL", illinois("LLC MASTER DATA", [master(ll_status_code="77")]), "x.txt")
    assert (read.only["status"], read.only["standing"]) == ("77", "unknown")
    assert read.notes == {"{n} records have the unknown status '77'; kept": 1}


def test_all_files_of_a_register_in_one_archive_are_the_whole_register() -> None:
    old = record("illinois_llc_old_name", ll_file_number="00000019", ll_old_date_filed="20180716", ll_llc_name="OLD")
    series = record(
        "illinois_llc_series",
        ll_file_number="00000019",
        ll_series_number="001",
        ll_series_status="00",
        ll_series_name="S",
    )
    files = {
        "llcallmst.txt": illinois("LLC MASTER DATA", [master()]),
        "llcallnam.txt": illinois("LLC MASTER NAME DATA", [name("00000019", "INVENTED PRAIRIE L.L.C.")]),
        "llcallase.txt": illinois("LLC ASSUMED NAME DATA", [assumed("00000019", "PRAIRIE GOODS")], day="20261006"),
        "llcallold.txt": illinois("LLC OLD NAME DATA", [old]),
        "llcallser.txt": illinois("LLC SERIES DATA", [series]),
    }
    read = read_file("IL", zipped(files), "llc.zip")
    assert (read.facts.share, read.read, read.facts.control_total, str(read.facts.day)) == ("whole", 5, 5, "2026-10-06")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (illinois("LLC MASTER DATA", [master()])[:-40], "no END OF FILE line"),
        (lines([master()]), "does not begin with RUN DATE"),
        (illinois("LLC PICTURES", []), "read are llc_series, llc_manager"),
        (illinois("CORP MASTER DATA", []), "corp_master of another register"),
    ],
)
def test_a_file_that_is_cut_short_or_not_known_is_rejected(raw: bytes, said: str) -> None:
    with pytest.raises(SourceRejected, match=said):
        read_source("illinois_llc", raw, "some.txt")


@pytest.mark.parametrize("digits", [25, 5_000])
def test_a_count_that_no_register_has_is_rejected(digits: int) -> None:
    raw = illinois("LLC MASTER DATA", [master()]).replace(b"COUNT= 0000001", b"COUNT= " + b"9" * digits)
    with pytest.raises(SourceRejected, match=rf"some\.txt states a record count of {digits:,} digits"):
        read_source("illinois_llc", raw, "some.txt")


def test_a_count_that_differs_is_told_as_it_stands() -> None:
    read = read_file("IL", illinois("LLC MASTER DATA", [master()], count=7), "x.txt")
    assert (read.read, read.facts.control_total) == (1, 7)

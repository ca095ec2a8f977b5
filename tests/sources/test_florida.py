"""Florida's files, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.fixed_width import layout
from pw_pipelines.sources.registers import REGISTERS
from tests.sources.register_files import corporation, lines, read_file, read_source, record, zipped

DAILY = "20260821c.txt"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_daily_file_is_read_whole_whatever_ends_its_lines(end: bytes) -> None:
    raw = lines(
        [corporation("L26000000001"), corporation("P26000000002", "INVENTED BOATS, INC.", filing_type="DOMP")], end
    )
    read = read_file("FL", raw, DAILY)
    assert (read.source, read.facts.share, str(read.facts.day)) == ("sunbiz_cor_daily", "increment", "2026-08-21")
    assert (read.read, read.rejected, read.notes) == (2, 0, {})
    assert read.rows[1] == {
        "record_id": "P26000000002", "entity_id": "P26000000002", "name": "INVENTED BOATS, INC.", "name_kind": "legal",
        "form": "corporation", "type_code": "DOMP", "status": "A", "standing": "live", "formed_on": "2023-09-29",
        "changed_on": None, "home": "FL", "place": None, "rank": 0,
    }  # fmt: skip


def test_the_layouts_end_where_the_division_says() -> None:
    assert [layout(name).length for name in ("florida_cordata", "florida_corevent", "florida_ficdata")] == [
        1440,
        662,
        2098,
    ]
    assert layout("florida_cordata")["file_date"] == slice(472, 480)


def test_names_keep_their_quotes_glued_designators_and_letters() -> None:
    names = ['INVENTED PALM "LLC"', "INVENTED RENTALS,LLC", "CAFÉ IMAGINÉ LLC", "X", "A" * 192]
    raw = lines(corporation(f"L2600000000{number}", name) for number, name in enumerate(names))
    assert [row["name"] for row in read_file("FL", raw, DAILY).rows] == names


def test_a_file_date_ahead_is_a_date_and_an_impossible_one_is_none_and_noted() -> None:
    raw = lines(
        [
            corporation("L1", file_date="11142026"),
            corporation("L2", file_date="02302026"),
            corporation("L3", file_date=""),
        ]
    )
    read = read_file("FL", raw, DAILY)
    assert [row["formed_on"] for row in read.rows] == ["2026-11-14", None, None]
    assert read.notes == {"{n} records have no possible file date; kept without it": 1}


def test_an_unknown_type_or_status_is_kept_and_noted() -> None:
    read = read_file("FL", lines([corporation("L1", filing_type="DOMXX", status="Q")]), DAILY)
    assert (read.only["form"], read.only["type_code"], read.only["standing"]) == ("other", "DOMXX", "unknown")
    assert read.notes == {
        "{n} records have the unknown filing type 'DOMXX'; kept": 1,
        "{n} records have the unknown status 'Q'; kept": 1,
    }


def test_nul_bytes_in_fields_are_blanks_and_control_bytes_are_noted() -> None:
    raw = lines([corporation("L1", "INVENTED SHELL LLC\0\0\0"), corporation("L2", "INVENTED\x01 O\x92REEF LLC")])
    read = read_file("FL", raw, DAILY)
    assert [row["name"] for row in read.rows] == ["INVENTED SHELL LLC", "INVENTED  O’REEF LLC"]
    assert list(read.notes.values()) == [1]


def test_a_record_whose_number_is_not_one_is_refused_with_its_line_and_bytes() -> None:
    shifted = (b" " + corporation("L26000000002"))[:1440]
    read = read_file("FL", lines([corporation("L1"), b"#" + shifted[1:], corporation("L3")]), DAILY)
    assert ([row["record_id"] for row in read.rows], read.rejected) == (["L1", "L3"], 1)
    assert read.rejects[0].line == 2
    assert "is not letters and digits" in read.rejects[0].reason
    assert read.rejects[0].excerpt.startswith("#L26000000002")


@pytest.mark.parametrize("raw", [b"", b" " * 1440 + b"\r\n", b"\0" * 1440 + b"\n"])
def test_an_empty_daily_file_proves_no_day(raw: bytes) -> None:
    read = read_file("FL", raw, DAILY)
    assert (read.facts.share, str(read.facts.day)) == ("part", "2026-08-21")
    assert "holds no record, as after a download that failed" in read.facts.notes[-1]


def test_an_empty_daily_file_in_a_zip_proves_no_day() -> None:
    read = read_file("FL", zipped({DAILY: b""}), "20260821c.zip")
    assert (read.read, read.facts.share) == (0, "part")
    assert read.facts.notes[-1].startswith(f"{DAILY} holds no record")


def test_an_empty_register_is_rejected() -> None:
    with pytest.raises(SourceRejected, match="0 bytes"):
        read_file("FL", b"", "cordata3.txt")


def test_a_file_that_ends_inside_a_record_proves_no_day() -> None:
    read = read_file("FL", lines([corporation("L1"), corporation("L2")])[:-700], DAILY)
    assert ([row["record_id"] for row in read.rows], read.rejected, read.facts.share) == (["L1"], 1, "part")
    assert "cut short" in read.rejects[0].reason
    assert any("cut short" in note for note in read.facts.notes)


def test_a_last_line_without_its_end_is_whole() -> None:
    read = read_file("FL", lines([corporation("L1"), corporation("L2")])[:-2], DAILY)
    assert (read.read, read.rejected, read.facts.share) == (2, 0, "increment")


def test_a_name_without_a_day_makes_a_part() -> None:
    read = read_file("FL", lines([corporation()]), "saved by hand.txt")
    assert (read.source, read.facts.share, read.facts.day) == ("sunbiz_cor_daily", "part", None)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"<html><title>Just a moment...</title>", "Just a moment"),
        (lines([b"X" * 1170] * 3), "as of before 2001"),
        (b"X" * 5000, "no line ends"),
    ],
)
def test_bytes_that_are_no_corporate_file_are_rejected_with_what_they_are(raw: bytes, said: str) -> None:
    with pytest.raises(SourceRejected, match=said):
        read_source("sunbiz_cor", raw, "cordata1.txt")


def test_events_and_fictitious_names_are_recognised_by_the_length_of_their_records() -> None:
    told = {"code": "CORNMC", "description": "NAME CHANGE", "name": "INVENTED NEW NAME INC"}
    event = record("florida_corevent", corporation_number="P1", sequence="00002", filed_date="01312026", **told)
    read = read_file("FL", lines([event]), "20260131ce.txt")
    assert read.source == "sunbiz_events_daily"
    days = {"filed_on": "2026-01-31", "effective_on": None}
    assert read.only == {"entity_id": "P1", "sequence": "00002", **days, **told}
    fictitious = [
        record("florida_ficdata", document_number=f"G2600000000{status}", name="INVENTED COFFEE", status=status,
               filing_date="01022021", expiry_date="12312026", cancel_date="03042025" if status == "C" else "")
        for status in "AEC"
    ]  # fmt: skip
    read = read_file("FL", lines(fictitious), "20260131f.txt")
    assert read.source == "sunbiz_fic_daily"
    assert [(row["name_kind"], row["form"], row["standing"], row["changed_on"]) for row in read.rows] == [
        ("fictitious", "name", "live", None),
        ("fictitious", "name", "not_live", "2026-12-31"),
        ("fictitious", "name", "not_live", "2025-03-04"),
    ]


def test_a_whole_register_replaces_the_daily_files() -> None:
    assert REGISTERS["sunbiz_cor"].replaces == ("sunbiz_cor_daily",)
    assert (REGISTERS["sunbiz_cor"].share, REGISTERS["sunbiz_cor_daily"].share) == ("whole", "increment")


# --- properties -------------------------------------------------------------------------------------

_printed = st.text(st.characters(min_codepoint=33, max_codepoint=126) | st.sampled_from("ÀÉÑÜß¿ "), min_size=1)
_names = _printed.map(lambda text: " ".join(text.split())[:192].strip()).filter(bool)
_days = st.dates().filter(lambda day: day.year >= 1600)


@st.composite
def _corporations(draw: st.DrawFn) -> tuple[bytes, dict[str, object]]:
    number = draw(st.from_regex(r"[A-Z][0-9]{5,11}", fullmatch=True))
    name, day, status = draw(_names), draw(_days), draw(st.sampled_from("AI"))
    code, form = draw(st.sampled_from([("FLAL", "llc"), ("DOMNP", "nonprofit"), ("FORLP", "partnership")]))
    made = corporation(
        number, name, status=status, filing_type=code, file_date=f"{day:%m%d}{day.year:04d}", city="MIAMI"
    )
    return made, {
        "record_id": number, "name": name, "form": form, "standing": "live" if status == "A" else "not_live",
        "formed_on": day.isoformat(), "place": "MIAMI",
    }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(_corporations(), min_size=1, max_size=8), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_any_valid_record_comes_out_as_it_went_in(
    made: list[tuple[bytes, dict[str, object]]], end: bytes, is_mixed: bool
) -> None:
    raw = lines([one for one, _ in made], end)
    if is_mixed:  # one line that ends otherwise sends the block the careful way
        raw += lines([made[0][0]], b"\r\n" if end == b"\n" else b"\n")
        made = [*made, made[0]]
    read = read_source("sunbiz_cor", raw, "cordata1.txt")
    assert [{name: row[name] for name in wanted} for row, (_, wanted) in zip(read.rows, made, strict=True)] == [
        wanted for _, wanted in made
    ]
    assert (read.rejected, read.notes) == (0, {})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_corporations(), min_size=2, max_size=8), st.data(), st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([-1, 1]),
)  # fmt: skip
def test_one_byte_more_or_less_rejects_exactly_that_record(
    made: list[tuple[bytes, dict[str, object]]], data: st.DataObject, end: bytes, change: int
) -> None:
    records = [one for one, _ in made]
    hurt, at = data.draw(st.integers(0, len(made) - 1)), data.draw(st.integers(0, 1439))
    whole = records[hurt]
    records[hurt] = whole[:at] + whole[at + 1 :] if change < 0 else whole[:at] + b"X" + whole[at:]
    read = read_source("sunbiz_cor", lines(records, end), "cordata1.txt")
    assert [row["record_id"] for row in read.rows] == [
        wanted["record_id"] for place, (_, wanted) in enumerate(made) if place != hurt
    ]
    assert [(one.line, one.reason) for one in read.rejects] == [
        (hurt + 1, f"the record has {1440 + change:,} bytes, not 1,440")
    ]

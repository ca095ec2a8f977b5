"""Registers handed out as rows: each state's own quirks, and every form the rows come in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from pw_pipelines.errors import SourceRejected, UsageError
from pw_pipelines.sources.register import RegisterFacts
from pw_pipelines.sources.registers import REGISTERS
from pw_pipelines.sources.socrata import without_tail
from pw_pipelines.sources.socrata_datasets import dataset_of, datasets, gone
from tests.sources.register_files import bundle, page, read_file, read_source, zipped

COLORADO = {
    "entityid": "20091234567", "entityname": "6301 State Farm LLC, Delinquent May 1, 2022", "principalcity": "Denver",
    "entitystatus": "Delinquent", "entitytype": "DLLC", "entityformdate": "2009-06-16T00:00:00.000",
    "jurisdictonofformation": "CO", "agentfirstname": "Nobody",
}  # fmt: skip


def colorado(**changed: str) -> dict[str, str]:
    return COLORADO | changed


# --- Colorado ---------------------------------------------------------------------------------------


def test_colorado_writes_the_status_behind_the_name() -> None:
    row = read_file("CO", page([COLORADO]), "page.json").only
    assert row == {
        "record_id": "20091234567", "entity_id": "20091234567", "name": "6301 State Farm LLC", "name_kind": "legal",
        "form": "llc", "type_code": "DLLC", "status": "Delinquent", "standing": "not_live", "formed_on": "2009-06-16",
        "changed_on": "2022-05-01", "home": "CO", "place": "Denver", "rank": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "left", "day"),
    [
        ("Invented Mill, Dissolved January 17, 2001", "Invented Mill", "2001-01-17"),
        ("Invented Mill, Inc., Administratively Dissolved March 3, 2010", "Invented Mill, Inc.", "2010-03-03"),
        ("Invented Mill, Dissolved (Term Expired) March 3, 2010", "Invented Mill", "2010-03-03"),
        ("Invented Mill LLC, Registered Agent Resigned", "Invented Mill LLC", None),
        ("INVENTED MILL, COLORADO AUTHORITY TERMINATED JULY 4, 1999", "INVENTED MILL", "1999-07-04"),
        ("Invented Mill, Merged February 30, 2020", "Invented Mill", None),
        ("Invented Mill, Grain, and Feed", "Invented Mill, Grain, and Feed", None),
        ("Invented May 1, 2022", "Invented May 1, 2022", None),
        (", Delinquent May 1, 2022", ", Delinquent May 1, 2022", None),
    ],
)
def test_colorados_tail_is_taken_off_and_nothing_else(name: str, left: str, day: str | None) -> None:
    assert without_tail(name) == (left, day)


def test_a_live_name_that_ends_like_a_tail_is_a_name() -> None:
    row = read_source("socrata_co", page([colorado(entityname="Hearts, Merged", entitystatus="Good Standing")])).only
    assert (row["name"], row["standing"], row["changed_on"]) == ("Hearts, Merged", "live", None)


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("Good Standing", "live"),
        ("Exists", "live"),
        ("Noncompliant", "not_live"),
        ("Dissolved (Term Expired)", "not_live"),
        ("Something New", "unknown"),
    ],
)
def test_only_good_standing_and_exists_are_live_in_colorado(status: str, standing: str) -> None:
    assert read_source("socrata_co", page([colorado(entitystatus=status)])).only["standing"] == standing


def test_colorados_trade_names_and_reservations_are_names_not_entities() -> None:
    rows = read_source(
        "socrata_co", page([colorado(entitytype=code) for code in ("TRDNAM", "RS", "Tradename", "ZZZ")])
    ).rows
    assert [(row["form"], row["name_kind"]) for row in rows] == [
        ("name", "trade"), ("name", "reserved"), ("name", "trade"), ("other", "legal"),
    ]  # fmt: skip


# --- the others -------------------------------------------------------------------------------------


def test_new_york_lists_active_entities_and_old_rows_spell_their_state() -> None:
    told = {"dos_id": "4264790", "current_entity_name": "0000 AUTO RESCUE TRANSPORT CORP.", "jurisdiction": "NEW YORK",
            "entity_type": "DOMESTIC BUSINESS CORPORATION", "initial_dos_filing_date": "2012-06-28T00:00:00.000",
            "dos_process_city": "QUEENS"}  # fmt: skip
    row = read_file("NY", page([told]), "page.json").only
    assert (row["record_id"], row["name"]) == ("4264790", "0000 AUTO RESCUE TRANSPORT CORP.")
    assert (row["form"], row["standing"], row["home"], row["place"]) == ("corporation", "live", "NEW YORK", "QUEENS")


def oregon(
    sort: str, *, number: str = "299818", city: str = "", kind: str = "DOMESTIC NONPROFIT CORPORATION"
) -> dict[str, str]:
    return {"registry_number": number, "business_name": "INVENTED FRIENDS OF PARKS", "entity_type": kind, "city": city,
            "associated_name_type": sort, "registry_date": "1992-02-03T00:00:00.000"}  # fmt: skip


def test_oregons_rows_of_one_business_share_a_record_and_the_principal_place_speaks() -> None:
    sorts = ("REGISTERED AGENT", "MAILING ADDRESS", "PRINCIPAL PLACE OF BUSINESS")
    rows = read_file("OR", page([oregon(sort, city=f"CITY {sort[0]}") for sort in sorts]), "page.json").rows
    assert [row["record_id"] for row in rows] == ["299818"] * 3
    first = min(rows, key=lambda row: row["rank"])
    assert (first["place"], first["form"], first["standing"]) == ("CITY P", "nonprofit", "live")
    assert [row["place"] for row in rows] == [None, None, "CITY P"]  # an agent's city is not the business's


def test_oregons_two_agents_of_one_business_are_one_record() -> None:
    rows = read_file("OR", page([oregon("REGISTERED AGENT", number="129884193")] * 2), "page.json").rows
    assert {row["record_id"] for row in rows} == {"129884193"}


def test_oregons_assumed_business_name_is_a_name_that_blocks() -> None:
    row = read_file("OR", page([oregon("AUTHORIZED REPRESENTATIVE", kind="ASSUMED BUSINESS NAME")]), "page.json").only
    assert (row["form"], row["name_kind"], row["standing"]) == ("name", "assumed", "live")


def test_pennsylvania_keeps_leading_zeros_and_1753_stands_for_no_date() -> None:
    told = {
        "filing_number": "0006436709",
        "business_name": "Macro, Inc.",
        "city": "Erie",
        "typeofbusinessregistration": "Domestic Business Corporation",
        "creationdate": "1753-01-01T00:00:00.000",
    }
    read = read_file("PA", page([told, told | {"filing_number": 6436709}]), "page.json")
    assert [row["record_id"] for row in read.rows] == ["0006436709"] * 2
    assert [row["formed_on"] for row in read.rows] == [None, None]
    assert (read.rows[0]["name"], read.rows[0]["form"]) == ("Macro, Inc.", "corporation")
    assert read.notes == {"{n} identifiers had lost their leading zeros": 1}


@pytest.mark.parametrize(
    ("status", "standing"), [("Active", "live"), ("Forfeited", "not_live"), ("Expired Reservation", "not_live")]
)
def test_connecticuts_statuses(status: str, standing: str) -> None:
    told = {"accountnumber": "0012345", "name": "INVENTED SOUND LLC", "status": status}
    row = read_file("CT", page([told]), "page.json").only
    assert (row["record_id"], row["standing"]) == ("0012345", standing)


IOWA = {"corp_number": "087557", "legal_name": "INVENTED CORN COOPERATIVE", "corporation_type": "CO-OP STOCK",
        "effective_date": "1983-05-02", "ho_city": "AMES", "home_office": None}  # fmt: skip


def test_iowas_file_is_whole_and_keeps_its_zero() -> None:
    body = b"".join(json.dumps(IOWA | {"corp_number": one}).encode() + b"\n" for one in ("087557", "100001"))
    for raw, name in ((body, "rows.json"), (zipped({"554.json": body}, 0), "554.zip")):
        read = read_file("IA", raw, name)
        assert (read.facts.share, [row["record_id"] for row in read.rows]) == ("whole", ["087557", "100001"])
    assert (read.rows[0]["form"], read.rows[0]["standing"], read.rows[0]["place"]) == ("cooperative", "live", "AMES")
    assert read_file("IA", page([IOWA]), "ez5t-3qay.json").facts.share == "part"


def test_a_broken_line_of_json_is_a_reject_with_its_line() -> None:
    read = read_file(
        "IA", json.dumps(IOWA).encode() + b'\n{"corp_number": "1", \n' + json.dumps(IOWA).encode(), "rows.json"
    )
    assert (read.read, read.rejected, read.rejects[0].line) == (3, 1, 2)


# --- forms ------------------------------------------------------------------------------------------


def export(rows: list[dict[str, str]], **labels: str) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([labels.get(name, name) for name in rows[0]])
    writer.writerows(row.values() for row in rows)
    return sink.getvalue().encode()


def test_every_form_gives_the_same_rows() -> None:
    rows = [colorado(entityid=str(number), entityname=f'The "{number}", LLC\nof Denver') for number in range(5)]
    forms = {
        "page.json": page(rows),
        "plain.json": json.dumps(rows).encode(),
        "pretty.json": b"\xef\xbb\xbf" + json.dumps(rows, indent=2).encode(),
        "lines.json": b"\n".join(json.dumps(row).encode() for row in rows),
        "export.csv": export(rows, entityname="Entity Name", entityid="Entity ID"),
        "page.zip": zipped({"page.json": page(rows)}),
    }
    told = {name: read_file("CO", raw, name).rows for name, raw in forms.items()}
    assert told["page.json"][3]["name"] == 'The "3", LLC of Denver'
    assert all(one == told["page.json"] for one in told.values())


def test_a_large_page_is_cut_between_rows() -> None:
    rows = [colorado(entityid=str(number), principaladdress1="}\n,{" * 9) for number in range(15_000)]
    for raw, name in ((page(rows), "page.json"), (export(rows), "rows.csv")):
        assert len(raw) > 2 << 20
        assert [row["record_id"] for row in read_file("CO", raw, name).rows] == [row["entityid"] for row in rows]


def test_dates_of_exports_are_read_and_impossible_ones_noted() -> None:
    days = ["06/16/2009", "2009 Jun 16 12:00:00 AM", "2009-06-16", "06/31/2009", ""]
    read = read_source("socrata_co", export([colorado(entityformdate=day) for day in days]), "rows.csv")
    assert [row["formed_on"] for row in read.rows] == ["2009-06-16", "2009-06-16", "2009-06-16", None, None]
    assert read.notes == {"{n} rows have no possible date; kept without it": 1}


def test_an_export_named_by_its_day_is_whole_and_a_page_is_a_part() -> None:
    read = read_file("CO", export([COLORADO]), "Business_Entities_in_Colorado_20261004.csv")
    assert (read.facts.share, str(read.facts.day)) == ("whole", "2026-10-04")
    assert read_file("CO", page([COLORADO]), "page.json").facts.share == "part"


@pytest.mark.parametrize("name", ["Entities_20261004.csv", "Entities_20261004 (1).csv", "Entities_20261004.csv.zip"])
def test_the_day_of_an_export_is_known_with_its_first_block(name: str) -> None:
    rows = [colorado(entityid=str(number), principaladdress1="}" * 200) for number in range(15_000)]
    raw = zipped({"Entities.csv": export(rows)}) if name.endswith(".zip") else export(rows)
    facts = RegisterFacts()

    blocks = REGISTERS["socrata_co"].blocks(io.BytesIO(raw), facts, file_name=name)

    assert next(blocks).size < len(export(rows))
    assert str(facts.day) == "2026-10-04"
    assert len(list(blocks)) >= 1
    assert (str(facts.day), facts.share) == ("2026-10-04", "whole")


def test_a_bundle_is_whole_by_the_count_of_the_source(tmp_path: Path) -> None:
    pages = [b'[{"count":"3"}]\n', page([COLORADO, COLORADO]), page([COLORADO]), b"[]\n", b'[{"count_1":"3"}]\n']
    read = read_file("CO", bundle(tmp_path / "b.zip", pages), "socrata_co.zip")
    assert (read.read, read.facts.control_total, read.facts.share) == (3, 3, "whole")
    assert read.facts.control_source == "the source's count(*) in page-4.json"


def test_a_bundle_with_an_error_reply_in_it_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(SourceRejected, match="status 500"):
        read_source("socrata_co", bundle(tmp_path / "b.zip", [page([COLORADO])], status=500))
    with pytest.raises(SourceRejected, match="Query coordinator error"):
        read_source("socrata_co", bundle(tmp_path / "c.zip", [b'{"error":true,"message":"Query coordinator error"}']))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"code":"query.compiler.malformed","error":true,"message":"Could not parse SoQL"}', "Could not parse SoQL"),
        (page([COLORADO])[:-30], "cut short"),
        (json.dumps(COLORADO).encode() + b"\n" + json.dumps(COLORADO).encode()[:-9], "last row: cut short"),
        (export([COLORADO, COLORADO])[:-20], "last row: cut short"),
        (
            page([{"entityid": "1", "entity_name": "X"}]),
            r"No column entityname \(names\); the columns are entity_name, entityid",
        ),
        (page([{"entityname": "X"}]), r"No column entityid \(identifiers\)"),
        (export([{"entityid": "1", "city": "X"}]), r"No column entityname \(names\); the columns are"),
        (b'[{"entityid": 1, "entityname": }]', "not valid JSON"),
        (b"", "empty"),
        (b"just words", "neither JSON nor CSV"),
        (b"<!doctype html><title>Sign in</title>", "Sign in"),
    ],
)
def test_what_is_no_reply_of_rows_is_rejected_and_never_an_empty_list(raw: bytes, said: str) -> None:
    with pytest.raises(SourceRejected, match=said):
        read_source("socrata_co", raw)


def test_rows_without_a_number_or_a_name_are_rejects() -> None:
    rows = [COLORADO, {"entityname": "Nobody LLC"}, {"entityid": "7"}]
    read = read_source("socrata_co", page(rows))
    assert (read.read, [(one.line, one.reason) for one in read.rejects]) == (
        3, [(2, "the row has no identifier"), (3, "the row has no name")],
    )  # fmt: skip


def test_cells_that_do_not_fit_the_header_are_a_reject() -> None:
    read = read_source("socrata_co", export([COLORADO]) + b'"1","2"\r\n' + export([COLORADO]).split(b"\r\n", 1)[1])
    assert (read.read, read.rejected, read.rejects[0].line) == (3, 1, 3)


def test_text_that_postgresql_cannot_hold_is_mended() -> None:
    raw = b'[{"entityid":"1","entityname":"NUL \\u0000 AND \\ud800 LLC","entitytype":"DLLC"}]'
    assert read_source("socrata_co", raw).only["name"] == "NUL   AND ? LLC"


# --- the sets as data -------------------------------------------------------------------------------


def test_every_state_that_was_called_a_socrata_state_says_what_became_of_its_set() -> None:
    assert {one.state for one in datasets() if one.is_gone} == {"IA", "IL", "MI", "VT", "WA"}
    assert all(one.answers and one.instead for one in datasets() if one.is_gone)
    assert [one.id for one in gone("IA")] == ["ez5t-3qay", "ykb6-ywnd"]


def test_a_source_knows_the_set_that_is_fetched_for_it() -> None:
    assert [dataset_of(f"socrata_{state}").id for state in ("co", "ny", "or", "pa", "ct")] == [
        "4ykn-tg5h", "n9v6-gdp6", "tckn-sxa6", "3urc-uaba", "n7gp-d28j",
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"answers 404.* Use the portal mibusinessregistry"):
        dataset_of("socrata_mi")

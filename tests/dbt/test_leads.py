"""Carriers, contacts, leads and segments made from the findings."""

from __future__ import annotations

from tests.dbt import scenarios
from tests.fixtures_marts import Judged


def _lead(judged: Judged, scenario: str) -> dict[str, object] | None:
    found = judged.rows("select * from marts.deficiency_leads where frn = %s", scenarios.frn(scenario))
    return found[0] if found else None


def test_cores_is_the_first_place_to_look_for_an_address(judged: Judged) -> None:
    lead = _lead(judged, "lead by cores")
    assert lead is not None
    assert lead["email"] == f"contact-{scenarios.frn('lead by cores')}@carriers.example"
    assert (lead["contact_source"], lead["contact_name"]) == ("cores", "Pat Example")
    assert lead["codes"] == ["F499A_STALE"] == lead["sure_codes"]
    assert lead["services"] == ["form_499a"]


def test_an_agents_address_is_said_to_be_an_agents(judged: Judged) -> None:
    lead = _lead(judged, "lead by agent")
    assert lead is not None
    assert lead["contact_source"] == "form499"
    assert "agent for service of process" in str(lead["contact_reason"])
    alternate = _lead(judged, "lead by alternate agent")
    assert alternate is not None
    assert (alternate["email"], alternate["contact_name"]) == ("alternate@agents.example", None)
    assert "alternate agent" in str(alternate["contact_reason"])


def test_a_finding_without_a_usable_address_makes_no_lead(judged: Judged) -> None:
    assert judged.codes(scenarios.frn("nobody to write to")) == {"F499A_STALE"}
    assert _lead(judged, "nobody to write to") is None


def test_nobody_without_something_to_mend_is_a_lead(judged: Judged) -> None:
    assert _lead(judged, "spotless with an address") is None
    assert _lead(judged, "information only") is None


def test_a_lead_stands_on_the_copies_of_its_findings_and_of_its_address(judged: Judged) -> None:
    lead = _lead(judged, "lead by cores")
    assert lead is not None
    ids = lead["snapshot_ids"]
    assert isinstance(ids, list)
    assert {one.split("-")[0] for one in ids} == {"fcc_form499", "fcc_cores"}
    assert lead["oldest_as_of"] == scenarios.TODAY == lead["as_of"]


def test_a_carrier_is_one_row_with_its_names_duties_and_numbers(judged: Judged) -> None:
    row = judged.rows("select * from marts.carriers where frn = %s", scenarios.frn("in every edition"))[0]
    assert row["name"] == scenarios.name("in every edition")
    assert (row["name_source"], row["name_confidence"]) == ("form499", "sources agree")
    assert row["duties"] == ["rmd", "cpni", "form499", "bdc"]
    assert row["rmd_numbers"] == [scenarios.number("in every edition")]
    assert row["cpni_match"]["method"] == "exact"
    assert row["cores_found"] is True
    assert row["is_bdc_provider"] is True


def test_broadband_only_firms_owe_neither_rmd_nor_cpni_nor_form_499(judged: Judged) -> None:
    row = judged.rows("select * from marts.carriers where frn = %s", scenarios.frn("dropped, broadband only"))[0]
    assert row["duties"] == ["bdc"]


def test_an_affiliate_named_in_a_filing_is_a_carrier_too(judged: Judged) -> None:
    row = judged.rows("select * from marts.carriers where frn = %s", scenarios.frn("affiliate"))[0]
    assert (row["is_rmd_affiliate"], row["is_rmd_filer"]) == (True, False)


def test_segments_hold_the_leads_that_meet_every_criterion(judged: Judged) -> None:
    def members(segment: str) -> set[str]:
        return {
            row["frn"] for row in judged.rows("select frn from segments.segment_members where segment = %s", segment)
        }

    stale = members("form499_stale")
    assert {scenarios.frn("lead by cores"), scenarios.frn("two years behind")} <= stale
    assert scenarios.frn("nobody to write to") not in stale
    assert scenarios.frn("missing") in members("critical")
    assert scenarios.frn("lead by cores") not in members("critical")
    named = (
        "no certification",
        "certified last year only",
        "began last year",
        "no country stated, uncertified",
        "filler for a start, old filer",
        "start unknown, in the RMD before",
    )
    assert members("cpni_missing") == {scenarios.frn(one) for one in named}


def test_a_summary_counts_what_a_segment_holds_and_keeps_empty_ones(judged: Judged) -> None:
    rows = {row["segment"]: row for row in judged.rows("select * from segments.segment_summary")}
    held = judged.rows("select segment, count(*) as leads from segments.segment_members group by 1")
    assert {one: row["leads"] for one, row in rows.items() if row["leads"]} == {
        row["segment"]: row["leads"] for row in held
    }
    assert rows["form499_stale"]["by_code"]["F499A_STALE"] >= 4
    assert {row["segment"] for row in judged.rows("select segment from pw.segments")} == set(rows)
    assert {row["as_of"] for row in rows.values()} == {scenarios.TODAY}

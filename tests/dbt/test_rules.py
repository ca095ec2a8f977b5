"""Each rule finds the carrier that breaks it, and leaves the one just outside it in peace."""

from __future__ import annotations

import pytest

from pw_pipelines.compliance.rules import rules
from tests.dbt import scenarios
from tests.fixtures_marts import Judged

# Everything found in the small world. Whoever is not named here must have no finding at all.
FOUND: dict[str, set[str]] = {
    "missing": {"RMD_MISSING"},
    "removed": {"RMD_REMOVED"},
    "removed foreign provider": {"RMD_REMOVED"},
    "not recertified": {"RMD_NOT_RECERTIFIED"},
    "recertified on 31 January": {"RMD_NOT_RECERTIFIED"},
    "highest of 31 January": {"RMD_NOT_RECERTIFIED"},
    "recertified a day late": {"RMD_RECERT_LATE"},
    "two filings, one recertified": {"RMD_DUPLICATE"},
    "two filings, one new": {"RMD_DUPLICATE"},
    "never updated": {"RMD_NEVER_UPDATED", "RMD_NOT_RECERTIFIED"},
    "last blank number of 2021": {"RMD_NEVER_UPDATED", "RMD_NOT_RECERTIFIED"},
    "blank date, later number": {"RMD_NOT_RECERTIFIED"},
    "updated on new year's eve 2023": {"RMD_NEVER_UPDATED", "RMD_NOT_RECERTIFIED"},
    "updated on new year's day 2024": {"RMD_NOT_RECERTIFIED"},
    "no name": {"RMD_NAME_BLANK"},
    "name says none": {"RMD_NAME_BLANK"},
    "contact without telephone": {"RMD_CONTACT_INCOMPLETE"},
    "contact says n/a": {"RMD_CONTACT_INCOMPLETE"},
    "one of two filings without contact": {"RMD_DUPLICATE"},
    "no role": {"RMD_ROLE_NONE"},
    "no implementation": {"RMD_IMPL_NONE"},
    "partial implementation": {"RMD_IMPL_PARTIAL"},
    "blank implementation": {"RMD_IMPL_BLANK"},
    "partial in one filing, complete in another": {"RMD_DUPLICATE"},
    "no certification": {"CPNI_MISSING"},
    "certified on 4 March 2026": {"CPNI_LATE"},
    "certified last year only": {"CPNI_MISSING"},
    "began last year": {"CPNI_MISSING"},
    "no country stated, uncertified": {"CPNI_MISSING"},
    "filler for a start, old filer": {"CPNI_MISSING"},
    "start unknown, in the RMD before": {"CPNI_MISSING", "RMD_NOT_RECERTIFIED"},
    "not a filer": {"F499_MISSING"},
    "filer without frn": {"F499_NO_FRN_LINK"},
    "information only": {"F499_NO_FRN_LINK"},
    "affiliate is the filer": {"RMD_DUPLICATE"},
    "one year behind": {"F499A_STALE"},
    "two years behind": {"F499A_VERY_STALE"},
    "five years behind": {"F499A_VERY_STALE"},
    "ended but recertified": {"F499_ENDED_BUT_ACTIVE"},
    "ended, not recertified": {"RMD_NOT_RECERTIFIED"},
    "no agent": {"DC_AGENT_MISSING"},
    "agent in virginia": {"DC_AGENT_MISSING"},
    "dropped": {"BDC_DROPPED"},
    "dropped, broadband only": {"BDC_DROPPED"},
    "gone for a year, still in business": {"BDC_MISSING"},
    "unknown to cores": {"CORES_UNKNOWN"},
    "cores has another name": {"CORES_STALE"},
    "rmd has another name": {"RMD_CORES_MISMATCH"},
    "lead by cores": {"F499A_STALE"},
    "lead by agent": {"F499A_STALE"},
    "lead by alternate agent": {"F499A_STALE"},
    "nobody to write to": {"F499A_STALE"},
    "lead in georgia": {"F499A_STALE"},
}

# Suspected and not said: scenario -> rule, and what the reason speaks of.
HELD: dict[str, dict[str, str]] = {
    "sister listed": {"RMD_MISSING": "same holding company"},
    "registered last month": {"RMD_MISSING": "may not carry traffic yet"},
    "missing today only": {"RMD_REMOVED": "still in that of 2026-11-21"},
    "removed and out of business": {"RMD_REMOVED": "left the business"},
    "recertified late, unknown before": {"RMD_RECERT_LATE": "cannot be told"},
    "updated in spring, unknown before": {"RMD_NOT_RECERTIFIED": "may be a first filing"},
    "its parent recertified for it": {"RMD_NOT_RECERTIFIED": "among its affiliates"},
    "blank date, later number": {"RMD_NEVER_UPDATED": "shows no date"},
    "certified late under its holding company's name": {"CPNI_LATE": "linked by holding only"},
    "certified late in another legal form": {"CPNI_LATE": "linked by key only"},
    "certified late, as is a namesake": {"CPNI_LATE": "several FRNs have"},
    "the namesake": {"CPNI_LATE": "several FRNs have"},
    "certified late, an affiliate in time": {"CPNI_LATE": "of the same group, may speak for it"},
    "start unknown": {"CPNI_MISSING": "not known whether it was in business in 2025"},
    "filler for a start": {"CPNI_MISSING": "not known whether it was in business in 2025"},
    "filer under a misspelt name": {"F499_MISSING": "similar name, “Thistle Quory Wirless”"},
    "affiliate is the filer": {"F499_MISSING": "names an affiliate"},
    "new in the RMD, not a filer": {"F499_MISSING": "this new"},
    "holding company, not a filer": {"F499_MISSING": "holding company of Form 499 filer"},
    "behind, files with its parent": {"F499A_STALE": "consolidated basis"},
    "ended, replaced by an active filer": {"F499_ENDED_BUT_ACTIVE": "taken over"},
    "ended, files consolidated": {"F499_ENDED_BUT_ACTIVE": "another filer files for it"},
    "ended, same name active": {"F499_ENDED_BUT_ACTIVE": "same name is active"},
    "agent's e-mail only": {"DC_AGENT_MISSING": "not the whole of it"},
    "merged under its provider id": {"BDC_DROPPED": "provider ID is still there"},
    "holding company still there": {"BDC_DROPPED": "holding company is still there"},
    "gone for a year": {"BDC_MISSING": "Nothing else shows"},
    "dropped and ended": {"BDC_DROPPED": "left the business"},
    "empty page once": {"CORES_UNKNOWN": "1 of the 2 days"},
}


@pytest.mark.parametrize("scenario", scenarios.everyone())
def test_a_carrier_is_found_to_lack_exactly_what_it_lacks(judged: Judged, scenario: str) -> None:
    assert judged.codes(scenarios.frn(scenario)) == FOUND.get(scenario, set())


@pytest.mark.parametrize("scenario", scenarios.everyone())
def test_what_cannot_be_told_is_held_with_its_reason_and_not_said(judged: Judged, scenario: str) -> None:
    held = judged.held(scenarios.frn(scenario))
    expected = HELD.get(scenario, {})
    assert set(held) == set(expected)
    for code, words in expected.items():
        assert words in held[code]


def test_every_rule_that_makes_findings_has_a_carrier_that_trips_it(judged: Judged) -> None:
    tripped = set().union(*FOUND.values())
    assert tripped == {rule.code for rule in rules().values() if rule.kind == "finding" and rule.enabled}
    assert {row["code"] for row in judged.rows("select distinct code from marts.findings")} == tripped


def test_every_question_is_asked_of_somebody_and_of_nobody_outside_its_scope(judged: Judged) -> None:
    asked = {row["code"] for row in judged.rows("select distinct code from marts.questions")}
    assert asked >= {rule.code for rule in rules().values() if rule.kind == "question" and rule.enabled}
    spotless = judged.questions(scenarios.frn("spotless"))
    assert {"SS_3P_AUTH", "F499Q_CHECK", "CALEA_SSI", "SEC214_INTL", "OCN_MISSING", "RMD_OCN_MISSING"} <= set(spotless)
    assert spotless["F499Q_CHECK"] == rules()["F499Q_CHECK"].question
    assert judged.questions(scenarios.frn("dropped, broadband only")) == {}


def test_a_similar_name_in_the_docket_makes_a_question_of_an_accusation(judged: Judged) -> None:
    asked = judged.questions(scenarios.frn("similar name certified"))
    assert "Tamarak Falls Telephone Co" in asked["CPNI_MISSING"]


def test_a_filing_of_an_affiliate_makes_a_question_of_an_accusation(judged: Judged) -> None:
    asked = judged.questions(scenarios.frn("an affiliate certified"))
    assert scenarios.name("certified for its group, perhaps") in asked["CPNI_MISSING"]
    assert "of the same group" in asked["CPNI_MISSING"]


def test_a_finding_carries_its_rule_its_evidence_and_its_copies(judged: Judged) -> None:
    found = judged.findings(scenarios.frn("not recertified"))["RMD_NOT_RECERTIFIED"]
    rule = rules()["RMD_NOT_RECERTIFIED"]
    assert (found["title"], found["severity"], found["severity_rank"]) == (rule.title, "high", 2)
    assert (found["citation"], found["service"]) == ("47 CFR 64.6305(h)", "rmd_recertification")
    assert found["due_on_et"].isoformat() == "2026-03-02"
    assert found["evidence"] == {
        "Filing": scenarios.number("not recertified"),
        "Last recertified": "never",
        "Last updated": "2024-08-15",
        "Recertification window opened": "2026-02-01",
    }
    assert [one.rsplit("-", 1)[0] for one in found["snapshot_ids"]] == ["fcc_rmd-20261122"]


def test_an_absence_names_both_copies_that_show_it(judged: Judged) -> None:
    for scenario, code, source in [
        ("missing", "RMD_MISSING", "fcc_rmd"),
        ("no certification", "CPNI_MISSING", "fcc_cpni"),
        ("not a filer", "F499_MISSING", "fcc_form499"),
        ("dropped", "BDC_DROPPED", "fcc_bdc"),
    ]:
        ids = judged.findings(scenarios.frn(scenario))[code]["snapshot_ids"]
        days = {one.split("-")[1] for one in ids if one.startswith(source)}
        assert days >= {"20261121", "20261122"}, (scenario, ids)


def test_evidence_never_repeats_a_contact_person_or_address(judged: Judged) -> None:
    told = judged.rows("select evidence::text as text from marts.findings")
    assert not [row["text"] for row in told if "Pat Example" in row["text"] or "@" in row["text"]]

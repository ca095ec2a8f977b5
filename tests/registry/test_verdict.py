"""The straight answer: some sixty pairs of names, each in a state and with the rule that decides it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pw_pipelines.errors import UsageError
from pw_pipelines.jurisdictions.book import book, jurisdiction
from pw_pipelines.registry.keys import name_keys
from pw_pipelines.registry.model import Coverage, EntityForm, NameVerdict, Near, Record
from pw_pipelines.registry.verdict import is_taken_by, judge

AS_OF = date(2026, 11, 20)
TAKEN, CLEAR, PERSON = "taken", "clear", "a person must look"


def record(state: str, name: str, **other: Any) -> Record:
    values: dict[str, Any] = {
        "state": state, "record_id": "R1", "entity_id": "R1", "name": name, "name_kind": "legal", "form": "llc",
        "type_code": None, "status": "Active", "standing": "live", "formed_on": None, "changed_on": None, "home": None,
        "place": None, "name_key": name_keys(name)[0], "snapshot_id": "S",
    }  # fmt: skip
    return Record(**{**values, **other})


def covered(state: str, **other: Any) -> Coverage:
    values: dict[str, Any] = {"state": state, "rows": 1_000_000, "as_of": AS_OF, "gaps": (), "is_usable": True}
    return Coverage(**{**values, **other})


def verdict(
    state: str, asked: str, *held: Record | str, near: tuple[Near, ...] = (), form: EntityForm = "llc"
) -> NameVerdict:
    """The verdict; the quick question whether the name is taken always has the same answer."""
    where, data = jurisdiction(state), covered(state)
    records = [one if isinstance(one, Record) else record(state, one) for one in held]
    found = judge(where, asked, records, near, data, form=form)
    assert is_taken_by(where, asked, records, data, form=form) == (found.verdict == TAKEN)
    return found


GOLDEN = [
    # state, asked, held, answer, rule
    ("WY", "The Blue Fox LLC", "Blue Foxes, Inc.", TAKEN, "W.S. 17-16-401(f): designator, the, plural ignored"),
    ("WY", "Blue Fox and Company LLC", "A Blue Fox Company", PERSON, "one designator or two is not said"),
    ("WY", "Blue Fox LLC", "Blue Foks LLC", CLEAR, "one different letter"),
    ("WY", "Fox 4 LLC", "Fox Four LLC", CLEAR, "one different letter or numeral"),
    ("WY", "An Otter LLC", "Otter LLC", PERSON, "`an` is not among the, and, a"),
    ("UT", "The Blue Fox LLC", "Blue Foxes, Inc.", TAKEN, "48-3a-108: designator, the, plural ignored"),
    ("UT", "Fox plus Hound LLC", "Fox & Hound, L.C.", TAKEN, "and, plus, punctuation ignored"),
    ("UT", "Fox Hound 1 LLC", "Fox Hound 2 LLC", CLEAR, "one different numeral"),
    ("CO", "Blue Fox LLC", "Blue Fox Inc", CLEAR, "7-90-601: the designator distinguishes"),
    ("CO", "Blue Fox LLC", "BLUE FOX, L.L.C.", TAKEN, "capitals, comma, full stop ignored"),
    ("CO", "Blue Fox LLC", "The Blue Fox LLC", CLEAR, "articles distinguish"),
    ("CO", "Blue Fox LLC", "BlueFox LLC", CLEAR, "spaces distinguish"),
    ("CO", "Blue Fox LLC", "Blue-Fox LLC", CLEAR, "hyphen distinguishes"),
    ("CO", "OBrien LLC", "O'Brien LLC", TAKEN, "apostrophe ignored"),
    ("CO", "Blue Fox LLC", "Blue Fox! LLC", PERSON, "the exclamation mark is on neither list"),
    ("FL", "Sunny Rentals LLC", "SUNNY RENTALS,LLC", TAKEN, "605.0112(2): suffix, punctuation"),
    ("FL", "Sunny Rental Inc", 'SUNNY RENTALS "LLC"', TAKEN, "plural and suffix"),
    ("FL", "Fox and Hound LLC", "FOX & HOUND PA", TAKEN, "and against &; P.A. is a suffix"),
    ("FL", "Foxs Den LLC", "FOX'S DEN LLC", TAKEN, "possessive and punctuation"),
    ("FL", "Fox of Miami LLC", "FOX MIAMI LLC", CLEAR, "another word"),
    ("FL", "Fox 4 LLC", "FOX FOUR LLC", PERSON, "nothing is said about numerals"),
    ("FL", "A.B.C. Movers LLC", "ABC MOVERS INC", TAKEN, "punctuation"),
    ("TX", "Fox and the Hound LLC", "Fox Hound, Inc.", TAKEN, "1 TAC 79: articles, conjunctions, designators"),
    ("TX", "Fox of Austin LLC", "Fox Austin LLC", PERSON, "a preposition that changes the meaning counts"),
    ("TX", "A B C Movers LLC", "ABC Movers Inc", TAKEN, "initials count as one word"),
    ("TX", "Austin Fox LLC", "Fox Austin Otter LLC", CLEAR, "another key word"),
    ("NH", "Granite Fox 2 LLC", "The Granite Foxes Inc", TAKEN, "304-C:32: added number, article, plural"),
    ("NH", "Kwik Fox LLC", "Quick Fox LLC", TAKEN, "phonetic spelling"),
    ("NH", "Four Foxes LLC", "IV Foxes LLC", TAKEN, "Arabic, Roman and word numerals"),
    ("VT", "Maple Fox LLC", "Vermont Maple Fox Inc", TAKEN, "CVR 04-020-001 r.3: adding Vermont"),
    ("VT", "Maple Fox LLC", "Green Mountains MapleFox.com", TAKEN, "Green Mountains, spacing, .com"),
    ("VT", "Maple Fox LLC", "Maple Otter Fox LLC", CLEAR, "extra word"),
    ("VT", "Maple Fox LLC", "Maple Foxes LLC", PERSON, "plural is not on the list"),
    ("IL", "Clean Fox LLC", "Clean Foxes Limited Liability Company", TAKEN, "180/1-10: number, limited, company"),
    ("IL", "Fox Company of Peoria LLC", "Fox of Peoria LLC", TAKEN, "the word company"),
    ("IL", "Fox Co of Peoria LLC", "The Fox of Peoria LLC", TAKEN, "an abbreviation of the word company"),
    ("IL", "Clean Fox LLC", "Cleaning Fox LLC", PERSON, "tense, as far as an ending tells it"),
    ("IL", "Blue Fox LLC", "Blue Fox Inc", PERSON, "limited, liability, company; nothing about Inc."),
    ("AZ", "4 Foxes LLC", "FOUR-FOXES, INC.", TAKEN, "29-3112: numeral, spaces, punctuation, designator"),
    ("AZ", "Fox & Hound LLC", "FoxAndHound LLC", TAKEN, "spaces, & against and"),
    ("AK", "Blue Fox LLC", "BlueFox, Inc.", TAKEN, "3 AAC 16.120: spacing, designator"),
    ("AK", "Blue Fox LLC", "Blue Foxes LLC", CLEAR, "plural distinguishes"),
    ("AK", "Fox 4 LLC", "Fox Four LLC", CLEAR, "numeral form distinguishes"),
    ("ND", "Blue Fox LLC", "BLUEFOX LLC", TAKEN, "72-03-02-05: spacing"),
    ("ND", "Blue Fox LLC", "Blue Fox Inc", PERSON, "other differences are not confirmed"),
    ("CA", "Blue Fox LLC", "Blue Fox, Ltd. Liability Co.", TAKEN, "2 CCR 21001: entity identifiers"),
    ("NY", "Blue Fox LLC", "Blue Fox Inc", PERSON, "19 NYCRR 156.2: the list was not read"),
    ("NY", "Blue Fox LLC", "BLUE FOX LLC", TAKEN, "the very name"),
    ("GA", "Blue Fox LLC", "BLUE FOX LLC", TAKEN, "590-7-20: any existing entity"),
    ("NJ", "Blue Fox LLC", "Blue-Fox LLC", PERSON, "spacing and punctuation are said to matter"),
    ("OH", "Blue Fox LLC", "Blue Fox Inc", TAKEN, "designators ignored"),
    ("OH", "Blue Fox LLC", "Blue Foxes LLC", PERSON, "finer rules not read"),
    ("PA", "Macro LLC", "Macro, Inc.", TAKEN, "15 Pa.C.S. 202: designators ignored"),
    ("VA", "Blue Fox LLC", "Blue Fox Corporation", TAKEN, "13.1-1012: designators ignored"),
    ("DC", "Blue Fox LLC", "Blue Fox Inc", TAKEN, "29-103.01: consent needed when only the designator differs"),
    ("DE", "Blue Fox LLC", "Blue Fox Inc", PERSON, "18-102: designators in practice, unconfirmed"),
    ("MN", "Blue Fox LLC", "Blue Fox, LLC", PERSON, "no list read"),
    ("MA", "Blue Fox LLC", "BLUE FOX LLC", TAKEN, "156C § 3: the same"),
    ("MA", "Blue Fox LLC", "Blue Fox Inc", PERSON, "156C § 3: a person judges"),
    ("HI", "Blue Fox LLC", "The Blue Fox", PERSON, "428-105: a person judges"),
    ("BC", "Nimbus Fox Ltd.", "NIMBUS FOX LTD.", TAKEN, "the same name"),
    ("BC", "Nimbus Fox Ltd.", "Aurora Otter Inc.", PERSON, "the Registrar's approval is compulsory"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "asked", "held", "answer", "rule"), GOLDEN, ids=lambda one: str(one)[:24])
def test_golden(state: str, asked: str, held: str, answer: str, rule: str) -> None:
    found = verdict(state, asked, held)
    assert found.verdict == answer, (rule, found.keys, found.reasons)
    assert found.reasons


def test_a_name_like_no_other_is_clear_and_says_on_what_data() -> None:
    found = verdict("FL", "Kumquat Lantern LLC")

    assert found.verdict == CLEAR
    assert found.statute == "Fla. Stat. § 605.0112(2)"
    assert found.data["as_of"] == "2026-11-20" and found.data["rows"] == 1_000_000
    assert "Name reservations are not in it." in found.data["gaps"]  # type: ignore[operator]
    assert "1,000,000 names in the data of 2026-11-20" in found.reasons[0]


def test_both_keys_stand_side_by_side_and_what_blocks_says_why() -> None:
    found = verdict("FL", "The Blue Foxes LLC", record("FL", "BLUE FOX INC", record_id="P1", status="A"))

    assert found.keys["asked"] == "blue fox" == found.blocking[0].key
    assert (found.blocking[0].id, found.blocking[0].status) == ("P1", "A")
    assert found.blocking[0].why == "It is a registered entity, active."
    assert found.reasons[0] == "BLUE FOX INC (P1) has the name: it is a registered entity, active."


# --- what blocks ------------------------------------------------------------------------------------------------


def test_where_only_what_may_be_ignored_makes_two_names_one_both_loose_keys_are_told() -> None:
    found = verdict("FL", "Kumquat Cafe LLC", 'KUMQUAT CAFÉ "LLC"')

    assert found.verdict == PERSON
    assert found.blocking[0].key == "kumquat café" != found.keys["asked"]
    assert found.blocking[0].loose_key == found.keys["asked_loose"]


def test_colorados_delinquent_name_matches_is_shown_as_not_live_and_goes_to_a_person() -> None:
    """The reader has taken `, Delinquent May 1, 2022` off the name."""
    held = record("CO", "6301 State Farm LLC", status="Delinquent", standing="not_live")
    found = verdict("CO", "6301 State Farm LLC", held)

    assert found.verdict == PERSON
    assert found.blocking[0].status == "Delinquent"
    assert "not active (Delinquent)" in found.blocking[0].why


GONE = [
    ("NV", "Revoked", "llc", None, CLEAR),  # NRS 86.171: free at once
    ("AZ", "Administratively Dissolved", "llc", None, CLEAR),  # dissolved names do not block
    ("PA", "Administratively Dissolved", "llc", None, CLEAR),
    ("PA", "Dissolved", "llc", None, PERSON),  # nothing is said about other endings
    ("WI", "Administratively Dissolved", "llc", None, CLEAR),
    ("OR", "Inactive", "llc", None, CLEAR),  # ORS 63.094: only active records
    ("TX", "Forfeited", "llc", None, CLEAR),  # 1 TAC 79.43
    ("CA", "Suspended", "llc", None, CLEAR),  # 2 CCR 21001: suspended is not active
    ("CA", "Pending", "llc", None, PERSON),
    ("IN", "Dissolved", "llc", date(2026, 11, 1), TAKEN),  # Ind. Code 23-0.5-3-1: 120 days
    ("IN", "Dissolved", "llc", date(2026, 7, 1), CLEAR),
    ("IN", "Dissolved", "llc", None, PERSON),  # since when?
    ("KS", "Forfeited", "llc", date(2026, 1, 1), TAKEN),  # K.S.A. 17-7918: one year
    ("KS", "Forfeited", "llc", date(2025, 1, 1), CLEAR),
    ("OK", "Cancelled", "llc", date(2024, 1, 1), TAKEN),  # tit. 18 § 2008: three years
    ("OK", "Cancelled", "llc", date(2022, 1, 1), CLEAR),
    ("MT", "Dissolved", "corporation", date(2026, 11, 1), TAKEN),  # 35-8-103: a corporation's name, 120 days
    ("MT", "Dissolved", "corporation", date(2026, 6, 1), CLEAR),
    ("MT", "Dissolved", "llc", date(2026, 6, 1), PERSON),
    ("RI", "Revoked", "llc", date(2025, 1, 1), CLEAR),  # 7-16-9: one year
    ("FL", "I", "llc", None, PERSON),  # inactive names free up at different times
]  # fmt: skip


@pytest.mark.parametrize(("state", "status", "form", "since", "answer"), GONE)
def test_a_name_whose_holder_is_gone(state: str, status: str, form: str, since: date | None, answer: str) -> None:
    held = record(state, "Blue Fox LLC", status=status, standing="not_live", form=form, changed_on=since)
    found = verdict(state, "Blue Fox LLC", held)

    assert found.verdict == answer, found.reasons
    assert any(one.id == "R1" for one in (*found.blocking, *found.near))


KINDS = [
    ("FL", "fictitious", CLEAR), ("CO", "trade", CLEAR), ("VA", "fictitious", CLEAR), ("NC", "assumed", CLEAR),
    ("OR", "assumed", TAKEN), ("ID", "assumed", TAKEN), ("KY", "reserved", TAKEN), ("ND", "trade", TAKEN),
    ("NY", "fictitious", TAKEN), ("MN", "assumed", PERSON), ("FL", "former", PERSON), ("FL", "event", PERSON),
]  # fmt: skip


@pytest.mark.parametrize(("state", "kind", "answer"), KINDS)
def test_kinds_of_names_block_as_the_state_says(state: str, kind: str, answer: str) -> None:
    held = record(state, "Blue Fox LLC", name_kind=kind, form="name")
    assert verdict(state, "Blue Fox LLC", held).verdict == answer


def test_california_compares_an_llc_with_llcs_only() -> None:
    corporation = record("CA", "Blue Fox Inc.", form="corporation")

    assert verdict("CA", "Blue Fox LLC", corporation).verdict == CLEAR
    assert verdict("CA", "Blue Fox Inc.", corporation, form="corporation").verdict == TAKEN
    assert verdict("CA", "Blue Fox LLC", record("CA", "Blue Fox", form=None)).verdict == PERSON
    assert verdict("NY", "Blue Fox LLC", record("NY", "BLUE FOX LLC", form="corporation")).verdict == TAKEN


# --- near names -------------------------------------------------------------------------------------------------

NEAR = [
    ("MA", "typo", PERSON), ("NE", "word order", PERSON), ("HI", "sound", PERSON), ("WV", "word order", PERSON),
    ("TX", "sound", PERSON), ("NH", "sound", PERSON),
    ("WY", "typo", CLEAR), ("VT", "sound", CLEAR), ("VT", "word order", CLEAR), ("FL", "sound", CLEAR),
]  # fmt: skip


@pytest.mark.parametrize(("state", "how", "answer"), NEAR)
def test_near_names_matter_where_a_person_judges_them(state: str, how: str, answer: str) -> None:
    found = verdict(state, "Amber Fox LLC", near=(Near("N1", "Ember Fox LLC", "Active", how, 90.0),))

    assert found.verdict == answer
    assert found.near[0].id == "N1"


def test_a_near_name_that_is_the_same_under_the_rule_is_never_overlooked() -> None:
    found = verdict("AZ", "Blue Fox LLC", near=(Near("N1", "B L U E F O X LLC", "Active", "typo", 80.0),))
    assert found.verdict == PERSON


# --- the name itself --------------------------------------------------------------------------------------------


def test_a_name_of_nearly_the_same_letters_is_judged_by_a_person_where_near_names_are() -> None:
    for asked in ("Smyth Plumbing LLC", "Smitth Plumbing LLC"):
        assert verdict("TX", asked, "SMITH PLUMBING LLC").verdict == PERSON
    assert verdict("FL", "Smyth Plumbing LLC", "SMITH PLUMBING LLC").verdict == CLEAR
    many = [record("NH", "SMITH PLUMBING LLC", record_id=f"R{n}") for n in range(15)]
    near = tuple(Near(f"R{n}", "SMITH PLUMBING LLC", "Active", "typo", 90.0) for n in range(15))
    assert verdict("NH", "Smyth Plumbing LLC", *many[:10], near=near[:10]).verdict == PERSON
    assert verdict("NH", "Smyth Plumbing LLC", *many, near=near).verdict == PERSON


def test_restricted_words_are_found_by_whole_words() -> None:
    assert [one["word"] for one in verdict("OH", "Fox Banking LLC").restricted] == ["banking"]
    assert verdict("OH", "Embankment Fox LLC").restricted == ()
    assert verdict("OH", "Trusty Fox LLC").verdict == CLEAR
    assert verdict("OH", "Fox Trust LLC").verdict == PERSON
    assert [one["word"] for one in verdict("WY", "Fox Insurance Agency LLC").restricted] == ["insurance"]


def test_words_of_another_form_are_barred_where_the_state_says_so() -> None:
    assert verdict("CA", "Fox Corporation LLC").verdict == PERSON
    assert verdict("MI", "Fox Inc", form="llc").verdict == PERSON
    assert [one["word"] for one in verdict("GA", "Fox Partnership LLC").restricted] == ["partnership"]
    assert verdict("OH", "Fox Corp. LLC").restricted == ()


def test_a_list_nobody_read_is_not_called_empty() -> None:
    assert any("No list of Wyoming's restricted words was read" in one for one in verdict("WY", "Fox LLC").unconfirmed)
    assert not any("No list of" in one for one in verdict("OH", "Fox LLC").unconfirmed)
    assert any("goes on" in one for one in verdict("TX", "Fox LLC").unconfirmed)


def test_georgia_takes_80_characters() -> None:
    exactly = "Kumquat " * 9 + "Fox LLC1"
    assert len(exactly) == 80
    assert verdict("GA", exactly).verdict == CLEAR
    assert verdict("GA", exactly + "2").verdict == PERSON
    assert verdict("FL", exactly + "2").verdict == CLEAR


def test_a_name_of_nothing_but_little_words_goes_to_a_person() -> None:
    assert verdict("FL", "The And LLC").verdict == PERSON


@pytest.mark.parametrize("asked", ["", "   ", "!!!", "LLC", "L.L.C.", "Limited Liability Company", "Company, Inc.",
                                   "x" * 301, "Лиса LLC", "株式会社", "Caf\ufffd Roma LLC", "Fox\udcff",
                                   "Blue\0Fox LLC", "Blue\nFox LLC", "Blue \u202eFox LLC",
                                   "Blue \U0001f98a Fox LLC"])  # fmt: skip
def test_what_can_be_no_name_is_refused_with_a_sentence(asked: str) -> None:
    with pytest.raises(UsageError, match=r"[a-z]{3}.*\."):
        verdict("FL", asked)


def test_accents_are_letters_like_others() -> None:
    assert verdict("FL", "Café Ñandú LLC", "CAFE NANDU LLC").verdict == PERSON  # not confirmed that accents are ignored


def test_a_corporation_is_answered_under_the_corporation_act_where_it_was_read() -> None:
    assert "607.0401" in verdict("FL", "Kumquat Lantern Inc.", form="corporation").statute
    assert "605.0112" in verdict("FL", "Kumquat Lantern LLC").statute
    not_read = "The rule cited was read for LLCs; the test for corporations was not read."
    assert not_read in verdict("NJ", "Kumquat Lantern Inc.", form="corporation").reasons
    assert not_read not in verdict("NJ", "Kumquat Lantern LLC").reasons
    assert verdict("NJ", "Kumquat Lantern Inc.", form="corporation").verdict == PERSON
    assert verdict("FL", "Kumquat Lantern Inc.", form="corporation").verdict == CLEAR
    for state in ("FL", "CA", "DE", "WY", "BC"):
        assert not_read not in verdict(state, "Kumquat Lantern Inc.", form="corporation").reasons


@pytest.mark.parametrize(
    ("asked", "form", "says"),
    [("Kumquat Lantern, Inc.", "llc", "“Inc.”, the ending of a corporation"),
     ("Kumquat Lantern L.L.C.", "corporation", "“L.L.C.”, the ending of an LLC"),
     ("Kumquat Lantern Limited Partnership", "llc", "“Limited Partnership”, the ending of a partnership"),
     ("Kumquat Lantern LLC", "llc", None), ("Kumquat Lantern", "llc", None), ("Lantern Co.", "llc", None)],
)  # fmt: skip
def test_a_name_with_the_ending_of_another_form_is_not_called_clear(
    asked: str, form: EntityForm, says: str | None
) -> None:
    found = verdict("FL", asked, form=form)
    said = [one for one in found.reasons if "ending of" in one]

    assert (found.verdict, len(said)) == ((PERSON, 1) if says else (CLEAR, 0))
    assert says is None or says in said[0]


def test_where_the_ending_tells_names_apart_a_name_without_one_is_not_called_clear() -> None:
    held = record("CO", "Kumquat Lantern LLC")
    assert verdict("CO", "Kumquat Lantern LLC", held).verdict == TAKEN
    assert verdict("CO", "Kumquat Lantern", held).verdict == PERSON
    found = verdict("CO", "Kumquat Lantern")
    assert found.verdict == PERSON
    assert any("does not end in a legal form" in one for one in found.reasons)
    assert verdict("CO", "Kumquat Lantern LLC").verdict == CLEAR


def test_the_rule_is_said_once() -> None:
    assert verdict("FL", "Kumquat LLC").rule.startswith("A name must be distinguishable on the records.")
    assert verdict("AZ", "Kumquat LLC").rule.startswith("Distinguishable upon the records. Designators")


# --- what the data is worth -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "coverage",
    [None, covered("FL", is_usable=False, why_not="The file of 3 July is missing."), covered("FL", as_of=None),
     covered("FL", rows=0)],
)  # fmt: skip
def test_without_whole_fresh_data_nothing_is_clear(coverage: Coverage | None) -> None:
    found = judge(jurisdiction("FL"), "Kumquat Lantern LLC", [], [], coverage)

    assert found.verdict == PERSON
    assert found.look == "https://search.sunbiz.org/Inquiry/CorporationSearch/ByName"
    if coverage is not None and coverage.why_not:
        assert coverage.why_not in found.reasons


def test_an_old_copy_still_shows_who_has_the_name() -> None:
    old = covered("FL", is_usable=False, why_not="The copy is 200 days old.")
    found = judge(jurisdiction("FL"), "Blue Fox LLC", [record("FL", "BLUE FOX LLC")], [], old)

    assert found.verdict == TAKEN
    assert "The copy is 200 days old." in found.reasons


def test_every_state_answers_every_question_without_data() -> None:
    for where in book().values():
        found = judge(where, "Kumquat Lantern LLC", [], [], None)
        assert (found.verdict, found.state, bool(found.rule), bool(found.statute)) == (PERSON, where.code, True, True)

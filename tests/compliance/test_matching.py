"""Names matched to carriers: how, how surely, and never by likeness alone."""

from __future__ import annotations

import random
import time
from datetime import UTC, date, datetime

import pytest

from pw_pipelines import names
from pw_pipelines.compliance import matching
from pw_pipelines.compliance.matching import match_filers, match_filings, match_names, parts
from pw_pipelines.compliance.matching_names import CarrierName, CarrierNames, Filing
from pw_pipelines.db.connection import Database
from tests.fixtures_marts import cores_page, cpni_filing, form499_filer, given_rows, given_snapshot, rmd_filing

ON = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)


def carriers(**named: str | tuple[str, str]) -> CarrierNames:
    """Active carriers by name: frn=own name, or frn=(own name, holding company)."""
    found = CarrierNames()
    for frn, given in named.items():
        own, holding = given if isinstance(given, tuple) else (given, "")
        found.add(CarrierName(frn, own, names.key(own), "own", "fcc_form499", "f499"))
        found.add(CarrierName(frn, holding, names.key(holding), "holding", "fcc_form499", "f499"))
        found.active.add(frn)
    return found


def method(filed: str, known: CarrierNames, *documents: str) -> dict[str, str]:
    """frn -> how one filing was matched."""
    filing = Filing("1", (filed,), documents, "cpni")
    return {match.frn: match.method for match in match_filings([filing], known)}


@pytest.mark.parametrize(
    ("filed", "carrier", "expected"),
    [
        ("Acme Telephone Company", "ACME TELEPHONE COMPANY", "exact"),
        ("Acme Telephone Co., Inc.", "Acme Telephone", "key"),
        ("'@Link Services, L.L.C.", "@Link Services LLC", "exact"),
        ("Ñandú & Söhne, Inc.", "Nandu and Sohne", "key"),
        ("Big Parent Inc. d/b/a Acme Telephone", "Acme Telephone LLC", "key"),
        ("Acme Telephone LLC and its affiliates", "Acme Telephone", "key"),
        ("Counsel PLLC on behalf of Acme Telephone", "Acme Telephone Inc", "key"),
        ("Acme Telephone (CPNI Filings)", "Acme Telephone", "key"),
        ("Tamarak Falls Telephone", "Tamarack Falls Telephone Co", "near"),
        ("AcmeTelephone", "Acme Telephone", "near"),
        ("Akme Telephone", "Acme Telephone", "near"),
        ("Telephone of Tamarack Falls", "Tamarack Falls Telephone of", "near"),
        ("Granitepeak", "Granitepeak Cablevision, Inc.", "near"),
        ("Acme Comm. Corp.", "Acme Communications Corp.", "near"),
        ("Meridian Ferry Holdings of Ohio", "Meridian Ferry", "near"),
        ("Wren Cove TelephoneCompany", "Wren Cove Tel. Co.", "near"),  # abbreviated here, run together there
        ("Tamarack", "Tamarack PCS, LLC", "near"),  # without the word of the trade
        ("Zirquiv Copany", "Zirquiv Company, Inc.", "near"),  # a slip in the legal form
        ("QRT Voce LLC", "QRT Voice, LLC", "near"),  # a slip in a short word of the trade
        ("Zirquiv Bahamas", "Zirquiv Ohio", "near"),  # a word nobody else has in the name
        ("Acme Telephone, formerly Basalt Orchard Wireless", "Basalt Orchard Wireless LLC", "key"),
        ("Acme Telephone n/k/a Basalt Orchard Wireless", "Basalt Orchard Wireless LLC", "key"),
        ("Example Advocates PLLC for Acme Telephone", "Acme Telephone Inc", "key"),
        ("Acme Telephone - Basalt Orchard Wireless", "Basalt Orchard Wireless LLC", "key"),
        ("Acme Telephone et al.", "Acme Telephone Inc", "key"),
        ("Kestrelphone", "Basalt Orchard Wireless, Inc., d/b/a Kestrelphone", "exact"),
    ],
)
def test_a_filers_name_is_matched_as_surely_as_it_agrees(filed: str, carrier: str, expected: str) -> None:
    assert method(filed, carriers(a=carrier)) == {"a": expected}


@pytest.mark.parametrize(
    ("filed", "carrier"),
    [
        ("Acme Telephone", "Basalt Orchard Wireless"),
        ("Telephone Company", "Rural Telephone Company"),  # words of the trade name nobody
        ("", "Acme Telephone"),
    ],
)
def test_strangers_are_not_matched(filed: str, carrier: str) -> None:
    assert method(filed, carriers(a=carrier)) == {}


def test_a_holding_companys_filing_covers_its_carriers() -> None:
    assert method("Parallax Nimbus, Inc.", carriers(a=("Acme", "Parallax Nimbus"), b=("Beta", ""))) == {"a": "holding"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("Basalt_Orchard_Wireless_CPNI_2026.pdf", {"a": "document"}),
        ("2026 CPNI - Basalt Orchard Wireless (CY2025).pdf", {"a": "document"}),
        ("B_O_W_Cable_Inc__CPNI_2026.pdf", {"c": "document"}),  # dots of initials are gone
        ("Lacom_CPNI_2026.pdf", {"d": "document"}),  # all of the name that is left
        ("Basalt Orchrd Wireles CPNI Certification 2026.pdf", {"a": "near"}),  # misspelt
        ("2026 CPNI - Basalt Orchard Wrls., LLC (CY2025).pdf", {"a": "near"}),
        ("CPNI Certification.pdf", {}),
        ("2026 Annual Certification Final signed.docx", {}),
    ],
)
def test_a_name_in_a_documents_file_name_is_found(document: str, expected: dict[str, str]) -> None:
    known = carriers(a="Basalt Orchard Wireless LLC", b="Certification Inc", c="B.O.W. Cable, Inc.", d="Lacom")
    assert method("Pat Example, Consultant", known, document) == expected


def test_a_long_name_that_is_all_of_a_documents_file_name_is_found() -> None:
    long = "Very Long Rural Telephone and Broadband Cooperative Association of the Lower Thistlecombe Valley, Inc."
    assert method("Pat Example", carriers(a=long), f"{long} CPNI Certification 2026.pdf") == {"a": "document"}


def test_a_misspelt_holding_company_makes_a_question_of_its_carriers() -> None:
    assert method("Paralax Nimbus Holdings", carriers(a=("Acme", "Parallax Nimbus Holdings"))) == {"a": "near"}


def test_a_filing_of_one_of_a_group_is_a_question_for_the_others_of_it() -> None:
    known = carriers(
        a=("Acme Telephone", "Parallax Nimbus"),
        b=("Basalt Orchard Wireless", "Parallax Nimbus, Inc."),
        c="Umber Lagoon",
    )
    filing = Filing("1", ("Acme Telephone",), ("CPNI.pdf",), "c")
    found = {match.frn: (match.method, match.subject_name) for match in match_filings([filing], known)}
    assert found == {"a": ("exact", "Acme Telephone"), "b": ("affiliate", "Acme Telephone")}


def test_a_holding_company_called_none_makes_no_group() -> None:
    assert method("Acme Telephone", carriers(a=("Acme Telephone", "None"), b=("Basalt", "None"))) == {"a": "exact"}


def test_who_filed_late_may_be_in_an_earlier_filing_under_a_similar_name_or_an_affiliates() -> None:
    known = carriers(a="Tamarack Falls Telephone", b=("Acme", "Parallax Nimbus"), c=("Beta", "Parallax Nimbus"))
    filings = [
        Filing("1", ("Tamarak Falls Telephone",), (), "cpni", date(2026, 2, 20)),
        Filing("2", ("Tamarack Falls Telephone",), (), "cpni", date(2026, 6, 1)),
        Filing("3", ("Acme",), (), "cpni", date(2026, 2, 20)),
        Filing("4", ("Beta",), (), "cpni", date(2026, 6, 1)),
        Filing("5", ("Tamarack Falls Telefone",), (), "cpni", date(2026, 7, 1)),
    ]
    found = {(m.subject_id, m.frn): m.method for m in match_filings(filings, known, in_time=date(2026, 3, 3))}
    assert found == {
        ("1", "a"): "near",
        ("2", "a"): "exact",
        ("3", "b"): "exact",
        ("3", "c"): "affiliate",
        ("4", "c"): "exact",
    }


def test_every_method_states_its_confidence_and_likeness_is_the_least() -> None:
    known = carriers(a="Acme Telephone", b="Tamarack Falls Telephone")
    filings = [Filing("1", ("Acme Telephone Inc",), (), "c"), Filing("2", ("Tamarak Falls Telephone",), (), "c")]
    found = {match.method: match for match in match_filings(filings, known)}
    assert found["key"].confidence == 0.95
    assert matching.AFFILIATE < matching.NEAR_AT_MOST < min(matching.CONFIDENCE.values())
    assert found["near"].confidence <= matching.NEAR_AT_MOST
    assert found["near"].snapshot_ids == ("c", "f499")


def test_one_with_a_match_of_its_own_is_not_likened_to_others() -> None:
    known = carriers(a="Tamarack Falls Telephone")
    filings = [Filing("1", ("Tamarack Falls Telephone",), (), "c"), Filing("2", ("Tamarak Falls Telephone",), (), "c")]
    assert [match.subject_id for match in match_filings(filings, known)] == ["1"]


def test_a_filing_with_an_owner_is_anothers_question_only_when_very_alike() -> None:
    known = carriers(
        a="Cedar Valley Fiber Telephone", b="Cedar Galley Fiber Telephone", c="Cedar Hollow Fibre Telephone"
    )
    filing = Filing("1", ("Cedar Valley Fiber Telephone",), (), "c")
    found = {match.frn: match.method for match in match_filings([filing], known)}
    assert found == {"a": "exact", "b": "near"}


def test_a_word_that_many_carriers_have_does_not_alone_liken_one_to_anothers_very_name() -> None:
    many = {f"{number:010d}": f"Summit {chr(97 + number)}{chr(97 + number)} Wireless" for number in range(25)}
    known = carriers(a="Summit Cablevision", b="Summit Cellular", c="Zirquiv Cablevision", d="Zirquiv Cellular", **many)
    filings = [Filing("1", ("Summit Cablevision",), (), "c"), Filing("2", ("Zirquiv Cablevision",), (), "c")]
    found = {match.frn: match.method for match in match_filings(filings, known)}
    assert found == {"a": "exact", "c": "exact", "d": "near"}


@pytest.mark.parametrize(
    ("filer", "has_frn", "expected"),
    [
        ("Acme Telephone, Inc.", False, {"a": "key"}),
        ("Acme Tel. Co.", False, {"a": "near"}),
        ("Acme Telefone", False, {"a": "near"}),
        ("Acme Telphone", True, {"a": "near"}),  # under another FRN
        ("Acme Wireless", True, {}),  # another's very own name, and not that alike
        ("Basalt Orchard", True, {}),
    ],
)
def test_who_is_not_in_form_499_by_frn_may_be_a_filer_of_a_similar_name(
    filer: str, has_frn: bool, expected: dict[str, str]
) -> None:
    known = CarrierNames()
    known.add(CarrierName("a", "Acme Telephone", "acme telephone", "own", "fcc_rmd", "rmd"))
    filing = Filing("800001", (filer,), (), "f499")
    found = match_filers([] if has_frn else [filing], known, with_frn=[filing] if has_frn else [])
    assert {match.frn: match.method for match in found} == expected


def test_who_is_in_form_499_by_frn_is_not_likened_to_other_filers() -> None:
    known = carriers(a="Acme Telephone")
    assert match_filers([Filing("800001", ("Acme Telphone",), (), "f499")], known) == []


def test_a_filers_text_is_taken_apart_into_the_names_in_it() -> None:
    assert parts("Big Parent d/b/a Acme; Beta LLC") == (
        "Big Parent d/b/a Acme; Beta LLC",
        "Big Parent",
        "Acme",
        "Beta LLC",
    )


def test_matching_reads_the_copies_in_force_and_only_the_year_that_can_be_judged(db: Database) -> None:
    rmd = given_snapshot(db, "fcc_rmd", ON, layout="2026")
    given_rows(db, "fcc_rmd_filings", rmd, [rmd_filing("RMD0001500", "0000000501", "Meridian Ferry Telecom")])
    f499 = given_snapshot(db, "fcc_form499", ON)
    given_rows(db, "fcc_form499_filers", f499, [
        form499_filer("800001", "0000000502", "Basalt Orchard Wireless"),
        form499_filer("800002", None, "Meridian Ferry Telecom, Inc."),
    ])  # fmt: skip
    cores = given_snapshot(db, "fcc_cores", ON)
    given_rows(db, "fcc_cores_registrations", cores, [cores_page("0000000502", "Umber Lagoon Cable LLC")])
    docket = given_snapshot(db, "fcc_cpni", ON)
    given_rows(db, "fcc_cpni_filings", docket, [
        cpni_filing("1", ["Basalt Orchard Wireless"], date(2026, 2, 1)),
        cpni_filing("2", ["Umber Lagoon Cable"], date(2026, 3, 1)),
        cpni_filing("3", ["Basalt Orchard Wireless"], date(2025, 12, 31)),
    ])  # fmt: skip
    report = match_names(db, on=ON, now=NOW)
    assert (report.since, report.filings, report.filers_without_frn) == (date(2026, 1, 1), 2, 1)
    with db.connect() as connection:
        rows = connection.execute(
            "select subject, subject_id, frn, method from core.name_matches order by 1, 2"
        ).fetchall()
    assert [tuple(row.values()) for row in rows] == [
        ("cpni", "1", "0000000502", "exact"),
        ("cpni", "2", "0000000502", "key"),  # by its name in CORES
        ("form499", "800002", "0000000501", "key"),
    ]
    assert matching.is_matched(db, on=ON)
    given_snapshot(db, "fcc_cpni", date(2026, 11, 23))
    assert not matching.is_matched(db, on=date(2026, 11, 23)), "a new copy is not matched yet"


def test_who_was_renamed_since_is_found_by_the_name_of_an_earlier_copy(db: Database) -> None:
    for day, name in [(date(2026, 2, 2), "Umber Lagoon Cable"), (ON, "Kestrelphone LLC")]:
        copy = given_snapshot(db, "fcc_form499", day)
        given_rows(db, "fcc_form499_filers", copy, [form499_filer("800001", "0000000502", name)])
    docket = given_snapshot(db, "fcc_cpni", ON)
    given_rows(db, "fcc_cpni_filings", docket, [cpni_filing("1", ["Umber Lagoon Cable, Inc."], date(2026, 2, 20))])
    match_names(db, on=ON, now=NOW)
    with db.connect() as connection:
        rows = connection.execute("select frn, method, carrier_name from core.name_matches").fetchall()
    assert [tuple(row.values()) for row in rows] == [("0000000502", "key", "Umber Lagoon Cable")]


def test_an_affiliate_named_in_an_rmd_filing_may_be_spoken_for_by_the_filer(db: Database) -> None:
    rmd = given_snapshot(db, "fcc_rmd", ON, layout="2026")
    given_rows(db, "fcc_rmd_filings", rmd, [
        rmd_filing("RMD0001500", "0000000501", "Meridian Ferry Telecom", other_frns=["0000000502"]),
    ])  # fmt: skip
    f499 = given_snapshot(db, "fcc_form499", ON)
    given_rows(db, "fcc_form499_filers", f499, [form499_filer("800001", "0000000502", "Basalt Orchard Wireless")])
    docket = given_snapshot(db, "fcc_cpni", ON)
    given_rows(db, "fcc_cpni_filings", docket, [cpni_filing("1", ["Meridian Ferry Telecom"], date(2026, 2, 20))])
    match_names(db, on=ON, now=NOW)
    with db.connect() as connection:
        rows = connection.execute("select frn, method, subject_name from core.name_matches order by 1").fetchall()
    assert [tuple(row.values()) for row in rows] == [
        ("0000000501", "exact", "Meridian Ferry Telecom"),
        ("0000000502", "affiliate", "Meridian Ferry Telecom"),
    ]


def test_before_the_due_date_the_year_before_is_the_one_to_judge(db: Database) -> None:
    for day, since in [(date(2026, 3, 3), date(2025, 1, 1)), (date(2026, 3, 4), date(2026, 1, 1))]:
        given_snapshot(db, "fcc_cpni", day)
        assert match_names(db, on=day, now=NOW).since == since


def test_without_any_copy_nothing_is_matched(db: Database) -> None:
    report = match_names(db, on=ON, now=NOW)
    assert (report.since, report.carriers, report.by_method) == (None, 0, {})


def test_fifteen_thousand_carriers_are_matched_with_eleven_thousand_filings_in_seconds() -> None:
    """The bound is processor time of this thread alone, so that a busy machine changes little."""
    draw = random.Random(7)
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in "aeiou"]

    def name() -> str:
        words = ["".join(draw.choices(syllables, k=draw.randint(2, 4))).title() for _ in range(2)]
        return " ".join([*words, draw.choice(["Telephone", "Wireless", "Communications", "Networks"]), "LLC"])

    known = carriers(**{f"{number:010d}": name() for number in range(15_000)})
    owners = draw.sample(known.own, 6_000)
    filed = [owner.text for owner in owners] + [name() for _ in range(5_000)]
    filings = [Filing(str(index), (text,), ("CPNI.pdf",), "c") for index, text in enumerate(filed)]
    began = time.thread_time()
    found = match_filings(filings, known)
    assert time.thread_time() - began < 5
    assert {owner.frn for owner in owners} <= {match.frn for match in found if match.method == "exact"}

"""The invented registers: the same for everybody who asks, odd where the real ones are, at the real ones' rates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from pw_pipelines.sandbox import companies_florida as florida
from pw_pipelines.sandbox import iowa_hub
from pw_pipelines.sandbox.companies import EPOCH, REGISTERS, Companies
from pw_pipelines.sandbox.companies_socrata import DATASETS, Row
from tests.fixtures_sandbox import SANDBOX_DAY, SEED

DAY = date(2026, 11, 18)


@pytest.fixture(scope="module")
def companies() -> Companies:
    return Companies(SEED, 0.05)


def rows(companies: Companies, dataset: str, on: date = SANDBOX_DAY) -> list[Row]:
    return list(DATASETS[dataset].rows(companies, on))


def share(flags: Iterable[bool]) -> float:
    counted = Counter(flags)
    return counted[True] / counted.total()


def test_the_same_seed_makes_the_same_companies_and_another_seed_others() -> None:
    first, again, other = Companies(7, 0.05), Companies(7, 0.05), Companies(8, 0.05)
    file = b"".join(florida.daily(first, DAY))
    assert file == b"".join(florida.daily(again, DAY)) != b"".join(florida.daily(other, DAY))


def test_a_company_stays_what_it_is_while_time_goes_on(companies: Companies) -> None:
    today, later = DAY.toordinal(), DAY.toordinal() + 40
    assert companies.count("CO", later) > companies.count("CO", today)
    for index in range(0, companies.count("CO", today), 97):
        company = companies.of("CO", index)
        assert company.formed <= today
        assert company.lives(today) or not company.lives(later), "nobody comes back to life"


@pytest.mark.parametrize("state", sorted(REGISTERS))
def test_filing_order_is_the_order_of_days(companies: Companies, state: str) -> None:
    days = [companies.formed(state, index) for index in range(companies.count(state, DAY.toordinal()))]
    assert days == sorted(days)
    assert companies.count(state, EPOCH - 4_000) == sum(day <= EPOCH - 4_000 for day in days)


def test_who_changed_on_a_day_is_found_without_looking_at_everybody(companies: Companies) -> None:
    everybody = [companies.of("FL", index) for index in range(companies.count("FL", DAY.toordinal()))]
    for day in range(DAY.toordinal() - 20, DAY.toordinal()):
        expected = [one.index for one in everybody if day in (one.ended, one.renamed) and one.formed < day]
        assert [one.index for one in companies.changed_on("FL", day)] == expected


def test_some_firms_file_in_several_states(companies: Companies) -> None:
    names = [{companies.of(state, index).name for index in range(600)} for state in ("FL", "CO", "NY")]
    assert 30 <= len(names[0] & names[1] & names[2]) <= 120


def test_a_larger_world_is_larger_by_its_setting() -> None:
    assert Companies(SEED, 2.0).count("FL", DAY.toordinal()) == pytest.approx(2 * 150_000, rel=0.02)
    assert Companies(SEED).count("FL", SANDBOX_DAY.toordinal()) == pytest.approx(150_000, rel=0.02)


# -- Florida ------------------------------------------------------------------------------------------------------


def test_every_line_has_the_length_of_its_layout(companies: Companies) -> None:
    on = date(2026, 10, 8)
    assert {len(line) for line in florida.daily(companies, DAY)} == {florida.RECORD + 2}
    assert {len(line) for line in florida.quarterly_part(companies, on, 3)} == {florida.RECORD + 2}
    assert {len(line) for line in florida.all_events(companies, on)} == {florida.EVENT + 2}
    assert {len(line) for line in florida.fictitious(companies, DAY, DAY)} <= {florida.FICTITIOUS + 2}


def test_a_daily_record_is_active_without_reports_and_ends_in_nul_bytes(companies: Companies) -> None:
    for line in florida.daily(companies, DAY):
        assert line[204:205] == b"A"
        assert line[332:334] == line[344:346] == b"  "
        assert line[505:544].strip() == b""
        assert line[1436:] == b"\0\0\0\0\r\n"


def test_daily_records_are_odd_at_the_rates_that_were_counted() -> None:
    large = Companies(SEED, 12.0)
    lines = list(florida.daily(large, DAY)) + list(florida.daily(large, DAY - timedelta(days=1)))
    assert len(lines) > 3_500
    names = [line[12:204].decode().rstrip() for line in lines]
    ages = [(DAY - _mdy(line[472:480])).days for line in lines]
    assert 174 / 3293 * 0.6 < share(age < 0 or age > 31 for age in ages) < 174 / 3293 * 1.5
    assert max(-age for age in ages) <= 85
    assert 1 <= sum(name.endswith('"LLC"') for name in names) <= 40
    assert 5 <= sum(bool(re.search(r"\w,LLC$", name)) for name in names) <= 200
    assert share(name.endswith(("LLC", "L.L.C.")) for name in names) > 0.5
    assert {b"US", b"  ", b"UN", b"FL"} <= {line[470:472] for line in lines}
    assert any(b"--" in line[334:344] for line in lines)


def _mdy(text: bytes) -> date:
    return date(int(text[4:]), int(text[:2]), int(text[2:4]))


def test_no_document_number_comes_twice_and_the_quarterly_set_holds_them_all(companies: Companies) -> None:
    days = [DAY - timedelta(days=back) for back in range(30)]
    numbers = [line[:12] for day in days for line in florida.daily(companies, day)]
    assert len(numbers) == len(set(numbers)) > 100
    parts = {part: [line[:12].rstrip() for line in florida.quarterly_part(companies, DAY, part)] for part in range(10)}
    assert all(number.endswith(str(part).encode()) for part, found in parts.items() for number in found)
    assert {number.rstrip() for number in numbers} <= {number for found in parts.values() for number in found}


def test_days_are_missing_now_and_then_and_the_known_gap_is_there() -> None:
    days = florida.daily_days(SEED, date(2026, 6, 25), date(2026, 7, 10))
    assert not any(date(2026, 7, 2) <= day <= date(2026, 7, 6) for day in days)
    assert {date(2026, 7, 1), date(2026, 7, 7), date(2026, 6, 28)} <= set(days), "weekends have files"
    year = florida.daily_days(SEED, date(2026, 1, 1), date(2026, 12, 31))
    assert 352 <= len(year) <= 360


def test_events_tell_every_end_and_every_renaming_with_the_former_name(companies: Companies) -> None:
    lines = list(florida.all_events(companies, DAY))
    renamed = [line for line in lines if line[17:37].strip() == b"NAMECHG"]
    assert renamed
    assert all(line[210:402].strip() and line[412:413] == b"Y" for line in renamed)
    days = [SANDBOX_DAY - timedelta(days=back) for back in range(1, 40)]
    daily = {line for day in days for line in florida.daily_events(companies, day)}
    assert daily and daily <= set(florida.all_events(companies, SANDBOX_DAY))


# -- the others ---------------------------------------------------------------------------------------------------


def test_colorado_writes_the_status_into_the_name_of_whoever_is_not_live(companies: Companies) -> None:
    tail = re.compile(r", (Dissolved|Delinquent|Merged|Withdrawn|Converted|Revoked|Noncompliant|Judicially Dissolved|"
                      r"Registered Agent Resigned) [A-Z][a-z]+ \d{1,2}, \d{4}$")  # fmt: skip
    found = rows(companies, "4ykn-tg5h")
    live = [row for row in found if row["entitystatus"] in ("Good Standing", "Exists")]
    assert 0.5 < len(live) / len(found) < 0.75
    assert not any(tail.search(row["entityname"]) for row in live)
    assert share(bool(tail.search(row["entityname"])) for row in found if row not in live) > 0.9
    assert all(re.fullmatch(r"\d{11}", row["entityid"]) for row in found)


def test_new_york_lists_active_ones_old_ones_in_capitals_with_states_spelled_out(companies: Companies) -> None:
    found = rows(companies, "n9v6-gdp6")
    old = [row for row in found if row["initial_dos_filing_date"] < "2008"]
    assert old
    assert all(row["current_entity_name"].isupper() and row["dos_process_state"] == "NEW YORK" for row in old)
    assert any(not row["current_entity_name"].isupper() for row in found if row not in old)
    assert len(found) < companies.count("NY", SANDBOX_DAY.toordinal()), "whoever ended is not listed"
    assert not any("status" in name for row in found for name in row)


def test_oregon_has_a_row_for_each_associated_name(companies: Companies) -> None:
    found = rows(companies, "tckn-sxa6")
    businesses = Counter(row["registry_number"] for row in found)
    assert 2.0 < len(found) / len(businesses) < 3.2
    principals = [row for row in found if row["associated_name_type"] == "PRINCIPAL PLACE OF BUSINESS"]
    assert len(principals) == len(businesses)
    assert share(row["entity_type"] == "ASSUMED BUSINESS NAME" for row in principals) == pytest.approx(0.14, abs=0.02)
    agents = Counter(row["registry_number"] for row in found if row["associated_name_type"] == "REGISTERED AGENT")
    assert max(agents.values()) == 2, "somebody has two agents of the same kind"


def test_pennsylvania_has_leading_zeros_title_case_and_1753(companies: Companies) -> None:
    distinct, parties = rows(companies, "3urc-uaba"), rows(companies, "xvd7-5r2c")
    assert {row["filing_number"] for row in distinct} == {row["filing_number"] for row in parties}
    assert len(parties) > 1.2 * len(distinct)
    assert all(re.fullmatch(r"0\d{9}", row["filing_number"]) for row in distinct)
    assert any(row["business_name"].endswith(" Llc") for row in distinct)
    assert 0.002 < share(row["creationdate"].startswith("1753-01-01") for row in distinct) < 0.02


def test_iowa_keeps_leading_zeros_and_capitals(companies: Companies) -> None:
    found = list(iowa_hub.rows(companies, SANDBOX_DAY))
    assert all(re.fullmatch(r"0\d{5}", str(row["corp_number"])) for row in found)
    assert all(str(row["legal_name"]).isupper() or not re.search("[a-z]", str(row["legal_name"])) for row in found)


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_a_row_has_columns_of_the_dataset_only_and_none_that_is_empty(companies: Companies, dataset: str) -> None:
    known = {name for name, _ in DATASETS[dataset].columns}
    for row in rows(companies, dataset):
        assert row.keys() <= known
        assert all(row.values())

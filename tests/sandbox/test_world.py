"""The invented world: deterministic, life-like in its rates, and never going back on what happened."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import lxml.etree
import pytest

from pw_pipelines import names
from pw_pipelines.clock import eastern_day
from pw_pipelines.sandbox.census import neglect
from pw_pipelines.sandbox.fcc_ecfs import record
from pw_pipelines.sandbox.fcc_form499 import TYPE_TEXTS, xml_chunks
from pw_pipelines.sandbox.form499_register import updated_on
from pw_pipelines.sandbox.naming import AWKWARD
from pw_pipelines.sandbox.rmd_register import due_day
from pw_pipelines.sandbox.world import World
from tests.fixtures_sandbox import SANDBOX_DAY, SEED

BLANK = {"", "N/A"}


def rmd_rows(world: World, on: date = SANDBOX_DAY) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(world.rmd_csv(on).decode("utf-8-sig"), newline="")))


def share(rows: list[dict[str, str]], *, column: str, values: set[str]) -> float:
    return sum(row[column] in values for row in rows) / len(rows)


def fingerprint(world: World) -> str:
    """A digest over every kind of rendering: some of the filers and filings, all of the rest."""
    digest = hashlib.sha256(world.rmd_csv(SANDBOX_DAY))
    monday = updated_on(SANDBOX_DAY)
    for chunk in xml_chunks(world, monday, filers=world.form499.present(monday.toordinal())[::40]):
        digest.update(chunk)
    digest.update(repr([record(filing) for filing in world.cpni.received(SANDBOX_DAY.toordinal())[::20]]).encode())
    digest.update(world.bdc_zip(world.bdc_vintages(SANDBOX_DAY)[-1], SANDBOX_DAY))
    for carrier in world.carriers[::200]:
        digest.update(world.cores_page(carrier.frn, SANDBOX_DAY))
    return digest.hexdigest()


def test_another_process_with_another_hash_seed_makes_the_same_bytes(world: World) -> None:
    code = (
        "from tests.sandbox.test_world import fingerprint; from pw_pipelines.sandbox.world import World;"
        f"print(fingerprint(World({SEED})))"
    )
    made = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.strip() == fingerprint(world)


def test_another_seed_makes_another_world(world: World) -> None:
    other = World(SEED + 1)
    assert {carrier.frn for carrier in other.carriers} != {carrier.frn for carrier in world.carriers}


def test_the_order_of_asking_changes_nothing(world: World) -> None:
    fresh = World(SEED)
    late = fresh.rmd_csv(date(2027, 6, 1))
    assert fresh.rmd_csv(SANDBOX_DAY) == world.rmd_csv(SANDBOX_DAY)
    assert late == world.rmd_csv(date(2027, 6, 1))


def test_sizes_are_those_of_the_real_record(world: World) -> None:
    counts = world.counts(SANDBOX_DAY)
    assert counts["fcc_rmd"] == pytest.approx(11_200, rel=0.02)
    assert counts["fcc_form499"] == pytest.approx(20_669, rel=0.01)
    assert 1 - counts["fcc_form499_active"] / counts["fcc_form499"] == pytest.approx(0.57, abs=0.01)
    assert counts["fcc_bdc_J25"] == pytest.approx(2_883, rel=0.03)
    four_years = [filing for year in range(2023, 2027) for filing in world.cpni.year(year)]
    assert len(four_years) > 10_000
    assert len(world.cpni.year(2026)) == pytest.approx(2_800, rel=0.06)
    assert len(rmd_rows(world, date(2025, 1, 23))) == pytest.approx(9_494, rel=0.01)


def test_rmd_quirks_come_at_the_rates_of_the_real_export(world: World) -> None:
    rows = rmd_rows(world)
    assert (
        list(rows[0])
        == (
            "number frn business_name business_address foreign_voice_provider country other_frns other_dba_names "
            "previous_dba_names robocall_mitigation_contact_name contact_title contact_department "
            "contact_business_address contact_country contact_telephone_number contact_phone_extension implementation "
            "voice_service_provider_choice gateway_provider_choice intermediate_provider_choice last_updated "
            "last_recertified filing_url"
        ).split()
    )
    assert share(rows, column="business_name", values={""}) == pytest.approx(0.014, abs=0.003)
    assert share(rows, column="implementation", values=BLANK) == pytest.approx(0.063, abs=0.005)
    assert share(rows, column="last_updated", values={""}) == pytest.approx(0.14, abs=0.02)
    assert sum("null" in row["contact_business_address"] for row in rows) / len(rows) == pytest.approx(0.032, abs=0.005)
    guarded = sum(row["contact_telephone_number"].startswith("'+") for row in rows) / len(rows)
    assert guarded == pytest.approx(0.208, abs=0.02)
    choices = ("voice_service_provider_choice", "gateway_provider_choice", "intermediate_provider_choice")
    assert sum(all(row[c] == "No" for c in choices) for row in rows) / len(rows) == pytest.approx(0.016, abs=0.003)
    per_frn = Counter(row["frn"] for row in rows if row["frn"])
    assert sum(count > 1 for count in per_frn.values()) == 31
    assert max(per_frn.values()) == 3
    assert sum(not row["frn"] for row in rows) == 1
    assert len({row["number"] for row in rows}) == len(rows)


def test_the_layout_of_2025_had_no_recertification_column(world: World) -> None:
    assert "last_recertified" not in rmd_rows(world, date(2025, 1, 23))[0]
    assert len(rmd_rows(world, date(2025, 1, 23))[0]) == 22


def test_the_export_is_utf8_with_bom_and_line_feeds_and_breaks_inside_cells(world: World) -> None:
    body = world.rmd_csv(SANDBOX_DAY)
    assert body.startswith(b"\xef\xbb\xbfnumber,frn,")
    assert b'"' in body
    assert body.endswith(b"view=sp\n")
    assert any(row["business_address"].count("\n") >= 2 for row in rmd_rows(world))


def test_every_awkward_name_is_in_the_record(world: World) -> None:
    shown = {row["business_name"] for row in rmd_rows(world)}
    assert "'@Link Prairie Services, LLC" in shown  # the portal's formula guard
    assert "'+1 Voice Corp." in shown
    unguarded = [name for name in AWKWARD if not name.startswith(("@", "+"))]
    assert shown.issuperset(unguarded)
    assert max(map(len, AWKWARD)) == 200
    assert any(row["frn"].startswith("00000") for row in rmd_rows(world))


def test_filings_made_in_the_recertification_window_have_no_recertification_date(world: World) -> None:
    window = date(2026, 2, 1).toordinal()
    young = {f.number for f in world.rmd.listed(SANDBOX_DAY.toordinal()) if f.filed_on >= window}
    rows = [row for row in rmd_rows(world) if row["number"] in young]
    assert len(rows) > 500
    assert all(row["last_updated"] and not row["last_recertified"] for row in rows)


def test_a_removed_number_never_comes_back(world: World) -> None:
    gone: set[str] = set()
    before: set[str] = set()
    for months in range(0, 110):
        on = date(2021, 6, 1) + timedelta(days=31 * months)
        listed = {filing.number for filing in world.rmd.listed(on.toordinal())}
        gone |= before - listed
        assert not gone & listed
        before = listed
    assert len(gone) > 1_500


def test_who_returns_after_a_removal_has_a_new_number(world: World) -> None:
    by_carrier: dict[int, list[str]] = {}
    for filing in world.rmd.filings:
        if filing.copy <= 1:
            by_carrier.setdefault(filing.carrier, []).append(filing.number)
    returned = [numbers for numbers in by_carrier.values() if len(numbers) > 1]
    assert returned
    assert all(first < second for first, second in returned)


def test_the_removals_of_august_2025_are_seen(world: World) -> None:
    day_before, day_after = (len(rmd_rows(world, date(2025, 8, dom))) for dom in (24, 26))
    assert day_before - day_after == pytest.approx(1_203, abs=30)


def test_dates_only_move_forward(world: World) -> None:
    earlier = {row["number"]: row for row in rmd_rows(world, date(2026, 6, 1))}
    for row in rmd_rows(world, date(2027, 6, 1)):
        if old := earlier.get(row["number"]):
            assert row["last_updated"] >= old["last_updated"]
            assert row["last_recertified"] >= old["last_recertified"]


def test_no_date_lies_in_the_future_of_its_copy(world: World) -> None:
    for on in (date(2026, 2, 10), SANDBOX_DAY):
        assert max(row["last_updated"] for row in rmd_rows(world, on)) <= on.isoformat()
        assert all(eastern_day(filing.received) <= on for filing in world.cpni.received(on.toordinal()))


def test_thousands_are_deficient_and_the_rest_clean(world: World) -> None:
    found = neglect(world, SANDBOX_DAY)
    listed = world.counts(SANDBOX_DAY)["fcc_rmd"]
    assert 0.15 < len(found["rmd_not_recertified"]) / listed < 0.20
    duty = [c for c in world.carriers if world.cpni.has_duty(c) and world.form499.is_active(c.index, due_day(2026, 3))]
    assert len(found["cpni_missing"]) / len(duty) == pytest.approx(0.12, abs=0.02)
    assert len(found["form499_stale"]) / 8_900 == pytest.approx(0.10, abs=0.02)
    everyone = set().union(*found.values())
    reachable = [
        index for index in everyone if not world.carriers[index].is_foreign and world.profile(index).email is not None
    ]
    assert 3_000 < len(everyone) < 5_000
    assert 2_500 <= len(reachable) <= 3_500


def test_mail_and_phones_are_reserved_for_fiction(world: World) -> None:
    for carrier in world.carriers[::7]:
        profile = world.profile(carrier.index)
        assert profile.email is None or profile.email.lower().endswith(".example")
        assert profile.email is None or profile.email.isascii()
        assert profile.phone[-7:-2] == "55501"


def test_evening_filings_carry_the_next_day_in_utc(world: World) -> None:
    due = date(2026, 3, 2)
    late_evening = [
        filing
        for filing in world.cpni.year(2026)
        if eastern_day(filing.received) == due and filing.received.astimezone(UTC).date() > due
    ]
    assert late_evening


def test_form_499_xml_is_whole_and_counts_itself(world: World) -> None:
    body = b"".join(world.form499_xml(SANDBOX_DAY))
    root = lxml.etree.fromstring(body)
    filers = root.findall("Filer")
    names_shown = " ".join(root.xpath("//Legal_Name/text()"))
    assert body.startswith(b'<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert root.get("Updated") == "2026-11-16"  # the latest Monday
    assert root.get("RecordCount") == str(len(filers))
    assert len(set(root.xpath("//Form_499_ID/text()"))) == len(filers)
    assert "Ñandú & Söhne" in names_shown
    assert "Łęczna" in names_shown  # outside ISO-8859-1: a numeric reference
    assert 500 < len(filers) - len(root.xpath("//Filer_ID_Info/FRN")) < 1_200
    assert set(root.xpath("//Principal_Communications_Type/text()")) == set(TYPE_TEXTS.values())


def test_form_499_changes_only_on_mondays(world: World) -> None:
    sunday, monday = date(2026, 11, 22), date(2026, 11, 23)
    first = next(iter(world.form499_xml(sunday)))
    assert b'Updated="2026-11-16"' in first
    assert b'Updated="2026-11-23"' in next(iter(world.form499_xml(monday)))


def test_form_499_can_be_blown_up_for_benchmarks(world: World) -> None:
    size = sum(map(len, world.form499_xml(SANDBOX_DAY, inflate_to=64_000_000)))
    assert 64_000_000 <= size < 75_000_000


def test_vintages_appear_months_after_their_day_and_are_revised(world: World) -> None:
    assert [vintage.name for vintage in world.bdc_vintages(date(2026, 8, 3))] == ["J23", "D23", "J24", "D24", "J25"]
    newest = world.bdc_vintages(date(2026, 8, 4))[-1]
    assert newest.name == "D25"
    first = zipfile.ZipFile(io.BytesIO(world.bdc_zip(newest, date(2026, 8, 4))))
    later = zipfile.ZipFile(io.BytesIO(world.bdc_zip(newest, SANDBOX_DAY)))
    assert first.namelist() == ["bdc_us_provider_list_D25_04aug2026.csv"]
    assert later.namelist() == ["bdc_us_provider_list_D25_29sep2026.csv"]
    assert len(later.read(later.namelist()[0]).splitlines()) > len(first.read(first.namelist()[0]).splitlines())


def test_some_providers_drop_out_and_of_some_the_provider_id_stays(world: World) -> None:
    before, latest = (world.bdc.listed(vintage, 9) for vintage in world.bdc_vintages(SANDBOX_DAY)[-2:])
    gone = {row.frn: row.provider_id for row in before}
    for row in latest:
        gone.pop(row.frn, None)
    merged = [frn for frn, provider_id in gone.items() if provider_id in {row.provider_id for row in latest}]
    assert 15 < len(gone) < 100
    assert 0 < len(merged) < len(gone)


def test_cpni_filers_are_mostly_found_by_name_and_some_only_in_a_document(world: World) -> None:
    keys = {names.key(carrier.name) for carrier in world.carriers} | {names.key(g.name) for g in world.groups}
    filings = world.cpni.year(2026)
    matched = sum(any(names.key(filer) in keys for filer in filing.filers) for filing in filings) / len(filings)
    assert 0.7 < matched < 0.95
    assert any(
        names.key(filing.filers[0]) not in keys
        and filing.covered
        and names.key(world.carriers[filing.covered[0]].name) in names.plain(filing.documents[0])
        for filing in filings
    )


def test_some_affiliates_are_certified_for_in_a_filing_that_names_only_one_of_them(world: World) -> None:
    silent = [
        filing
        for filing in world.cpni.year(2026)
        if len(filing.covered) > 1
        and all(world.carriers[filing.covered[0]].name == filer for filer in filing.filers)
        and not any(
            names.plain(world.carriers[index].name) in names.plain(document)
            for index in filing.covered[1:]
            for document in filing.documents
        )
    ]
    assert silent


def test_life_goes_on_until_2030(world: World) -> None:
    for year in range(2027, 2031):
        counts = world.counts(date(year, 11, 22))
        assert counts["fcc_rmd"] > 10_000
        assert len(world.cpni.year(year)) > 2_000


def test_a_moment_is_never_asked_of_the_machine(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoClock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> NoClock:
            raise AssertionError("the world read the clock")

    monkeypatch.setattr("pw_pipelines.sandbox.cpni_register.datetime", NoClock)
    monkeypatch.setattr("pw_pipelines.sandbox.fcc_cores.datetime", NoClock)
    fresh = World(SEED)
    assert fresh.cpni.year(2025)
    assert fresh.cores_page(fresh.carriers[0].frn, SANDBOX_DAY)

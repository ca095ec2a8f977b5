"""Builds: what a failed one leaves, what a recalled copy takes along, what history keeps, what a day too early says."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import pytest

from pw_pipelines.compliance import marts
from pw_pipelines.compliance.dbt_run import NodeResult
from pw_pipelines.compliance.manifest import ensure_manifest
from pw_pipelines.compliance.marts import BuildResult, build, wanted_cores_frns
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError
from tests.dbt import scenarios
from tests.dbt.scenarios import NOW, TODAY, frn
from tests.fixtures_marts import Judged, given_rows, given_snapshot, rmd_filing

TOMORROW = TODAY + timedelta(days=1)

untested = pytest.mark.usefixtures("without_dbt_tests")


def _snapshot(judged: Judged, source: str, as_of: date) -> str:
    (row,) = judged.rows(
        """select snapshot_id from pw.snapshots where source = %s and as_of = %s and recalled_at is null
           order by vintage desc limit 1""",
        source, as_of,
    )  # fmt: skip
    return str(row["snapshot_id"])


def _recall(judged: Judged, snapshot_id: str) -> None:
    with judged.db.connect() as connection:
        connection.execute(
            """update pw.snapshots set grade = 'recalled', proves_absence = false, recalled_at = %s,
               recalled_by = 'test', recall_reason = 'test' where snapshot_id = %s""",
            (NOW, snapshot_id),
        )


def test_a_build_books_itself_and_opens_each_finding_once(judged: Judged) -> None:
    (booked,) = judged.rows("select * from pw.mart_builds")
    assert (booked["as_of"], booked["built_at"]) == (TODAY, NOW)
    assert {one["snapshot_id"] for one in judged.rows("select snapshot_id from pw.snapshots")} == set(
        booked["snapshot_ids"]
    )
    (counted,) = judged.rows(
        """select (select count(*) from marts.findings) as found,
                  count(*) filter (where closed_at is null and opened_as_of = %s) as open, count(*) as booked
           from pw.finding_history""",
        TODAY,
    )
    assert counted["found"] == counted["open"] == counted["booked"] > 50


def test_nodes_are_heard_of_as_they_end_and_none_is_left_out(judged: Judged, judged_nodes: list[NodeResult]) -> None:
    by_name = {node.name: node for node in judged_nodes}
    assert len(by_name) == len(judged_nodes)
    assert by_name["carriers"].rows == judged.rows("select count(*) as n from marts.carriers")[0]["n"]
    assert (by_name["carriers"].kind, by_name["carriers"].status) == ("model", "success")
    assert by_name["findings_are_inside_scope"].status == "pass"
    project = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"].values()
    assert set(by_name) == {
        node["name"] for node in project if "commerce" not in node["fqn"]
    }  # built by the orders' job


def test_a_failed_phase_leaves_findings_leads_segments_and_history_as_they_were(
    judged_copy: Judged, dbt_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def state() -> list[object]:
        return [
            judged_copy.rows(f"select md5(string_agg(t::text, '|' order by t::text)) as digest from {table} t")
            for table in ("marts.findings", "marts.deficiency_leads", "segments.segment_members", "pw.finding_history",
                          "pw.mart_builds")
        ]  # fmt: skip

    def build_phase(phase: Literal["findings", "leads"]) -> BuildResult:
        return build(judged_copy.db, as_of=TODAY, now=NOW, phase=phase, work_folder=dbt_folder)

    with pytest.raises(PwError, match="nothing stands ready"):
        build_phase("leads")
    with judged_copy.db.connect() as connection:
        connection.execute("delete from marts.findings where code = 'RMD_MISSING'")
    before = state()
    assert build_phase("findings").history is None
    assert state() == before, "between the phases readers see what was in force"

    with judged_copy.db.connect() as connection:  # a finding on somebody who is no carrier
        connection.execute(
            """insert into staging_next.int_verdicts_before_cores
               select code, '0009999999', verdict, why, due_on_et, evidence, snapshot_ids
               from staging_next.int_verdicts_before_cores where verdict = 'finding' limit 1"""
        )
    with pytest.raises(PwError, match=r"phase_leads.*relationships_findings_frn.*Those in force stay as they were"):
        build_phase("leads")
    assert state() == before

    with judged_copy.db.connect() as connection:
        connection.execute("delete from staging_next.int_verdicts_before_cores where frn = '0009999999'")
    monkeypatch.setattr(marts, "SWAP_WAIT", "50ms")
    with judged_copy.db.connect() as reader:
        reader.execute("select count(*) from marts.findings")
        with pytest.raises(PwError, match="somebody has read the old ones"):
            build_phase("leads")
    assert state() == before

    _recall(judged_copy, _snapshot(judged_copy, "fcc_rmd", TODAY))
    with pytest.raises(PwError, match=r"Recalled while the marts were being built: fcc_rmd-20261122"):
        build_phase("leads")
    assert state() == before
    with pytest.raises(PwError, match=r"what stands ready is as of 2026-11-22"):
        build(judged_copy.db, as_of=TOMORROW, now=NOW, phase="leads", work_folder=dbt_folder)


@untested
def test_recalling_a_copy_withdraws_what_stood_on_it_and_history_says_why(
    judged_copy: Judged, dbt_folder: Path
) -> None:
    recalled = _snapshot(judged_copy, "fcc_rmd", TODAY)
    _recall(judged_copy, recalled)
    build(judged_copy.db, as_of=TODAY, now=NOW + timedelta(hours=1), work_folder=dbt_folder)
    # 31 January and yesterday are two copies of different days, and both lack it: still a fact, on other copies
    assert judged_copy.codes(frn("missing")) == {"RMD_MISSING"}
    assert recalled not in judged_copy.findings(frn("missing"))["RMD_MISSING"]["snapshot_ids"]
    # it stood in January's copy, and is gone from one copy only: no longer surely removed
    assert judged_copy.codes(frn("removed")) == set()
    (closed,) = judged_copy.rows(
        "select * from pw.finding_history where frn = %s and code = 'RMD_REMOVED'", frn("removed")
    )
    assert (closed["closed_as_of"], closed["closed_reason"]) == (TODAY, "recalled")
    assert not judged_copy.rows("select frn from marts.findings where %s = any(snapshot_ids)", recalled)
    assert not judged_copy.rows("select frn from marts.deficiency_leads where %s = any(snapshot_ids)", recalled)


@untested
def test_a_cured_carrier_leaves_findings_leads_and_segments_and_comes_back_as_a_new_finding(
    judged_copy: Judged, dbt_folder: Path
) -> None:
    scenario = "recertified on 31 January"
    row = rmd_filing(scenarios.number(scenario), frn(scenario), scenarios.name(scenario),
                     last_recertified_on=TOMORROW, last_updated_on=TOMORROW)  # fmt: skip
    snapshot = given_snapshot(judged_copy.db, "fcc_rmd", TOMORROW, layout="2026", proves_absence=False, grade="partial")
    given_rows(judged_copy.db, "fcc_rmd_filings", snapshot, [row])
    result = build(judged_copy.db, as_of=TOMORROW, now=NOW + timedelta(days=1), work_folder=dbt_folder)
    assert result.history is not None
    # a partial copy's rows count, and its gaps prove nothing: nobody else's findings moved
    assert (result.history.opened, result.history.closed) == (1, 1)
    assert judged_copy.codes(frn(scenario)) == {"RMD_RECERT_LATE"}
    (closed,) = judged_copy.rows(
        "select * from pw.finding_history where frn = %s and code = 'RMD_NOT_RECERTIFIED'", frn(scenario)
    )
    assert (closed["last_seen_as_of"], closed["closed_as_of"], closed["closed_reason"]) == (TODAY, TOMORROW, "cured")
    members = judged_copy.rows("select frn from segments.segment_members where segment = 'rmd_not_recertified'")
    assert frn(scenario) not in {row["frn"] for row in members}


@untested
def test_a_day_before_today_is_built_without_rewinding_history(judged_copy: Judged, dbt_folder: Path) -> None:
    before = judged_copy.rows("select count(*) as n from pw.finding_history where closed_at is null")
    result = build(judged_copy.db, as_of=date(2026, 11, 21), now=NOW, work_folder=dbt_folder)
    assert result.history is not None
    assert not result.history.recorded
    assert judged_copy.rows("select count(*) as n from pw.finding_history where closed_at is null") == before
    # that day each absence had been seen once only, or in January
    assert judged_copy.codes(frn("no certification")) == set()
    assert "1 of the 2" in judged_copy.held(frn("no certification"))["CPNI_MISSING"]
    assert "1 of the 2" in judged_copy.held(frn("not a filer"))["F499_MISSING"]
    assert "1 of the 2" in judged_copy.held(frn("dropped"))["BDC_DROPPED"]
    assert "still in that of 2026-01-31" in judged_copy.held(frn("removed"))["RMD_REMOVED"]
    assert judged_copy.held(frn("unknown to cores")) != {}
    assert judged_copy.codes(frn("not recertified")) == {"RMD_NOT_RECERTIFIED"}, "what one row shows needs one copy"


def test_pages_of_cores_are_wanted_for_carriers_with_findings_worst_first(judged: Judged) -> None:
    listed = wanted_cores_frns(judged.db, on=TODAY + timedelta(days=10), cap=1_000)
    found = {row["frn"]: row["worst"] for row in judged.rows(
        "select frn, min(severity_rank) as worst from marts.findings where severity <> 'information' "
        "and code not in ('CORES_UNKNOWN', 'CORES_STALE', 'RMD_CORES_MISMATCH') group by frn")}  # fmt: skip
    wanted, controls = listed[: len(found)], listed[len(found) :]
    assert set(wanted) == set(found)
    known = {row["frn"] for row in judged.rows("select frn from core.fcc_cores_registrations where is_found")}
    assert controls, "a site that answers everybody with nothing would not be noticed"
    assert set(controls) <= known - set(found)
    never_read = {
        row["frn"] for row in judged.rows("select frn from core.fcc_cores_registrations")
    }.symmetric_difference(found)
    first = [one for one in wanted if one in never_read]
    assert wanted[: len(first)] == first, "whoever was never read comes first"
    assert [found[one] for one in first] == sorted(found[one] for one in first)
    assert wanted_cores_frns(judged.db, on=TODAY + timedelta(days=10), cap=3)[:3] == wanted[:3]
    today = set(wanted_cores_frns(judged.db, on=TODAY, cap=1_000)) & set(found)
    assert today < set(wanted), "pages of today are not read again"


def test_before_any_build_no_page_is_wanted(db: Database) -> None:
    assert wanted_cores_frns(db, on=TODAY, cap=10) == []


OLD = rmd_filing("RMD0001500", "0000000501", "Meridian Ferry Telecom", last_recertified_on=None,
                 last_updated_on=date(2024, 8, 15))  # fmt: skip
DONE = rmd_filing("RMD0001501", "0000000502", "Basalt Orchard Wireless", last_recertified_on=date(2026, 2, 3))
GONE = rmd_filing("RMD0001502", "0000000503", "Umber Lagoon Cable", last_recertified_on=None)


@untested
@pytest.mark.parametrize(
    ("newest", "layout", "expected"),
    [
        (date(2025, 6, 1), "2025", set()),  # that layout cannot show it
        (date(2026, 3, 2), "2026", set()),  # the last day itself, 1 March being a Sunday
        (date(2026, 3, 3), "2026", {"RMD_NOT_RECERTIFIED"}),
    ],
)
def test_a_copy_judges_the_duties_of_its_own_day_and_no_later_ones(
    db: Database, dbt_folder: Path, newest: date, layout: str, expected: set[str]
) -> None:
    given_rows(db, "fcc_rmd_filings", given_snapshot(db, "fcc_rmd", date(2025, 5, 1), layout="2025"), [OLD, GONE])
    for day in (newest - timedelta(days=1), newest):  # a cached copy: the same bytes on two days
        snapshot = given_snapshot(db, "fcc_rmd", day, layout=layout, digest_of="the same bytes")
        given_rows(db, "fcc_rmd_filings", snapshot, [OLD, DONE])
    build(db, as_of=TODAY, now=NOW, work_folder=dbt_folder)
    judged = Judged(db)
    assert judged.codes("0000000501") == expected
    assert judged.codes("0000000502") == set()
    assert "0 of the 2" in judged.held("0000000501")["F499_MISSING"]
    assert judged.codes("0000000503") == set()
    assert "an absence needs 2 copies that agree" in judged.held("0000000503")["RMD_REMOVED"]


@untested
@pytest.mark.parametrize(
    ("contents", "seen"),
    [(("c", "c"), 1), (("c", "d"), 2), ((None, "c"), 2)],
    ids=["same rows", "other rows", "unknown"],
)
def test_the_same_rows_in_other_bytes_are_one_sighting(
    db: Database, dbt_folder: Path, contents: tuple[str | None, str | None], seen: int
) -> None:
    for day, content in zip((date(2026, 3, 2), date(2026, 3, 3)), contents, strict=True):
        facts = {"content_digest": content} if content else {}
        given_rows(db, "fcc_rmd_filings", given_snapshot(db, "fcc_rmd", day, layout="2026", facts=facts), [DONE])
    build(db, as_of=TODAY, now=NOW, work_folder=dbt_folder)
    assert Judged(db).rows("select seen from staging.int_absence where source = 'fcc_rmd'") == [{"seen": seen}]


@untested
def test_bytes_read_before_rows_were_digested_are_known_again(db: Database, dbt_folder: Path) -> None:
    for day, facts in ((date(2026, 3, 2), {}), (date(2026, 3, 3), {"content_digest": "c"})):
        given_snapshot(db, "fcc_rmd", day, layout="2026", facts=facts, digest_of="the same bytes")
    build(db, as_of=TODAY, now=NOW, work_folder=dbt_folder)
    assert Judged(db).rows("select seen from staging.int_absence where source = 'fcc_rmd'") == [{"seen": 1}]


def test_an_empty_warehouse_builds_and_accuses_nobody(db: Database, dbt_folder: Path) -> None:
    build(db, as_of=TODAY, now=NOW, work_folder=dbt_folder)
    assert Judged(db).rows("select * from marts.findings") == []
    assert {row["leads"] for row in Judged(db).rows("select leads from segments.segment_summary")} == {0}

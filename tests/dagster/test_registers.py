"""From a state's file server to its register, as Dagster runs it: real SFTP and HTTP, a real warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Table

from pw_pipelines.assets.questions import questions
from pw_pipelines.assets.registers import ALL_COUNTED, FLORIDA, PREVIEW, REGISTERS, assets, columns, days_wanted
from pw_pipelines.db.tables.registry import entities
from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.jobs.registers import STATES
from pw_pipelines.jurisdictions.book import jurisdiction
from pw_pipelines.registry.road import take_in
from pw_pipelines.resources.florida_sftp import RemoteFile
from pw_pipelines.resources.register_sites import WHOLE, RegisterSites
from pw_pipelines.sandbox.world import World
from pw_pipelines.schedules import registers as turns
from pw_pipelines.settings import Settings
from pw_pipelines.snapshots.model import Snapshot
from pw_pipelines.snapshots.recall import recall
from pw_pipelines.sources.contract import contract, contracts
from tests.fixtures_registers import Registers, running_registers
from tests.fixtures_sandbox import set_sandbox_day

QUARTER = date(2026, 10, 8)
DAY = date(2026, 10, 12)
NOW = datetime(2026, 10, 12, 15, tzinfo=UTC)
Run = Callable[..., dg.ExecuteInProcessResult]


@dataclass(frozen=True)
class Listing:
    """What the server's folder shows."""

    files: dict[date, RemoteFile]
    whole: RemoteFile

    def days(self, source: str) -> dict[date, RemoteFile]:
        return self.files

    def quarterly(self, source: str) -> RemoteFile:
        return self.whole


@pytest.fixture
def stand_ins(tmp_path: Path, world: World) -> Iterator[Registers]:
    with running_registers(tmp_path / "world", world, DAY, scale=0.01) as running:
        yield running


@pytest.fixture
def run(house: dict[str, Any], stand_ins: Registers, instance: dg.DagsterInstance) -> Iterator[Run]:
    """Materializes a state's register, or some of its assets."""
    settings = stand_ins.settings.model_copy(update={"http_attempts": 1, "register_floor_share": 0.00001})
    with RegisterSites(settings) as sites:

        def run(state: str, *keys: str) -> dg.ExecuteInProcessResult:
            register = REGISTERS[state]
            wanted = keys or (*register.raw_keys, register.key)
            return dg.materialize(
                assets(settings),
                selection=list(wanted),
                resources={**house, "settings": settings, "registers": sites},
                instance=instance,
                raise_on_error=False,
            )

        yield run


def snapshots(house: dict[str, Any], source: str) -> list[dict[str, Any]]:
    with house["db"].connect() as connection:
        return list(
            connection.execute("select * from pw.snapshots where source = %s order by as_of, fetched_at", (source,))
        )


def names(house: dict[str, Any], state: str) -> int:
    with house["db"].connect() as connection:
        found = connection.execute("select count(*) as n from registry.entities where state = %s", (state,)).fetchone()
    return int(found["n"])


def made(result: dg.ExecuteInProcessResult, key: str) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node(key)
    return {name: value.value for name, value in event.metadata.items()}


def test_floridas_register_is_the_quarterly_set_and_every_day_since(
    run: Run, house: dict[str, Any], stand_ins: Registers
) -> None:
    result = run("FL")
    assert result.success
    assert [one["as_of"] for one in snapshots(house, "sunbiz_cor")] == [QUARTER]
    days = [QUARTER + timedelta(days=n) for n in range(3)]  # nothing is filed on the 11th, which is believed later
    assert [one["as_of"] for one in snapshots(house, "sunbiz_cor_daily")] == days
    told = made(result, "register_fl")
    assert told["dagster/row_count"] == names(house, "FL") > stand_ins.companies.count("FL", QUARTER.toordinal())
    assert (told["as_of"], told["may_say_clear"]) == ("2026-10-10", True)
    assert all(gap in told["gaps"] for gap in jurisdiction("FL").data_source.gaps), "what every answer lists"
    assert made(result, "raw_sunbiz_cor_daily")["dagster/row_count"] == len(
        stand_ins.companies.new_on("FL", days[-1].toordinal())
    )
    (check,) = [one for one in result.get_asset_check_evaluations() if one.check_name == ALL_COUNTED]
    assert check.passed

    again = run("FL")
    assert again.success
    assert len(snapshots(house, "sunbiz_cor")) == 1, "the quarterly set there is the one we have"
    assert len(snapshots(house, "sunbiz_cor_daily")) == 3
    assert "Nothing newer" in made(again, "raw_sunbiz_cor")["note"]
    daily = made(again, "raw_sunbiz_cor_daily")
    assert "Nothing newer" in daily["note"]
    assert (daily["dagster/row_count"], daily["as_of"]) == (
        made(result, "raw_sunbiz_cor_daily")["dagster/row_count"], "2026-10-10",
    )  # fmt: skip

    set_sandbox_day(stand_ins.settings, DAY + timedelta(days=2))
    stand_ins.misbehave("sunbiz", "missing", match="20261012c.txt", times=None)
    failed = run("FL", "raw_sunbiz_cor_daily")
    assert not failed.success, "a file that is listed and does not come is no gap yet"
    stand_ins.book.clear()
    assert run("FL", "raw_sunbiz_cor_daily").success
    assert [one["as_of"] for one in snapshots(house, "sunbiz_cor_daily")] == [
        QUARTER + timedelta(days=n) for n in range(6)
    ]


def test_a_daily_file_that_was_refused_is_tried_again_for_a_week(house: dict[str, Any], stand_ins: Registers) -> None:
    with RegisterSites(stand_ins.settings) as sites:
        sizes = {day.day: file.size for day, file in sites.florida.days("sunbiz_cor_daily").items()}
    with house["db"].connect() as connection:
        for number, (day, grade) in enumerate(((1, "rejected"), (9, "rejected"), (10, "recalled"))):
            connection.execute(
                """insert into pw.snapshots (snapshot_id, source, as_of, fetched_at, origin, subject, raw_digest,
                                             size_bytes, media_type, grade, graded_at, recalled_at)
                   values (%s, 'sunbiz_cor_daily', %s, now(), 'fetched', '', %s, %s, 'text/plain', %s, now(),
                           case when %s = 'recalled' then now() end)""",
                (f"s{number}", date(2026, 10, day), f"{number:064d}", sizes.get(day, 1), grade, grade),
            )
    with RegisterSites(stand_ins.settings) as sites:
        wanted = days_wanted(house["db"], sites.florida, "sunbiz_cor_daily", DAY)
        assert wanted == [date(2026, 10, 8), date(2026, 10, 9)]
        later = days_wanted(house["db"], sites.florida, "sunbiz_cor_daily", DAY + timedelta(days=7))
        assert later == [date(2026, 10, 8), date(2026, 10, 11)], "the 11th lies there empty, which is believed by now"
        with house["db"].connect() as connection:
            connection.execute("update pw.snapshots set size_bytes = size_bytes + 1")
        mended = days_wanted(house["db"], sites.florida, "sunbiz_cor_daily", DAY + timedelta(days=7))
    assert mended == [date(2026, 10, day) for day in (8, 9, 10, 11)], "what lies there now is another file"


def test_no_file_loaded_by_hand_keeps_the_servers_away_unless_it_is_the_whole_day(
    run: Run, house: dict[str, Any], stand_ins: Registers, tmp_path: Path
) -> None:
    cut, odd, wrong = days = [QUARTER + timedelta(days=n) for n in range(3)]
    with RegisterSites(stand_ins.settings) as sites:
        true = {day: sites.florida.fetch_day("sunbiz_cor_daily", tmp_path, day).path for day in days}
        (tmp_path / "by hand").mkdir()

        def load(name: str, day: date, content: bytes) -> Snapshot:
            path = tmp_path / "by hand" / name
            path.write_bytes(content)
            return take_in(house["db"], house["objects"], "sunbiz_cor_daily", path, as_of=day, now=NOW,
                           origin="ingested", stated_by="jdoe")  # fmt: skip

        load(f"{cut:%Y%m%d}c.txt", cut, true[cut].read_bytes()[:-700])
        load("randomname.txt", odd, true[odd].read_bytes())
        load(f"{wrong:%Y%m%d}c.txt", wrong, b"")
        bad = load(f"{wrong:%Y%m%d}c.txt", wrong, true[cut].read_bytes())
        recall(house["db"], bad.snapshot_id, by="jdoe", reason="another day's file", now=NOW)
        assert days_wanted(house["db"], sites.florida, "sunbiz_cor_daily", DAY) == days

    assert run("FL").success
    with RegisterSites(stand_ins.settings) as sites:
        assert days_wanted(house["db"], sites.florida, "sunbiz_cor_daily", DAY) == []
    whole = [one for one in snapshots(house, "sunbiz_cor_daily") if one["origin"] == "fetched"]
    assert [(one["as_of"], one["facts"]["share"], one["loaded_at"] is not None) for one in whole] == [
        (day, "increment", True) for day in days
    ]


def test_an_empty_file_is_believed_when_the_server_has_it_so_two_days_later_and_no_longer(
    run: Run, house: dict[str, Any], stand_ins: Registers
) -> None:
    with RegisterSites(stand_ins.settings) as sites:
        listed, whole = sites.florida.days("sunbiz_events_daily"), sites.florida.quarterly("sunbiz_events")
    empty = [day for day, file in listed.items() if day >= QUARTER and not file.size]
    assert empty == [date(2026, 10, 8), date(2026, 10, 9), date(2026, 10, 11)]

    assert run("FL", "raw_sunbiz_events", "raw_sunbiz_events_daily").success
    days = {one["as_of"]: one for one in snapshots(house, "sunbiz_events_daily")}
    assert list(days) == [date(2026, 10, day) for day in (8, 9, 10)], "that of yesterday may still be filled"
    assert {one["facts"]["share"] for one in days.values()} == {"increment"}

    there = Listing(listed, whole)
    assert days_wanted(house["db"], there, "sunbiz_events_daily", DAY) == []  # type: ignore[arg-type]
    filled = Listing({**listed, empty[1]: replace(listed[empty[1]], size=664)}, whole)
    assert days_wanted(house["db"], filled, "sunbiz_events_daily", DAY) == [empty[1]]  # type: ignore[arg-type]


def test_a_file_of_a_day_to_come_waits_for_its_day(house: dict[str, Any], stand_ins: Registers) -> None:
    with RegisterSites(stand_ins.settings) as sites:
        wanted = days_wanted(house["db"], sites.florida, "sunbiz_cor_daily", DAY - timedelta(days=3))
    assert wanted == [QUARTER, QUARTER + timedelta(days=1)]


def test_a_register_by_socrata_is_graded_and_its_page_shows_what_it_is_worth(
    run: Run, house: dict[str, Any], stand_ins: Registers
) -> None:
    result = run("OR")
    assert result.success
    told = made(result, "register_or")
    assert told["as_of"] == "2026-10-01", "Oregon's is renewed monthly, whenever we ask"
    assert told["dagster/row_count"] == names(house, "OR") > 0
    assert "PRINCIPAL" not in str(told["preview"]) and "|" in str(told["preview"])
    answers = {one.check_name for one in result.get_asset_check_evaluations()}
    assert {"graded", "readable", "control_total", "rows_floor"} <= answers <= {
        "graded", ALL_COUNTED, *questions(contract("socrata_or"))
    }  # fmt: skip


def test_a_copy_that_lost_rows_is_kept_shown_and_changes_nothing(
    run: Run, house: dict[str, Any], stand_ins: Registers
) -> None:
    assert run("CO").success
    before = names(house, "CO")
    set_sandbox_day(stand_ins.settings, DAY + timedelta(days=7))
    stand_ins.misbehave("socrata", "shrunk", times=None)
    result = run("CO")
    assert not result.success
    shown = {event.asset_key.to_user_string() for event in result.all_events if event.is_step_materialization}
    assert shown == {"raw_socrata_co"}, "the copy is shown; what stands after it was not touched"
    kept = snapshots(house, "socrata_co")
    assert [one["grade"] for one in kept] == ["complete", "rejected"]
    assert names(house, "CO") == before
    failed = {one.check_name for one in result.get_asset_check_evaluations() if not one.passed}
    assert {"graded", "control_total"} <= failed


def test_a_source_that_does_not_answer_fails_its_step_and_no_other(
    run: Run, house: dict[str, Any], stand_ins: Registers
) -> None:
    stand_ins.misbehave("socrata", "status", status=503, match="data.ny.gov", times=None)
    result = run("NY", "raw_socrata_ny", "register_ny", "raw_socrata_ct", "register_ct")
    assert not result.success
    assert snapshots(house, "socrata_ny") == []
    assert names(house, "CT") > 0 == names(house, "NY")


def test_a_state_without_any_copy_has_no_register_and_says_how_to_get_one(run: Run) -> None:
    result = run("IA", "register_ia")
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "pw names load IA FILE" in str(failure.step_failure_data.user_failure_data.description)


def test_iowas_register_comes_from_its_hub(run: Run, house: dict[str, Any]) -> None:
    assert run("IA").success
    assert names(house, "IA") == snapshots(house, "iowa_hub")[0]["rows"] > 0


# -- what is promised without running -----------------------------------------------------------------------------


def test_a_copys_page_says_what_one_row_is_in_one_sentence(settings: Settings) -> None:
    said = " ".join(text for made in assets(settings) for text in made.descriptions_by_key.values() if text)
    assert "One row is one business, whatever its status." in said
    assert "One row is One" not in said


def test_a_source_is_loaded_by_hand_when_nothing_fetches_it() -> None:
    fetched = {source for register in REGISTERS.values() for source in (*register.whole, *register.daily)}
    assert fetched >= set(WHOLE)
    assert {one.source for one in contracts().values() if one.state and one.by_hand} == {
        one.source for one in contracts().values() if one.state and one.source not in fetched
    }


def test_every_column_of_the_register_is_described_and_the_preview_names_no_key() -> None:
    table: Table = entities
    assert list(columns().columns) == [column.name for column in table.columns]
    assert not {name for name in PREVIEW if name.endswith("_key") or name not in columns().columns}


def test_every_register_has_a_job_and_no_register_two() -> None:
    states = [state for found in STATES.values() for state in found]
    assert sorted(states) == sorted(REGISTERS)
    assert {AUTOMATIC[name].job for name in turns.EVERY_DAYS} == set(STATES)
    assert [len(FLORIDA.raw_keys), len(set(FLORIDA.raw_keys))] == [6, 6]


def succeeded(instance: dg.DagsterInstance, job: str, day: date, status: str = "SUCCESS") -> None:
    @dg.job(name=job)
    def run_of() -> None: ...

    instance.create_run_for_job(run_of, status=dg.DagsterRunStatus(status), tags={"pw/day": day.isoformat()})


def morning(day: date, hour: int = 10) -> datetime:
    from pw_pipelines.clock import EASTERN

    return datetime(day.year, day.month, day.day, hour, tzinfo=EASTERN)


def wanted(instance: dg.DagsterInstance, now: datetime) -> list[str | None]:
    return [request.job_name for request in turns.overdue(instance, now)]


def test_a_new_house_reads_its_registers_one_after_the_other(instance: dg.DagsterInstance) -> None:
    for job in ("refresh_registers_florida", "refresh_registers_weekly", "refresh_registers_monthly"):
        assert wanted(instance, morning(DAY, hour=1)) == [job]
        succeeded(instance, job, DAY)
    assert wanted(instance, morning(DAY)) == []


def test_while_one_register_is_read_no_other_is_started(instance: dg.DagsterInstance) -> None:
    succeeded(instance, "refresh_registers_weekly", DAY, status="STARTED")
    assert wanted(instance, morning(DAY)) == []


def test_a_missed_turn_is_made_up_for_after_its_time_of_day(instance: dg.DagsterInstance) -> None:
    for job in STATES:
        succeeded(instance, job, DAY)
    next_day = DAY + timedelta(days=1)
    assert wanted(instance, morning(next_day, hour=4)) == []
    assert wanted(instance, morning(next_day)) == ["refresh_registers_florida"]
    succeeded(instance, "refresh_registers_florida", DAY + timedelta(days=8))
    assert wanted(instance, morning(DAY + timedelta(days=6))) == []
    assert wanted(instance, morning(DAY + timedelta(days=8))) == ["refresh_registers_weekly"]


def test_a_schedule_starts_nothing_that_is_done_today(instance: dg.DagsterInstance) -> None:
    (request,) = turns.ask("registers_florida", instance, None, DAY)  # type: ignore[misc]
    assert (request.job_name, request.tags["pw/day"]) == ("refresh_registers_florida", DAY.isoformat())
    succeeded(instance, "refresh_registers_florida", DAY)
    assert isinstance(turns.ask("registers_florida", instance, None, DAY), dg.SkipReason)


def test_weekly_and_monthly_turns_have_days_of_their_own() -> None:
    assert AUTOMATIC["registers_weekly"].cron == "15 4 * * 0"
    assert AUTOMATIC["registers_monthly"].cron == "0 4 5 * *"
    assert AUTOMATIC["registers_florida"].cron == "15 5 * * *"
    assert [AUTOMATIC[name].rhythm for name in turns.EVERY_DAYS] == ["daily", "Sundays", "on day 5 of the month"]

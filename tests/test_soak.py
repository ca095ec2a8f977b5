"""What `pw bench soak` believes: red is explained by what was broken on purpose, on its days, and by nothing else."""

from __future__ import annotations

from datetime import date, time

import pytest

from pw_pipelines.bench import soak_breaks
from pw_pipelines.bench.soak_books import Day, growth
from pw_pipelines.bench.soak_measures import Lived, measures, turns
from pw_pipelines.bench.soak_red import Cause, Red, alert_name, judged, not_reddened

SOURCE = Cause(
    "source", "A source is cut short.", 2, 3, must=("run acquire", "alert run:acquire"), may=(r"alert snapshot:.*",)
)
RUN = "0f0e0d0c-1111-4222-8333-444455556666"


def test_what_a_cause_named_beforehand_is_explained_by_it() -> None:
    verdict = judged([Red("run acquire"), Red("alert snapshot:fcc_rmd-1")], [SOURCE], 2)
    assert [red.name for red in verdict.explained["source"]] == ["run acquire", "alert snapshot:fcc_rmd-1"]
    assert not verdict.unexplained


@pytest.mark.parametrize(
    "name", ["run acquire_more", "alert run:acquire and more", "run sync_listmonk", "xrun acquire"]
)
def test_a_pattern_must_fit_the_whole_name(name: str) -> None:
    assert [red.name for red in judged([Red(name)], [SOURCE], 2).unexplained] == [name]


@pytest.mark.parametrize(("day", "explained"), [(1, False), (2, True), (3, True), (4, False)])
def test_a_cause_explains_on_its_own_days_alone(day: int, explained: bool) -> None:
    assert bool(judged([Red("run acquire")], [SOURCE], day).explained) is explained


def test_each_red_thing_is_counted_for_one_cause() -> None:
    other = Cause("other", "Also.", 1, 7, may=("run .*",))
    verdict = judged([Red("run acquire"), Red("run books")], [SOURCE, other], 2)
    assert {name: [red.name for red in reds] for name, reds in verdict.explained.items()} == {
        "source": ["run acquire"],
        "other": ["run books"],
    }


def test_what_had_to_turn_red_and_did_not_is_said() -> None:
    seen = {2: {"run acquire"}, 3: set[str]()}
    assert not_reddened([SOURCE], seen, until=7) == ["source: alert run:acquire was expected and did not come"]


def test_an_alert_that_comes_the_day_after_counts() -> None:
    assert not_reddened([SOURCE], {2: {"run acquire"}, 3: {"alert run:acquire"}}, until=7) == []


def test_an_alert_of_another_week_does_not() -> None:
    said = not_reddened([SOURCE], {1: {"run acquire", "alert run:acquire"}}, until=7)
    assert len(said) == 2


def test_a_cause_whose_day_never_came_is_not_asked_for() -> None:
    assert not_reddened([SOURCE], {1: set()}, until=1) == []


def test_an_alert_of_a_failed_run_is_named_by_its_job() -> None:
    assert alert_name(f"run:{RUN}", {RUN: "acquire"}) == "alert run:acquire"
    assert alert_name(f"run:{RUN}", {}) == "alert run:unknown"
    assert alert_name("probe:fcc_rmd:1:2", {RUN: "acquire"}) == "alert probe:fcc_rmd:1:2"


def test_a_week_breaks_everything_once_one_thing_a_day() -> None:
    broken = soak_breaks.of_days(7)
    assert {one.name for one in broken.values()} == {one.name for one in soak_breaks.BREAKS}
    assert sorted(broken) == [1, 2, 3, 4, 5, 6, 7]


def test_what_is_mended_the_next_day_is_not_broken_on_the_last() -> None:
    assert soak_breaks.of_days(7)[7].days == 0
    assert soak_breaks.of_days(2)[2].days == 0


def test_no_break_explains_another_s_alert() -> None:
    names = [
        "run acquire",
        "run make_books",
        "alert probe:fcc_rmd:1:2",
        "alert backup:postgres:damaged:x",
        "gate error:x",
    ]
    causes = [one.cause(1) for one in soak_breaks.BREAKS]
    for name in names:
        assert sum(one.explains(Red(name), 1) for one in causes) <= 1, name
    assert not any(one.explains(Red("gate error:x"), 1) for one in causes)


def test_turns_of_a_day_are_in_its_order_and_backups_come_four_times() -> None:
    found = list(turns(date(2026, 11, 24)))
    assert found == sorted(found)
    assert [at for at, name in found if name == "backup_postgres_six_hourly"] == [
        time(5, 5), time(11, 5), time(17, 5), time(23, 5),
    ]  # fmt: skip
    assert "registers_weekly" not in {name for _, name in found}, "that is a Sunday's"
    assert "registers_weekly" in {name for _, name in turns(date(2026, 11, 29))}
    assert "registers_monthly" in {name for _, name in turns(date(2026, 12, 5))}


def test_growth_is_told_day_by_day() -> None:
    days = [Day(1, "2026-11-23", database_bytes=150), Day(2, "2026-11-24", database_bytes=180)]
    assert growth(days, 100) == [50, 30]


def _measured(days: list[Day], **more: object) -> dict[str, tuple[float, bool]]:
    given = {"causes": [], "seen": {day.number: set[str]() for day in days}, "size_before": 0, "lost": [], "paid": 1}
    lived = Lived(days=days, minutes=1.0, **(given | more))  # type: ignore[arg-type]
    return {one.name: (one.value, one.ok) for one in measures(lived)}


def _day(number: int, day: str, size: int, memory: float = 100.0, program: str = "web") -> Day:
    good = {subject: {"good": 1} for subject in ("postgres", "mariadb", "objects")}
    return Day(
        number, day, database_bytes=size, memory_mib={program: memory}, backups={**good, "drills": [{"ok": True}]}
    )


def test_a_quiet_week_meets_every_goal() -> None:
    days = [_day(number, f"2026-11-{23 + number}", number * 1_000_000) for number in range(1, 6)]
    assert all(ok for _, ok in _measured(days).values())


def test_growth_of_the_day_that_reads_the_weekly_registers_is_not_held_against_an_ordinary_one() -> None:
    days = [_day(1, "2026-11-27", 1_000_000), _day(2, "2026-11-28", 2_000_000), _day(3, "2026-11-29", 9_000_000)]
    assert _measured(days)["database_growth_last_day"] == (1.0, True)
    days.append(_day(4, "2026-11-30", 12_000_000))
    assert _measured(days)["database_growth_last_day"] == (3.0, False)


def test_memory_that_grows_since_the_second_day_fails() -> None:
    days = [_day(1, "2026-11-24", 0, 10), _day(2, "2026-11-25", 0, 100), _day(3, "2026-11-26", 0, 121)]
    assert _measured(days)["memory_growth"] == (1.21, False)


def test_the_stand_ins_which_no_live_house_has_are_measured_apart() -> None:
    days = [_day(number, f"2026-11-{23 + number}", 0, 100.0 * number, "stand-ins") for number in range(1, 6)]
    assert _measured(days)["memory_growth"] == (0.0, True)
    assert _measured(days)["stand_ins_growth"] == (2.5, False)


def test_what_was_red_and_passed_again_counts_as_told() -> None:
    cause = Cause("away", "Away.", 1, 2, must=("unsent alerts",))
    days = [_day(1, "2026-11-24", 0)]
    assert _measured(days, causes=[cause], seen={1: {"unsent alerts"}})["broken_and_not_told"] == (0, True)
    assert _measured(days, causes=[cause], seen={1: set()})["broken_and_not_told"] == (1, False)


def test_a_day_without_a_backup_and_a_lost_order_fail() -> None:
    day = _day(1, "2026-11-24", 0)
    day.backups["mariadb"] = {"good": 0}
    found = _measured([day], lost=["PW-2026-1: ready in file"])
    assert (found["days_without_a_backup"], found["orders_lost"]) == ((1, False), (1, False))

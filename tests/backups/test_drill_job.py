"""The weekly drill as Dagster runs it, what the book keeps of it, and what ops are told, once."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from pw_pipelines.assets.drills import POINT, RESTORES, restore_drills
from pw_pipelines.backups import books, drill_book
from pw_pipelines.backups import drill as drill_room
from pw_pipelines.backups.drill_book import troubles
from pw_pipelines.backups.drill_model import Check, Drill
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.clock import machine_now
from pw_pipelines.db.embedded import Server
from pw_pipelines.errors import ConfigError, OutsideUnavailable
from pw_pipelines.schedules.drills import ask_drill
from pw_pipelines.sensors.journal import ship, watch
from tests.backups.house import BackupHouse
from tests.backups.trade import paid_order


def came_to(*failed: str) -> Drill:
    names = ("postgres set", "recovery point")
    checks = tuple(Check(name, name not in failed, f"{name} looked at") for name in names)
    return Drill(machine_now(), not failed, 1.5, 20.0, checks, ("20261101T000000Z-abcdef",), {"objects": 3})


def run_it(house: BackupHouse, monkeypatch: pytest.MonkeyPatch, drill: Drill | Exception) -> dg.ExecuteInProcessResult:
    def run_drill(*_: Any, **__: Any) -> Drill:
        if isinstance(drill, Exception):
            raise drill
        return drill

    monkeypatch.setattr(drill_book, "run_drill", run_drill)
    resources = {"settings": house.settings, "db": house.ground.db, "objects": house.ground.objects}
    return dg.materialize([restore_drills], resources=resources, raise_on_error=False)


def told(house: BackupHouse, *, days: float = 0) -> list[str]:
    with house.ground.db.connect() as connection:
        now = house.settings.clock.now() + timedelta(days=days)
        return [one.key for one in troubles(connection, house.settings, now=now)]


def test_a_drill_is_an_asset_with_its_figures_its_report_and_two_checks(
    house: BackupHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run_it(house, monkeypatch, came_to())

    [made] = result.asset_materializations_for_node("restore_drills")
    assert made.metadata["rpo_seconds"].value == 1.5
    assert made.metadata["rto_seconds"].value == 20.0
    assert str(made.metadata["report"].value).endswith("/desk/backups/drills/1")
    assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()} == {RESTORES: True, POINT: True}
    with house.ground.db.connect() as connection:
        [row] = drill_book.drills(connection)
    assert (row.ok, row.rpo_seconds, row.rto_seconds) == (True, 1.5, 20.0)
    assert row.report_digest is not None and house.ground.objects.exists(row.report_digest)
    assert "drills/drill-000001.html" in house.files_far()
    assert told(house) == []


def test_a_failed_drill_fails_its_check_and_is_told_once(house: BackupHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_it(house, monkeypatch, came_to("postgres set"))

    assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()} == {
        RESTORES: False,
        POINT: True,
    }
    assert told(house) == told(house, days=1) == ["backup:drill:1"]


def test_a_drill_that_cannot_begin_is_kept_with_its_reason(house: BackupHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not run_it(house, monkeypatch, ConfigError("PW_OFFSITE_HOST is not set.")).success
    with house.ground.db.connect() as connection:
        [row] = drill_book.drills(connection)
    assert (row.ok, row.error) == (False, "PW_OFFSITE_HOST is not set.")
    assert told(house) == ["backup:drill:1"]


def test_a_drill_whose_report_cannot_be_kept_is_closed_with_what_it_found(
    house: BackupHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> str:
        raise OutsideUnavailable("The object store does not answer.")

    monkeypatch.setattr(type(house.ground.objects), "put", away)
    assert not run_it(house, monkeypatch, came_to("postgres set")).success
    with house.ground.db.connect() as connection:
        [row] = drill_book.drills(connection)
    assert row.finished_at is not None  # an open one would hold its sets for days and be told as nothing
    assert (row.ok, row.error) == (False, "The object store does not answer.")
    assert [one["name"] for one in row.checks if not one["ok"]] == ["postgres set"]


def test_while_a_copy_is_being_made_a_drill_says_wait_and_is_in_no_book(house: BackupHouse) -> None:
    with (
        books.round_of(house.ground.db, "postgres"),
        pytest.raises(books.UnderWay, match=r"A backup of postgres is being made.*Wait until it is done"),
    ):
        drill_book.drill_and_keep(house.settings, house.ground.db, house.ground.objects)

    with house.ground.db.connect() as connection:
        assert drill_book.drills(connection) == []
    assert told(house) == []


def test_a_copy_waits_while_a_drill_lists_what_is_there_and_two_copies_do_not_wait_for_each_other(
    house: BackupHouse,
) -> None:
    with (
        books.quiet(house.ground.db, ["postgres"], seconds=0),
        pytest.raises(books.UnderWay, match="A drill lists"),
        books.round_of(house.ground.db, "postgres", seconds=0),
    ):
        raise AssertionError("it had no turn")
    with books.round_of(house.ground.db, "postgres", seconds=0), books.round_of(house.ground.db, "postgres", seconds=0):
        pass  # which of the two makes a set is `turn`'s


@pytest.mark.parametrize(("made", "lacking"), [((), "postgres, objects"), (("objects",), "postgres")])
def test_a_house_that_has_not_made_all_yet_says_so_in_words_and_has_no_failed_drill(
    house: BackupHouse, postgres: Server, monkeypatch: pytest.MonkeyPatch, made: tuple[str, ...], lacking: str
) -> None:
    monkeypatch.setattr(drill_room, "Embedded", lambda *_, **__: SimpleNamespace(running=lambda: nullcontext(postgres)))
    assert all(house.back_up(subject).ok for subject in made)

    with pytest.raises(drill_room.NothingYet, match=f"no set of {lacking} has been made and brought off-site"):
        drill_book.drill_and_keep(house.settings, house.ground.db, house.ground.objects)

    with house.ground.db.connect() as connection:
        assert drill_book.drills(connection) == []
    assert told(house) == []


def test_what_a_killed_drill_left_in_the_clear_goes_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = subprocess.Popen(["true"])
    killed.wait()
    for maker in (killed.pid, os.getpid()):
        (tmp_path / f"pw-drill-{maker}-x" / "plain").mkdir(parents=True)
    with drill_room._scratch(None):
        assert not (tmp_path / f"pw-drill-{killed.pid}-x").exists()
    assert [one.name for one in tmp_path.iterdir()] == [f"pw-drill-{os.getpid()}-x"]  # one that is still at it


def test_a_missing_drill_is_told_after_eight_days_under_one_key(
    house: BackupHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_it(house, monkeypatch, came_to())
    assert told(house, days=7.9) == []
    [key] = told(house, days=8.1)
    assert told(house, days=30) == [key]
    assert key.startswith("backup:drill:missing:")


def test_a_house_with_nothing_off_site_is_neither_drilled_nor_alarmed(house: BackupHouse) -> None:
    resources = SimpleNamespace(settings=house.settings, db=house.ground.db)
    with dg.DagsterInstance.ephemeral() as instance:
        skipped = ask_drill(instance, resources, house.settings.clock.today())
    assert isinstance(skipped, dg.SkipReason)
    assert told(house, days=30) == []


class Phone:
    """A Telegram that keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, text: str) -> None:
        self.sent.append(text)


def test_the_sensor_ships_and_a_stuck_journal_is_told_once(house: BackupHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house.with_settings(journal_url=(house.settings.home / "journal").absolute().as_uri())
    phone = Phone()
    resources = {"settings": house.settings, "db": house.ground.db, "telegram": phone}
    paid_order(house.ground.db)
    with monkeypatch.context() as patched:

        def away(*_: Any) -> None:
            raise OutsideUnavailable("The journal's store does not answer.")

        patched.setattr(JournalStore, "create", away)
        with dg.build_sensor_context(resources=resources) as context:
            assert "does not answer" in str(ship(context).skip_message)
            watch(context)
            assert phone.sent == []  # not for a moment's trouble
            patched.setattr("pw_pipelines.sensors.journal.STUCK_SECONDS", 0.0)
            watch(context)
            watch(context)
    with dg.build_sensor_context(resources=resources) as context:
        assert "changes left in 1 shipments" in str(ship(context).skip_message)
        assert str(ship(context).skip_message) == "All has left."
    [message] = phone.sent
    assert "have not left this machine" in message
    assert "does not answer" in message

"""Killed, on a full disk or failing at any moment: no half set ever counts, and the next round is whole again."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from pw_pipelines.backups.postgres import check_dump, tools_for
from tests.backups.house import BackupHouse


def round_armed(house: BackupHouse, subject: str, fault: str) -> int:
    """A round in a process of its own, which the fault may kill as by a power cut; its exit code."""

    def child() -> None:
        os.environ["PW_FAULT"] = fault
        os._exit(0 if house.back_up(subject).ok else 1)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.parametrize(
    ("point", "is_set"),
    [
        ("backups.make.begun", False),
        ("backups.objects.pooled", False),
        ("backups.objects.after_index", False),
        ("backups.make.captured", False),
        ("backups.make.sealed", False),
        ("backups.make.named", False),
        ("backups.offsite.pool_copied", True),
        ("backups.offsite.copied", True),
        ("backups.expire.marked", True),
    ],
)
def test_killed_at_any_point_leaves_nothing_half_that_counts(house: BackupHouse, point: str, is_set: bool) -> None:
    digest = house.keep(b"precious")

    killed = round_armed(house, "objects", f"{point}:kill")

    assert killed == -9
    assert bool(house.sets("objects")) is is_set
    assert [one for one in house.sets("objects") if one.is_good] == [] or point.startswith("backups.expire")

    told = house.back_up("objects")

    assert told.ok, told.error
    assert all(one.is_good for one in house.sets("objects"))
    assert house.sets("objects", states=("making",)) == []
    assert house.leftovers() == []
    assert f"pool/{digest[:2]}/{digest}.age" in house.files_far()


def test_killed_in_the_middle_of_postgres_the_next_round_names_what_died(house: BackupHouse) -> None:
    assert round_armed(house, "postgres", "backups.postgres.between_databases:kill") == -9
    assert house.sets() == []

    assert house.back_up().ok

    [dead] = house.sets(states=("failed",))
    assert "ended in the middle of it" in str(dead.error)
    assert house.leftovers() == []


@pytest.mark.parametrize("point", ["backups.make.begun", "backups.make.captured"])
def test_a_full_disk_is_a_failed_set_with_nothing_left_of_it(house: BackupHouse, point: str) -> None:
    house.keep(b"precious" * 10_000)

    full = round_armed(house, "objects", f"{point}:full")

    assert full == 1
    [failed] = house.sets("objects", states=("failed",))
    assert "File too large" in str(failed.error)
    assert house.leftovers() == []
    assert house.back_up("objects").ok


def test_a_fault_of_ours_is_a_failed_set_too(house: BackupHouse) -> None:
    failed = round_armed(house, "objects", "backups.make.captured:raise")

    assert failed == 1
    [one] = house.sets("objects", states=("failed",))
    assert "InjectedFault" in str(one.error)
    assert house.leftovers() == []


@pytest.mark.parametrize("kept", [0, 500, 5_000])
def test_a_dump_cut_anywhere_is_no_dump(house: BackupHouse, tmp_path: Path, kept: int) -> None:
    from pw_pipelines.backups.model import BackupDamaged
    from pw_pipelines.backups.postgres import environment_of
    from pw_pipelines.backups.programs import run

    tools = tools_for(18, None)
    dump = tmp_path / "whole.dump"
    run([tools["pg_dump"], "-Fc", f"--file={dump}"], what="pg_dump", seconds=60,
        environment=environment_of(house.ground.db.url))  # fmt: skip
    check_dump(tools, dump, {"pw.orders"}, 60)
    dump.write_bytes(dump.read_bytes()[: kept or -1])

    with pytest.raises(BackupDamaged):
        check_dump(tools, dump, {"pw.orders"}, 60)


def test_a_dump_without_a_table_is_no_dump(house: BackupHouse, tmp_path: Path) -> None:
    from pw_pipelines.backups.model import BackupDamaged
    from pw_pipelines.backups.postgres import environment_of
    from pw_pipelines.backups.programs import run

    tools = tools_for(18, None)
    dump = tmp_path / "less.dump"
    run([tools["pg_dump"], "-Fc", "--exclude-table=pw.orders", f"--file={dump}"], what="pg_dump", seconds=60,
        environment=environment_of(house.ground.db.url))  # fmt: skip

    with pytest.raises(BackupDamaged, match=r"lacks the data of 1 tables: pw\.orders"):
        check_dump(tools, dump, {"pw.orders", "pw.customers"}, 60)

"""A load that dies at any named point leaves the register answering as before; the next run completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from pw_pipelines.faults import VARIABLE, InjectedFault
from pw_pipelines.settings import PROJECT_ROOT
from tests.registry.florida import Company, write
from tests.registry.houses import QUARTER, House

BEFORE = [Company(f"L{n:011}", f"NAME {n} LLC") for n in range(300)]
AFTER = [*BEFORE[20:], *(Company(f"P{n:011}", f"NEW {n} INC", kind="DOMP") for n in range(10))]
NEW = {f"P{n:011}" for n in range(10)}
LIFE = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from pw_pipelines.db.connection import Database
from pw_pipelines.registry.road import take_in
from pw_pipelines.resources.objects import Objects
url, objects, source, path, day, workers = sys.argv[1:]
take_in(Database(url), Objects(objects), source, Path(path), as_of=date.fromisoformat(day),
        now=datetime(2026, 11, 22, 18, 0, tzinfo=UTC), origin="ingested", stated_by="jdoe", floor_share=0.0,
        workers=int(workers))
"""
WHOLE_POINTS = [
    "snapshot.take.after_put", "snapshot.take.after_register", "registry.staging.midway",
    "registry.staging.before_commit", "snapshot.take.before_verdict", "registry.take_in.graded",
    "registry.apply.begun", "registry.apply.carried", "registry.apply.indexed", "registry.swap.locked",
    "registry.swap.before_commit", "registry.apply.before_commit",
]  # fmt: skip
MERGE_POINTS = ["registry.take_in.graded", "registry.apply.merged", "registry.apply.before_commit"]


def live(house: House, source: str, path: Path, *, fault: str = "", workers: int = 0) -> int:
    done = subprocess.run(
        [sys.executable, "-c", LIFE, house.db.url, house.objects.url, source, str(path), "2026-11-16", str(workers)],
        cwd=PROJECT_ROOT, env={"PATH": "/usr/bin:/bin", VARIABLE: fault}, check=False, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def answers_as_before(house: House) -> bool:
    worth = house.coverage(QUARTER)
    assert worth.why_not is None
    return set(house.register()) == {one.number for one in BEFORE} and worth.is_usable


@pytest.mark.parametrize("name", WHOLE_POINTS)
def test_a_reload_killed_there_changes_nothing_and_the_next_run_completes_it(
    house: House, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.whole(*BEFORE)
    path = write(house.folder / "cordata.txt", AFTER)

    monkeypatch.setenv(VARIABLE, f"{name}:raise")
    with pytest.raises(InjectedFault):
        house.take("sunbiz_cor", path, QUARTER)
    monkeypatch.delenv(VARIABLE)

    assert answers_as_before(house)
    completed = house.take("sunbiz_cor", path, QUARTER)
    assert completed.loaded_at is not None
    assert set(house.register()) == {one.number for one in AFTER}
    assert len(house.tables()) == 1  # no draft and no replaced partition is left behind


@pytest.mark.parametrize("name", MERGE_POINTS)
def test_a_merge_killed_there_changes_nothing_and_the_next_run_completes_it(
    house: House, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.whole(*BEFORE)
    path = write(house.folder / "20261116c.txt", AFTER[-10:])

    monkeypatch.setenv(VARIABLE, f"{name}:raise")
    with pytest.raises(InjectedFault):
        house.take("sunbiz_cor_daily", path, QUARTER)
    monkeypatch.delenv(VARIABLE)

    assert answers_as_before(house)
    house.take("sunbiz_cor_daily", path, QUARTER)
    assert set(house.register()) == {one.number for one in BEFORE} | NEW


@pytest.mark.parametrize(("name", "workers"), [("registry.staging.midway", 2), ("registry.swap.before_commit", 0)])
def test_kill_9_leaves_no_process_no_lock_and_no_draft(house: House, name: str, workers: int) -> None:
    house.whole(*BEFORE)
    path = write(house.folder / "cordata.txt", AFTER)

    assert live(house, "sunbiz_cor", path, fault=f"{name}:kill", workers=workers) == -signal.SIGKILL

    assert answers_as_before(house)
    assert live(house, "sunbiz_cor", path, workers=workers) == 0
    assert set(house.register()) == {one.number for one in AFTER}
    assert _settles(house)


def _settles(house: House) -> bool:
    """Whether nobody but us is connected any more, within some seconds."""
    for _ in range(50):
        left = house.rows("select 1 from pg_stat_activity where datname = current_database() "
                          "and application_name like 'pw register%%'")  # fmt: skip
        if not left:
            return True
        time.sleep(0.1)
    return False


def test_a_worker_that_dies_loads_nothing_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from pw_pipelines.errors import SnapshotError
    from pw_pipelines.registry import pool

    house.whole(*BEFORE)
    send = pool.send

    def dying(pipe: object, value: object) -> None:
        send(pipe, b"no task at all" if isinstance(value, pool.Task) else value)  # type: ignore[arg-type]

    monkeypatch.setattr(pool, "send", dying)
    with pytest.raises(SnapshotError, match="ended early"):
        house.take("sunbiz_cor", write(house.folder / "cordata.txt", AFTER), QUARTER, workers=2)

    assert answers_as_before(house)


def test_the_swap_waits_for_a_long_reader_and_lets_searches_through(house: House) -> None:
    import threading

    house.whole(*BEFORE)
    path = write(house.folder / "cordata.txt", AFTER)
    with psycopg.connect(house.db.url) as reader:
        reader.execute("select count(*) from registry.entities")  # holds its lock until the transaction ends
        load = threading.Thread(target=house.take, args=("sunbiz_cor", path, QUARTER))
        load.start()
        longest = 0.0
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            begun = time.monotonic()
            assert house.found("Name 100")
            longest = max(longest, time.monotonic() - begun)
        assert load.is_alive()
    load.join()

    assert longest < 1.0
    assert set(house.register()) == {one.number for one in AFTER}

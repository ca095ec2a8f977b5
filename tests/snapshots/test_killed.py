"""A process that dies at any named point and is started again leaves the tables of one that never died."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.faults import VARIABLE, InjectedFault, point
from pw_pipelines.settings import PROJECT_ROOT
from pw_pipelines.snapshots import books, road
from tests.conftest import TEMPLATE
from tests.snapshots.copies import NOW, SMALL, TODAY, Road, export

# Takes a copy in, loads it, and recalls or prunes when asked: the whole life of a snapshot, in a process of its own.
LIFE = """
import sys
from datetime import timedelta
from pathlib import Path
from pw_pipelines.db.connection import Database
from pw_pipelines.snapshots.prune import prune
from pw_pipelines.snapshots.recall import recall
from pw_pipelines.snapshots import road
from tests.snapshots.copies import NOW, SMALL, TODAY, Road
url, folder, export, then = sys.argv[1:]
way = Road(Database(url), Path(folder), vouched=SMALL)
snapshot = way.in_force(Path(export).read_bytes())
if then == "recall":
    recall(way.db, snapshot.snapshot_id, by="jdoe", reason="wrong", now=NOW)
if then == "prune":
    way.in_force(Path(export).read_bytes() + b"\\n", as_of=TODAY + timedelta(days=9))
    prune(way.db, now=NOW, keep=1)
"""
POINTS = {
    "snapshot.take.after_put": "load",
    "snapshot.take.after_register": "load",
    "snapshot.take.before_verdict": "load",
    "snapshot.load.midway": "load",
    "snapshot.load.before_commit": "load",
    "snapshot.recall.before_commit": "recall",
    "snapshot.prune.before_commit": "prune",
}


@pytest.fixture
def way(db: Database, tmp_path: Path) -> Road:
    return Road(db, tmp_path, vouched=SMALL)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return export(SMALL)


def live(way: Road, export: Path, then: str, fault: str = "") -> int:
    """Runs LIFE; returns its exit code (negative: the signal that ended it)."""
    done = subprocess.run(
        [sys.executable, "-c", LIFE, way.db.url, str(way.folder), str(export), then],
        cwd=PROJECT_ROOT,
        env={"PATH": "/usr/bin:/bin", VARIABLE: fault},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def state(way: Road) -> tuple[object, ...]:
    """Everything a reader could see, apart from when it was loaded."""
    listed = [(one.snapshot_id, one.grade, one.rows, one.reasons, one.loaded_at is None, one.pruned_at, one.recalled_by)
              for one in books.list_snapshots(way.db)]  # fmt: skip
    return listed, way.tables()


@pytest.fixture(scope="module")
def export_file(tmp_path_factory: pytest.TempPathFactory, whole: bytes) -> Path:
    path = tmp_path_factory.mktemp("export") / "rmd.csv"
    path.write_bytes(whole)
    return path


@pytest.fixture(scope="module")
def never_killed(
    clone_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory, export_file: Path
) -> dict[str, tuple[object, ...]]:
    """The state after an undisturbed life, by its last deed."""
    states = {}
    for then in sorted(set(POINTS.values())):
        way = Road(Database(clone_database(TEMPLATE)), tmp_path_factory.mktemp(then), vouched=SMALL)
        assert live(way, export_file, then) == 0
        states[then] = state(way)
    return states


@pytest.mark.parametrize("name", POINTS)
def test_killed_there_and_started_again_is_as_if_never_killed(
    way: Road, export_file: Path, never_killed: dict[str, tuple[object, ...]], name: str
) -> None:
    then = POINTS[name]
    assert live(way, export_file, then, f"{name}:kill") == -signal.SIGKILL
    assert live(way, export_file, then) == 0
    assert state(way) == never_killed[then]


def test_a_load_killed_halfway_shows_no_row_to_anybody(way: Road, export_file: Path) -> None:
    assert live(way, export_file, "load", "snapshot.load.before_commit:kill") == -signal.SIGKILL
    assert way.tables()["fcc_rmd_filings"] == []
    assert books.current(way.db, "fcc_rmd", TODAY) is None


@pytest.mark.parametrize("name", ["snapshot.load.midway", "snapshot.load.before_commit"])
def test_a_load_that_fails_is_rolled_back_whole(
    way: Road, whole: bytes, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    snapshot = way.take(whole)
    monkeypatch.setenv(VARIABLE, f"{name}:raise")
    with pytest.raises(InjectedFault):
        road.load(way.db, way.objects, snapshot.snapshot_id, now=NOW)
    assert way.tables()["fcc_rmd_filings"] == []
    monkeypatch.delenv(VARIABLE)
    assert road.load(way.db, way.objects, snapshot.snapshot_id, now=NOW) == SMALL


def test_every_fault_point_of_this_room_is_walked() -> None:
    sources = (PROJECT_ROOT / "pw_pipelines" / "snapshots").glob("*.py")
    named = {name for path in sources for name in re.findall(r'\bpoint\("([^"]+)"\)', path.read_text())}
    assert named == set(POINTS)


def test_a_point_does_nothing_unless_it_is_armed(monkeypatch: pytest.MonkeyPatch) -> None:
    point("snapshot.load.midway")
    monkeypatch.setenv(VARIABLE, "another.point:raise")
    point("snapshot.load.midway")
    monkeypatch.setenv(VARIABLE, "another.point:raise,snapshot.load.midway:raise")
    with pytest.raises(InjectedFault, match=r"snapshot\.load\.midway"):
        point("snapshot.load.midway")


def test_a_fault_armed_with_an_unknown_deed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "a.point:explode")
    with pytest.raises(ValueError, match="kill, raise or full"):
        point("a.point")

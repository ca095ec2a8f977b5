"""The warm process by itself: who has the place, what it refuses, how it mends. Without Dagster's servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.launcher import door
from pw_pipelines.settings import PROJECT_ROOT
from tests.launcher.house import MODULE, eventually, write_jobs

pytestmark = pytest.mark.timeout(180)
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    (home / "dagster").mkdir(parents=True)
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", home / "dagster" / "dagster.yaml")
    for name, value in (
        ("PW_HOME", str(home)), ("DAGSTER_HOME", str(home / "dagster")), ("PYTHONPATH", str(tmp_path)),
        ("PW_DAGSTER_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/dagster"), ("PW_WARM_DEFINITIONS", MODULE),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    write_jobs(tmp_path, "one")
    return home


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """`start(arguments…)`: a warm process of this home, not yet ready."""
    started: list[subprocess.Popen[bytes]] = []

    def one(*arguments: str) -> subprocess.Popen[bytes]:
        with (home / "warm.log").open("ab") as sink:
            command = [sys.executable, "-m", "pw_pipelines.launcher", *arguments]
            started.append(subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=sink, stderr=sink))
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.wait()


def state(home: Path) -> dict[str, Any]:
    try:
        return door.ask(home, {"do": "state"}, seconds=30)
    except (door.NobodyThere, door.NoAnswer):
        return {}


def launch(home: Path, *, seconds: float = 60.0, **more: object) -> dict[str, Any]:
    asked = {"do": "launch", "run_id": "00000000-0000-0000-0000-000000000000", "for": door.identity(), **more}
    return door.ask(home, asked, seconds=seconds)


def test_one_has_the_place_and_gives_it_up_for_one_that_is_supervised(home: Path, start: Start) -> None:
    first = start("--idle-seconds", "600")
    assert eventually(lambda: state(home).get("pid") == first.pid, 60), (home / "warm.log").read_text()
    assert state(home)["threads"] == 1
    assert state(home)["broken"] is None

    assert start("--idle-seconds", "600").wait(60) == 0, "a second one that nobody supervises is not needed"
    assert state(home)["pid"] == first.pid
    assert launch(home, **{"for": "another database"}) == {
        "refused": "the warm process of this home belongs to another database"
    }

    supervised = start()
    assert eventually(lambda: state(home).get("pid") == supervised.pid, 60), (home / "warm.log").read_text()
    assert first.wait(10) == 0
    supervised.send_signal(signal.SIGTERM)
    assert supervised.wait(10) == 0
    assert state(home) == {}


def test_code_that_cannot_be_loaded_is_refused_with_its_error_until_it_is_mended(
    home: Path, start: Start, tmp_path: Path
) -> None:
    (tmp_path / f"{MODULE}.py").write_text("this is no python\n")
    process = start()
    assert eventually(lambda: "SyntaxError" in str(state(home).get("broken")), 60), (home / "warm.log").read_text()
    assert eventually(lambda: "SyntaxError" in _or_nothing(home).get("refused", ""), 60)
    write_jobs(tmp_path, "mended")
    assert eventually(lambda: "again" in _or_nothing(home) or state(home).get("broken") is None, 60)
    assert eventually(lambda: bool(state(home)) and state(home)["broken"] is None, 60)
    assert state(home)["pid"] == process.pid


def _or_nothing(home: Path) -> dict[str, Any]:
    try:
        return launch(home)
    except (door.NobodyThere, door.NoAnswer):
        return {}


def test_a_launch_whose_asker_gave_up_starts_nothing(home: Path, start: Start) -> None:
    process = start()
    assert eventually(lambda: state(home).get("pid") == process.pid, 60)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(door.NoAnswer):
        launch(home, seconds=1.0, until=time.monotonic() + 1.0)
    time.sleep(0.1)  # the run goes the stock way now
    process.send_signal(signal.SIGCONT)
    assert eventually(lambda: bool(state(home)))
    assert state(home)["runs"] == 0


def test_it_ends_by_itself_when_nobody_supervises_and_nobody_needs_it(home: Path, start: Start) -> None:
    process = start("--idle-seconds", "0.5")
    assert process.wait(90) == 0, (home / "warm.log").read_text()
    assert "ready" in (home / "warm.log").read_text()
    assert os.environ["PW_HOME"] == str(home)


def test_the_real_definitions_load_whole_and_may_be_forked(tmp_path: Path) -> None:
    code = (
        "from pw_pipelines.launcher import code, process\n"
        "code.load()\n"
        "print(process.threads(), process.unsafe(mine=set()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, env={**os.environ, "PW_HOME": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["1 None"], "a module that could not be loaded is said here"

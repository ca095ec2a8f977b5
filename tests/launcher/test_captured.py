"""What a run writes is kept for Dagster's pages, and copied to the worker's log, without another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from pw_pipelines.launcher.captured import CapturedLogs
from pw_pipelines.settings import load_settings

KEY = ["run", "compute_logs", "step"]


def test_what_is_written_here_and_by_children_is_in_the_log_and_then_in_our_own_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logs = CapturedLogs(str(tmp_path))
    before = {child.pid for child in psutil.Process().children()}
    with capfd.disabled(), (tmp_path / "own.out").open("w", encoding="utf-8") as out:
        own, sys.stdout = sys.stdout, out
        try:
            out.write("before\n")
            with logs.capture_logs(KEY):
                sys.stdout.write("from Python\n")
                out.flush()
                subprocess.run(["sh", "-c", "echo from a child"], check=True, stdout=out.fileno())
                assert {child.pid for child in psutil.Process().children()} <= before, "no process watches"
                assert not logs.is_capture_complete(KEY)
            out.write("after\n")
        finally:
            sys.stdout = own
    data = logs.get_log_data(KEY)
    assert data.stdout is not None and data.stdout.decode().splitlines() == ["from Python", "from a child"]
    assert logs.is_capture_complete(KEY)
    assert (tmp_path / "own.out").read_text().splitlines() == ["before", "from Python", "from a child", "after"]


def test_a_step_that_fails_leaves_what_it_wrote(tmp_path: Path) -> None:
    logs = CapturedLogs(str(tmp_path))
    with pytest.raises(ZeroDivisionError), logs.capture_logs(KEY):
        os.write(sys.__stderr__.fileno(), b"so far\n")  # type: ignore[union-attr]
        _ = 1 / 0
    assert Path(logs.get_captured_local_path(KEY, "err")).exists()


def test_it_stands_where_dagsters_own_would_and_stock_is_dagsters_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    made = CapturedLogs.from_config_value(None, {})
    assert isinstance(made, CapturedLogs)
    assert made.get_captured_local_path(KEY, "out").startswith(str(tmp_path / "storage" / "run"))
    assert made.get_log_metadata(KEY).stdout_location == made.get_captured_local_path(KEY, "out")
    assert made.get_log_data(KEY).stdout in (None, b"")
    monkeypatch.setenv("PW_LAUNCHER", "stock")
    load_settings.cache_clear()
    assert type(CapturedLogs.from_config_value(None, {})) is LocalComputeLogManager

"""`make test` forgives a test that fails among others and passes alone, twice; nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pw_pipelines.settings import PROJECT_ROOT

CROWDED = "import os\ndef test_{n}():\n    assert 'PYTEST_XDIST_WORKER' not in os.environ\n"
BROKEN = "def test_{n}():\n    assert False\n"
ONCE = """
from pathlib import Path
def test_{n}():
    count = Path("count").read_text() if Path("count").exists() else ""
    Path("count").write_text(count + "x")
    assert count == "x"
"""


def suite(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text("".join(test.format(n=n) for n, test in enumerate(tests)))
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    variables |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p xdist.plugin"}
    command = [sys.executable, str(PROJECT_ROOT / "tools" / "suite.py")]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_who_fails_only_among_others_is_named_and_fails_nothing(tmp_path: Path) -> None:
    ended = suite(tmp_path, CROWDED)

    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.endswith("but not among others. To be mended:\n  test_it.py::test_0\n")


@pytest.mark.parametrize(
    "tests", [(CROWDED, BROKEN), (ONCE,), (CROWDED,) * 4], ids=["broken", "passed one time of two", "too many"]
)
def test_everything_else_fails(tmp_path: Path, tests: tuple[str, ...]) -> None:
    assert suite(tmp_path, *tests).returncode == 1

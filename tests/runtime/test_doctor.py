"""`pw doctor`: says what is wrong and the command that mends it; changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from pw_pipelines.db.connection import Database
from pw_pipelines.runtime import doctor
from pw_pipelines.runtime.credentials import NEEDED_LIVE
from pw_pipelines.settings import PROJECT_ROOT, Mode, Settings


@pytest.fixture
def here(tmp_path: Path, db: Database) -> Settings:
    return Settings(home=tmp_path, database_url=SecretStr(db.url))


def found(settings: Settings) -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine(settings)}


def test_a_healthy_machine_without_a_running_house_is_told_to_start_one(here: Settings) -> None:
    checks = found(here)
    assert {name for name, check in checks.items() if check.verdict == "fail"} == set()
    assert checks["house"].mend == "pw up"
    assert checks["database"].verdict == "ok"
    assert all(check.mend for check in checks.values() if check.verdict != "ok")


def test_an_unmigrated_database_and_one_out_of_reach_are_told_apart(here: Settings, db: Database) -> None:
    with db.connect() as connection:
        connection.execute("drop schema pw cascade")
    behind = found(here)["database"]
    assert (behind.verdict, behind.mend) == ("warn", "pw up")
    assert "0001" in behind.detail
    away = found(here.model_copy(update={"database_url": SecretStr("postgresql://u:hidden@127.0.0.1:9/pw")}))[
        "database"
    ]
    assert away.verdict == "fail"
    assert "hidden" not in away.detail


def test_each_missing_live_credential_is_a_line_with_the_variable_to_set(here: Settings) -> None:
    checks = found(here.model_copy(update={"mode": Mode.LIVE}))
    for name in NEEDED_LIVE:
        assert checks[f"PW_{name.upper()}"].mend == f"export PW_{name.upper()}=…"


def test_a_taken_port_is_told_with_its_variable(here: Settings) -> None:
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        ports = found(here.model_copy(update={"web_port": port}))["ports"]
    assert ports.verdict == "warn"
    assert f"PW_WEB_PORT {port}" in ports.detail


def test_a_machine_without_browser_or_office_learns_what_to_type(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    checks = found(here)
    assert checks["chromium"].mend == "sudo apt-get install chromium-headless-shell"
    assert checks["libreoffice"].mend == "sudo apt-get install libreoffice-writer"


def test_what_is_not_compiled_is_named_with_what_it_costs(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pw_pipelines.native.IS_COMPILED", False)
    check = found(here)["compiled inner loops"]
    assert (check.verdict, check.mend) == ("warn", "sudo apt-get install gcc libc6-dev, then make setup")
    monkeypatch.setattr("pw_pipelines.native.IS_COMPILED", True)
    assert found(here)["compiled inner loops"].verdict == "ok"


def test_its_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    environment = {**os.environ, "PW_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "pw_pipelines.cli", "doctor", "--json"],
        cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    assert answer["mode"] == "sandbox"
    assert not (tmp_path / "postgres").exists(), "it starts nothing"

"""`pw` on a test's own database."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.cli import main
from pw_pipelines.db.connection import Database
from pw_pipelines.settings import load_settings


@dataclass(frozen=True)
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout, and nothing else there."""
        assert self.code == 0, self.err
        assert self.out.count("\n") == 1
        found: dict[str, Any] = json.loads(self.out)
        return found


Pw = Callable[..., Told]


@pytest.fixture
def pw(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pw:
    """Runs `pw` with these words; `typed` is what a person types or pipes."""
    monkeypatch.setenv("PW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PW_OBJECTS_URL", f"file://{tmp_path}/objects")
    for name in ("PW_DATABASE_URL", "PW_DAGSTER_DATABASE_URL", "PW_SANDBOX_DATABASE_URL"):
        monkeypatch.setenv(name, db.url)

    def run(*words: str, typed: str = "") -> Told:
        load_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["pw", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Told(int(ended.value.code or 0), told.out, told.err)

    return run

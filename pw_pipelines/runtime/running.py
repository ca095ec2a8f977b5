"""Who runs in a PW_HOME: the note a `pw up` leaves in PW_HOME/run/stack.json for other commands, and its truth.

The note names a process by pid and start time, so a stale one (after a kill -9 or a power cut) is never believed.
It holds database passwords and is readable by its owner alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from pw_pipelines.settings import Mode


@dataclass(frozen=True)
class RunningHouse:
    """A living `pw up`. `environment` is what its processes were started with (PW_* and DAGSTER_HOME)."""

    pid: int
    created: float
    mode: Mode
    web_url: str
    dagster_url: str
    sandbox_url: str | None
    environment: Mapping[str, str]
    dagster_api_url: str | None = None

    @property
    def api_url(self) -> str:
        """Dagster's own webserver, behind the door that people log in at; for programs of this machine."""
        return self.dagster_api_url or self.dagster_url

    def __repr__(self) -> str:
        return f"RunningHouse(pid={self.pid}, mode={self.mode}, web={self.web_url}, dagster={self.dagster_url})"


def note_path(home: Path) -> Path:
    """Where the note of this home stands."""
    return home / "run" / "stack.json"


def write_note(home: Path, house: RunningHouse) -> None:
    """Leaves the note, whole or not at all."""
    path = note_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(house), indent=1))
    draft.replace(path)


def remove_note(home: Path) -> None:
    """Takes the note away; not having one is fine."""
    note_path(home).unlink(missing_ok=True)


def running_house(home: Path) -> RunningHouse | None:
    """The living `pw up` of this home, or None."""
    try:
        noted = json.loads(note_path(home).read_text())
        house = RunningHouse(**{**noted, "mode": Mode(noted["mode"])})
        process = psutil.Process(house.pid)
        same = abs(process.create_time() - house.created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None
    return house if same else None

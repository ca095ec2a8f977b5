"""What the capture of a subject hands to the making of a set: plain files, and of which moment they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pw_pipelines.backups.keys import Recipients, recipients_of
from pw_pipelines.backups.model import Places
from pw_pipelines.clock import machine_now
from pw_pipelines.db.connection import Database, sibling_url
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings


@dataclass(frozen=True)
class Ground:
    """What backups stand on. `dagster_url`: Dagster's own database."""

    settings: Settings
    db: Database
    objects: Objects
    dagster_url: str
    recipients: Recipients
    run_id: str | None = None

    @classmethod
    def of(cls, settings: Settings, db: Database, objects: Objects, *, run_id: str | None = None) -> Ground:
        """Raises ConfigError for keys that are missing."""
        given = settings.dagster_database_url
        dagster_url = given.get_secret_value() if given else sibling_url(db.url, "dagster")
        return cls(settings, db, objects, dagster_url, recipients_of(settings), run_id)

    @property
    def places(self) -> Places:
        return Places.of(self.settings)

    def now(self) -> datetime:
        return self.settings.clock.now()


@dataclass(frozen=True)
class Plain:
    """One file to be sealed, then removed. `kind` and `database` as manifest.Member has them."""

    path: Path
    kind: str
    database: str | None = None


@dataclass(frozen=True)
class Captured:
    """The plain files, already proved whole by the rules of their kind. `findings`: what was wrong with the source,
    in words a person can act on; the set is good without it."""

    captured_at: datetime
    machine_captured_at: datetime
    plains: Sequence[Plain]
    server: str
    tools: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[str] = ()


# (what it stands on, an empty scratch folder) -> what was captured
Capture = Callable[[Ground, Path], Captured]


def moment_of(ground: Ground) -> tuple[datetime, datetime]:
    """This moment on the project's clock and on the machine's."""
    return ground.now(), machine_now()

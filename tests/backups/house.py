"""What tests of backups work in: a warehouse, an object store, and a folder on the off-site machine."""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from pw_pipelines.backups import books, rounds
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.keys import recipients_of
from pw_pipelines.backups.model import BackupSet
from pw_pipelines.backups.offsite import Offsite
from pw_pipelines.backups.rounds import Told
from pw_pipelines.db.connection import Database, sibling_url
from pw_pipelines.resources.objects import Objects
from pw_pipelines.sandbox.offsite import SandboxOffsite
from pw_pipelines.settings import Settings


@dataclass(frozen=True)
class OffsiteAt:
    """The off-site machine and its port."""

    machine: SandboxOffsite
    port: int


@dataclass(frozen=True)
class MariadbAt:
    """The MariaDB's port and the folder of ERPNext's site."""

    port: int
    site: Path

    def settings(self) -> dict[str, Any]:
        return {
            "mariadb_host": "127.0.0.1", "mariadb_port": self.port, "mariadb_user": "backup",
            "mariadb_password": SecretStr("sandbox-mariadb"), "mariadb_database": "erpnext",
            "erpnext_site_dir": self.site,
        }  # fmt: skip


@dataclass
class BackupHouse:
    """`ground` is what rounds work on; `far`: the off-site folder as it lies on this disk."""

    ground: Ground
    far: Path
    said: list[str]

    @classmethod
    def of(cls, settings: Settings, db: Database, offsite: OffsiteAt) -> BackupHouse:
        folder = uuid.uuid4().hex
        seen = settings.model_copy(
            update={
                "database_url": SecretStr(db.url),
                "offsite_host": "127.0.0.1",
                "offsite_port": offsite.port,
                "offsite_user": getpass.getuser(),
                "offsite_key_file": offsite.machine.client_key,
                "offsite_host_key": str(offsite.machine.host_key_file),
                "offsite_path": folder,
            }
        )
        objects = Objects((settings.home / "objects").absolute().as_uri())
        settings.home.mkdir(parents=True, exist_ok=True)
        # An empty database stands for Dagster's.
        ground = Ground(seen, db, objects, sibling_url(db.url, "postgres"), recipients_of(seen))
        return cls(ground, offsite.machine.copies / folder, [])

    @property
    def settings(self) -> Settings:
        return self.ground.settings

    @property
    def root(self) -> Path:
        return self.ground.places.root

    def with_settings(self, **update: Any) -> None:
        self.ground = replace(self.ground, settings=self.settings.model_copy(update=update))

    def back_up(self, subject: str = "postgres") -> Told:
        [told] = rounds.run(self.ground, rounds.subjects_of([subject]), self.said.append)
        return told

    def sets(self, subject: str = "postgres", *, states: Sequence[str] = ("complete",)) -> list[BackupSet]:
        return books.sets(self.ground.db, subject, states=states)

    def keep(self, content: bytes) -> str:
        """One object in the object store; its digest."""
        path = self.settings.home / f"new-{uuid.uuid4().hex}"
        path.write_bytes(content)
        digest = self.ground.objects.put(path)
        path.unlink()
        return digest

    def offsite(self) -> Offsite:
        found = Offsite.of(self.settings)
        assert found is not None
        return found

    def files_far(self) -> list[str]:
        return sorted(str(path.relative_to(self.far)) for path in self.far.rglob("*") if path.is_file())

    def leftovers(self) -> list[str]:
        """Everything below the root that is no file of a complete set."""
        kept = {one.set_id for subject in ("postgres", "mariadb", "objects", "forgejo") for one in self.sets(subject)}
        return sorted(
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and path.parent.name not in kept and "pool" not in path.parts
        )

"""The words of backups: subjects, sets, where they lie, and the errors of making and reading them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pw_pipelines.errors import PwError
from pw_pipelines.settings import Settings

Subject = Literal["postgres", "mariadb", "objects", "forgejo"]
SUBJECTS: tuple[Subject, ...] = ("postgres", "mariadb", "objects", "forgejo")
_SET_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}", re.ASCII)


class BackupError(PwError):
    """A backup could not be made, copied, read or believed; the message says which, where and how to mend it."""


class BackupDamaged(BackupError):
    """Bytes of a backup are not those its manifest names, or cannot be opened. `what` names the file."""

    def __init__(self, message: str, *, what: str = "") -> None:
        super().__init__(message)
        self.what = what


class WrongKey(BackupDamaged):
    """An archive is sealed to none of the identities at hand."""


@dataclass(frozen=True)
class BackupSet:
    """One row of pw.backup_sets; see there for the meaning of every time."""

    set_id: str
    subject: Subject
    state: str
    started_at: datetime
    captured_at: datetime | None
    machine_captured_at: datetime | None
    finished_at: datetime | None
    maker: str
    bytes: int | None
    manifest_digest: str | None
    digests: Mapping[str, str]
    detail: Mapping[str, Any]
    confirmed_at: datetime | None
    offsite_error: str | None
    verified_at: datetime | None
    damage: str | None
    error: str | None
    tiers: tuple[str, ...] = ()
    expired_at: datetime | None = None
    removed_at: datetime | None = None
    run_id: str | None = field(default=None, compare=False)

    @property
    def is_good(self) -> bool:
        """Whether one may count on it: whole, off-site, read through, and nothing found wrong."""
        return (
            self.state == "complete"
            and self.confirmed_at is not None
            and self.verified_at is not None
            and self.damage is None
        )


@dataclass(frozen=True)
class Places:
    """Where backups lie on this machine. The off-site folder has the same layout below PW_OFFSITE_PATH.

    `<subject>/<set_id>/` a set; `pool/<ab>/<digest>.age` sealed objects, shared by all sets of `objects`;
    `journal/` the shipments between dumps; `making/<set_id>/` what is not a set yet (never copied).
    """

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> Places:
        return cls(settings.backup_dir or settings.home / "backups")

    def set(self, subject: str, set_id: str) -> Path:
        """The folder of a set. Raises BackupError for an id that is none: it becomes part of a path."""
        return self.root / subject / checked_set_id(set_id)

    def making(self, set_id: str) -> Path:
        return self.root / "making" / checked_set_id(set_id)

    def pooled(self, digest: str) -> Path:
        return self.root / pool_name(digest)


def pool_name(digest: str) -> str:
    """The name of an object's sealed copy, below the root."""
    return f"pool/{digest[:2]}/{digest}.age"


def new_set_id(moment: datetime) -> str:
    """A name that sorts by time and is never given twice: `20260131T060000Z-3fa9c1`."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def checked_set_id(text: str) -> str:
    """`text` if it can be the id of a set. Raises BackupError."""
    if _SET_ID.fullmatch(text) is None:
        raise BackupError(f"{text!r} is not the id of a backup set; `pw backup list` shows them.")
    return text

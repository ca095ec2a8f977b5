"""Documents leave this machine within minutes of being made: sealed into the pool and sent off-site between two sets.

The journal carries the row that names a signed PDF or a confirmation, not its bytes; the daily set of objects would
have them hours later. A turn takes some of those that nobody has read back off-site yet, oldest first. No index is
needed to find them again: a sealed object's name is the digest of what is in it, and the journal says which there are.

Killed at any moment: an object sealed without its row is sealed again, one with its row waits, one that was sent and
not confirmed is compared and confirmed by the next turn.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pw_pipelines import faults
from pw_pipelines.backups import books, copying, documents, object_pool
from pw_pipelines.backups.books import APPLICATION, UnderWay
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.model import BackupError
from pw_pipelines.backups.offsite import Offsite
from pw_pipelines.errors import OutsideError

MOST, MOST_BYTES = 200, 64 << 20  # of one turn
SEALING_SECONDS, PROGRAM_SECONDS = 10.0, 20.0  # sealing, and each of the two programs that then send and compare
_WAIT_SECONDS = 5.0  # for the daily set to let us in between two of its steps


@dataclass(frozen=True)
class Left:
    """What a turn did. sent: read back off-site; waiting: not yet; lacking: named in the books and not in the object
    store, or altered there; error: why the others wait."""

    sent: int
    waiting: int
    lacking: tuple[str, ...] = ()
    error: str | None = None

    @property
    def sentence(self) -> str:
        """For a person."""
        words = f"{self.sent} documents left" if self.sent else "No document left"
        words += f", {self.waiting} wait" if self.waiting else ""
        if self.lacking:
            words += f", {len(self.lacking)} of them gone from the object store or altered there"
        return f"{words}: {self.error}" if self.error else f"{words}."


def send_documents(
    ground: Ground, offsite: Offsite, *, most: int = MOST, most_bytes: int = MOST_BYTES,
    sealing_seconds: float = SEALING_SECONDS,
) -> Left:  # fmt: skip
    """One turn. Never raises for what can go wrong outside or on the disk: the answer says it, and the next goes on.

    Whoever holds the pool keeps it from its turn: then it waits some seconds, and leaves it to the next.
    """
    sent, error = 0, None
    lacking: list[str] = []
    try:
        with books.pool_turn(ground.db, seconds=_WAIT_SECONDS):
            lacking, ready = _sealed(ground, most, most_bytes, sealing_seconds)
            if ready:
                faults.point("backups.documents.sealed")
                quick = replace(offsite, seconds=min(offsite.seconds, PROGRAM_SECONDS))
                copying.send_pool(ground, quick, ready)
                sent = len(ready)
    except UnderWay as busy:
        error = str(busy)
    except (BackupError, OutsideError, OSError) as trouble:
        error = str(trouble)
    with ground.db.connect(application=APPLICATION) as connection:
        left = len(documents.waiting(connection))
    return Left(sent, left, tuple(lacking), error)


def _sealed(ground: Ground, most: int, most_bytes: int, seconds: float) -> tuple[list[str], dict[str, str]]:
    """Documents that cannot be read, and those that lie sealed in the pool now: digest -> that of the sealed copy."""
    began = time.monotonic()
    lacking: list[str] = []
    ready: dict[str, str] = {}
    size = 0
    with ground.db.connect(application=APPLICATION) as connection:
        waiting = documents.waiting(connection)
    known = object_pool.pool(ground, waiting)
    with _scratch(ground) as scratch:
        for digest in waiting:
            if len(ready) >= most or size >= most_bytes or time.monotonic() - began > seconds:
                break
            pooled = known.get(digest)
            if pooled is None or not ground.places.pooled(digest).is_file():
                pooled = object_pool.into_pool(ground, scratch, digest)
            if pooled is None:
                lacking.append(digest)
                continue
            ready[digest] = pooled.sealed_digest
            size += pooled.sealed_bytes
    return lacking, ready


@contextmanager
def _scratch(ground: Ground) -> Iterator[Path]:
    """A folder on the pool's disk; what a killed turn left there goes. Only who has the pool's turn may ask."""
    making = ground.places.root / "making"
    making.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in making.glob("documents-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=making, prefix="documents-") as folder:
        yield Path(folder)

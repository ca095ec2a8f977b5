"""Making one set: captured, sealed, described, signed; then it gets its name, and only then it counts.

Everything happens in `making/<set_id>/`. Killed at any moment there is a folder that is not a set and a row that says
`making`; the next run finds its maker dead, removes the folder and says so in the row. Nothing half is ever copied.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from pw_pipelines import faults
from pw_pipelines.backups import books, forgejo, mariadb, object_pool, postgres
from pw_pipelines.backups.capture import Capture, Captured, Ground, Plain
from pw_pipelines.backups.keys import signing_key_of
from pw_pipelines.backups.manifest import Manifest, Member, write_manifest
from pw_pipelines.backups.model import BackupError, BackupSet, Subject, new_set_id
from pw_pipelines.backups.sealing import SUFFIX, seal
from pw_pipelines.errors import PwError

CAPTURES: Mapping[Subject, Capture] = {
    "postgres": postgres.capture,
    "mariadb": mariadb.capture,
    "objects": object_pool.capture,
    "forgejo": forgejo.capture,
}


def make(ground: Ground, subject: Subject) -> BackupSet:
    """One new set of `subject`, complete on this machine.

    Raises PwError or OSError (a full disk); the set is then `failed` with the reason, and nothing is left of it.
    Raises UnderWay when another process makes one of the same subject.
    """
    key = signing_key_of(ground.settings)
    with books.turn(ground.db, subject):
        clear_abandoned(ground, subject)
        set_id = new_set_id(ground.now())
        folder, target = ground.places.making(set_id), ground.places.set(subject, set_id)
        books.begin(ground.db, set_id, subject, now=ground.now(), run_id=ground.run_id)
        try:
            folder.mkdir(parents=True, mode=0o700)
            scratch = folder / "plain"
            scratch.mkdir(mode=0o700)
            faults.point("backups.make.begun")
            captured = CAPTURES[subject](ground, scratch)
            faults.point("backups.make.captured")
            members = tuple(_sealed(ground, folder, plain) for plain in captured.plains)
            shutil.rmtree(scratch)
            manifest = _manifest(ground, set_id, subject, captured, members)
            digest = write_manifest(folder, manifest, key)
            faults.point("backups.make.sealed")
            _settle(folder, target)
            faults.point("backups.make.named")
            detail = {"findings": list(captured.findings), "notes": dict(captured.notes), "server": captured.server}
            books.complete(ground.db, manifest, digest, detail=detail, now=ground.now())
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(target, ignore_errors=True)
            books.fail(ground.db, set_id, _why(error), now=ground.now())
            raise
    return next(one for one in books.sets(ground.db, subject) if one.set_id == set_id)


def clear_abandoned(ground: Ground, subject: Subject) -> list[str]:
    """Sets whose maker died: their folders go, their rows say so. Only whoever has the turn may ask: nobody makes
    one then, on any machine."""
    found = []
    for one in books.sets(ground.db, subject, states=("making",)):
        for folder in (ground.places.making(one.set_id), ground.places.set(subject, one.set_id)):
            shutil.rmtree(folder, ignore_errors=True)
        books.fail(
            ground.db, one.set_id, f"Its maker ({one.maker}) ended in the middle of it; nothing is left of it.",
            now=ground.now(),
        )  # fmt: skip
        found.append(one.set_id)
    return found


def _sealed(ground: Ground, folder: Path, plain: Plain) -> Member:
    sealed = seal(plain.path, folder / f"{plain.path.name}{SUFFIX}", ground.recipients)
    plain.path.unlink()
    return Member.sealed(plain.path.name, plain.kind, sealed, database=plain.database)


def _manifest(
    ground: Ground, set_id: str, subject: Subject, captured: Captured, members: tuple[Member, ...]
) -> Manifest:
    if not members:
        raise BackupError(f"The capture of {subject} came to nothing at all.")
    return Manifest(
        set_id=set_id,
        subject=subject,
        captured_at=captured.captured_at,
        machine_captured_at=captured.machine_captured_at,
        made_at=ground.now(),
        members=members,
        tools=captured.tools,
        server=captured.server,
        recipients=tuple(ground.recipients.names),
        notes=captured.notes,
    )


def _settle(folder: Path, target: Path) -> None:
    """On disk first, then the name: a folder of that name is a whole set or does not exist."""
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _why(error: BaseException) -> str:
    if isinstance(error, PwError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "It was interrupted."
    return f"{type(error).__name__}: {error}"

"""Removing what retention lets go: first in the books, then here, then off-site by explicit lists of files."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field

from pw_pipelines import faults
from pw_pipelines.backups import books, retention
from pw_pipelines.backups.books import APPLICATION
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.model import BackupError, Subject
from pw_pipelines.backups.offsite import Offsite, OffsiteRefused, files_of


@dataclass(frozen=True)
class Expired:
    """What went and what could not. `kept_there`: the off-site machine lets nobody remove."""

    expired: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    trouble: tuple[str, ...] = field(default=())
    kept_there: bool = False


def expire(ground: Ground, offsite: Offsite | None, subject: Subject) -> Expired:
    """Expires sets of `subject` and removes what expired sets left behind. Raises UnderWay.

    The plan is made and the rows are marked in one transaction that holds them; from its commit on nobody counts on
    an expired set, so a removal cut short leaves nothing that looks like one.
    """
    with books.turn(ground.db, subject):
        with ground.db.connect(application=APPLICATION) as connection:
            rows = books.locked_sets(connection, subject)
            read = books.being_read(connection, now=ground.now())
            plan = retention.plan(
                [
                    retention.Candidate(one.set_id, one.captured_at, one.is_good, one.set_id in read)
                    for one in rows
                    if one.captured_at is not None
                ],
                retention.Keep.of(ground.settings),
            )
            books.expire(connection, plan.remove, now=ground.now())
            books.note_tiers(connection, plan.keep)
        faults.point("backups.expire.marked")
        return _removed(ground, offsite, subject, plan.remove)


def _removed(ground: Ground, offsite: Offsite | None, subject: Subject, expired: tuple[str, ...]) -> Expired:
    gone, trouble, kept_there = [], [], False
    for one in books.sets(ground.db, subject, states=("expired",)):
        if one.removed_at is not None:
            continue
        shutil.rmtree(ground.places.set(subject, one.set_id), ignore_errors=True)
        faults.point("backups.expire.removed_here")
        if offsite is not None and one.confirmed_at is not None:
            try:
                offsite.remove(list(files_of(subject, one.set_id, one.digests)))
                offsite.remove_folders([f"{subject}/{one.set_id}"])
            except OffsiteRefused:
                kept_there = True
            except BackupError as error:
                trouble.append(str(error))
                continue
        books.removed(ground.db, one.set_id, now=ground.now())
        gone.append(one.set_id)
    return Expired(expired, tuple(gone), tuple(trouble), kept_there)

"""Bringing complete sets off-site, and believing it only when the far side's digests are those of the manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pw_pipelines import faults
from pw_pipelines.backups import books, object_pool
from pw_pipelines.backups.books import APPLICATION
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.manifest import MANIFEST, SIGNATURE
from pw_pipelines.backups.model import BackupDamaged, BackupError, BackupSet, pool_name
from pw_pipelines.backups.offsite import Offsite, OffsiteRefused, files_of
from pw_pipelines.backups.sealing import digest_of

_BATCH, _BATCH_BYTES = 500, 256 << 20  # of the pool sent and confirmed at a time: what broke off goes on from there


@dataclass(frozen=True)
class Copied:
    """What came of one set: `error` None: confirmed."""

    set_id: str
    error: str | None = None


def copy_unconfirmed(ground: Ground, offsite: Offsite, subject: str) -> list[Copied]:
    """Sends every complete set of `subject` that is not confirmed yet, oldest first; never raises for one of them.

    Raises nothing but what the books raise: each set's trouble is in its row and in the answer.
    """
    told = []
    waiting = [one for one in books.sets(ground.db, subject) if one.confirmed_at is None]
    for one in reversed(waiting):
        try:
            _copy(ground, offsite, one)
        except BackupError as error:
            books.not_confirmed(ground.db, one.set_id, str(error))
            told.append(Copied(one.set_id, str(error)))
        else:
            books.confirm(ground.db, one.set_id, now=ground.now())
            told.append(Copied(one.set_id))
    return told


def expected_files(one: BackupSet) -> dict[str, str]:
    """Path -> SHA-256 of every file of a set whose digest the books know: the archives and the manifest."""
    folder = f"{one.subject}/{one.set_id}"
    return {f"{folder}/{name}": digest for name, digest in one.digests.items()} | {
        f"{folder}/{MANIFEST}": str(one.manifest_digest)
    }


def differing(expected: Mapping[str, str], found: Mapping[str, str | None]) -> list[str]:
    """What is wrong off-site, in words, file by file."""
    return [
        f"{name} is not off-site" if found.get(name) is None else f"{name} is altered off-site"
        for name, digest in expected.items()
        if found.get(name) != digest
    ]


def _copy(ground: Ground, offsite: Offsite, one: BackupSet) -> None:
    root = ground.places.root
    expected = expected_files(one)
    for name, digest in expected.items():  # a copy damaged here must never replace a good one there
        path = root / name
        if not path.is_file() or digest_of(path)[0] != digest:
            raise BackupDamaged(f"{name} on this machine is gone or altered; it is not sent off-site.", what=name)
    if one.subject == "objects":
        _copy_pool(ground, offsite)
    offsite.copy(root, list(files_of(one.subject, one.set_id, one.digests)))
    faults.point("backups.offsite.copied")
    signature = f"{one.subject}/{one.set_id}/{SIGNATURE}"
    expected |= {signature: digest_of(root / signature)[0]}
    _require(offsite.digests(root, expected), expected)


def _copy_pool(ground: Ground, offsite: Offsite) -> None:
    """Sends the sealed objects nobody confirmed yet; once confirmed off-site, the sealed copy here goes."""
    pool = object_pool.pool(ground)
    with ground.db.connect(application=APPLICATION) as connection:
        waiting = object_pool.unconfirmed(connection)
    _look_at_some(ground, offsite, {digest: one for digest, one in pool.items() if digest not in set(waiting)})
    _clear_sent(ground, pool.keys() - set(waiting))
    while waiting:
        with books.pool_turn(ground.db, seconds=object_pool.TURN_SECONDS):
            with ground.db.connect(application=APPLICATION) as connection:
                waiting = object_pool.unconfirmed(connection)  # some may have left by themselves since
            sealed = object_pool.pool(ground, waiting[:_BATCH])
            some = _that_fit(waiting[:_BATCH], sealed)
            lost = [pool_name(digest) for digest in some if not ground.places.pooled(digest).is_file()]
            if lost:
                raise BackupDamaged(
                    f"{lost[0]} is neither here nor off-site; the next set of objects seals it anew.", what=lost[0]
                )
            if some:
                send_pool(ground, offsite, {digest: sealed[digest].sealed_digest for digest in some})
        waiting = waiting[len(some) :]


def send_pool(ground: Ground, offsite: Offsite, sealed: Mapping[str, str]) -> None:
    """Sends sealed objects (digest -> that of the sealed copy, which lies here) and reads them back; once confirmed
    there, the copies here go. Only who has the pool's turn may ask. Raises BackupError."""
    root = ground.places.root
    expected = {pool_name(digest): is_sealed for digest, is_sealed in sealed.items()}
    offsite.copy(root, list(expected))
    faults.point("backups.offsite.pool_copied")
    _require(offsite.digests(root, expected), expected)
    with ground.db.connect(application=APPLICATION) as connection:
        connection.execute(
            "update pw.backup_objects set confirmed_at = %s where digest = any(%s)", (ground.now(), list(sealed))
        )
    faults.point("backups.offsite.pool_confirmed")
    for digest in sealed:
        ground.places.pooled(digest).unlink(missing_ok=True)


def _clear_sent(ground: Ground, confirmed: Collection[str]) -> None:
    """Sealed copies that somebody who was killed left here after they were confirmed there."""
    for path in (ground.places.root / "pool").glob("*/*.age"):
        if path.stem in confirmed:
            path.unlink(missing_ok=True)


def _that_fit(digests: Sequence[str], sealed: Mapping[str, object_pool.Pooled]) -> list[str]:
    """The first of them, up to _BATCH_BYTES, one at least."""
    taken: list[str] = []
    size = 0
    for digest in digests:
        size += sealed[digest].sealed_bytes
        if taken and size > _BATCH_BYTES:
            break
        taken.append(digest)
    return taken


def _look_at_some(ground: Ground, offsite: Offsite, confirmed: Mapping[str, object_pool.Pooled]) -> None:
    """Reads today's share of the objects that are off-site: a set is no better than the pool it stands on."""
    some = object_pool.of_today(confirmed, ground.now())
    expected = {pool_name(digest): confirmed[digest].sealed_digest for digest in some}
    if not expected:
        return
    try:
        found = offsite.digests(ground.places.root, expected)
    except OffsiteRefused:
        return  # it reads nothing for us there, and what is not here can't be compared: the drill fetches all of it
    object_pool.not_confirmed(
        ground, [digest for digest in some if found.get(pool_name(digest)) != confirmed[digest].sealed_digest]
    )
    _require(found, expected)


def _require(found: Mapping[str, str | None], expected: Mapping[str, str]) -> None:
    if wrong := differing(expected, found):
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise BackupDamaged(f"Not confirmed: {', '.join(wrong[:3])}{more}.", what=wrong[0])

"""Proving what is kept: every archive read through, here and off-site; each bad one named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pw_pipelines.backups import books, object_pool
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.copying import differing, expected_files
from pw_pipelines.backups.keys import identities_of, verify_keys_of
from pw_pipelines.backups.manifest import read_manifest
from pw_pipelines.backups.model import BackupDamaged, BackupError, BackupSet, pool_name
from pw_pipelines.backups.offsite import Offsite
from pw_pipelines.backups.sealing import digest_of, looks_sealed, open_header


@dataclass(frozen=True)
class Verdict:
    """What verifying found of one set. offsite: ok, damaged, not copied, not reached, none. `unknown`: what could not
    be asked, which is no damage."""

    set_id: str
    subject: str
    ok: bool
    offsite: str
    damage: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def verify(
    ground: Ground, offsite: Offsite | None, chosen: Sequence[BackupSet], *, just_read: Collection[str] = ()
) -> list[Verdict]:
    """Verifies sets and writes into their rows what was found; of those `just_read` the off-site copy was read back
    a moment ago and is not asked again. Raises ConfigError for keys that are none.
    """
    verdicts = []
    asked_anew = any(one.subject == "objects" and one.set_id not in just_read for one in chosen)
    pool = _pool_damage(ground, offsite) if asked_anew else ([], [])
    for one in chosen:
        damage = _local(ground, one)
        there, unknown = "none", []
        if offsite is not None and one.confirmed_at is None:
            there = "not copied"
            unknown.append(one.offsite_error or "it is not off-site yet")
        elif one.set_id in just_read:
            there = "ok"
        elif offsite is not None:
            there, wrong, unknown = _far(ground, offsite, one)
            if wrong:
                books.not_confirmed(ground.db, one.set_id, wrong[0])
            damage += wrong
        if one.subject == "objects":
            damage += pool[0]
            unknown += pool[1]
        if damage:
            books.damaged(ground.db, one.set_id, "; ".join(damage[:10]))
        elif not unknown or there == "not copied":
            books.verified(ground.db, one.set_id, now=ground.now())
        verdicts.append(
            Verdict(one.set_id, one.subject, not damage and not unknown, there, tuple(damage), tuple(unknown))
        )
    return verdicts


def _local(ground: Ground, one: BackupSet) -> list[str]:
    folder = ground.places.set(one.subject, one.set_id)
    damage = []
    try:
        manifest = read_manifest(folder, verify_keys_of(ground.settings))
    except BackupDamaged as error:
        return [str(error)]
    if digest_of(folder / "manifest.json")[0] != one.manifest_digest:
        damage.append(f"manifest.json of {one.set_id} is not the one of the books")
    identities = identities_of(ground.settings)
    for member in manifest.members:
        path = folder / member.file
        if not path.is_file():
            damage.append(f"{one.subject}/{one.set_id}/{member.file} is missing")
            continue
        digest, size = digest_of(path)
        if (digest, size) != (member.digest, member.bytes):
            damage.append(
                f"{one.subject}/{one.set_id}/{member.file} is damaged: {size:,} bytes, sha256 {digest[:12]}…, "
                f"{member.bytes:,} bytes of {member.digest[:12]}… were sealed"
            )
        elif not looks_sealed(path):
            damage.append(f"{one.subject}/{one.set_id}/{member.file} is not sealed")
        elif identities is not None:
            try:
                open_header(path, identities)
            except BackupDamaged as error:
                damage.append(f"{one.subject}/{one.set_id}: {error}")
    return damage


def _far(ground: Ground, offsite: Offsite, one: BackupSet) -> tuple[str, list[str], list[str]]:
    expected = expected_files(one)
    wrong, unknown = _asked(lambda: differing(expected, offsite.digests(ground.places.root, expected)))
    return ("not reached" if unknown else "damaged" if wrong else "ok"), wrong, unknown


def _pool_damage(ground: Ground, offsite: Offsite | None) -> tuple[list[str], list[str]]:
    """Sealed objects that are gone or altered: here while they wait to be copied, off-site from then on."""
    pool = object_pool.pool(ground)
    here = {digest: one for digest, one in pool.items() if ground.places.pooled(digest).is_file()}
    damage = [f"{pool_name(digest)} is altered" for digest in here if _is_altered(ground, digest)]
    away = {pool_name(digest): one.sealed_digest for digest, one in pool.items() if digest not in here}
    if not away:
        return damage, []
    if offsite is None:
        return [*damage, *(f"{name} is missing" for name in away)], []
    found: dict[str, str | None] = {}

    def ask() -> list[str]:
        found.update(offsite.digests(ground.places.root, away))
        return differing(away, found)

    wrong, unknown = _asked(ask)
    if found:
        object_pool.not_confirmed(
            ground, [one for one in pool if (name := pool_name(one)) in away and found.get(name) != away[name]]
        )
    return [*damage, *wrong], unknown


def _is_altered(ground: Ground, digest: str) -> bool:
    """Of a sealed copy that waits here. One that left meanwhile was read back there a moment ago."""
    try:
        found = digest_of(ground.places.pooled(digest))[0]
    except FileNotFoundError:
        return False
    row = object_pool.pool(ground, [digest]).get(digest)  # asked afterwards: it may have been sealed anew
    return row is None or row.sealed_digest != found


def _asked(ask: Callable[[], list[str]]) -> tuple[list[str], list[str]]:
    try:
        return ask(), []
    except BackupError as error:
        return [], [str(error)]

"""The object store's part of a backup: every object sealed once into a pool, and an index per set of all there were.

Our objects are named by their digest and never change, so a day's work is what is new. Each new object is read whole
while it is sealed; of the known ones a part is read whole each day, so that in PARTS days all were. An object that is
gone or altered in the source is named; its sealed copy stays in the pool and in the index, which is what saves it.
The other way round, a sealed copy that was lost off-site is sealed and sent anew while the source still has the object.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from pw_pipelines import faults
from pw_pipelines.backups import books
from pw_pipelines.backups.books import APPLICATION
from pw_pipelines.backups.capture import Captured, Ground, Plain, moment_of
from pw_pipelines.backups.model import BackupDamaged
from pw_pipelines.backups.sealing import Sealed, seal
from pw_pipelines.errors import SnapshotError

INDEX = "index.jsonl"
PARTS = 30
TURN_SECONDS = 300.0  # longest wait for the pool: whoever has it has it for some objects
_AT_ONCE = 50  # sealed before documents that leave by themselves may come in between
NAMED = 20  # of lost or altered objects by name; more are counted
# Where the warehouse says that an object must be there.
REFERENCES = (
    ("snapshots", "raw_digest"), ("item_documents", "docx_digest"), ("item_documents", "pdf_digest"),
    ("item_documents", "signed_digest"), ("evidence", "digest"), ("commission_batches", "file_digest"),
    ("backup_drills", "report_digest"),
)  # fmt: skip


@dataclass(frozen=True)
class Pooled:
    """One object of the pool, as an index names it."""

    digest: str
    bytes: int
    sealed_digest: str
    sealed_bytes: int


def capture(ground: Ground, scratch: Path) -> Captured:
    """Seals what is new into the pool; returns the index of everything there was. Raises BackupError, OutsideError."""
    moment = moment_of(ground)
    pooled, nowhere = pool(ground), _nowhere(ground)
    known = {digest: one for digest, one in pooled.items() if digest not in nowhere}
    # Asked before the listing: an object is kept first and named in the warehouse afterwards, so what comes while the
    # new ones are being sealed is the next set's, and not gone.
    with ground.db.connect(application=APPLICATION) as connection:
        wanted = pooled.keys() | referenced(connection)
    in_source = dict(ground.objects.digests())
    altered: list[str] = []
    fresh = sorted(in_source.keys() - known.keys())
    for at in range(0, len(fresh), _AT_ONCE):
        some = fresh[at : at + _AT_ONCE]
        with books.pool_turn(ground.db, seconds=TURN_SECONDS):
            there = pool(ground, some)  # what left between two sets since we looked
            for digest in some:
                made = there.get(digest) if digest not in nowhere else None
                made = made or into_pool(ground, scratch, digest)
                if made is None:
                    altered.append(digest)
                else:
                    known[digest] = made
    both = sorted(in_source.keys() & known.keys())
    looked_at = set(of_today(both, moment[0]))
    for digest in both:
        if in_source[digest] != known[digest].bytes or (digest in looked_at and not _is_whole(ground, digest)):
            altered.append(digest)
    missing = sorted(wanted - in_source.keys())
    index = scratch / INDEX
    with index.open("x", encoding="ascii") as file:
        file.writelines(f"{json.dumps(known[digest].__dict__, sort_keys=True)}\n" for digest in sorted(known))
    faults.point("backups.objects.after_index")
    return Captured(
        *moment, [Plain(index, "object_index")], server=ground.objects.url.split("?")[0],
        notes={"objects": len(known), "bytes": sum(one.bytes for one in known.values()),
               "missing": missing, "altered": altered,
               "never_saved": [one for one in (*missing, *altered) if one not in known]},
        findings=[*_named("gone from the object store", missing, known), *_named("altered there", altered, known)],
    )  # fmt: skip


def pool(ground: Ground, digests: Sequence[str] | None = None) -> dict[str, Pooled]:
    """The books of the pool by digest: all of it, or what it has of `digests`."""
    with ground.db.connect(application=APPLICATION) as connection:
        rows: Any = connection.execute(
            "select digest, bytes, sealed_digest, sealed_bytes from pw.backup_objects"
            " where %(digests)s::text[] is null or digest = any(%(digests)s) order by digest",
            {"digests": None if digests is None else list(digests)},
        ).fetchall()
    return {row["digest"]: Pooled(**row) for row in rows}


def unconfirmed(connection: psycopg.Connection[Any]) -> list[str]:
    """Objects whose off-site copy nobody has read back yet."""
    rows = connection.execute("select digest from pw.backup_objects where confirmed_at is null order by digest")
    return [str(row["digest"]) for row in rows]


def not_confirmed(ground: Ground, digests: Sequence[str]) -> None:
    """What was off-site is gone or altered there: nobody counts on it, and the next set seals and sends it anew."""
    if digests:
        with ground.db.connect(application=APPLICATION) as connection:
            connection.execute(
                "update pw.backup_objects set confirmed_at = null where digest = any(%s)", (list(digests),)
            )


def of_today(digests: Iterable[str], now: datetime) -> list[str]:
    """The share of all objects that is looked at today; each has its turn once in PARTS days."""
    return [digest for digest in digests if int(digest[:4], 16) % PARTS == now.toordinal() % PARTS]


def _nowhere(ground: Ground) -> set[str]:
    """Objects that were sealed and are neither off-site nor here any more."""
    with ground.db.connect(application=APPLICATION) as connection:
        waiting = unconfirmed(connection)
    return {digest for digest in waiting if not ground.places.pooled(digest).is_file()}


def read_index(path: Path) -> Iterator[Pooled]:
    """The objects an opened index names. Raises BackupDamaged."""
    with path.open(encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield Pooled(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise BackupDamaged(f"{path.name}, line {number} names no object: {error}.", what=path.name) from None


def referenced(connection: psycopg.Connection[Any]) -> set[str]:
    """Objects that the warehouse says must be there."""
    query = " union ".join(
        f"select {column} as digest from pw.{table} where {column} is not null" for table, column in REFERENCES
    )
    return {str(row["digest"]) for row in connection.execute(query.encode()).fetchall()}


def into_pool(ground: Ground, scratch: Path, digest: str) -> Pooled | None:
    """Seals one object; None when its bytes are not those of its name: what is wrong is not saved under that name.
    Only who has the pool's turn may ask."""
    draft = scratch / f"{digest}.age"
    try:
        with ground.objects.open(digest) as raw:
            sealed: Sealed = seal(raw, draft, ground.recipients)
    except SnapshotError:
        return None  # gone between listing and reading
    if sealed.plain_digest != digest:
        draft.unlink()
        return None
    target = ground.places.pooled(digest)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft.replace(target)
    faults.point("backups.objects.pooled")
    with ground.db.connect(application=APPLICATION) as connection:
        connection.execute(
            "insert into pw.backup_objects (digest, bytes, sealed_digest, sealed_bytes, sealed_at)"
            " values (%s, %s, %s, %s, %s) on conflict (digest) do update set sealed_digest = excluded.sealed_digest,"
            " sealed_bytes = excluded.sealed_bytes, sealed_at = excluded.sealed_at, confirmed_at = null",
            (digest, sealed.plain_bytes, sealed.digest, sealed.bytes, ground.now()),
        )
    return Pooled(digest, sealed.plain_bytes, sealed.digest, sealed.bytes)


def _is_whole(ground: Ground, digest: str) -> bool:
    try:
        ground.objects.verify(digest)
    except SnapshotError:
        return False
    return True


def _named(what: str, digests: Sequence[str], known: Mapping[str, Pooled]) -> list[str]:
    if not digests:
        return []
    saved = sum(1 for one in digests if one in known)
    more = f" and {len(digests) - NAMED} more" if len(digests) > NAMED else ""
    return [
        f"{len(digests)} objects are {what}: {', '.join(digests[:NAMED])}{more}. {saved} of them are in the backup: "
        "restore them with docs/backups.md, Objects."
    ]

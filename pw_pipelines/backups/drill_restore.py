"""Opened sets restored into scratch servers: PostgreSQL, MariaDB, the object store. Nothing live is used."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from pw_pipelines.backups.drill_sets import Opened
from pw_pipelines.backups.fetching import OffsiteCopy
from pw_pipelines.backups.keys import Identities
from pw_pipelines.backups.mariadb import check_dump
from pw_pipelines.backups.model import BackupDamaged, BackupError, pool_name
from pw_pipelines.backups.object_pool import Pooled, read_index
from pw_pipelines.backups.postgres import Tools, environment_of, tools_for
from pw_pipelines.backups.programs import ProgramFailed, run
from pw_pipelines.backups.scratch_mariadb import ScratchMariadb
from pw_pipelines.backups.sealing import digest_of, unseal
from pw_pipelines.db.embedded import Server
from pw_pipelines.settings import Settings

WAREHOUSE, DAGSTER = "warehouse.dump", "dagster.dump"
MARIADB = "restored"
OTHER_BYTES = "other bytes than its name says"


def restore_postgres(opened: Opened, server: Server, settings: Settings) -> dict[str, str]:
    """Both databases and nothing else on an empty server; member -> URL. Raises BackupError: pg_restore stops at the
    first error. Roles are not needed to read data: everything belongs to the scratch server's own."""
    with psycopg.connect(server.url("postgres")) as connection:
        tools = tools_for(connection.info.server_version // 10_000, settings.postgres_tools)
    seconds = settings.backup_timeout_minutes * 60
    urls = {}
    for member in (WAREHOUSE, DAGSTER):
        if member not in opened.files:
            raise BackupDamaged(f"The set has no {member}.", what=member)
        urls[member] = _restored(opened.files[member], server, tools, member.partition(".")[0], seconds)
    return urls


def _restored(dump: Path, server: Server, tools: Tools, database: str, seconds: float) -> str:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        name = sql.Identifier(database)
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))
        connection.execute(sql.SQL("create database {} template template0").format(name))
    url = server.url(database)
    try:
        run(
            [tools["pg_restore"], "--exit-on-error", "--no-owner", "--no-privileges", "--no-password", "--jobs=2",
             f"--dbname={database}", dump],
            what=f"pg_restore of {dump.name}", seconds=seconds, environment=environment_of(url),
        )  # fmt: skip
    except ProgramFailed as error:
        raise BackupDamaged(f"{dump.name} does not restore: {error.done.said}", what=dump.name) from error
    return url


def restore_mariadb(opened: Opened, server: ScratchMariadb) -> None:
    """ERPNext's database. Raises BackupError."""
    for file in opened.of_kind("mariadb_sql"):
        plain = file.with_suffix("")
        try:
            with gzip.open(file, "rb") as source, plain.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        except (OSError, EOFError) as error:
            raise BackupDamaged(f"{file.name} is cut short or damaged: {error}.", what=file.name) from None
        check_dump(plain)
        server.run(f"drop database if exists {MARIADB}; create database {MARIADB} character set utf8mb4;")
        with plain.open("rb") as statements:
            server.run(statements, database=MARIADB)
        plain.unlink()
        return
    raise BackupDamaged("The set has no dump of a MariaDB database.", what="mariadb_sql")


@dataclass
class ObjectsRestored:
    """What became of the objects of an index, and of those that are newer than it. newer: how many of these are there
    (they count in objects and bytes too). missing, damaged: digests; a newer one that never left is in neither."""

    folder: Path
    objects: int = 0
    bytes: int = 0
    newer: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """As Objects opens it."""
        return self.folder.as_uri()

    def has(self, digest: str) -> bool:
        return self.place(digest).exists()

    def place(self, digest: str) -> Path:
        return self.folder / "sha256" / digest[:2] / digest

    @property
    def bad(self) -> set[str]:
        return {*self.missing, *self.damaged}


def restore_objects(opened: Opened, copy: OffsiteCopy, identities: Identities, folder: Path) -> ObjectsRestored:
    """Every object of the set's index, fetched, opened and put in its place; the object store's own layout."""
    indexes = opened.of_kind("object_index")
    if not indexes:
        raise BackupDamaged("The set has no index of objects.", what="object_index")
    pooled = list(read_index(indexes[0]))
    copy.fetch_pool(one.digest for one in pooled)
    done = ObjectsRestored(folder)

    def restore(one: Pooled) -> tuple[Pooled, str | None]:
        return one, _object(one, copy.folder / pool_name(one.digest), identities, done.place(one.digest))

    for one, wrong in _side_by_side(restore, pooled):
        if wrong is None:
            done.objects += 1
            done.bytes += one.bytes
        elif wrong == "missing":
            done.missing.append(one.digest)
        else:
            done.damaged[one.digest] = wrong
    return done


def _side_by_side(work: object, pooled: Iterable[Pooled]) -> Iterable[tuple[Pooled, str | None]]:
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(work, pooled)  # type: ignore[arg-type]


def restore_newer(done: ObjectsRestored, wanted: Iterable[str], copy: OffsiteCopy, identities: Identities) -> None:
    """Of the objects `wanted`, those that left between two sets: no index names them, but they lie in the pool under
    their own digests, which is all it takes to know them. Adds to `done` what is there."""
    fresh = sorted(digest for digest in set(wanted) - done.bad if not done.has(digest))
    copy.fetch_pool(fresh)
    for digest in fresh:
        sealed = copy.folder / pool_name(digest)
        if not sealed.exists():
            continue
        if wrong := _opened(digest, sealed, identities, done.place(digest)):
            done.damaged[digest] = wrong
            continue
        done.objects += 1
        done.newer += 1
        done.bytes += done.place(digest).stat().st_size


def _object(one: Pooled, sealed: Path, identities: Identities, target: Path) -> str | None:
    """What is wrong with an object's copy; None when it is in its place."""
    if not sealed.exists():
        return "missing"
    digest, size = digest_of(sealed)
    if size < one.sealed_bytes:
        return f"cut short ({size:,} of {one.sealed_bytes:,} bytes)"
    is_as_indexed = digest == one.sealed_digest  # else it may have been sealed anew since: then it opens all the same
    wrong = _opened(one.digest, sealed, identities, target)
    return wrong if wrong is None or is_as_indexed or wrong == OTHER_BYTES else "silently damaged"


def _opened(digest: str, sealed: Path, identities: Identities, target: Path) -> str | None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = unseal(sealed, identities, target)
    except BackupError as error:
        return str(error)
    if found.plain_digest != digest:
        target.unlink()
        return OTHER_BYTES
    return None

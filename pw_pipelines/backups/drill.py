"""A restore drill: the house restored from the off-site copy and the journal's store alone, and proved.

Fetch, check signatures and digests, open, restore into scratch servers, prove the dump's moment, play the journal on,
prove money, documents and custody. The clock of the RTO runs from the first byte fetched to the last of these checks.
Only then, in a step of its own, the live database is asked what it has that the copies have not: the RPO.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from pw_pipelines.backups import drill_proofs as proofs
from pw_pipelines.backups import facts, object_pool, put_back
from pw_pipelines.backups.drill_live import compare_with_live, documents_of_now
from pw_pipelines.backups.drill_model import Checks, Drill
from pw_pipelines.backups.drill_restore import (
    DAGSTER,
    WAREHOUSE,
    ObjectsRestored,
    restore_mariadb,
    restore_newer,
    restore_objects,
    restore_postgres,
)
from pw_pipelines.backups.drill_sets import Chooser, Opened
from pw_pipelines.backups.fetching import OffsiteCopy
from pw_pipelines.backups.journal_reading import Read, read_after
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.backups.keys import identities_of, verify_keys_of
from pw_pipelines.backups.manifest import FACTS
from pw_pipelines.backups.model import SUBJECTS, BackupError
from pw_pipelines.backups.offsite import OffsiteRefused, OffsiteUnavailable
from pw_pipelines.backups.replay import replay
from pw_pipelines.backups.scratch_mariadb import ScratchMariadb, missing
from pw_pipelines.backups.shipping import journal_ahead
from pw_pipelines.clock import machine_now
from pw_pipelines.db.connection import Database
from pw_pipelines.db.embedded import Embedded, Server
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

Say = Callable[[str], object]
SCRATCH = "pw-drill-"


@dataclass
class _Under:
    """What a drill has in hand while it goes on. url: the restored warehouse; facts: of the dump's moment."""

    settings: Settings
    chooser: Chooser
    server: Server
    scratch: Path
    found: dict[str, list[str]]
    say: Say
    sets: dict[str, Opened] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    journal: Read | None = None
    objects: ObjectsRestored | None = None
    rpo_seconds: float | None = None
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def checks(self) -> Checks:
        return self.chooser.checks


class NothingYet(BackupError):
    """What is to be restored has never been made: that is no failed restore."""


def run_drill(
    settings: Settings, *, live: Database | None, keep: Path | None = None, say: Say = lambda _text: None,
    awaited: Collection[str] = (), listed: Callable[[], object] = lambda: None,
) -> Drill:  # fmt: skip
    """One whole drill. live: asked at the end for the RPO, and for nothing else. keep: a folder that stays.

    awaited: subjects of which the books say that no set was off-site ever; listed: told when it is known which sets lie
    there, from when on others may come. Raises ConfigError when it can't begin: no off-site machine, no identity, no
    scratch server; NothingYet when sets that are awaited are not there.
    """
    identities = identities_of(settings)
    if identities is None:
        raise ConfigError(
            "A drill opens the archives and needs the identity: set PW_BACKUP_IDENTITY_FILE (for the drill alone)."
        )
    started_at = machine_now()
    checks = Checks()
    with _scratch(keep) as scratch, Embedded(scratch, durable=False).running() as server:
        copy = OffsiteCopy.of(settings, scratch / "offsite")
        began = machine_now()  # the first byte is fetched now
        say("fetching the manifests from the off-site copy")
        chooser = Chooser(copy, identities, verify_keys_of(settings), settings, scratch, checks)
        under = _Under(settings, chooser, server, scratch, _listed(copy, awaited), say)
        listed()
        if lacking := [one for one in awaited if not under.found.get(one)]:
            raise NothingYet(
                f"There is nothing to restore yet: no set of {', '.join(lacking)} has been made and brought off-site. "
                "A new house makes its first within some minutes by itself, `pw backup run` does it now; then start "
                "the drill again."
            )
        for step in (_postgres, _journal, _dagster, _objects, _mariadb, _others):
            step(under)
        rto = (machine_now() - began).total_seconds()
        say("comparing with the live database")
        rpo = _rpo(under, live, began)
    figures = {**under.figures, "paid_orders": len(under.facts.get("paid_orders", []))}
    ids = tuple(opened.manifest.set_id for opened in under.sets.values())
    return Drill(started_at, checks.ok, rpo, rto, tuple(checks.done), ids, figures)


def _listed(copy: OffsiteCopy, awaited: Collection[str]) -> dict[str, list[str]]:
    """The sets that lie there. Of a house that never sent any there is not even a folder."""
    try:
        return copy.sets()
    except (OffsiteUnavailable, OffsiteRefused):
        raise
    except BackupError:
        if awaited:
            return {}
        raise


@contextlib.contextmanager
def _scratch(keep: Path | None) -> Iterator[Path]:
    """A folder of our own, removed afterwards unless it is to be kept; it will hold personal data in the clear."""
    if keep is not None:
        keep.mkdir(parents=True, mode=0o700)
        yield keep
        return
    _clear_left_over()
    folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_left_over() -> None:
    """Removes what drills left that were killed in the middle: the whole house lies there in the clear."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*-*"):
        maker = folder.name.removeprefix(SCRATCH).partition("-")[0]
        with contextlib.suppress(OSError):
            if maker.isdecimal() and not psutil.pid_exists(int(maker)) and folder.stat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)


def _postgres(under: _Under) -> None:
    under.say("PostgreSQL: fetching, opening, restoring")

    def use(opened: Opened) -> None:
        under.urls = restore_postgres(opened, under.server, under.settings)
        under.facts = json.loads(opened.files[FACTS].read_bytes())

    opened = under.chooser.newest_good("postgres", under.found.get("postgres", []), use)
    if opened is None:
        return
    under.sets["postgres"] = opened
    with under.checks.guarded("rows and digests"), proofs.connect(under.urls[WAREHOUSE]) as connection:
        restored = facts.collect(connection)
        proofs.the_dumps_moment(under.checks, restored, under.facts)
        under.figures["rows"] = sum(one["rows"] for one in restored["tables"].values())


def _journal(under: _Under) -> None:
    """The journal's store alone is read, then played on."""
    if WAREHOUSE not in under.urls:
        return
    if under.settings.journal_url is None:
        under.checks.add("journal", "PW_JOURNAL_URL is not set: everything since the last dump would be lost.", "")
        return
    under.say("the journal: reading and playing on")
    with under.checks.guarded("journal"):
        store = JournalStore(under.settings.journal_url)
        chooser = under.chooser
        under.journal = read = read_after(store, under.facts["journal"], chooser.identities, chooser.believed)
        under.checks.add(
            "journal", read.damage,
            f"{read.shipments} shipments, signed by us, each following the one before; {len(read.changes):,} changes "
            "are newer than the dump.",
        )  # fmt: skip
        with proofs.connect(under.urls[WAREHOUSE]) as connection:
            captured_at = under.sets["postgres"].manifest.machine_captured_at
            strange = put_back.of_dump(read, under.facts["journal"], connection, captured_at)
            done = replay(connection, [] if strange else read.changes)
        if strange:
            under.checks.add("journal fits the dump", strange, "")
        under.checks.add("replay", done.orphans, f"{done.changes:,} changes left {done.rows:,} rows as they last were.")
        under.figures |= {"journal_shipments": read.shipments, "journal_changes": done.changes}
    with under.checks.guarded("ledger and orders agree"), proofs.connect(under.urls[WAREHOUSE]) as connection:
        proofs.money(under.checks, connection, under.settings)


def _dagster(under: _Under) -> None:
    if DAGSTER in under.urls:
        with under.checks.guarded("Dagster's database"):
            proofs.dagster(under.checks, under.urls[DAGSTER])


def _objects(under: _Under) -> None:
    under.say("objects: fetching, opening, putting in their places")
    restored: list[ObjectsRestored] = []

    def use(opened: Opened) -> None:
        folder = under.scratch / "objects" / opened.manifest.set_id
        restored.append(restore_objects(opened, under.chooser.copy, under.chooser.identities, folder))

    opened = under.chooser.newest_good("objects", under.found.get("objects", []), use)
    if opened is not None:
        under.sets["objects"] = opened
    # Without a good set there is still what lies in the pool under its own name.
    under.objects = done = restored[-1] if opened else ObjectsRestored(under.scratch / "objects" / "of-no-set")
    if WAREHOUSE in under.urls:
        with under.checks.guarded("objects"), proofs.connect(under.urls[WAREHOUSE]) as connection:
            restore_newer(done, object_pool.referenced(connection), under.chooser.copy, under.chooser.identities)
    under.figures |= {"objects": done.objects, "objects_newer_than_their_set": done.newer, "object_bytes": done.bytes}
    if opened is None:
        return
    proofs.objects(under.checks, done)
    if WAREHOUSE not in under.urls:
        return
    newer: list[str] = []
    with under.checks.guarded("documents of filed items"), proofs.connect(under.urls[WAREHOUSE]) as connection:
        told = proofs.documents(under.checks, connection, done, opened.manifest.captured_at)
        newer = told.pop("_newer")
        under.figures |= told
    with under.checks.guarded("custody"):
        proofs.custody(
            under.checks, under.urls[WAREHOUSE], done, newer=newer, settings=under.settings, scratch=under.scratch
        )


def _mariadb(under: _Under) -> None:
    if under.settings.mariadb_host is None and "mariadb" not in under.found:
        under.figures["mariadb"] = "skipped: PW_MARIADB_HOST is not set and no set of it lies off-site"
        return
    if lacking := missing():
        under.checks.add("mariadb set", f"It can't be restored here: {', '.join(lacking)} not installed.", "")
        return
    under.say("MariaDB: fetching, opening, restoring")
    with under.checks.guarded("ERPNext's database"), ScratchMariadb(under.scratch / "mariadb").running() as server:
        opened = under.chooser.newest_good(
            "mariadb", under.found.get("mariadb", []), lambda one: restore_mariadb(one, server)
        )
        if opened is not None:
            under.sets["mariadb"] = opened
            if WAREHOUSE in under.urls:
                proofs.erpnext(under.checks, server, under.urls[WAREHOUSE], opened.manifest.captured_at)


def _others(under: _Under) -> None:
    """What has no server of ours to restore into is opened and read through."""
    for subject in SUBJECTS:
        if subject not in ("postgres", "objects", "mariadb") and subject in under.found:
            opened = under.chooser.newest_good(subject, under.found[subject], lambda _opened: None)
            if opened is not None:
                under.sets[subject] = opened


def _rpo(under: _Under, live: Database | None, began: datetime) -> float | None:
    """What the live house had when the fetching began and the restored one has not."""
    if live is None or WAREHOUSE not in under.urls:
        return None
    with under.checks.guarded("recovery point"), proofs.connect(under.urls[WAREHOUSE]) as restored:
        captured_at = under.sets["postgres"].manifest.machine_captured_at
        told = compare_with_live(
            under.checks, restored, live, under.facts["journal"], under.journal, began=began, captured_at=captured_at,
            ahead=lambda connection: journal_ahead(under.settings, connection),
        )  # fmt: skip
        under.figures |= told.figures
        under.rpo_seconds = told.rpo_seconds
    with under.checks.guarded("documents of now"):
        lost = documents_of_now(under.checks, live, under.objects, began=began)
        under.figures |= lost.figures
        if under.rpo_seconds is not None:
            under.rpo_seconds = max(under.rpo_seconds, lost.rpo_seconds)
    return under.rpo_seconds

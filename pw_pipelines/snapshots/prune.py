"""Keeping `core` small: rows of old snapshots go, their raw bytes and their place in the books stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pw_pipelines.db.connection import Database
from pw_pipelines.faults import point
from pw_pipelines.snapshots import books
from pw_pipelines.snapshots.grading_dates import iso_day
from pw_pipelines.snapshots.loading import unload
from pw_pipelines.snapshots.model import Snapshot
from pw_pipelines.sources.contract import contracts

KEEP = 30  # newest good snapshots per source: a month of days to look back into without re-reading raw


@dataclass(frozen=True)
class Pruned:
    """What one pruning took out: snapshot ids, and rows of `core` in all."""

    snapshot_ids: tuple[str, ...]
    rows: int


def prune(db: Database, *, now: datetime, keep: int = KEEP) -> Pruned:
    """Takes out of `core` what is neither among the newest `keep` of its source nor the first of its month.

    Of editions with a name (BDC's `J25`) the newest copy of each stays too: rules compare one with the one before.
    Which filing numbers stood in which RMD snapshot stays for ever (core.fcc_rmd_presence), and sources whose
    snapshots are batches of look-ups are left alone: an old look-up may be the only one of its FRN. A pruned
    snapshot is no longer in force on any day; `load` brings it back from raw.
    """
    if keep < 1:
        raise ValueError("keep must be at least 1: the newest snapshot is what the marts stand on")
    gone: list[str] = []
    taken_out = 0
    for source, promised in contracts().items():
        if promised.change is None or promised.state is not None:  # a register holds one copy by itself
            continue
        with db.connect(application="pw prune") as connection:
            loaded = books.rows(
                connection,
                f"""select * from pw.snapshots where source = %s and {books.IN_FORCE}
                    order by as_of desc, fetched_at desc, snapshot_id desc for update""",
                (source,),
            )
            for snapshot in _surplus(loaded, keep):
                taken_out += unload(connection, snapshot, presence=False)
                connection.execute(
                    "update pw.snapshots set loaded_at = null, pruned_at = %s where snapshot_id = %s",
                    (now, snapshot.snapshot_id),
                )
                gone.append(snapshot.snapshot_id)
            point("snapshot.prune.before_commit")
    return Pruned(tuple(gone), taken_out)


def _surplus(newest_first: list[Snapshot], keep: int) -> list[Snapshot]:
    # Of several with one key the last one written wins: the earliest of a month, the newest of an edition.
    first_of_month = {(one.as_of.year, one.as_of.month): one.snapshot_id for one in newest_first}
    of_edition = {one.vintage: one.snapshot_id for one in reversed(newest_first) if iso_day(one.vintage) is None}
    of_edition.pop(None, None)
    kept = {*first_of_month.values(), *of_edition.values()}
    return [one for one in newest_first[keep:] if one.snapshot_id not in kept]

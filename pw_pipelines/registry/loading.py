"""Staged copies into the register, in one transaction: a whole copy takes the place of what stood there, any other
is merged into it. Facts are never lost to silence (None overwrites nothing) nor to age (an older copy fills gaps only).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from pw_pipelines.errors import SnapshotError
from pw_pipelines.faults import point
from pw_pipelines.registry import changes, coverage, partitions, staging
from pw_pipelines.registry.key_version import FACT, version
from pw_pipelines.registry.model import ENTITY_COLUMNS
from pw_pipelines.registry.staging import qualified
from pw_pipelines.snapshots.books import Connection
from pw_pipelines.snapshots.model import Snapshot
from pw_pipelines.sources.register import Share

_NAME = ("name", "name_kind", "name_key", "near_key")
_ALONE = tuple(
    c for c in ENTITY_COLUMNS if c not in ("state", "record_id", "snapshot_id", *_NAME, "status", "standing")
)
_DIFF = "register_diff"
_MERGED = "register_merged"
_BEFORE = "register_before"


@dataclass(frozen=True)
class Staged:
    """One graded copy whose records stand in `table`. ranked: several records may speak of one record_id."""

    snapshot: Snapshot
    table: str
    ranked: bool
    replaces: tuple[str, ...]


def apply(connection: Connection, state: str, copies: Sequence[Staged], share: Share, *, now: datetime) -> int:
    """Puts copies of one source in force together; returns how many records of them stand now.

    Runs in the caller's transaction and by whoever has the state's turn. Searches are answered from the old
    partition until it commits.
    """
    first = copies[0].snapshot
    source = _one_per_record(connection, state, copies)
    point("registry.apply.begun")
    if share == "whole" and not _is_older_whole(connection, first):
        told = _replace(connection, state, source, copies, now=now)
    else:
        told = _merge(connection, state, source, copies, now=now)
    return told


def apply_events(connection: Connection, copies: Sequence[Staged], *, now: datetime) -> int:
    """Puts copies of a state's events in force: events are added and corrected, never taken away."""
    told = 0
    columns = [name for name in staging.EVENT_COLUMNS if name not in ("entity_id", "sequence")]
    for one in copies:
        told += connection.execute(
            sql.SQL(
                """insert into registry.events as e ({all}) select {all} from {table}
                   on conflict (state, entity_id, sequence) do update set {set}
                   where {age} >= {standing}"""
            ).format(
                all=_list(["state", *staging.EVENT_COLUMNS, "snapshot_id"]),
                table=qualified(one.table),
                set=sql.SQL(", ").join(
                    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in [*columns, "snapshot_id"]
                ),
                age=one.snapshot.as_of,
                standing=_day("e"),
            )
        ).rowcount
    staging.drop(connection, [one.table for one in copies])
    _mark_loaded(connection, copies, now=now)
    return told


def _is_older_whole(connection: Connection, snapshot: Snapshot) -> bool:
    """Whether a newer whole copy of this source already stands: then this one can only fill gaps."""
    row = connection.execute(
        """select 1 from pw.snapshots where source = %s and loaded_at is not null and facts ->> 'share' = 'whole'
             and recalled_at is null and as_of > %s limit 1""",
        (snapshot.source, snapshot.as_of),
    ).fetchone()
    return row is not None


def _one_per_record(connection: Connection, state: str, copies: Sequence[Staged]) -> str:
    """The table in which each record of these copies stands once; the only copy's own where that holds already."""
    if len(copies) == 1 and not copies[0].ranked:
        return copies[0].table
    table = copies[0].table[:58] + "_one"
    staging.create(connection, table, state=state, snapshot_id=copies[0].snapshot.snapshot_id, what="entities",
                   ranked=False)  # fmt: skip
    union = sql.SQL(" union all ").join(
        sql.SQL("select {}, {} as rank from {}").format(
            _list(ENTITY_COLUMNS),
            sql.SQL("rank") if one.ranked else sql.SQL("0"),
            qualified(one.table),
        )
        for one in copies
    )
    picked = [sql.SQL("{}").format(state), sql.SQL("record_id")]
    for name in ENTITY_COLUMNS[2:]:
        column = sql.Identifier(name)
        if name in _NAME:
            picked.append(sql.SQL("(array_agg({} order by (name is null), rank))[1]").format(column))
        elif name == "standing":
            picked.append(sql.SQL(
                "coalesce((array_agg(standing order by (status is null), rank) filter (where standing <> 'unknown' "
                "or status is not null))[1], 'unknown')"
            ))  # fmt: skip
        else:
            order = "(status is null), rank" if name == "status" else "rank"
            picked.append(
                sql.SQL("(array_agg({0} order by {1}) filter (where {0} is not null))[1]").format(
                    column, sql.SQL(order)
                )
            )
    connection.execute(
        sql.SQL("insert into {} ({}) select {} from ({}) r group by record_id").format(
            qualified(table), _list(ENTITY_COLUMNS), sql.SQL(", ").join(picked), union
        )
    )
    staging.drop(connection, [one.table for one in copies])
    return table


def _replace(connection: Connection, state: str, source: str, copies: Sequence[Staged], *, now: datetime) -> int:
    """A whole copy: its table, with what other sources and newer copies told, becomes the partition."""
    snapshot = copies[0].snapshot
    old = partitions.serving(connection, state)
    partitions.index(connection, source, "record")
    told = _count(connection, source)
    if old is not None:
        _carry_over(connection, old, source, copies)
        point("registry.apply.carried")
        if _had_whole_before(connection, snapshot):
            changes.between(connection, _DIFF, state=state, old=qualified(old), new=qualified(source))
            changes.log(connection, _DIFF, as_of=snapshot.as_of, snapshot_id=snapshot.snapshot_id, now=now)
    partitions.finish(connection, source)
    point("registry.apply.indexed")
    new = partitions.next_name(connection, state)
    connection.execute(sql.SQL("alter table {} rename to {}").format(qualified(source), sql.Identifier(new)))
    _mark_loaded(connection, copies, now=now)
    coverage.refresh(connection, state, table=new, now=now)
    partitions.swap(connection, state, new)
    return told


def _had_whole_before(connection: Connection, snapshot: Snapshot) -> bool:
    row = connection.execute(
        """select 1 from pw.snapshots where source = %s and loaded_at is not null and facts ->> 'share' = 'whole'
             and snapshot_id <> %s limit 1""",
        (snapshot.source, snapshot.snapshot_id),
    ).fetchone()
    return row is not None


def _carry_over(connection: Connection, old: str, new: str, copies: Sequence[Staged]) -> None:
    """Into the new table: records of other sources, facts newer than the copy, and, where the copy proves no
    absence, the records it does not mention. What a recalled copy told is left behind."""
    snapshot, proves = copies[0].snapshot, all(one.snapshot.proves_absence for one in copies)
    replaced = [snapshot.source, *copies[0].replaces]
    connection.execute(
        sql.SQL(
            """create temporary table {merged} on commit drop as
               select o.*, p.as_of > {as_of} as is_newer from {old} o join pw.snapshots p using (snapshot_id)
               where p.recalled_at is null
                 and (p.as_of > {as_of} or p.source <> all({replaced})
                      or (not {proves} and not exists (select 1 from {new} n where n.record_id = o.record_id)))"""
        ).format(merged=sql.Identifier(_MERGED), as_of=snapshot.as_of, old=qualified(old), new=qualified(new),
                 replaced=replaced, proves=proves)
    )  # fmt: skip
    _upsert(connection, new, _MERGED)


def _merge(connection: Connection, state: str, source: str, copies: Sequence[Staged], *, now: datetime) -> int:
    """An increment or a part: new records are added, known ones learn what is newer or was not known."""
    snapshot = copies[0].snapshot
    table = partitions.serving(connection, state)
    if table is None:
        raise SnapshotError(f"There is no register of {state} to merge into; start the load again.")
    logs = coverage.has_whole(connection, state)
    connection.execute(
        sql.SQL(
            """create temporary table {merged} on commit drop as
               select n.*, coalesce(p.as_of <= {as_of} or p.recalled_at is not null, true) as is_newer
               from {new} n left join {old} o using (record_id)
               left join pw.snapshots p on p.snapshot_id = o.snapshot_id"""
        ).format(merged=sql.Identifier(_MERGED), as_of=snapshot.as_of, old=qualified(table), new=qualified(source))
    )
    touched = sql.SQL("(select o.* from {} o join {} m using (record_id))").format(
        qualified(table), sql.Identifier(_MERGED)
    )
    if logs:
        connection.execute(
            sql.SQL("create temporary table {} on commit drop as select * from {} t").format(
                sql.Identifier(_BEFORE), touched
            )
        )
    told = _upsert(connection, table, _MERGED)
    point("registry.apply.merged")
    if logs:
        changes.between(connection, _DIFF, state=state, old=sql.Identifier(_BEFORE), new=touched)
        changes.log(connection, _DIFF, as_of=snapshot.as_of, snapshot_id=snapshot.snapshot_id, now=now)
    staging.drop(connection, [source])
    _mark_loaded(connection, copies, now=now)
    coverage.refresh(connection, state, table=table, now=now)
    return told


def _upsert(connection: Connection, table: str, merged: str) -> int:
    """Rows of the temporary table `merged` into `table`; its `is_newer` says whose facts win. None wins nothing."""

    def won(new: sql.Composable, old: sql.Composable) -> sql.Composed:
        return sql.SQL("case when n.is_newer then coalesce({0}, {1}) else coalesce({1}, {0}) end").format(new, old)

    def both(name: str) -> tuple[sql.Composable, sql.Composable]:
        return sql.Identifier("n", name), sql.Identifier("o", name)

    def of_one(name: str, told_by: str) -> sql.Composed:
        """`name` from whichever row tells `told_by`: a name's keys are its own, a standing its status's."""
        new, old = both(name)
        return sql.SQL(
            "case when {told_new} is null then {old} when {told_old} is null then {new} "
            "when n.is_newer then {new} else {old} end"
        ).format(new=new, old=old, told_new=sql.Identifier("n", told_by), told_old=sql.Identifier("o", told_by))

    told_standing = [sql.SQL("nullif({}, 'unknown')").format(one) for one in both("standing")]
    taken: dict[str, sql.Composable] = {name: won(*both(name)) for name in _ALONE}
    taken |= {name: of_one(name, "name") for name in _NAME}
    taken["status"] = won(*both("status"))
    taken["standing"] = sql.SQL(
        "case when n.status is null and o.status is null then coalesce({}, 'unknown') else {} end"
    ).format(won(*told_standing), of_one("standing", "status"))
    taken["snapshot_id"] = sql.SQL("case when n.is_newer then n.snapshot_id else o.snapshot_id end")
    connection.execute(sql.SQL("analyze {}").format(sql.Identifier(merged)))  # nobody else does it for such a table
    updated = connection.execute(
        sql.SQL("update {} o set {} from {} n where n.record_id = o.record_id").format(
            qualified(table),
            sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), one) for name, one in taken.items()),
            sql.Identifier(merged),
        )
    ).rowcount
    added = connection.execute(
        sql.SQL("insert into {0} ({1}) select {1} from {2} on conflict (record_id) do nothing").format(
            qualified(table), _list(ENTITY_COLUMNS), sql.Identifier(merged)
        )
    ).rowcount
    return updated + added


def _mark_loaded(connection: Connection, copies: Sequence[Staged], *, now: datetime) -> None:
    connection.execute(
        """update pw.snapshots set loaded_at = %s, pruned_at = null,
               facts = facts || jsonb_build_object(%s::text, %s::text) where snapshot_id = any(%s)""",
        (now, FACT, version(), [one.snapshot.snapshot_id for one in copies]),
    )


def _count(connection: Connection, table: str) -> int:
    row = connection.execute(sql.SQL("select count(*) as n from {}").format(qualified(table))).fetchone()
    return int(str(row["n"])) if row else 0


def _day(alias: str) -> sql.Composed:
    """The day of the copy that told the row `alias`."""
    return sql.SQL("(select p.as_of from pw.snapshots p where p.snapshot_id = {}.snapshot_id)").format(
        sql.Identifier(alias)
    )


def _list(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))

"""Partitions of the register: one table per state, built beside the one that serves, put in its place in a moment.

The parent table has no index; each partition brings its own. What finds near names is ordered by the length of the
key first, so that a common beginning (FLORIDA …) is a short stretch of the index and not a third of it. It holds the
keys themselves: thousands are looked through in one breath, and only the nearest are fetched from the table.
"""

from __future__ import annotations

import time

import psycopg
from psycopg import sql

from pw_pipelines.errors import SnapshotError
from pw_pipelines.faults import point
from pw_pipelines.registry.staging import SCHEMA, qualified
from pw_pipelines.snapshots.books import Connection

PREFIX = "entities_"
PARENT = sql.Identifier(SCHEMA, "entities")
SHORTEST_LENGTH_MARK, LONGEST_LENGTH = 32, 90

BY_LENGTH = f"(chr({SHORTEST_LENGTH_MARK} + least(length(name_key), {LONGEST_LENGTH})) || name_key)"
BY_LENGTH_REVERSED = f"(chr({SHORTEST_LENGTH_MARK} + least(length(name_key), {LONGEST_LENGTH})) || reverse(name_key))"
INDEXES = {
    "record": "unique index {name} on {table} (record_id)",
    "key": f'index {{name}} on {{table}} ({BY_LENGTH} collate "C") include (state, name_key)',
    "reversed": f'index {{name}} on {{table}} ({BY_LENGTH_REVERSED} collate "C") include (state, name_key)',
    "near": "index {name} on {table} (near_key)",
    "entity": "index {name} on {table} (entity_id)",
}
_SESSION = ("set maintenance_work_mem = '256MB'", "set max_parallel_maintenance_workers = 2")
LOCK_WAIT_MS = 200  # no search waits longer than this behind us
LOCK_PAUSE_SECONDS = 0.2
LOCK_TRIES = 1_500  # five minutes: a report that reads the register for longer must end first


def length_mark(length: int) -> str:
    """The character that stands for a key's length in the indexes by length."""
    return chr(SHORTEST_LENGTH_MARK + min(length, LONGEST_LENGTH))


def serving(connection: Connection, state: str) -> str | None:
    """The partition that serves a state: its table's name, or None."""
    row = connection.execute(
        """select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'registry.entities'::regclass
             and pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES IN (%%L)', %s::text)""",
        (state,),
    ).fetchone()
    return str(row["relname"]) if row else None


def next_name(connection: Connection, state: str) -> str:
    """A name for a new partition of `state`: one number higher than any there is."""
    stem = f"{PREFIX}{state.lower()}_"
    rows = connection.execute(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relkind = 'r' and starts_with(c.relname, %s)",
        (SCHEMA, stem),
    )
    numbers = [int(rest) for row in rows if (rest := str(row["relname"]).removeprefix(stem)).isdecimal()]
    return f"{stem}{max(numbers, default=0) + 1}"


def leftovers(connection: Connection, state: str) -> list[str]:
    """Partitions of `state` that serve nobody: replaced ones, or new ones of a killed load."""
    rows = connection.execute(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relkind = 'r' and not c.relispartition and starts_with(c.relname, %s)",
        (SCHEMA, f"{PREFIX}{state.lower()}_"),
    )
    return [str(row["relname"]) for row in rows]


def index(connection: Connection, table: str, which: str) -> None:
    """One of `INDEXES` on a table, if it has it not yet. Raises UniqueViolation for doubled record_ids."""
    name = _index_name(connection, table, which)
    if connection.execute("select to_regclass(%s) as found", (f"{SCHEMA}.{name}",)).fetchone() != {"found": None}:
        return
    for setting in _SESSION:
        connection.execute(setting)
    connection.execute(sql.SQL("create " + INDEXES[which]).format(name=sql.Identifier(name), table=qualified(table)))


def _index_name(connection: Connection, table: str, which: str) -> str:
    """By the table's number, not its name: staging tables become partitions under another name."""
    row = connection.execute("select %s::regclass::oid as number", (f'{SCHEMA}."{table}"',)).fetchone()
    return f"ix_entities_{which}_{row['number'] if row else table}"


def finish(connection: Connection, table: str) -> None:
    """All indexes, what the planner must know, and the ordinary care of a table that lives on."""
    for which in INDEXES:
        index(connection, table, which)
    connection.execute(
        sql.SQL("alter table {} reset (autovacuum_enabled), alter column state drop default, "
                "alter column snapshot_id drop default").format(qualified(table))
    )  # fmt: skip
    connection.execute(sql.SQL("analyze {}").format(qualified(table)))


def settle(connection: Connection, table: str) -> None:
    """Marks the pages of a table that was just filled as seen by all, so that indexes answer without looking there.

    `connection` commits by itself. What is changed later is looked at in the table until the next vacuum.
    """
    with connection.transaction():
        on_disk(connection)  # rows whose commit is not there yet are seen by all only then
    connection.execute(sql.SQL("vacuum (skip_locked) {}").format(qualified(table)))


def on_disk(connection: Connection) -> None:
    """Waits, with the caller's commit, until what was committed before is on disk; nobody is locked out meanwhile."""
    connection.execute("set local synchronous_commit = on")
    connection.execute("select pg_logical_emit_message(true, 'pw register', '')")


def empty(connection: Connection, state: str) -> str:
    """A new partition without records, not attached yet, with its indexes."""
    table = next_name(connection, state)
    connection.execute(
        sql.SQL("create table {} (like {}, check (state is not null and state = {}))").format(
            qualified(table), PARENT, state
        )
    )
    finish(connection, table)
    return table


def ensure(connection: Connection, state: str) -> None:
    """A partition for `state`, empty where there was none."""
    if serving(connection, state) is None:
        swap(connection, state, empty(connection, state))


def swap(connection: Connection, state: str, new: str) -> None:
    """Makes `new` the partition that serves, within the caller's transaction; the old one is left standing alone.

    The parent is locked against searches only from here to the end of the transaction, so this comes last. Waiting
    for that lock is cut into short tries, because searches queue behind whoever waits; and the commit does not wait
    for the disk, which a load keeps busy: call `on_disk` after it. Raises SnapshotError when somebody else kept
    reading the register for minutes.
    """
    connection.execute("set local synchronous_commit = off")
    old = serving(connection, state)
    if old is not None:  # keeps the vacuum away, and searches not
        connection.execute(sql.SQL("lock table {} in share update exclusive mode").format(qualified(old)))
    connection.execute(f"set local lock_timeout = '{LOCK_WAIT_MS}ms'")
    for _ in range(LOCK_TRIES):
        try:
            with connection.transaction():
                connection.execute("lock table registry.entities in access exclusive mode")
            break
        except psycopg.errors.LockNotAvailable:
            time.sleep(LOCK_PAUSE_SECONDS)
    else:
        raise SnapshotError(
            f"The register of {state} could not be swapped: somebody has been reading registry.entities in one "
            "transaction for minutes. Nothing was changed; end that transaction and load again."
        )
    point("registry.swap.locked")
    if old is not None:
        connection.execute(sql.SQL("alter table {} detach partition {}").format(PARENT, qualified(old)))
    connection.execute(
        sql.SQL("alter table {} attach partition {} for values in ({})").format(PARENT, qualified(new), state)
    )
    point("registry.swap.before_commit")

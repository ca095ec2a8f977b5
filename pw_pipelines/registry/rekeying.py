"""Names of a state that were stored under an older edition of the keys, keyed anew where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql
from psycopg.rows import tuple_row

from pw_pipelines.db.connection import Database
from pw_pipelines.faults import point
from pw_pipelines.registry import keying, partitions
from pw_pipelines.registry.key_version import FACT, version
from pw_pipelines.registry.staging import qualified
from pw_pipelines.snapshots.books import Connection
from pw_pipelines.sources.registers import registers_of

BATCH = 20_000
_KEYED = "register_keyed"
# Copies of a state that were loaded under another edition of the keys than today's; takes what `current` gives.
STALE = f"""select snapshot_id from pw.snapshots where source = any(%(keyed)s) and loaded_at is not null
            and facts ->> '{FACT}' is distinct from %(edition)s"""


def current(state: str) -> dict[str, object]:
    """A state's registers and today's edition of the keys."""
    return {"keyed": [one.source for one in registers_of(state)], "edition": version()}


def key_anew(db: Database, state: str) -> int:
    """Keys every name of a state anew if a copy of it is stale; returns how many names got other keys.

    For whoever has the state's turn. One transaction: searches are answered from the old keys until it commits.
    """
    with db.connect(application="pw register") as connection:
        copies = [row["snapshot_id"] for row in connection.execute(STALE, current(state))]
        if not copies:
            return 0
        changed = 0
        if (table := partitions.serving(connection, state)) is not None:
            changed += _key(connection, qualified(table), state, ("record_id",))
        changed += _key(connection, sql.Identifier("registry", "events"), state, ("entity_id", "sequence"))
        connection.execute(
            "update pw.snapshots set facts = facts || jsonb_build_object(%s::text, %s::text) "
            "where snapshot_id = any(%s)",
            (FACT, version(), copies),
        )
        point("registry.rekeying.before_commit")
    return changed


def _key(connection: Connection, table: sql.Identifier, state: str, row_key: Sequence[str]) -> int:
    """Only rows whose keys differ are written, so a change of few words costs little more than reading the names."""
    of_row = sql.SQL(", ").join(map(sql.Identifier, row_key))
    keyed = sql.Identifier(_KEYED)
    connection.execute(
        sql.SQL("create temporary table {} on commit drop as select {}, name_key, near_key from {} limit 0").format(
            keyed, of_row, table
        )
    )
    copy = sql.SQL("copy {} from stdin").format(keyed)
    with connection.cursor("register_names", row_factory=tuple_row) as names, connection.cursor() as writing:
        names.execute(
            sql.SQL("select name, name_key, near_key, {} from {} where state = %s").format(of_row, table), (state,)
        )
        while rows := names.fetchmany(BATCH):
            made = zip(*keying.many([row[0] for row in rows]), strict=True)
            other = [(*row[3:], *keys) for row, keys in zip(rows, made, strict=True) if row[1:3] != keys]
            with writing.copy(copy) as out:
                for one in other:
                    out.write_row(one)
    same = sql.SQL(" and ").join(sql.SQL("t.{0} = k.{0}").format(sql.Identifier(one)) for one in row_key)
    changed = connection.execute(
        sql.SQL(
            "update {} t set name_key = k.name_key, near_key = k.near_key from {} k where t.state = {} and {}"
        ).format(table, keyed, state, same)
    ).rowcount
    connection.execute(sql.SQL("drop table {}").format(keyed))
    return changed

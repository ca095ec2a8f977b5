"""The journal played on to a restored database: the state of every changed row as the journal last saw it.

Each change carries its whole row, so the last one by seq is the truth and playing it twice changes nothing. Triggers
and foreign keys rest meanwhile (session_replication_role), and what would hang in the air afterwards is looked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[dict[str, Any]]
SCHEMA = "pw"


@dataclass(frozen=True)
class Replayed:
    """changes: played; rows: left standing by them (the last of each row); orphans: sentences about foreign keys that
    lead nowhere, of which there must be none."""

    changes: int
    rows: int
    orphans: tuple[str, ...]


def replay(connection: Connection, changes: Sequence[Mapping[str, Any]]) -> Replayed:
    """Plays `changes` in one transaction of the caller's; the role must be a superuser's (a scratch server's is)."""
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for change in sorted(changes, key=lambda one: int(one["seq"])):
        last[(str(change["table"]), str(change["key"]))] = change
    connection.execute("set local session_replication_role = replica")
    _begin_a_line(connection)
    for (table, _), change in last.items():
        _put(connection, table, change)
    _settle_sequences(connection, {table for table, _ in last})
    leave_numbers_free(connection)
    return Replayed(len(changes), len(last), tuple(_orphans(connection)))


def _begin_a_line(connection: Connection) -> None:
    """The journal that came with the dump goes on as a line of this server's own.

    Its rows name transactions of another server. Whatever dump is made here has them, yet by those numbers a later
    restore would take them for newer than that dump and put old states over new ones: 0 is in every snapshot. What was
    bound to a shipment nobody confirmed is bound anew.
    """
    connection.execute(
        """update pw.journal set shipped_in = null
           where shipped_in in (select shipment_id from pw.journal_shipments where confirmed_at is null)"""
    )
    connection.execute("delete from pw.journal_shipments where confirmed_at is null")
    connection.execute("update pw.journal set xact = 0 where xact <> 0")


def _put(connection: Connection, table: str, change: Mapping[str, Any]) -> None:
    """The row as it was, in place of whatever stands there."""
    name = sql.Identifier(SCHEMA, table)
    key = json.loads(str(change["key"]))
    matches = sql.SQL(" and ").join(sql.SQL("t.{0} = k.{0}").format(sql.Identifier(column)) for column in sorted(key))
    connection.execute(
        sql.SQL("delete from {0} t using jsonb_populate_record(null::{0}, %s::jsonb) k where {1}").format(
            name, matches
        ),
        (change["key"],),
    )
    if change["row"] is not None:
        connection.execute(
            sql.SQL("insert into {0} overriding system value select * from jsonb_populate_record(null::{0}, %s::jsonb)")
            .format(name),
            (change["row"],),
        )  # fmt: skip


def _settle_sequences(connection: Connection, tables: set[str]) -> None:
    """Whoever goes on with this database must not be given a number that is taken."""
    rows = connection.execute(
        """select table_name, column_name from information_schema.columns
           where table_schema = %s and is_identity = 'YES' and table_name = any(%s)""",
        (SCHEMA, sorted(tables)),
    ).fetchall()
    for row in rows:
        table, column = sql.Identifier(SCHEMA, row["table_name"]), sql.Identifier(row["column_name"])
        connection.execute(
            sql.SQL(
                """select setval(pg_get_serial_sequence({}, {}), greatest(max({}), 1), max({}) is not null) from {}"""
            ).format(
                sql.Literal(f"{SCHEMA}.{row['table_name']}"), sql.Literal(row["column_name"]), column, column, table
            )
        )


NUMBERS_LEFT_FREE = 1_000


def leave_numbers_free(connection: Connection) -> None:
    """The order numbers of each year go on well after the last one known: some were given that nobody here knows of,
    and a provider or ERPNext may know an order by one of them."""
    years = connection.execute(
        """select split_part(number, '-', 2) as year, max(split_part(number, '-', 3)::bigint) as last
           from pw.orders group by 1 order by 1"""
    ).fetchall()
    for row in years:
        sequence = f"{SCHEMA}.order_numbers_{int(row['year'])}"
        name = sql.Identifier(*sequence.split("."))
        connection.execute(sql.SQL("create sequence if not exists {}").format(name))
        connection.execute(
            sql.SQL("select setval({}, greatest({}, (select last_value from {})))").format(
                sql.Literal(sequence), sql.Literal(int(row["last"]) + NUMBERS_LEFT_FREE), name
            )
        )


_FOREIGN_KEYS = """
    select c.conname as name, c.conrelid::regclass::text as child, c.confrelid::regclass::text as parent,
           array_agg(a.attname::text order by k.i) as columns, array_agg(b.attname::text order by k.i) as referenced
    from pg_constraint c
    cross join lateral unnest(c.conkey, c.confkey) with ordinality as k (child_column, parent_column, i)
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.child_column
    join pg_attribute b on b.attrelid = c.confrelid and b.attnum = k.parent_column
    where c.contype = 'f' and c.connamespace = %s::regnamespace
    group by c.oid, c.conname, c.conrelid, c.confrelid order by 2, 1
"""


def _orphans(connection: Connection) -> list[str]:
    """Rows whose foreign key leads nowhere, counted per key."""
    found = []
    for key in connection.execute(_FOREIGN_KEYS, (SCHEMA,)).fetchall():
        child, parent = (sql.Identifier(*str(key[name]).split(".")) for name in ("child", "parent"))
        pairs = list(zip(key["columns"], key["referenced"], strict=True))
        match = sql.SQL(" and ").join(
            sql.SQL("p.{} = c.{}").format(sql.Identifier(there), sql.Identifier(here)) for here, there in pairs
        )
        given = sql.SQL(" and ").join(sql.SQL("c.{} is not null").format(sql.Identifier(here)) for here, _ in pairs)
        row = connection.execute(
            sql.SQL("select count(*)::int as n from {} c where {} and not exists (select 1 from {} p where {})").format(
                child, given, parent, match
            )
        ).fetchone()
        if row and row["n"]:
            found.append(f"{row['n']} rows of {key['child']} name a row of {key['parent']} that is not there.")
    return found

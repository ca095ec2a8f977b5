"""What a copy of the warehouse must hold, told in facts of the business: a dump's manifest carries them, a drill asks
them again of what it restored.

    tables      rows and an order-independent digest of every table of ours; of the public record only the rows, since
                its raw bytes are in the object store under their own digests and it can be loaded again from them
    paid_orders number, amount and moment of every paid order
    filed_items of every filed item how many objects show it, and one digest over their digests
    ledger      what the money ledger adds up to, by currency and kind
    opt_outs    how many addresses must never be written to, and a digest over them
    journal     where the journal stood: its line, the last shipment, and this transaction's snapshot

No personal data: numbers, amounts and digests. Everything is read in the caller's transaction, so that facts and dump
are of one moment when both use one snapshot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[dict[str, Any]]
Facts = dict[str, Any]

FORMAT = "pw-facts-1"
OURS = "pw"
# Loaded from raw objects or built from what was loaded: counted, not digested. Millions of rows in a real house.
COUNTED = ("core", "registry", "marts", "segments")
# Written by backups themselves, also between a dump's snapshot and its end.
_NOT_COMPARED = ("backup_sets", "backup_drills", "backup_objects", "journal", "journal_shipments")
# How a row is written as text must not depend on whose connection asks.
_SPELLING = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}


def collect(connection: Connection) -> Facts:
    """The facts of the database as the connection's transaction sees it; rows must come as dictionaries.

    Returns plain JSON, the same for the same content on every machine. Takes about 3 s per million rows of ours.
    """
    for name, value in _SPELLING.items():
        connection.execute("select set_config(%s, %s, true)", (name, value))
    tables = _tables(connection)
    return {
        "format": FORMAT,
        "revision": _one(connection, "select version_num as value from pw.alembic_version"),
        "tables": {name: _digested(connection, name) for name in tables if _is_digested(name)}
        | {name: {"rows": _rows(connection, name)} for name in tables if not _is_digested(name)},
        "paid_orders": paid_orders(connection),
        "filed_items": filed_items(connection),
        "ledger": ledger(connection),
        "opt_outs": _digested(connection, "pw.suppressions", "email || ' ' || reason"),
        "journal": journal_position(connection),
    }


def digest_of(facts: Mapping[str, Any]) -> str:
    """SHA-256 (64 hex digits) of facts as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def paid_orders(connection: Connection) -> list[dict[str, str]]:
    """Every paid order: `number`, `total`, `currency`, `paid_at`, by number."""
    return connection.execute(
        """select number, total::text as total, currency,
                  to_char(paid_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as paid_at
           from pw.orders where paid_at is not null order by number collate "C" """
    ).fetchall()


# Filed: its filing is done in the ledger of effects, or it has gone past the stage where that happens.
_FILED = """
    select w.item_id from pw.item_work w
    where w.stage in ('confirm','deliver','book','done')
       or exists (select 1 from pw.effects e where e.item_id = w.item_id and e.kind = 'filing' and e.state = 'done')
"""
_OBJECTS_OF_ITEMS = """
    select item_id, unnest(array[docx_digest, pdf_digest, signed_digest]) as digest from pw.item_documents
    union select item_id, digest from pw.evidence
"""


def filed_items(connection: Connection) -> list[dict[str, Any]]:
    """Every filed item: `item`, `order`, `service`, `objects` (how many show it), `digest` over their digests."""
    rows = connection.execute(
        f"""select w.item_id as item, o.number as "order", w.service,
                   count(d.digest)::int as objects,
                   encode(sha256(convert_to(coalesce(string_agg(d.digest, ' ' order by d.digest collate "C"), ''),
                                            'UTF8')), 'hex') as digest
            from ({_FILED}) f join pw.item_work w using (item_id) join pw.orders o using (order_id)
            left join ({_OBJECTS_OF_ITEMS}) d on d.item_id = w.item_id and d.digest is not null
            group by w.item_id, o.number, w.service order by w.item_id"""
    ).fetchall()
    return [dict(row) for row in rows]


def objects_of_filed_items(connection: Connection) -> dict[str, list[int]]:
    """SHA-256 of every object that shows a filed item -> the items it belongs to."""
    rows = connection.execute(
        f"""select d.digest, array_agg(distinct d.item_id order by d.item_id) as items
            from ({_OBJECTS_OF_ITEMS}) d where d.digest is not null and d.item_id in ({_FILED})
            group by d.digest order by d.digest collate "C" """
    ).fetchall()
    return {str(row["digest"]): list(row["items"]) for row in rows}


def ledger(connection: Connection) -> dict[str, dict[str, str]]:
    """Currency -> kind of movement -> sum, to the cent."""
    rows = connection.execute(
        "select currency, kind, sum(amount)::text as amount from pw.money_ledger group by 1, 2 order by 1, 2"
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["currency"], {})[row["kind"]] = row["amount"]
    return found


_HERE = """
    select (select system_identifier from pg_control_system())::text || '-' || oid::text as value
    from pg_database where datname = current_database()
"""


def line_of(connection: Connection) -> str:
    """The line of this database's journal: this very database of this very cluster, and what a person began in it.

    A database restored elsewhere begins a new one, so its shipments can never be taken for those of the one it was
    restored from. A dump of an older version has no table of lines.
    """
    here = _one(connection, _HERE)
    if _one(connection, "select (to_regclass('pw.journal_lines') is not null)::text as value") == "false":
        return here
    row = connection.execute("select mark from pw.journal_lines order by line_id desc limit 1").fetchone()
    return f"{here}-{row['mark']}" if row else here


def journal_position(connection: Connection) -> dict[str, Any]:
    """Where the journal stands for this transaction: `line`, `snapshot` (pg_current_snapshot), `last_shipment` with its
    `last_digest` (0 and zeros before the first)."""
    last = connection.execute(
        "select shipment_id, digest from pw.journal_shipments order by shipment_id desc limit 1"
    ).fetchone()
    return {
        "line": line_of(connection),
        "snapshot": _one(connection, "select pg_current_snapshot()::text as value"),
        "last_shipment": int(last["shipment_id"]) if last else 0,
        "last_digest": str(last["digest"]) if last else "0" * 64,
    }


def _tables(connection: Connection) -> list[str]:
    """`schema.table` of everything that is looked at, in order."""
    rows = connection.execute(
        """select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r','p') and not c.relispartition and n.nspname = any(%s) and c.relpersistence = 'p'
           order by n.nspname collate "C", c.relname collate "C" """,
        ([OURS, *COUNTED],),
    ).fetchall()
    unwanted = {f"{OURS}.{name}" for name in _NOT_COMPARED}
    return [str(row["name"]) for row in rows if row["name"] not in unwanted]


def _is_digested(name: str) -> bool:
    return name.partition(".")[0] == OURS


def _identifier(name: str) -> sql.Identifier:
    schema, _, table = name.partition(".")
    return sql.Identifier(schema, table)


def _rows(connection: Connection, name: str) -> int:
    row = connection.execute(sql.SQL("select count(*) as value from {}").format(_identifier(name))).fetchone()
    return int(row["value"]) if row else 0


def _digested(connection: Connection, name: str, expression: str = "t::text") -> dict[str, Any]:
    """`rows`, and a `digest` that is the same in whatever order the rows stand: sums of two parts of each row's
    SHA-256, so that equal rows count twice and do not cancel out."""
    row = connection.execute(
        sql.SQL(
            """select count(*) as rows,
                      coalesce(sum(('x' || encode(substring(h from 1 for 7), 'hex'))::bit(56)::bigint), 0)::text as one,
                      coalesce(sum(('x' || encode(substring(h from 8 for 7), 'hex'))::bit(56)::bigint), 0)::text as two
               from (select sha256(convert_to({}, 'UTF8')) as h from {} t) hashed"""
        ).format(sql.SQL(expression), _identifier(name))
    ).fetchone()
    assert row is not None  # an aggregate always answers
    whole = f"{row['rows']} {row['one']} {row['two']}"
    return {"rows": int(row["rows"]), "digest": hashlib.sha256(whole.encode()).hexdigest()}


def _one(connection: Connection, query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    if row is None:
        raise LookupError(f"nothing answers: {query}")
    return str(row["value"])

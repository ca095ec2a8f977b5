"""Records on their way in: a staging table per copy, and one block's columns as the text that COPY takes.

A staging table has the shape of the register itself, so a whole copy of ungrouped records becomes a partition
without being written twice. It is a draft: whatever a killed load left is dropped by the next load of that state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import cast

from psycopg import sql

from pw_pipelines import native
from pw_pipelines.registry import keying
from pw_pipelines.registry.model import ENTITY_COLUMNS
from pw_pipelines.snapshots.books import Connection
from pw_pipelines.sources.register import EntityColumns, EventColumns, Parsed
from pw_pipelines.sources.report import EXCERPT_CHARACTERS, Reject

SCHEMA = "registry"
PREFIX = "stage_"
COPIED = tuple(name for name in ENTITY_COLUMNS if name not in ("state", "snapshot_id"))
EVENT_COLUMNS = ("entity_id", "sequence", "code", "description", "filed_on", "effective_on", "name", "name_key",
                 "near_key")  # fmt: skip
_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_UNSTORABLE = "{} holds a NUL character or half of one, which cannot be kept as text."

Values = list[str] | list[str | None] | str | None


def table_of(snapshot_id: str) -> str:
    """The staging table of one copy; its name without schema."""
    return PREFIX + snapshot_id.replace("-", "_")


def qualified(table: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, table)


def create(connection: Connection, table: str, *, state: str, snapshot_id: str, what: str, ranked: bool) -> None:
    """An empty staging table; one of the same name is dropped first. `state` and `snapshot_id` fill themselves in."""
    connection.execute(sql.SQL("drop table if exists {}").format(qualified(table)))
    like = sql.Identifier(SCHEMA, "entities" if what == "entities" else "events")
    connection.execute(
        sql.SQL("create table {table} (like {like}, check (state is not null and state = {state}))").format(
            table=qualified(table), like=like, state=state
        )
    )
    connection.execute(
        sql.SQL(
            "alter table {table} set (autovacuum_enabled = false), alter column state set default {state}, "
            "alter column snapshot_id set default {snapshot}"
        ).format(table=qualified(table), state=state, snapshot=snapshot_id)
    )
    if ranked:
        connection.execute(sql.SQL("alter table {} add column rank integer not null").format(qualified(table)))


def copy_statement(table: str, *, what: str, ranked: bool) -> str:
    """The COPY that takes what `copy_text` makes; empty text is NULL."""
    columns = (*COPIED, "rank") if ranked else COPIED if what == "entities" else EVENT_COLUMNS
    return (
        sql.SQL("copy {} ({}) from stdin (format text, null '', encoding 'utf8')")
        .format(qualified(table), sql.SQL(", ").join(map(sql.Identifier, columns)))
        .as_string()
    )


def leftovers(connection: Connection, state: str) -> list[str]:
    """Staging tables of one state that a killed load left behind. Asked only by whoever has the state's turn."""
    found = connection.execute(
        """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
           join pg_constraint k on k.conrelid = c.oid and k.contype = 'c'
           where n.nspname = %s and starts_with(c.relname, %s) and c.relkind = 'r' and not c.relispartition
             and pg_get_constraintdef(k.oid) like %s""",
        (SCHEMA, PREFIX, f"%(state = '{state}'::text)%"),
    )
    return [str(row["relname"]) for row in found]


def drop(connection: Connection, tables: Sequence[str]) -> None:
    for table in tables:
        connection.execute(sql.SQL("drop table if exists {}").format(qualified(table)))


def columns_of(rows: EntityColumns | EventColumns, *, ranked: bool) -> dict[str, Values]:
    """The columns of one block by name, keys made. A plain value holds for every record."""
    names = rows.name
    name_keys, near_keys = keying.many(names) if isinstance(names, list) else (None, None)
    if isinstance(rows, EventColumns):
        return {
            "entity_id": rows.entity_id, "sequence": rows.sequence, "code": rows.code,
            "description": rows.description, "filed_on": rows.filed_on, "effective_on": rows.effective_on,
            "name": names, "name_key": name_keys, "near_key": near_keys,
        }  # fmt: skip
    columns: dict[str, Values] = {
        "record_id": rows.record_id, "entity_id": rows.entity_id, "name": names, "name_kind": rows.name_kind,
        "form": rows.form, "type_code": rows.type_code, "status": rows.status,
        "standing": "unknown" if rows.standing is None else rows.standing,
        "formed_on": rows.formed_on, "changed_on": rows.changed_on, "home": rows.home, "place": rows.place,
        "name_key": name_keys, "near_key": near_keys,
    }  # fmt: skip
    if ranked:
        columns["rank"] = str(rows.rank) if isinstance(rows.rank, int) else list(map(str, rows.rank))
    return columns


def copy_text(parsed: Parsed, *, ranked: bool, first_line: int = 1) -> bytes:
    """The records of one block as COPY text. A record with text that PostgreSQL cannot hold becomes a reject."""
    count = len(parsed.rows)
    if not count:
        return b""
    columns = columns_of(parsed.rows, ranked=ranked)
    cells = [values if values is not None else "" for values in columns.values()]
    text = native.records.joined(cells, count) if native.IS_COMPILED else _joined(cells, count)
    if text is None:
        text = "".join(_one_by_one(parsed, list(columns), cells, first_line)).encode()
    return text


def _joined(cells: list[list[str] | list[str | None] | str], count: int) -> bytes | None:
    """`count` records as COPY text; None when a value cannot stand there as it is."""
    filled = [repeat(cell, count) if isinstance(cell, str) else _filled(cell) for cell in cells]
    text = "\n".join(map("\t".join, zip(*filled, strict=True)))
    # One look at the whole block: the separators that we put in, and nothing that would need an escape.
    if (
        text.count("\t") == count * (len(cells) - 1)
        and text.count("\n") == count - 1
        and "\\" not in text
        and "\r" not in text
        and "\x00" not in text
    ):
        try:
            return text.encode() + b"\n"
        except UnicodeEncodeError:
            pass
    return None


def _filled(values: list[str] | list[str | None]) -> list[str]:
    return [value or "" for value in values] if None in values else cast(list[str], values)


def _one_by_one(
    parsed: Parsed, names: list[str], cells: list[list[str] | list[str | None] | str], first_line: int
) -> Iterator[str]:
    for number in range(len(parsed.rows)):
        row = [cell if isinstance(cell, str) else cell[number] or "" for cell in cells]
        wrong = next((name for name, value in zip(names, row, strict=True) if not _is_storable(value)), None)
        if wrong is None:
            yield "\t".join(value.translate(_SPECIAL) for value in row) + "\n"
            continue
        parsed.rejected += 1
        excerpt = ascii(tuple(row))[:EXCERPT_CHARACTERS]
        parsed.rejects.append(Reject(first_line + number, _UNSTORABLE.format(wrong), excerpt))


def _is_storable(value: str) -> bool:
    if value.isascii():
        return "\x00" not in value
    try:
        return bool(value.encode()) and "\x00" not in value
    except UnicodeEncodeError:
        return False

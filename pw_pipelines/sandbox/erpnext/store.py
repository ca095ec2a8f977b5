"""Where the stand-in keeps its documents: a schema of its own in PostgreSQL; one request is one transaction."""

from __future__ import annotations

import atexit
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from pw_pipelines.sandbox.erpnext.refusals import Refusal

Document = dict[str, Any]
MOST_CONNECTIONS = 8
_TABLES = ("documents", "unique_values", "series")


class Store:
    """Opens at first use, because a mounted application gets no start-up call; `close` ends its threads."""

    def __init__(self, database_url: str, now: Callable[[], datetime]) -> None:
        self.now = now
        self._url = database_url
        self._lock = threading.Lock()
        self._pool: ConnectionPool[psycopg.Connection[TupleRow]] | None = None
        self.counters: Counter[str] = Counter()
        atexit.register(self.close)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One request: what it wrote stands when it leaves without an error."""
        with self._opened().connection() as connection, connection.transaction():
            yield Session(connection, self)

    def count(self, deed: str) -> None:
        with self._lock:
            self.counters[deed] += 1

    def wipe(self) -> None:
        """Every document gone, naming series begin anew."""
        with self._opened().connection() as connection:
            connection.execute(f"truncate {', '.join(f'erpnext.{table}' for table in _TABLES)}")
        with self._lock:
            self.counters.clear()

    def close(self) -> None:
        """Ends the pool; a later use opens it again."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _opened(self) -> ConnectionPool[psycopg.Connection[TupleRow]]:
        with self._lock:
            if self._pool is None:
                with psycopg.connect(self._url) as connection:
                    connection.execute("select pg_advisory_xact_lock(hashtext('sandbox-erpnext'))")
                    connection.execute(Path(__file__).with_name("schema.sql").read_bytes())
                self._pool = ConnectionPool(
                    self._url,
                    min_size=1,
                    max_size=MOST_CONNECTIONS,
                    open=True,
                    kwargs={
                        "application_name": "sandbox-erpnext",
                        # a stand-in may forget its last moments in a power cut
                        "options": "-c timezone=UTC -c synchronous_commit=off",
                    },
                )
            return self._pool


@dataclass
class Session:
    """Documents inside one transaction."""

    connection: psycopg.Connection[TupleRow]
    store: Store

    def exists(self, doctype: str, name: str) -> bool:
        row = self.connection.execute(
            "select 1 from erpnext.documents where doctype = %s and name = %s", (doctype, name)
        ).fetchone()
        return row is not None

    def get(self, doctype: str, name: str, *, lock: bool = False) -> Document:
        """Raises DoesNotExistError."""
        row = self.connection.execute(
            f"select doc from erpnext.documents where doctype = %s and name = %s {'for update' if lock else ''}",
            (doctype, name),
        ).fetchone()
        if row is None:
            raise Refusal("DoesNotExistError", f"{doctype} {name} not found")
        return dict(row[0])

    def next_name(self, prefix: str) -> str:
        """The next of a naming series, five digits. Rolled back with the transaction, as in Frappe."""
        row = self.connection.execute(
            """insert into erpnext.series as s values (%s, 1)
               on conflict (prefix) do update set current = s.current + 1 returning current""",
            (prefix,),
        ).fetchone()
        assert row is not None  # an upsert always returns its row
        return f"{prefix}{row[0]:05d}"

    def insert(self, document: Document) -> None:
        """Raises DuplicateEntryError for a name that is there."""
        at = self.store.now()
        document |= {"creation": _stamp(at), "modified": _stamp(at), "owner": "api@sandbox.invalid"}
        try:
            with self.connection.transaction():
                self.connection.execute(
                    "insert into erpnext.documents values (%s, %s, %s, %s, %s, %s)",
                    (document["doctype"], document["name"], document["docstatus"], Jsonb(document), at, at),
                )
        except psycopg.errors.UniqueViolation as error:
            raise Refusal("DuplicateEntryError", f"{document['doctype']} {document['name']} already exists") from error

    def update(self, document: Document) -> None:
        at = self.store.now()
        document["modified"] = _stamp(at)
        self.connection.execute(
            "update erpnext.documents set docstatus = %s, doc = %s, modified = %s where doctype = %s and name = %s",
            (document["docstatus"], Jsonb(document), at, document["doctype"], document["name"]),
        )

    def delete(self, document: Document) -> None:
        key = (document["doctype"], document["name"])
        self.connection.execute("delete from erpnext.documents where doctype = %s and name = %s", key)
        self.connection.execute("delete from erpnext.unique_values where doctype = %s and name = %s", key)

    def claim(self, document: Document, field: str, exc_type: str) -> None:
        """Keeps `field`'s value for this document; a value that another has is refused, empty ones never clash."""
        doctype, name, value = document["doctype"], document["name"], document.get(field)
        self.connection.execute(
            "delete from erpnext.unique_values where doctype = %s and field = %s and name = %s", (doctype, field, name)
        )
        if value in (None, ""):
            return
        try:
            with self.connection.transaction():
                self.connection.execute(
                    "insert into erpnext.unique_values values (%s, %s, %s, %s)", (doctype, field, str(value), name)
                )
        except psycopg.errors.UniqueViolation as error:
            raise Refusal(exc_type, f"{field} must be unique") from error

    def search(
        self, doctype: str, conditions: Sequence[tuple[str, str, Any]], *, order_by: str, start: int, limit: int
    ) -> list[Document]:
        """Documents that fit, `limit` 0 for all. Comparisons of names and texts are PostgreSQL's in collation C."""
        where, values = ["doctype = %s"], [doctype]
        for field, operator, value in conditions:
            text, more = _condition(field, operator, value)
            where.append(text)
            values += more
        column, _, direction = order_by.partition(" ")
        ordering = {"name": 'name collate "C"', "modified": "modified", "creation": "creation"}.get(column)
        if ordering is None or direction.lower() not in ("", "asc", "desc"):
            raise Refusal("DataError", f"Field not permitted in query: {order_by}")
        rows = self.connection.execute(
            f"""select doc from erpnext.documents where {" and ".join(where)}
                order by {ordering} {direction}, name limit %s offset %s""",
            (*values, limit or None, start),
        ).fetchall()
        return [dict(row[0]) for row in rows]

    def totals(self) -> Mapping[str, int]:
        """Documents by type, for the page."""
        rows = self.connection.execute("select doctype, count(*) from erpnext.documents group by 1 order by 1")
        return {row[0]: row[1] for row in rows}

    def newest(self, number: int) -> list[Document]:
        rows = self.connection.execute(
            "select doc from erpnext.documents order by modified desc, name desc limit %s", (number,)
        )
        return [dict(row[0]) for row in rows]


_OPERATORS = {"=": "=", "!=": "<>", ">": ">", "<": "<", ">=": ">=", "<=": "<=", "like": "like", "not like": "not like"}


def _condition(field: str, operator: str, value: Any) -> tuple[str, list[Any]]:
    """SQL over the document's text of a field. The field's name was checked against the type's fields."""
    side = 'name collate "C"' if field == "name" else f"(doc->>'{field}') collate \"C\""
    if operator in ("in", "not in"):
        listed = value.split(",") if isinstance(value, str) else list(value)
        wanted = f"{side} = any(%s)"
        return (wanted if operator == "in" else f"not ({wanted})"), [[_text(one) for one in listed]]
    if operator == "is":
        empty = f"coalesce({side}, '') = ''"
        return (f"not ({empty})" if value == "set" else empty), []
    if operator not in _OPERATORS:
        raise Refusal("DataError", f"Operator must be one of {', '.join(_OPERATORS)}, in, not in, is")
    return f"{side} {_OPERATORS[operator]} %s", [_text(value)]


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _stamp(at: datetime) -> str:
    """Frappe's times are naive texts with microseconds."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")

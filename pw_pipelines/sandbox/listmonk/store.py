"""Where the stand-in keeps its rows: a schema of its own in a PostgreSQL database, and the counters of writes."""

from __future__ import annotations

import atexit
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

LEAD_LIST = 9  # "Deficiency leads" is there from the start, private, single opt-in
FIRST_FREE_LIST = 10
DEFAULT_TEMPLATE = 1  # comes with Listmonk
MOST_CONNECTIONS = 10
ALLOWED_TABLES = frozenset(
    "subscribers lists subscriber_lists campaigns campaign_lists campaign_views links link_clicks bounces".split()
)


class Store:
    """Opens at first use, because a mounted application gets no start-up call; `close` ends its threads."""

    def __init__(self, database_url: str, now: Callable[[], datetime]) -> None:
        self.now = now
        self._url = database_url
        self._lock = threading.Lock()
        self._pool: ConnectionPool[psycopg.Connection[TupleRow]] | None = None
        self._counters: Counter[str] = Counter()
        self.unsubscribe_header = True  # Listmonk's default
        atexit.register(self.close)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """An autocommit connection whose unqualified names mean the stand-in's tables."""
        with self._opened().connection() as connection:
            yield connection

    def count(self, deed: str, times: int = 1) -> None:
        """One more write of a kind, for `/_sandbox/counters`."""
        with self._lock:
            self._counters[deed] += times

    def counters(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counters)

    def reset_counters(self) -> None:
        with self._lock:
            self._counters.clear()

    def wipe(self) -> None:
        """Everything gone but the lead list."""
        with self.connection() as connection:
            connection.execute("drop schema listmonk cascade")
            self._create(connection)
        self.reset_counters()

    def close(self) -> None:
        """Ends the pool; a later use opens it again."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _opened(self) -> ConnectionPool[psycopg.Connection[TupleRow]]:
        with self._lock:
            if self._pool is None:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    self._create(connection)
                self._pool = ConnectionPool(
                    self._url,
                    min_size=1,
                    max_size=MOST_CONNECTIONS,
                    open=True,
                    kwargs={
                        "autocommit": True,
                        "prepare_threshold": 1,
                        "application_name": "sandbox-listmonk",
                        # a stand-in may forget its last moments in a power cut
                        "options": "-c search_path=listmonk -c timezone=UTC -c synchronous_commit=off",
                    },
                )
            return self._pool

    def _create(self, connection: psycopg.Connection[TupleRow]) -> None:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(hashtext('sandbox-listmonk'))")
            connection.execute(Path(__file__).with_name("schema.sql").read_bytes())
            connection.execute(
                """insert into listmonk.lists (id, uuid, name, type, optin, description, created_at, updated_at)
                   values (%s, %s, 'Deficiency leads', 'private', 'single', 'Filled by reconciliation.', %s, %s)
                   on conflict (id) do nothing""",
                (LEAD_LIST, uuid.uuid4(), self.now(), self.now()),
            )
            connection.execute(
                """insert into listmonk.templates (id, name, body, is_default, created_at, updated_at)
                   values (%s, 'Default campaign template', '{{ template "content" . }}', true, %s, %s)
                   on conflict (id) do nothing""",
                (DEFAULT_TEMPLATE, self.now(), self.now()),
            )
            connection.execute(
                """select setval(pg_get_serial_sequence('listmonk.templates', 'id'),
                                 (select max(id) + 1 from listmonk.templates), false)"""
            )
            connection.execute(
                """select setval(pg_get_serial_sequence('listmonk.lists', 'id'),
                                 greatest((select max(id) + 1 from listmonk.lists), %s), false)""",
                (FIRST_FREE_LIST,),
            )
            connection.execute("reset search_path")

"""The warehouse behind a connection pool: a web request should not pay for a new connection."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from pw_pipelines.db.connection import Database

SMALLEST = 2
LARGEST = 12  # more than the clients a 2-core machine can serve at once; PostgreSQL allows 200
WAIT_SECONDS = 5.0  # for a free connection; then the request fails as "not ready" instead of queueing
_REST_SECONDS = 2.0  # a connection used within this time is taken as alive without asking the server
_came_back_at: WeakKeyDictionary[psycopg.Connection[dict[str, object]], float] = WeakKeyDictionary()


def _came_back(connection: psycopg.Connection[dict[str, object]]) -> None:
    _came_back_at[connection] = time.monotonic()


def _check_after_rest(connection: psycopg.Connection[dict[str, object]]) -> None:
    """Asks the server after a rest, so that its restart is noticed before a query fails."""
    if time.monotonic() - _came_back_at.get(connection, 0.0) > _REST_SECONDS:
        ConnectionPool.check_connection(connection)


class PooledDatabase(Database):
    """As `Database`, with connections that are kept. `open()` before use, `close()` after."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._pool: ConnectionPool[psycopg.Connection[dict[str, object]]] = ConnectionPool(
            url,
            min_size=SMALLEST,
            max_size=LARGEST,
            timeout=WAIT_SECONDS,
            open=False,
            name="pw-web",
            check=_check_after_rest,
            reset=_came_back,
            kwargs={"row_factory": dict_row, "application_name": "pw-web", "options": "-c timezone=UTC"},
        )

    def open(self) -> None:
        """Starts filling the pool; a database that is down shows at the first use, not here."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """Closes every connection."""
        self._pool.close()

    def stats(self) -> Mapping[str, int]:
        """What the pool counts of itself, by psycopg_pool's names."""
        return self._pool.get_stats()

    @contextmanager
    def connect(self, *, application: str = "pw-web") -> Iterator[psycopg.Connection[dict[str, object]]]:
        """One transaction on a pooled connection. `application` is the pool's own, whatever is asked."""
        with self._pool.connection() as connection:
            yield connection

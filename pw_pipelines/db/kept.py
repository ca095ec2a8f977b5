"""The warehouse with connections that are kept between two uses: for a process that comes back many times in a row.

A run of one item comes back some twenty times, and each new connection costs PostgreSQL a process and us 5 ms.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from pw_pipelines.db.connection import Database

KEPT = 2  # a use within another takes a second one
_of_process: dict[str, KeptDatabase] | None = None


class KeptDatabase(Database):
    """As `Database`: each `connect()` is one transaction. `close()` when done, or use it as a context manager.

    A connection that was made to commit by itself is not kept: what it holds (a lock) is to fall with it.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._idle: list[psycopg.Connection[dict[str, object]]] = []
        self._keeps = True
        self._process = os.getpid()

    @contextmanager
    def connect(self, *, application: str = "pw") -> Iterator[psycopg.Connection[dict[str, object]]]:
        """One transaction on a connection that may have been used before. `application` names a new one."""
        connection = self._taken() or psycopg.connect(
            self.url, row_factory=dict_row, application_name=application, options="-c timezone=UTC"
        )
        try:
            yield connection
        except BaseException:
            with suppress(psycopg.Error):  # what broke is told; that the connection broke with it is seen below
                connection.rollback()
            raise
        else:
            connection.commit()
        finally:
            self._given_back(connection)

    def close(self) -> None:
        """Closes what is kept, keeps nothing from now on: connections in use are closed when they are given back."""
        self._keeps = False
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _taken(self) -> psycopg.Connection[dict[str, object]] | None:
        if self._process != os.getpid():  # a fork must not speak on its parent's connections
            self._idle, self._process = [], os.getpid()
        while self._idle:
            connection = self._idle.pop()
            if is_alive(connection):
                return connection
            connection.close()
        return None

    def _given_back(self, connection: psycopg.Connection[dict[str, object]]) -> None:
        is_well = not connection.closed and connection.info.transaction_status is TransactionStatus.IDLE
        if not (is_well and self._keeps) or connection.autocommit or len(self._idle) >= KEPT:
            connection.close()
            return
        self._idle.append(connection)


def stay_open() -> None:
    """From now on this process keeps its connections from one run to the next."""
    global _of_process  # noqa: PLW0603 - of the process
    _of_process = {}


@contextmanager
def for_run(url: str) -> Iterator[KeptDatabase]:
    """The warehouse for the length of a run. After `stay_open()` the next run finds its connections."""
    if _of_process is not None:
        yield _of_process.setdefault(url, KeptDatabase(url))
        return
    with KeptDatabase(url) as database:
        yield database


def is_alive(connection: psycopg.Connection[dict[str, object]]) -> bool:
    """A server that went away has closed its end, or said why: there is something to read, and we asked nothing."""
    if connection.closed:
        return False
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    return not said.poll(0)

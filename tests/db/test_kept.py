"""Kept connections: one transaction each time, never one that is not well, never a parent's."""

from __future__ import annotations

import os

import psycopg
import pytest

from pw_pipelines.db import kept
from pw_pipelines.db.connection import Database
from pw_pipelines.db.kept import KeptDatabase


def backend(connection: psycopg.Connection[dict[str, object]]) -> int:
    return connection.info.backend_pid


def test_the_same_connection_serves_again_and_each_use_is_a_transaction(db: Database) -> None:
    with KeptDatabase(db.url) as database:
        with database.connect() as connection:
            first = backend(connection)
            connection.execute("create table public.things (n int)")
        with pytest.raises(RuntimeError), database.connect() as connection:
            assert backend(connection) == first
            connection.execute("insert into public.things values (1)")
            raise RuntimeError
        with database.connect() as connection:
            assert backend(connection) == first
            assert connection.execute("select count(*) as n from public.things").fetchone() == {"n": 0}
    with db.connect() as connection:
        assert connection.execute("select 1 from pg_stat_activity where pid = %s", (first,)).fetchone() is None


def test_a_use_within_another_has_a_connection_of_its_own(db: Database) -> None:
    with KeptDatabase(db.url) as database, database.connect() as one, database.connect() as other:
        assert backend(one) != backend(other)


def test_a_connection_whose_server_ended_it_is_not_given_out(db: Database) -> None:
    with KeptDatabase(db.url) as database:
        with database.connect() as connection:
            first = backend(connection)
        with db.connect() as connection:
            connection.execute("select pg_terminate_backend(%s, 5000)", (first,))
        with database.connect() as connection:
            assert backend(connection) != first
            assert connection.execute("select 1 as one").fetchone() == {"one": 1}


def test_what_a_session_holds_falls_with_its_connection(db: Database) -> None:
    ask = "select pg_try_advisory_lock(20261123) as free"
    with KeptDatabase(db.url) as database, database.connect() as other:
        with database.connect() as connection:
            connection.autocommit = True
            connection.execute(ask)
            assert other.execute(ask).fetchone() == {"free": False}
        assert connection.closed
        assert other.execute("select pg_advisory_lock(20261123)").fetchone(), "free as soon as the server saw it go"
        with database.connect() as connection:
            assert not connection.autocommit


def test_a_connection_that_broke_in_use_is_thrown_away(db: Database) -> None:
    with KeptDatabase(db.url) as database:
        with pytest.raises(psycopg.OperationalError), database.connect() as connection:
            with db.connect() as other:
                other.execute("select pg_terminate_backend(%s, 5000)", (backend(connection),))
            connection.execute("select 1")
        with database.connect() as connection:
            assert connection.execute("select 1 as one").fetchone() == {"one": 1}


def test_what_is_given_back_after_the_end_is_closed(db: Database) -> None:
    database = KeptDatabase(db.url)
    with database.connect() as connection:
        database.close()
    assert connection.closed


def test_a_run_closes_its_connections_unless_the_process_goes_on_to_another(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def used() -> psycopg.Connection[dict[str, object]]:
        with kept.for_run(db.url) as database, database.connect() as connection:
            return connection

    first = used()
    assert first.closed

    monkeypatch.setattr(kept, "_of_process", None)
    kept.stay_open()
    second = used()
    assert not second.closed
    assert used() is second
    second.close()


def test_a_fork_makes_its_own(db: Database) -> None:
    with KeptDatabase(db.url) as database:
        with database.connect() as connection:
            first = backend(connection)
        pid = os.fork()
        if pid == 0:
            with database.connect() as connection:
                os._exit(1 if backend(connection) == first else 0)
        assert os.waitpid(pid, 0)[1] == 0
        with database.connect() as connection:
            assert backend(connection) == first
            assert connection.execute("select 1 as one").fetchone() == {"one": 1}

"""A transaction that lost a deadlock is done again; whatever else goes wrong is not."""

from __future__ import annotations

import threading

import psycopg
import pytest

from pw_pipelines.db import deadlocks
from pw_pipelines.db.connection import Database


def test_both_of_two_transactions_that_wait_for_each_other_are_done_in_the_end(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlocks, "PAUSE_SECONDS", 0.05)
    with db.connect() as connection:
        connection.execute("create table one (n int); create table two (n int)")
    met = threading.Barrier(2, timeout=20)
    lost: list[str] = []

    def lock(first: str, second: str) -> None:
        def transaction() -> None:
            try:
                with db.connect() as connection:
                    connection.execute(f"lock table {first}; insert into {first} values (1)".encode())
                    if not lost:
                        met.wait()
                    connection.execute(f"lock table {second}; insert into {second} values (1)".encode())
            except psycopg.errors.DeadlockDetected:
                lost.append(first)
                raise

        deadlocks.again_after_deadlock(transaction)

    threads = [threading.Thread(target=lock, args=pair) for pair in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(lost) == 1, "they did meet"
    with db.connect() as connection:
        row = connection.execute(
            "select (select count(*) from one) as one, (select count(*) from two) as two"
        ).fetchone()
    assert row == {"one": 2, "two": 2}


def test_who_loses_every_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlocks, "PAUSE_SECONDS", 0.0)
    tries = []

    def transaction() -> None:
        tries.append(1)
        raise psycopg.errors.DeadlockDetected("deadlock detected")

    with pytest.raises(psycopg.errors.DeadlockDetected):
        deadlocks.again_after_deadlock(transaction)
    assert len(tries) == deadlocks.TRIES


def test_another_error_is_not_tried_again() -> None:
    tries = []

    def transaction() -> None:
        tries.append(1)
        raise psycopg.errors.LockNotAvailable("canceling statement due to lock timeout")

    with pytest.raises(psycopg.errors.LockNotAvailable):
        deadlocks.again_after_deadlock(transaction)
    assert len(tries) == 1

"""The lock of one order's books, on connections that are kept for the next order."""

from __future__ import annotations

import pytest

from pw_pipelines.commerce.books import _alone
from pw_pipelines.db.connection import Database
from pw_pipelines.db.kept import KeptDatabase


def test_it_is_given_back_with_its_connection_alive(db: Database) -> None:
    with KeptDatabase(db.url) as ours, KeptDatabase(db.url) as others:
        with _alone(ours, 7) as is_free:
            assert is_free
            with _alone(others, 7) as again, _alone(others, 8) as another:
                assert (again, another) == (False, True)
        with _alone(others, 7) as is_free:
            assert is_free
        with pytest.raises(KeyboardInterrupt), _alone(ours, 7):
            raise KeyboardInterrupt
        with _alone(others, 7) as is_free:
            assert is_free


def test_books_that_were_made_are_so_though_the_lock_was_lost_with_its_server(db: Database) -> None:
    with KeptDatabase(db.url) as ours:
        with _alone(ours, 7) as is_free, db.connect() as other:
            assert is_free
            ended = other.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'pw-books-lock'"
            )
            assert ended.rowcount == 1
        with _alone(ours, 7) as is_free:
            assert is_free

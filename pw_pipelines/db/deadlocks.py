"""A transaction that PostgreSQL ended because it and another waited for each other is done again from its beginning."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

T = TypeVar("T")
TRIES = 5
PAUSE_SECONDS = 0.5  # times the try, so that whoever won gets on


def again_after_deadlock(transaction: Callable[[], T]) -> T:
    """What `transaction` returns; it must do all its work in one transaction of its own. Raises DeadlockDetected when
    it lost TRIES times.

    An exchange of schemas meets one now and then: a backup's dump or a page that reads several tables holds the first
    and waits for the next, while the exchange has the next and waits for the first.
    """
    for attempt in range(1, TRIES):
        try:
            return transaction()
        except psycopg.errors.DeadlockDetected:
            time.sleep(PAUSE_SECONDS * attempt)
    return transaction()

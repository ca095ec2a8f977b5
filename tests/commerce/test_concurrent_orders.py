"""Many at once: usage limits, order numbers, changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg import Connection

from pw_pipelines.commerce.discounts import Discount, find_discount, make_discount
from pw_pipelines.commerce.orders import OrderError, cancel, change, hold, read
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from tests.commerce.making import NOW, agent, ordered, pay

THREADS = 16


def at_once(db: Database, deed: Callable[[Connection[Any], int], Any], *, times: int = 1) -> list[Any]:
    """Runs `deed(connection, number)` in 16 threads that start together; what each returned, or its refusal."""
    gate = threading.Barrier(THREADS)

    def worker(number: int) -> list[Any]:
        gate.wait()
        done: list[Any] = []
        for turn in range(times):
            try:
                with db.connect() as connection:
                    done.append(deed(connection, number * times + turn))
            except (UsageError, OrderError) as refusal:
                done.append(refusal)
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        return [one for found in pool.map(worker, range(THREADS)) for one in found]


def code(db: Database, *, limit: int | None, expires_at: datetime | None = None) -> Discount:
    made = Discount("SPRING", "percent", Decimal(10), expires_at)
    with db.connect() as connection:
        make_discount(connection, made, usage_limit=limit, by="test", now=NOW)
    return made


def uses(db: Database) -> tuple[int, int]:
    """(uses counted on the code, orders that carry it)."""
    with db.connect() as connection:
        row = connection.execute(
            "select (select uses from pw.discount_codes) as counted, "
            "(select count(*) from pw.orders where discount_code = 'SPRING') as carried"
        ).fetchone()
    assert row is not None
    return int(str(row["counted"])), int(str(row["carried"]))


@pytest.mark.parametrize(("limit", "used"), [(1, 1), (7, 7), (None, 64)])
def test_a_code_is_used_as_often_as_its_limit_says_however_many_come_at_once(
    db: Database, limit: int | None, used: int
) -> None:
    discount = code(db, limit=limit)
    found = at_once(db, lambda c, n: ordered(c, discount=discount, email=f"c{n}@example.com"), times=4)
    refused = [one for one in found if isinstance(one, UsageError)]
    assert uses(db) == (used, used)
    assert len(refused) == 64 - used
    assert all("used up" in str(one) for one in refused)


def test_an_order_that_fails_uses_no_code(db: Database) -> None:
    discount = code(db, limit=1)
    with pytest.raises(ZeroDivisionError), db.connect() as connection:
        ordered(connection, discount=discount)
        _ = 1 / 0
    assert uses(db) == (0, 0)


def test_a_code_of_an_order_nobody_paid_is_free_again_once_it_is_cancelled(db: Database) -> None:
    discount = code(db, limit=1)
    with db.connect() as connection:
        placed = ordered(connection, discount=discount)
        with pytest.raises(UsageError, match="used up"):
            find_discount(connection, "spring", now=NOW)
        cancel(connection, placed.order_id, by="customer", why="changed my mind", now=NOW)
        assert find_discount(connection, " spring ", now=NOW) == discount


def test_a_cancelled_order_that_is_paid_after_all_uses_its_code_again(db: Database) -> None:
    discount = code(db, limit=1)
    with db.connect() as connection:
        placed = ordered(connection, discount=discount)
        cancel(connection, placed.order_id, by="customer", why="changed my mind", now=NOW)
        hold(connection, placed.order_id, by="stripe", why="money came", now=NOW)
        assert find_discount(connection, "SPRING", now=NOW) == discount
        pay(connection, placed.order_id)
    assert uses(db) == (1, 1)


@pytest.mark.parametrize(
    ("discount", "limit", "said"),
    [
        (Discount("spring", "percent", Decimal(5)), None, "SPRING stands already"),
        (Discount("ALL", "percent", Decimal(101)), None, "can't be"),
        (Discount("LESS", "fixed", Decimal(-1)), None, "can't be"),
        (Discount(" ", "fixed", Decimal(1)), None, "can't be"),
        (Discount("NEVER", "fixed", Decimal(1)), 0, "never be used"),
    ],
)
def test_a_code_that_can_not_be_is_not_made(db: Database, discount: Discount, limit: int | None, said: str) -> None:
    code(db, limit=None)
    with db.connect() as connection, pytest.raises(UsageError, match=said):
        make_discount(connection, discount, usage_limit=limit, by="test", now=NOW)


def test_a_code_that_expired_between_quote_and_order_is_refused(db: Database) -> None:
    ends = NOW + timedelta(hours=1)
    discount = code(db, limit=None, expires_at=ends)
    with db.connect() as connection, pytest.raises(UsageError, match="SPRING has expired"):
        ordered(connection, discount=discount, now=ends)
    with db.connect() as connection, pytest.raises(UsageError, match="no discount code 'SUMMER'"):
        find_discount(connection, "SUMMER", now=NOW)


def test_order_numbers_are_given_once_and_without_waiting_from_the_first_of_the_year(db: Database) -> None:
    found = at_once(db, lambda c, n: ordered(c, email=f"c{n}@example.com").number, times=4)
    assert sorted(found) == [f"PW-2026-{number:06d}" for number in range(1, 65)]


def test_order_numbers_begin_anew_with_new_yorks_year(db: Database) -> None:
    with db.connect() as connection:
        numbers = [ordered(connection, now=datetime(2027, 1, 1, hour, 30, tzinfo=UTC)).number for hour in (4, 5)]
    assert numbers == ["PW-2026-000001", "PW-2027-000001"]


def test_one_of_many_at_once_makes_a_change_and_the_others_are_refused(db: Database) -> None:
    with db.connect() as connection:
        placed = ordered(connection, referral=agent(connection))
        pay(connection, placed.order_id)
    found = at_once(db, lambda c, n: change(c, placed.order_id, "submitted", by=f"worker {n}", why="filed", now=NOW))
    assert sum(one is None for one in found) == 1
    assert all(isinstance(one, OrderError) for one in found if one is not None)
    with db.connect() as connection:
        events = read(connection, placed.number).events
    assert [event.after for event in events] == ["received", "processing", "submitted"]

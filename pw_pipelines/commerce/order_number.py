"""Order numbers: PW-2026-000123, counted anew each year of New York."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection, sql

from pw_pipelines.clock import eastern_day

_LOCK = 0x5057_0A0D  # advisory lock: who makes a year's sequence


def next_number(connection: Connection[Any], now: datetime) -> str:
    """The next number of the year. A sequence per year, made by whoever comes first: nobody waits for anybody after
    that, and a number is never given twice. An order that is given up leaves a gap."""
    year = eastern_day(now).year
    sequence = f"pw.order_numbers_{year}"
    drawn = _draw(connection, sequence)
    if drawn is None:
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(sql.SQL("create sequence if not exists {}").format(sql.Identifier(*sequence.split("."))))
        drawn = _draw(connection, sequence)
    return f"PW-{year}-{drawn:06d}"


def _draw(connection: Connection[Any], sequence: str) -> int | None:
    row = connection.execute("select nextval(to_regclass(%s)) as number", (sequence,)).fetchone()
    assert row is not None
    return None if row["number"] is None else int(row["number"])

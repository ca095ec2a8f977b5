"""The one step of a drill that asks the live database: what does it have that the copies would not bring back?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from pw_pipelines.backups import facts
from pw_pipelines.backups.drill_model import Checks
from pw_pipelines.backups.journal_reading import Read, in_snapshot
from pw_pipelines.db.connection import Database

# The shipper is asked every few seconds; a minute is many of its turns.
RPO_GOAL_SECONDS = 60.0
_SHOWN = 8


@dataclass(frozen=True)
class Measured:
    """rpo_seconds: age, at the moment the fetching began, of the oldest change the copies do not have."""

    rpo_seconds: float
    figures: dict[str, Any]


def compare_with_live(
    checks: Checks, restored: psycopg.Connection[dict[str, Any]], live: Database, position: Mapping[str, Any],
    journal: Read | None, *, began: datetime, captured_at: datetime,
) -> Measured:  # fmt: skip
    """Adds the checks of the recovery point. position: `journal` of the dump's facts; times: the machine's clock.

    A live database of another line was restored since that dump was made: its own journal plays on to no dump that is
    off-site yet, so all of it since then would be lost, and the check says so.
    """
    in_dump = in_snapshot(str(position["snapshot"]))
    seen = journal.seen if journal else frozenset()
    with live.connect(application="pw backup drill") as connection:
        same_line = facts.journal_position(connection)["line"] == position["line"]
        rows: list[Any] = connection.execute(
            "select seq, xact, at from pw.journal where at <= %s order by seq", (began,)
        ).fetchall()
        orders = facts.paid_orders(connection)
        times: list[Any] = connection.execute(
            """select distinct on (o.number) o.number, j.at from pw.journal j
               join pw.orders o on o.order_id = (j.key ->> 'order_id')::bigint
               where j.table_name = 'orders' and j.row ->> 'paid_at' is not null order by o.number, j.seq"""
        ).fetchall()
    lost = [
        one for one in rows
        if same_line and (one["seq"], one["at"]) not in seen and not in_dump(int(one["xact"]))
    ]  # fmt: skip
    oldest = min((one["at"] for one in lost), default=None)
    dump_age = (began - captured_at).total_seconds()
    since_oldest = (began - oldest).total_seconds() if oldest else 0.0
    rpo = since_oldest if same_line else dump_age
    paid_at = {one["number"]: one["at"] for one in times}
    there = {one["number"]: one for one in facts.paid_orders(restored)}
    before = [one for one in orders if one["number"] not in paid_at or paid_at[one["number"]] <= began]
    gone = [one["number"] for one in before if one["number"] not in there]
    differ = [one["number"] for one in before if one["number"] in there and there[one["number"]] != one]
    newest = journal.newest_at if journal and journal.newest_at else captured_at
    late = not same_line or rpo > RPO_GOAL_SECONDS
    wrong = f"The oldest of {len(lost):,} lost changes is {rpo:,.1f} s old; {RPO_GOAL_SECONDS:g} s is the goal."
    if not same_line:
        wrong = (
            "The live database was restored since the newest dump was made, and no dump of it is off-site: all it was "
            f"told since would be lost. The dump is {dump_age:,.0f} s old. Make one now: pw backup run postgres."
        )
    checks.add(
        "recovery point", wrong if late else "",
        f"{len(lost):,} changes of money and effects would be lost, the oldest {rpo:,.1f} s old. The newest there "
        f"was made {newest:%Y-%m-%d %H:%M:%S} UTC. What the journal does not carry is {dump_age:,.0f} s old.",
    )  # fmt: skip
    words = [f"{number} is missing{_age(paid_at.get(number), began)}." for number in gone[:_SHOWN]]
    words += [f"{number} is not as it is live." for number in differ[:_SHOWN]]
    if len(gone) + len(differ) > len(words):
        words.append(f"And {len(gone) + len(differ) - len(words)} more.")
    checks.add("paid orders of now", words, f"All {len(before)} paid orders of the live house are there, with amounts.")
    return Measured(
        max(0.0, rpo),
        {"changes_lost": len(lost), "paid_orders_live": len(before), "paid_orders_missing": len(gone),
         "dump_age_seconds": round(dump_age, 1), "newest_change_at": newest.isoformat()},
    )  # fmt: skip


def _age(at: datetime | None, began: datetime) -> str:
    return f"; it was paid {(began - at).total_seconds():,.0f} s before" if at else ""

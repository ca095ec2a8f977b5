"""The one step of a drill that asks the live database: what does it have that the copies would not bring back?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from pw_pipelines.backups import documents, facts
from pw_pipelines.backups.drill_model import Checks
from pw_pipelines.backups.drill_restore import ObjectsRestored
from pw_pipelines.backups.journal_reading import Read, in_snapshot
from pw_pipelines.backups.put_back import Ahead
from pw_pipelines.db.connection import Database

# The shipper is asked every few seconds; a minute is many of its turns.
RPO_GOAL_SECONDS = 60.0
DOCUMENTS_GOAL_SECONDS = 300.0  # their turn comes once a minute, and takes some of what waits
_SHOWN = 8


@dataclass(frozen=True)
class Measured:
    """rpo_seconds: age, at the moment the fetching began, of the oldest change the copies do not have."""

    rpo_seconds: float
    figures: dict[str, Any]


def compare_with_live(
    checks: Checks, restored: psycopg.Connection[dict[str, Any]], live: Database, position: Mapping[str, Any],
    journal: Read | None, *, began: datetime, captured_at: datetime,
    ahead: Callable[[psycopg.Connection[dict[str, Any]]], Ahead | None] = lambda _connection: None,
) -> Measured:  # fmt: skip
    """Adds the checks of the recovery point. position: `journal` of the dump's facts; times: the machine's clock.

    ahead: asked of the live database, whether the journal's store is ahead of it.

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
        strange = ahead(connection)
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
            "The live database was restored since the newest dump was made, or its journal began another line, and no "
            f"dump of it is off-site: all it was told since would be lost. The dump is {dump_age:,.0f} s old. Make "
            "one now: pw backup run postgres."
        )
    if strange is not None:
        late, wrong = True, f"{strange.sentence} Its newest {len(lost):,} changes would be lost."
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


def documents_of_now(checks: Checks, live: Database, restored: ObjectsRestored | None, *, began: datetime) -> Measured:
    """Adds the check of documents: signed PDFs, evidence, payouts that live names and the copies would not bring back.

    Each is as old as the change that names it. One that the journal no longer has was made weeks ago: no age of it is
    told, and it fails the check.
    """
    with live.connect(application="pw backup drill") as connection:
        named = documents.named(connection)
        missing = sorted(one for one in named if restored is None or not restored.has(one))
        named_at = documents.named_at(connection, missing)
    lost = [one for one in missing if one not in named_at or named_at[one] <= began]
    oldest = min((named_at[one] for one in lost if one in named_at), default=None)
    seconds = max(0.0, (began - oldest).total_seconds()) if oldest else 0.0
    forgotten = [one for one in lost if one not in named_at]
    wrong = []
    if seconds > DOCUMENTS_GOAL_SECONDS:
        wrong = [
            f"The oldest of {len(lost):,} documents that would be lost is {seconds:,.0f} s old; "
            f"{DOCUMENTS_GOAL_SECONDS:g} s is the goal: pw backup ship."
        ]
    if forgotten:
        wrong.append(f"{len(forgotten):,} older than the journal would be lost, such as {forgotten[0][:16]}….")
    checks.add(
        "documents of now", wrong,
        f"{len(lost):,} of {len(named):,} documents would be lost, the oldest {seconds:,.1f} s old."
        if lost else f"All {len(named):,} documents that the live house names are there.",
    )  # fmt: skip
    return Measured(seconds, {"documents_live": len(named), "documents_lost": len(lost)})


def _age(at: datetime | None, began: datetime) -> str:
    return f"; it was paid {(began - at).total_seconds():,.0f} s before" if at else ""

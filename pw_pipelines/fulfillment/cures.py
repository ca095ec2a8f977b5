"""Proof of cure: what a filing was to mend is looked for in the public record, until the record shows it mended.

Judged by the same rows the compliance check reads (`marts.findings`), on copies fetched after the filing only. Cured
is said when the finding is gone and the new copies show the carrier; a finding that is merely not said any more (held,
unsettled, its source not read yet) proves nothing. What is still seen on several days goes to a person; the customer is
never written to about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.compliance.rules import Rule, rules
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.calendar import done_at
from pw_pipelines.fulfillment.model import Connection, ItemView
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.fulfillment.public_record import Copy, newest_copy, shown

BY, FLAG = "cures", "cure"
_BUILT = ("marts.findings", "marts.held", "marts.questions", "marts.carriers", "staging.stg_snapshots")


@dataclass(frozen=True)
class CureReport:
    """What one look found. as_of: the day of the findings that were read; None: none are built yet."""

    as_of: date | None
    looked_at: int = 0
    came_to: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Open:
    """One cure that is not settled, or was found still there."""

    cure_id: int
    item_id: int
    order_id: int
    service: str
    stage: str
    frn: str
    code: str
    state: str
    filed_at: datetime
    snapshots_after: tuple[str, ...]


def begin(connection: Connection, item: ItemView, *, now: datetime) -> int:
    """Opens a cure for each finding the item was to mend; how many are new. Asking again changes nothing.

    What no public record shows is `not_visible` from the start.
    """
    if item.frn is None:
        return 0
    new = 0
    for code in item.cures:
        rule = rules().get(code)
        is_visible = rule is not None and rule.kind == "finding" and rule.certainty != "ask"
        why = None if is_visible else "No public record shows whether this is mended."
        new += connection.execute(
            """insert into pw.cures (item_id, frn, code, state, filed_at, snapshots_before, evidence, settled_at)
               values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (item_id, code) do nothing""",
            (
                item.item_id, item.frn, code, "waiting" if is_visible else "not_visible",
                done_at(connection, item.item_id) or now, _snapshots_before(connection, item, code),
                Jsonb({"why": why} if why else {}), None if is_visible else now,
            ),
        ).rowcount  # fmt: skip
    return new


def _snapshots_before(connection: Connection, item: ItemView, code: str) -> list[str]:
    """The copies the finding stood on; those of the order where it is not found any more."""
    row = connection.execute(
        "select snapshot_ids from pw.finding_history where frn = %s and code = %s order by opened_at desc limit 1",
        (item.frn, code),
    ).fetchone()
    if row is None:
        row = connection.execute(
            "select snapshot_ids from pw.compliance_orders where order_id = %s", (item.order_id,)
        ).fetchone()
    return list(row["snapshot_ids"]) if row else []


def look(db: Database, *, now: datetime, days: int) -> CureReport:
    """Reads the verdict on every open cure whose sources were read after its filing. Safe to do at any time.

    days: on how many days a finding must be seen after the filing before it counts as still there.
    """
    with db.connect(application="pw-cures") as connection:
        # Findings, copies and rows of one build: the schemas may be exchanged while this reads.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        _take_back(connection, now=now)
        build: dict[str, Any] | None = connection.execute(
            "select as_of from pw.mart_builds order by id desc limit 1"
        ).fetchone()
        if build is None or not all(_is_there(connection, name) for name in _BUILT):
            return CureReport(None)
        came_to: Counter[str] = Counter()
        found = _open_cures(connection)
        for cure in found:
            came_to[_look_at(connection, cure, as_of=build["as_of"], now=now, days=days)] += 1
        return CureReport(build["as_of"], len(found), dict(came_to))


def unwatched(connection: Connection) -> list[int]:
    """Items that are done and were to mend findings without a cure for each: there should be none."""
    rows = connection.execute(
        """select distinct w.item_id from pw.item_work w join pw.order_items i using (item_id)
           left join pw.compliance_orders co on co.order_id = w.order_id
           cross join unnest(i.cures) as one(code)
           where w.state = 'done' and coalesce(i.frn, co.frn) is not null
             and not exists (select from pw.cures c where c.item_id = w.item_id and c.code = one.code)
           order by 1"""
    ).fetchall()
    return [int(row["item_id"]) for row in rows]


def newest_build(connection: Connection) -> int | None:
    """The newest rebuild of the findings while a cure is open; None: nothing is to be looked for."""
    row = connection.execute(
        "select max(id) as id from pw.mart_builds "
        "where exists (select from pw.cures where state in ('waiting', 'still_there'))"
    ).fetchone()
    return int(row["id"]) if row and row["id"] is not None else None


def _open_cures(connection: Connection) -> list[_Open]:
    rows = connection.execute(
        """select c.cure_id, c.item_id, w.order_id, w.service, w.stage, c.frn, c.code, c.state, c.filed_at,
                  c.snapshots_after
           from pw.cures c join pw.item_work w using (item_id)
           where c.state in ('waiting', 'still_there') order by c.cure_id for update of c skip locked"""
    ).fetchall()
    return [_Open(**{**row, "snapshots_after": tuple(row["snapshots_after"])}) for row in rows]


def _look_at(connection: Connection, cure: _Open, *, as_of: date, now: datetime, days: int) -> str:
    """What became of one cure, in a word."""
    rule = rules().get(cure.code)
    copies = _copies_after(connection, cure, rule)
    if rule is None or copies is None:
        return "not_read_yet"
    verdict = _verdict(connection, cure)
    if verdict == "finding":
        return _still_there(connection, cure, copies, as_of=as_of, now=now, days=days)
    if verdict != "gone":
        return verdict
    rows = {copy.source: shown(connection, copy, cure.frn, since=cure.filed_at) for copy in copies}
    if not all(rows.values()):
        return "not_shown_yet"
    return _cured(connection, cure, copies, rows, as_of=as_of, now=now)


def _copies_after(connection: Connection, cure: _Open, rule: Rule | None) -> list[Copy] | None:
    """The newest complete copy of each source that shows it, all younger than the filing; None while one is not."""
    sources = playbook_of(cure.service).cure_sources or (rule.sources if rule else ())
    found = [newest_copy(connection, source, cure.frn, filed_at=cure.filed_at) for source in sources]
    copies = [copy for copy in found if copy is not None and copy.fetched_at > cure.filed_at]
    return copies if found and len(copies) == len(found) else None


def _verdict(connection: Connection, cure: _Open) -> str:
    """finding, gone, or why neither can be said."""
    row = connection.execute(
        """select exists (select from marts.findings where frn = %(frn)s and code = %(code)s) as is_found,
                  exists (select from marts.held where frn = %(frn)s and code = %(code)s)
                    or exists (select from marts.questions where frn = %(frn)s and code = %(code)s) as is_unsettled,
                  exists (select from marts.carriers where frn = %(frn)s) as is_known,
                  exists (select from pw.compliance_rules where code = %(code)s and is_enabled) as is_judged""",
        {"frn": cure.frn, "code": cure.code},
    ).fetchone()
    assert row is not None
    if row["is_found"]:
        return "finding"
    if row["is_unsettled"] or not row["is_judged"]:
        return "unsettled"
    return "gone" if row["is_known"] else "not_shown_yet"


def _still_there(
    connection: Connection, cure: _Open, copies: Sequence[Copy], *, as_of: date, now: datetime, days: int
) -> str:
    after = sorted({*cure.snapshots_after, *(copy.snapshot_id for copy in copies)})
    seen = connection.execute(
        """select min(n) as days from (
             select count(distinct as_of) as n from pw.snapshots
             where snapshot_id = any(%s) and source = any(%s) group by source) as per_source""",
        (after, [copy.source for copy in copies]),
    ).fetchone()
    assert seen is not None
    is_settled = cure.state == "still_there" or (seen["days"] or 0) >= days
    connection.execute(
        """update pw.cures set state = %s, snapshots_after = %s, looked_at = %s,
             settled_at = case when %s then coalesce(settled_at, %s) end where cure_id = %s""",
        ("still_there" if is_settled else "waiting", after, now, is_settled, now, cure.cure_id),
    )
    if is_settled and cure.state == "waiting":
        words = f"{cure.code}: {days} days of copies after the filing still show it ({as_of}). A person looks why."
        connection.execute(
            "insert into pw.conversation_flags (order_id, customer_id, kind, text, raised_at, raised_by) "
            "select order_id, customer_id, %s, %s, %s, %s from pw.orders where order_id = %s",
            (FLAG, words, now, BY, cure.order_id),
        )
        _note(connection, cure, words, now=now)
    return "still_there" if is_settled else "seen_again"


def _cured(
    connection: Connection,
    cure: _Open,
    copies: Sequence[Copy],
    rows: Mapping[str, Any],
    *,
    as_of: date,
    now: datetime,
) -> str:
    connection.execute(
        "update pw.cures set state = 'cured', snapshots_after = %s, evidence = %s, looked_at = %s, settled_at = %s "
        "where cure_id = %s",
        (
            [copy.snapshot_id for copy in copies],
            Jsonb({"as_of": as_of.isoformat(), "rows": rows}), now, now, cure.cure_id,
        ),
    )  # fmt: skip
    connection.execute(
        "update pw.conversation_flags set closed_at = %s, closed_by = %s where order_id = %s and kind = %s "
        "and raised_by = %s and closed_at is null and text like %s",
        (now, BY, cure.order_id, FLAG, BY, f"{cure.code}:%"),
    )
    _note(connection, cure, f"{cure.code}: cured. The public record of {as_of} does not show it any more.", now=now)
    return "cured"


def _take_back(connection: Connection, *, now: datetime) -> None:
    """A cure whose copies were recalled is open again: what showed it is no evidence any more."""
    rows = connection.execute(
        """update pw.cures c set state = 'waiting', settled_at = null, looked_at = null, snapshots_after = '{}',
             evidence = jsonb_build_object('taken_back', c.evidence)
           from pw.item_work w
           where w.item_id = c.item_id and c.state in ('cured', 'still_there') and exists (
               select from pw.snapshots s where s.snapshot_id = any(c.snapshots_after) and s.recalled_at is not null)
           returning c.item_id, c.code, w.stage"""
    ).fetchall()
    for row in rows:
        text = f"{row['code']}: open again, a copy it stood on was recalled."
        items.record(connection, row["item_id"], now, stage=row["stage"], what="note", text=text, by=BY)


def _note(connection: Connection, cure: _Open, text: str, *, now: datetime) -> None:
    items.record(connection, cure.item_id, now, stage=cure.stage, what="note", text=text, by=BY)


def _is_there(connection: Connection, name: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null as there", (name,)).fetchone()
    return row is not None and bool(row["there"])

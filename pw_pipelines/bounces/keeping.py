"""One mail of the bounce mailbox, worked exactly once: read, tied, kept, and what follows written in one transaction.

What follows inside our books: the suppression, the bounce's row, the flag at the desk, the segment's stop. Listmonk
is told afterwards (telling.py), from what is written here, so that an outage of it loses nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.bounces.model import Report, Result
from pw_pipelines.bounces.report import read_report
from pw_pipelines.bounces.ties import NONE, Tie, WhoIs, tie_of
from pw_pipelines.db.connection import Database
from pw_pipelines.leads import stops, suppression
from pw_pipelines.leads.addresses import normalise, provider_of
from pw_pipelines.leads.suppression import Opinion

Connection = psycopg.Connection[dict[str, Any]]
BY = "bounces"
SOURCE = "pw-bounces"  # what Listmonk and pw.bounces call us
# Different mails of ours that must have failed so before nobody writes there again. Facts of the trade, not law.
SUPPRESS_AFTER: Mapping[str, int] = {"hard": 1, "complaint": 1, "disabled": 2, "full": 2, "soft": 2, "unknown": 3}
COUNT_WITHIN = timedelta(days=180)
FLAG = "mail_bounced"


@dataclass(frozen=True)
class Kept:
    """What became of one mail. `new` False: it had been worked before."""

    digest: str
    new: bool
    classes: tuple[str, ...] = ()
    deeds: tuple[str, ...] = ()


def work_mail(
    db: Database, content: bytes, *, mailbox: str, kept: bool, who_is: WhoIs, now: datetime, today: date
) -> Kept:
    """Works one mail. Twice the same bytes are one mail. Raises OutsideError when Listmonk can't say who a subscriber
    is: nothing is written then, and the mail is read again later."""
    digest = hashlib.sha256(content).hexdigest()
    with db.connect(application="pw-bounces") as connection:
        if connection.execute("select from pw.bounce_messages where digest = %s", (digest,)).fetchone() is not None:
            return Kept(digest, False)
        report = read_report(content)
        written = connection.execute(
            """insert into pw.bounce_messages (digest, mailbox, kind, size_bytes, kept, worked_at, reporting_mta)
               values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing""",
            (digest, mailbox, report.kind, len(content), kept, now, report.reporting_mta),
        )
        if written.rowcount == 0:  # another process is at the same mail
            return Kept(digest, False)
        deeds = [
            _work(connection, report, result, digest=digest, position=position, who_is=who_is, now=now, today=today)
            for position, result in enumerate(report.results)
        ]
    return Kept(digest, True, tuple(result.class_ for result in report.results), tuple(deeds))


def _work(
    connection: Connection, report: Report, result: Result, *, digest: str, position: int, who_is: WhoIs,
    now: datetime, today: date,
) -> str:  # fmt: skip
    ids = report.ids
    is_about_us = result.class_ not in {"auto_reply", "not_a_report"}
    tie = tie_of(connection, result, ids, alone=len(report.results) == 1, who_is=who_is) if is_about_us else NONE
    segment = _segment(connection, tie, ids.segment) if result.class_ == "complaint" else None
    row = connection.execute(
        """insert into pw.bounce_results (digest, position, at, day, recipient, email, class, rule, action, status,
             remote_mta, evidence, tie, mail, effect_id, campaign_uuid, subscriber_uuid, segment, deed)
           values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '') returning result_id""",
        (
            digest, position, now, today, result.recipient, tie.email, result.class_, result.rule, result.action,
            result.status, result.remote_mta, list(result.evidence), tie.tie, tie.mail, tie.effect_id,
            ids.campaign, ids.subscriber, segment,
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    if tie.email is None:
        deed = "kept; ties to no mail of ours" if is_about_us else "kept"
        told_as = None
    else:
        deed, told_as = _against(connection, tie, result, digest=digest, segment=segment, now=now)
    connection.execute(
        "update pw.bounce_results set deed = %s, told_as = %s where result_id = %s", (deed, told_as, row["result_id"])
    )
    return deed


def _against(
    connection: Connection, tie: Tie, result: Result, *, digest: str, segment: str | None, now: datetime
) -> tuple[str, str | None]:
    """(what was done, as what Listmonk is to be told: hard, soft, complaint or not at all)."""
    assert tie.email is not None
    email = normalise(tie.email)
    if tie.order_id is not None and result.class_ not in {"delivered", "delayed", "complaint"}:
        _flag(connection, tie, result, now)
    limit = SUPPRESS_AFTER.get(result.class_)
    if limit is None:
        return ("noted; nothing against the address", None)
    counted = connection.execute(
        """select count(distinct coalesce(mail, digest))::int as n from pw.bounce_results
           where email = %s and class = any(%s) and at > %s""",
        (email, _alike(result.class_), now - COUNT_WITHIN),
    ).fetchone()
    times = counted["n"] if counted else 1
    is_over = times >= limit
    evidence = {"report": digest, "class": result.class_, "lines": list(result.evidence), "mails": times}
    if is_over:
        reason = "complained" if result.class_ == "complaint" else "bounced"
        suppression.record(connection, [Opinion(email, reason, now, BY, evidence)])
    told_as = "complaint" if result.class_ == "complaint" else ("hard" if is_over else "soft")
    if tie.tie != "listmonk":  # a customer's mail says nothing of the lead list's reputation
        return (f"suppressed ({result.class_})" if is_over else f"counted, {times} of {limit}", told_as)
    connection.execute(
        """insert into pw.bounces (email, type, source, provider, bounced_at, meta) values (%s, %s, %s, %s, %s, %s)
           on conflict do nothing""",
        (email, told_as, SOURCE, provider_of(email), now, Jsonb({"class": result.class_, "report": digest})),
    )
    if segment is not None:
        reason = f"Somebody on it complained ({now:%Y-%m-%d %H:%M} UTC); report {digest[:12]}."
        stops.stop(connection, segment=segment, reason=reason, evidence=evidence, by=BY, now=now)
    done = f"suppressed ({result.class_})" if is_over else f"counted, {times} of {limit}"
    return (done + (f"; segment {segment} stopped" if segment else ""), told_as)


def _alike(class_: str) -> list[str]:
    """Classes counted together: whoever is full today and unreachable tomorrow has failed twice."""
    if class_ == "complaint":
        return ["complaint"]
    return ["hard", "disabled", "full", "soft"] + (["unknown"] if class_ == "unknown" else [])


def _segment(connection: Connection, tie: Tie, said: str | None) -> str | None:
    """The segment a complained-about mail came from: as the mail itself says; else the smallest that holds the
    carrier, since a campaign is written to one.

    Whoever has a mail of ours can write what he likes into a complaint: beyond the segments he is on, one address
    stops one, not one after the other.
    """
    if tie.email is None:
        return None
    own = _segments_of(connection, tie.email)
    if said and connection.execute("select 1 as there from pw.segments where segment = %s", (said,)).fetchone():
        others = connection.execute(
            """select 1 as there from pw.bounce_results
               where email = %s and class = 'complaint' and segment <> %s limit 1""",
            (normalise(tie.email), said),
        ).fetchone()
        if said in own or others is None:
            return said
    return own[0] if own else None


def _segments_of(connection: Connection, email: str) -> list[str]:
    """The segments that hold the carrier of an address, the smallest first."""
    there = connection.execute("select to_regclass('segments.segment_members') as t").fetchone()
    if there is None or there["t"] is None:
        return []
    rows = connection.execute(
        """select m.segment from pw.subscribers s join segments.segment_members m using (frn)
           where s.email = %s
           order by (select count(*) from segments.segment_members n where n.segment = m.segment), m.segment""",
        (email,),
    ).fetchall()
    return [str(row["segment"]) for row in rows]


def _flag(connection: Connection, tie: Tie, result: Result, now: datetime) -> None:
    """A person is told at the desk: nobody waits for a signature from a mailbox that does not exist. No address."""
    words = (
        f"A mail of item {tie.item_id} came back ({result.class_}, {result.status or 'no status'}): it was not read."
    )
    connection.execute(
        """insert into pw.conversation_flags (order_id, customer_id, kind, text, raised_at, raised_by)
           select order_id, customer_id, %(kind)s, %(text)s, %(now)s, %(by)s from pw.orders o where order_id = %(order)s
             and not exists (select from pw.conversation_flags f where f.order_id = o.order_id and f.kind = %(kind)s
                             and f.closed_at is null and f.text = %(text)s)""",
        {"kind": FLAG, "text": words, "now": now, "by": BY, "order": tie.order_id},
    )
    stage = connection.execute("select stage from pw.item_work where item_id = %s", (tie.item_id,)).fetchone()
    if stage is not None:
        connection.execute(
            """insert into pw.item_events (item_id, at, stage, what, text, by) values (%s, %s, %s, 'note', %s, %s)""",
            (tie.item_id, now, stage["stage"], words, BY),
        )

"""Old reports go; what a suppression rests on, what is young and what Listmonk must still be told stays."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from psycopg.types.json import Jsonb

from pw_pipelines.bounces.forgetting import Forgotten, forget_old
from pw_pipelines.db.connection import Database
from tests.bounces.test_watch import NOW

BEFORE = NOW - timedelta(days=400)
OLD = BEFORE - timedelta(days=1)


def report(db: Database, name: str, *emails: str, old: bool = True, told_as: str | None = None) -> str:
    """One mail that came back, with a result per address; its digest."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    at = OLD if old else NOW
    with db.connect() as connection:
        connection.execute(
            """insert into pw.bounce_messages (digest, mailbox, kind, size_bytes, kept, worked_at)
               values (%s, 'maildir', 'dsn', 1, true, %s)""",
            (digest, at),
        )
        for position, email in enumerate(emails):
            connection.execute(
                """insert into pw.bounce_results (digest, position, at, day, email, class, rule, evidence, tie, deed,
                     told_as) values (%s, %s, %s, %s, %s, 'full', 'r', '{}', 'listmonk', 'd', %s)""",
                (digest, position, at, at.date(), email, told_as),
            )
    return digest


def suppress(db: Database, email: str, digest: str, origin: str = "bounces") -> None:
    with db.connect() as connection:
        connection.execute(
            "insert into pw.suppressions (email, reason, since, origin, evidence) values (%s, 'bounced', %s, %s, %s)",
            (email, OLD, origin, Jsonb({"report": digest})),
        )


def left(db: Database) -> set[str]:
    with db.connect() as connection:
        return {str(row["digest"]) for row in connection.execute("select digest from pw.bounce_messages").fetchall()}


def test_an_old_report_goes_with_its_mail_and_a_young_one_stays(db: Database) -> None:
    report(db, "old", "a@carrier.example", "b@carrier.example")
    young = report(db, "young", "a@carrier.example", old=False)

    assert forget_old(db, BEFORE) == Forgotten(2, 1)

    assert left(db) == {young}


def test_every_report_of_a_suppressed_address_stays_and_the_others_of_the_same_mail_stay_with_it(db: Database) -> None:
    first, second = report(db, "1", "a@carrier.example"), report(db, "2", "a@carrier.example", "b@carrier.example")
    suppress(db, "a@carrier.example", second)

    assert forget_old(db, BEFORE) == Forgotten(0, 0)

    assert left(db) == {first, second}


def test_an_address_that_unsubscribed_keeps_no_report_of_its_bounces(db: Database) -> None:
    digest = report(db, "1", "a@carrier.example")
    suppress(db, "a@carrier.example", "none", origin="listmonk")
    assert forget_old(db, BEFORE) == Forgotten(1, 1)
    assert digest not in left(db)


def test_what_listmonk_has_not_been_told_stays_until_it_was(db: Database) -> None:
    digest = report(db, "1", "a@carrier.example", told_as="soft")
    assert forget_old(db, BEFORE) == Forgotten(0, 0)
    with db.connect() as connection:
        connection.execute("update pw.bounce_results set told_at = %s", (NOW,))
    assert forget_old(db, BEFORE) == Forgotten(1, 1)
    assert digest not in left(db)


def test_a_backlog_is_worked_off_over_several_nights(db: Database) -> None:
    report(db, "1", *(f"{number}@carrier.example" for number in range(5)))
    assert [forget_old(db, BEFORE, most=2).results for _ in range(4)] == [2, 2, 1, 0]

"""One round of the bounce mailbox: each mail kept and worked once, Listmonk told, the breaker looked at.

The order is the safety: bytes to the object store, books committed, then the mail is moved away. Whoever dies in
between reads it again and finds it worked by its digest.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg

from pw_pipelines.bounces import breaker
from pw_pipelines.bounces.keeping import SOURCE, work_mail
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import OutsideError
from pw_pipelines.leads import mail_days
from pw_pipelines.resources.bounce_mailbox import Arrived, Mailbox
from pw_pipelines.resources.listmonk import BounceRow, Listmonk
from pw_pipelines.resources.listmonk_campaigns import campaigns
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings

A_ROUND = 100
MOST_TRIES = 50


@dataclass
class Round:
    """What a round did. `failed`: mails that wait for the next one, with why, said once."""

    read: int = 0
    known: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    told: int = 0
    failed: int = 0
    error: str | None = None
    stopped: int | None = None

    def sentences(self) -> Iterator[str]:
        """What it did, for a person."""
        yield f"{self.read} mails read" + (f", {self.known} of them worked before." if self.known else ".")
        for class_, count in self.classes.most_common():
            yield f"{count} {'says' if count == 1 else 'say'} {class_.replace('_', ' ')}."
        for deed, count in self.deeds.most_common():
            yield f"{count} times: {deed}."
        if self.told:
            yield f"Listmonk was told of {self.told}."
        if self.failed:
            yield f"{self.failed} mails wait for the next round."
        if self.error:
            yield f"Trouble: {self.error}"
        if self.stopped is not None:
            yield f"All sending is stopped (stop {self.stopped}): `pw leads stops` says why."

    def as_json(self) -> Mapping[str, object]:
        return {
            "read": self.read, "known": self.known, "classes": dict(self.classes), "deeds": dict(self.deeds),
            "told": self.told, "failed": self.failed, "error": self.error, "stopped": self.stopped,
        }  # fmt: skip


def work_round(
    db: Database, objects: Objects, listmonk: Listmonk, mailbox: Mailbox | None, *, settings: Settings, now: datetime,
    today: date,
) -> Round:  # fmt: skip
    """Works what waits. Raises OutsideError when the mailbox itself fails; what was worked stays worked."""
    done = Round()

    def who_is(uuid: str) -> str | None:
        person = listmonk.by_uuid(uuid)
        return None if person is None else person.email

    for mail in mailbox.waiting(A_ROUND) if mailbox is not None else ():
        if mail.whole:
            _keep(objects, mail)
        try:
            kept = work_mail(
                db, mail.content, mailbox=mailbox.kind if mailbox else "", kept=mail.whole, who_is=who_is, now=now,
                today=today,
            )  # fmt: skip
        except (OutsideError, psycopg.DataError) as error:  # a mail the books can't hold keeps no other waiting
            done.failed += 1
            done.error = str(error)
            continue
        assert mailbox is not None
        mailbox.done(mail)
        done.read += 1
        done.known += not kept.new
        done.classes.update(kept.classes)
        done.deeds.update(kept.deeds)
    done.told, trouble = tell(db, listmonk, now=now)
    done.error = done.error or trouble
    uncounted = _uncounted(db, listmonk, today) if done.read > done.known else None
    with db.connect(application="pw-bounces") as connection:
        done.stopped = breaker.look(connection, settings=settings, now=now, today=today, uncounted=uncounted)
    return done


def _uncounted(db: Database, listmonk: Listmonk, today: date) -> Mapping[date, int]:
    """Campaign mails since the last reconciliation. Where Listmonk can't say: none, so the breaker stops sooner."""
    try:
        found = campaigns(listmonk)
    except OutsideError:
        return {}
    with db.connect(application="pw-bounces") as connection:
        return mail_days.since(mail_days.last_count(connection), found, today)


def _keep(objects: Objects, mail: Arrived) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(mail.content)
        file.flush()
        objects.put(Path(file.name))


def tell(db: Database, listmonk: Listmonk, *, now: datetime) -> tuple[int, str | None]:
    """Tells Listmonk what it has not been told; (how many, what stood in the way). A crash between its answer and our
    note tells it twice, which blocks nobody who was not blocked."""
    told = 0
    with db.connect(application="pw-bounces") as connection:
        rows = connection.execute(
            """select result_id, email, told_as, at, class, status, digest, campaign_uuid from pw.bounce_results
               where told_as is not null and told_at is null and told_tries < %s order by result_id limit %s
               for update skip locked""",
            (MOST_TRIES, A_ROUND),
        ).fetchall()
        row: Any
        for row in rows:
            meta = {"class": row["class"], "status": row["status"], "report": row["digest"]}
            bounce = BounceRow(row["email"], row["told_as"], SOURCE, row["at"], meta)
            try:
                listmonk.report_bounce(bounce, campaign=row["campaign_uuid"])
            except OutsideError as error:
                connection.execute(
                    "update pw.bounce_results set told_tries = told_tries + 1, told_error = %s where result_id = %s",
                    (str(error)[:500], row["result_id"]),
                )
                return told, str(error)
            connection.execute(
                "update pw.bounce_results set told_at = %s, told_error = null where result_id = %s",
                (now, row["result_id"]),
            )
            told += 1
    return told, None

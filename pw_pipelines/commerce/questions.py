"""What waits for a person's answer (pw.conversation_flags), and the books that are held: listed, told, closed.

Whatever room raised a flag, it is read and closed here. Two kinds have a deed of their own and are refused here: a
flag of money that is held is closed by settling that money, a flag of books that are held by looking at them again.
How a flag was closed is a line of pw.staff_actions, which nobody can change; the flag itself keeps who and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.commerce import books
from pw_pipelines.commerce.books_documents import DOCUMENTS
from pw_pipelines.commerce.order_notices import LOOK_BACK, Notice
from pw_pipelines.errors import UsageError

Connection = psycopg.Connection[dict[str, Any]]

LONGEST_WHY = 1_000
MOST = 200  # shown at once
MOST_TOLD_AN_HOUR = 20  # whoever sends a thousand applications sends ops no thousand messages; the page has them all
CLOSED, LOOKED = "question_closed", "books_look_again"
KINDS: Mapping[str, str] = {
    "payment": "Money of an order",
    "books": "Books in ERPNext",
    "quote": "Wants a price",
    "agent": "Wants to become a sales agent",
    "bundle": "What a bundle holds",
    "duplicate": "Stopped: filed already",
    "renewal": "A renewal nobody was asked for",
    "mail": "A mail that cannot be sent",
    "mail_bounced": "A mail that came back",
    "cure": "Filed, and still in the record",
}
# Written by somebody outside: their text may name people.
THEIRS = ("quote", "agent")
# Money that is held has a page where it is settled, which closes its flag; ERPNext's own events have none.
_HELD_EVENT = """
    (select min(e.event_id) from pw.payment_events e
     where f.kind = 'payment' and e.state = 'held' and e.provider <> 'erpnext'
       and f.text in (e.provider || ': ' || e.outcome, e.provider || ' event ' || e.event_id || ': ' || e.outcome))
"""
# Counted and told as held money already.
_IS_HELD_MONEY = """
    (f.kind = 'payment' and exists (
        select from pw.payment_events e where e.state = 'held' and f.text in (
            e.provider || ': ' || e.outcome, e.provider || ' event ' || e.event_id || ': ' || e.outcome,
            case when e.provider = 'erpnext' then e.outcome end)))
"""
_IS_HELD_BOOKS = """
    (f.kind = 'books' and exists (select from pw.book_entries b where b.order_id = f.order_id and b.state = 'held'))
"""
_OPEN = f"""
    select f.flag_id, f.kind, f.text, f.raised_at, o.number, {_HELD_EVENT} as event_id,
           c.name, c.company, c.email, c.phone
    from pw.conversation_flags f left join pw.orders o using (order_id)
    left join pw.customers c on c.customer_id = coalesce(f.customer_id, o.customer_id)
    where f.closed_at is null and not {_IS_HELD_BOOKS}
    order by f.raised_at, f.flag_id limit %s
"""


@dataclass(frozen=True)
class Contact:
    """Whom to answer: personal data, for those who may see it."""

    name: str
    company: str | None
    email: str
    phone: str | None


@dataclass(frozen=True)
class Question:
    """One open flag. held_event: the held payment event it tells of; settling that event closes it."""

    flag_id: int
    kind: str
    text: str
    raised_at: datetime
    number: str | None
    held_event: int | None
    contact: Contact | None

    @property
    def title(self) -> str:
        return words_of(self.kind)

    @property
    def is_theirs(self) -> bool:
        return self.kind in THEIRS


@dataclass(frozen=True)
class HeldBooks:
    """An order with a document that a person must look at. since: when it was flagged, else when it was wanted.
    key_field, key: by what one that a person makes in ERPNext is found; key None: it names somebody."""

    number: str
    document: str
    why: str
    since: datetime
    key_field: str
    key: str | None


@dataclass(frozen=True)
class Counts:
    """questions: those to be answered here, without what is counted as held money or held books."""

    questions: int
    books: int


def words_of(kind: str) -> str:
    """A kind of flag in plain words."""
    return KINDS.get(kind, kind.replace("_", " ").capitalize())


def open_questions(connection: Connection, *, most: int = MOST) -> list[Question]:
    """Open flags, oldest first; those of books that are held stand in `held_books`."""
    return [
        Question(
            row["flag_id"], row["kind"], row["text"], row["raised_at"], row["number"], row["event_id"],
            Contact(row["name"] or "", row["company"], row["email"], row["phone"]) if row["email"] else None,
        )
        for row in connection.execute(_OPEN.encode(), (most,)).fetchall()
    ]  # fmt: skip


def held_books(connection: Connection) -> list[HeldBooks]:
    """Orders whose books are held, those that waited longest first."""
    rows = connection.execute(
        """select o.number, b.kind, b.last_error, coalesce(
               (select max(f.raised_at) from pw.conversation_flags f
                where f.order_id = b.order_id and f.kind = 'books' and f.closed_at is null), b.wanted_at) as since,
               (select p.provider || ':' || p.reference from pw.payments p
                where p.order_id = b.order_id and p.state <> 'surplus') as payment
           from pw.book_entries b join pw.orders o using (order_id) where b.state = 'held'
           order by since, b.entry_id"""
    ).fetchall()
    keys: Mapping[str, str | None] = {"sales_order": "number", "sales_invoice": "number", "payment_entry": "payment"}
    return [
        HeldBooks(
            row["number"], row["kind"], row["last_error"] or "", row["since"], DOCUMENTS[row["kind"]].key_field,
            row[column] if (column := keys.get(row["kind"])) else None,
        )
        for row in rows
    ]  # fmt: skip


def counts(connection: Connection) -> Counts:
    """How much waits, for the first page."""
    row = connection.execute(
        f"""select (select count(*)::int from pw.conversation_flags f
                    where f.closed_at is null and not {_IS_HELD_BOOKS} and not {_IS_HELD_MONEY}) as questions,
                   (select count(distinct order_id)::int from pw.book_entries where state = 'held') as books""".encode()
    ).fetchone()
    assert row is not None  # an aggregate always answers
    return Counts(row["questions"], row["books"])


def closed_lately(connection: Connection, *, most: int = 20) -> list[dict[str, Any]]:
    """What people did here, newest first: at, by, what, detail."""
    return connection.execute(
        'select at, "by", what, detail from pw.staff_actions where what = any(%s) order by action_id desc limit %s',
        ([CLOSED, LOOKED], most),
    ).fetchall()


def close(connection: Connection, flag_id: int, *, why: str, by: str, now: datetime) -> None:
    """Closes one flag with what was done. A flag of ERPNext's held event settles that event too: nothing follows.

    Raises UsageError without words, for a flag that is none or closed already, and for one that has its own deed.
    """
    why = _why(why)
    row = connection.execute(
        f"""select f.order_id, f.kind, f.text, f.closed_at, f.closed_by, o.number, {_HELD_EVENT} as event_id,
                   {_IS_HELD_BOOKS} as is_held_books
            from pw.conversation_flags f left join pw.orders o using (order_id)
            where f.flag_id = %s for update of f""".encode(),
        (flag_id,),
    ).fetchone()
    if row is None:
        raise UsageError(f"There is no question {flag_id}.")
    if row["closed_at"] is not None:
        raise UsageError(f"{row['closed_by']} closed question {flag_id} already. Nothing was done.")
    if row["event_id"] is not None:
        raise UsageError(f"Settle payment event {row['event_id']} under Held payments; that closes this question.")
    if row["is_held_books"]:
        raise UsageError("Press “Look again” at the order's held books; that closes this question.")
    connection.execute(
        "update pw.conversation_flags set closed_at = %s, closed_by = %s where flag_id = %s", (now, by, flag_id)
    )
    if row["kind"] == "payment":
        connection.execute(
            "update pw.payment_events set state = 'ignored', outcome = outcome || %s "
            "where provider = 'erpnext' and state = 'held' and outcome = %s",
            (f" Closed by {by}: {why}", row["text"]),
        )
    detail = {"question": flag_id, "kind": row["kind"], "order": row["number"], "why": why}
    _record(connection, CLOSED, row["order_id"], detail, by=by, now=now)


def look_again(connection: Connection, number: str, *, why: str, by: str, now: datetime) -> None:
    """Lets the held books of one order be looked up again, once they were mended; its flags are closed.

    Raises UsageError without words, or when nothing of the order is held (any more).
    """
    why = _why(why)
    row = connection.execute("select order_id from pw.orders where number = %s for update", (number,)).fetchone()
    if row is None:
        raise UsageError(f"There is no order {number}.", field="number")
    waiting = connection.execute(
        "select kind from pw.book_entries where order_id = %s and state = 'held'", (row["order_id"],)
    ).fetchall()
    if not waiting:
        raise UsageError(f"No books of {number} are held (any more). Nothing was done.")
    books.look_again(connection, row["order_id"], by=by, now=now)
    detail = {"order": number, "documents": [one["kind"] for one in waiting], "why": why}
    _record(connection, LOOKED, row["order_id"], detail, by=by, now=now)


def untold(connection: Connection, now: datetime, *, address: str) -> list[Notice]:
    """Questions raised lately that ops were not told of, money first, so many an hour. address: where they stand.

    Held money and held books have notices of their own. No word of a flag's text: it may be a customer's.
    """
    rows = connection.execute(
        f"""select f.flag_id, f.kind, o.number from pw.conversation_flags f left join pw.orders o using (order_id)
            where f.closed_at is null and f.raised_at >= %s and not {_IS_HELD_BOOKS} and not {_IS_HELD_MONEY}
              and not exists (select from pw.alerts a where a.key = 'question:' || f.flag_id)
            order by f.kind <> 'payment', f.raised_at, f.flag_id
            limit greatest(0, %s - (select count(*) from pw.alerts
                                    where key like 'question:%%' and raised_at > %s))""".encode(),
        (now - LOOK_BACK, MOST_TOLD_AN_HOUR, now - timedelta(hours=1)),
    ).fetchall()
    return [
        Notice(
            f"question:{row['flag_id']}",
            f"Waits for a person: {', '.join(filter(None, (words_of(row['kind']), row['number'])))}. {address}",
        )
        for row in rows
    ]


def _record(
    connection: Connection, what: str, order_id: int | None, detail: Mapping[str, Any], *, by: str, now: datetime
) -> None:
    connection.execute(
        'insert into pw.staff_actions (at, "by", what, order_id, detail) values (%s, %s, %s, %s, %s)',
        (now, by, what, order_id, Jsonb(dict(detail))),
    )


def _why(text: str) -> str:
    said = "".join(letter for letter in text if letter.isprintable()).strip()[:LONGEST_WHY]
    if not said:
        raise UsageError("Say what was done; it is kept.", field="why")
    return said

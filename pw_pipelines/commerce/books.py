"""The books of an order in ERPNext: each document wanted once, made once, however often we die or lose an answer.

pw.book_entries says what is wanted. Before ERPNext is asked to make something the entry is `unknown`, committed;
afterwards `done`, with the document's name. Every making begins with a search for our own key (the order's number,
the payment's reference), so what a lost answer hid is found instead of made again; the key stands in a unique field
there, so that even two makings at once leave one document. What does not agree to the cent is held for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql

from pw_pipelines import faults
from pw_pipelines.clock import EASTERN
from pw_pipelines.commerce import books_documents as documents
from pw_pipelines.commerce.books_documents import DOCUMENTS, KINDS, Held, Line, Order, Paid
from pw_pipelines.db.connection import Database
from pw_pipelines.db.kept import is_alive
from pw_pipelines.errors import OutsideError, UsageError
from pw_pipelines.resources.erpnext import (
    CANCELLED,
    DRAFT,
    SUBMITTED,
    Document,
    Erpnext,
    ErpnextExists,
    ErpnextForbidden,
    ErpnextRefused,
    ErpnextUnavailable,
)

Connection = psycopg.Connection[dict[str, Any]]

TURNS = 3  # searches, each followed by one asking, before an entry is left for the next run
FLAG = "books"
# Where the names of an order's documents stand, by the order's kind.
_TABLES = {
    "compliance": "compliance_orders",
    "formation": "formation_orders",
    "canada_crtc": "canada_crtc_orders",
    "bundle": "bundle_orders",
}


@dataclass(frozen=True)
class BooksReport:
    """What became of one order's entries. made: kind -> name; held: why a person must look, None when nothing is."""

    order_id: int
    made: dict[str, str] = field(default_factory=dict)
    held: str | None = None
    is_busy: bool = False


def want(connection: Connection, order_id: int, kind: str, *, now: datetime) -> None:
    """Asks for a document, and for those it stands on, in the caller's transaction. Asking again changes nothing.

    `kind`: customer, sales_order, sales_invoice or payment_entry. Raises UsageError for any other.
    """
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no document of the books; there are {', '.join(KINDS)}.")
    for one in KINDS[: KINDS.index(kind) + 1]:
        connection.execute(
            """insert into pw.book_entries (order_id, kind, wanted_at) values (%s, %s, %s)
               on conflict (order_id, kind) do nothing""",
            (order_id, one, now),
        )


def waiting_orders(connection: Connection) -> list[int]:
    """Orders with something to make and nothing held, those that waited longest first."""
    rows = connection.execute(
        """select order_id from pw.book_entries
           group by order_id
           having bool_or(state in ('wanted','unknown')) and not bool_or(state = 'held')
           order by min(wanted_at) filter (where state in ('wanted','unknown')), order_id"""
    ).fetchall()
    return [int(row["order_id"]) for row in rows]


def look_again(connection: Connection, order_id: int, *, by: str, now: datetime) -> int:
    """Frees what is held for an order, once a person has mended it; returns how many entries were.

    A freed entry counts as `unknown`: it is looked up before it is asked for. Its flags are closed.
    """
    freed = connection.execute(
        "update pw.book_entries set state = 'unknown' where order_id = %s and state = 'held'", (order_id,)
    ).rowcount
    connection.execute(
        """update pw.conversation_flags set closed_at = %s, closed_by = %s
           where order_id = %s and kind = %s and closed_at is null""",
        (now, by, order_id, FLAG),
    )
    return freed


def make_books(db: Database, erpnext: Erpnext, order_id: int, now: datetime) -> BooksReport:
    """Makes what is wanted for one order, each document after those it stands on.

    A document that a person must look at, or that our user may not make, ends the walk and is told in the report, in
    the entry and as a flag; other orders go on.
    Raises ErpnextUnavailable or ErpnextForbidden when nothing more can be asked now; what was done is booked.
    """
    with _alone(db, order_id) as is_free:
        if not is_free:
            return BooksReport(order_id, is_busy=True)
        with db.connect(application="pw-books") as connection:
            order, entries = read_order(connection, order_id), _entries(connection, order_id)
        return _Walk(db, erpnext, order, entries, now).run()


@contextmanager
def _alone(db: Database, order_id: int) -> Iterator[bool]:
    """The lock of one order's books; it falls with the connection, so a killed run frees it. A connection that lived
    through it is given back without it, for the next order."""
    lock = (order_id % 2**31,)
    with db.connect(application="pw-books-lock") as connection:
        connection.autocommit = True
        row = connection.execute("select pg_try_advisory_lock(hashtext('pw.books'), %s::int) as free", lock).fetchone()
        is_free = row is not None and bool(row["free"])
        try:
            yield is_free
        finally:
            # One whose server ended it has lost the lock with it, and is closed when it is given back.
            if is_alive(connection):
                if is_free:
                    connection.execute("select pg_advisory_unlock(hashtext('pw.books'), %s::int)", lock)
                connection.autocommit = False


@dataclass
class _Walk:
    """One order's documents, in the order in which they stand on each other."""

    db: Database
    erpnext: Erpnext
    order: Order
    entries: dict[str, dict[str, Any]]
    now: datetime
    names: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    def run(self) -> BooksReport:
        for kind in KINDS:
            entry = self.entries.get(kind)
            if entry is None:
                continue
            if entry["state"] == "done":
                self.names[kind] = entry["name"]
                continue
            if entry["state"] == "held":
                return self._report(str(entry["last_error"]))
            try:
                name = self._settled(kind)
            except (Held, ErpnextRefused) as why:
                if isinstance(why, ErpnextForbidden):
                    self._note(kind, str(why))
                    raise
                self._hold(kind, str(why))
                return self._report(str(why))
            except OutsideError as error:
                self._note(kind, str(error))
                raise
            self._done(kind, name)
        return self._report(None)

    def _report(self, held: str | None) -> BooksReport:
        return BooksReport(self.order.order_id, self.made, held)

    def _settled(self, kind: str) -> str:
        """The name of the document, made and submitted. A lost answer leads back to the search, never to a guess."""
        self.erpnext.demand_unique(DOCUMENTS[kind].doctype, DOCUMENTS[kind].key_field)
        lost: ErpnextUnavailable | ErpnextExists | None = None
        for _ in range(TURNS):
            try:
                found = self._look_up(kind)
                if found is None:
                    found = self._ask(kind)
                return self._submitted(kind, found)
            except (ErpnextUnavailable, ErpnextExists) as error:
                lost = error
        if isinstance(lost, ErpnextExists):
            raise Held(f"ERPNext says that it has it and does not show it: {lost}")
        assert lost is not None  # every turn that did not return left its error
        raise lost

    def _look_up(self, kind: str) -> Document | None:
        """The one document with our key. Raises Held for a cancelled one, or several."""
        known = DOCUMENTS[kind]
        column, key = known.key_field, self.order.key(kind)
        if kind == "payment_entry" and (paid := self.order.must_have_payment()).provider == "erpnext":
            column, key = "name", paid.reference  # the money was booked there first
        found = self.erpnext.find(known.doctype, [[column, "=", key]], known.fields)
        alive = [one for one in found if int(one.get("docstatus") or 0) != CANCELLED]
        if len(alive) > 1:
            raise Held(f"ERPNext has {len(alive)} of {known.doctype} for {key}: {_names(alive)}. Cancel all but one.")
        if alive:
            return alive[0]
        if found:
            raise Held(
                f"{known.doctype} {_names(found)} for {key} was cancelled in ERPNext. Clear {known.key_field} on it if "
                "another is to be made."
            )
        if column == "name":
            raise Held(f"Payment Entry {key}, said to pay order {self.order.number}, is not in ERPNext.")
        return None

    def _ask(self, kind: str) -> Document:
        document = self._document(kind)
        self._set_unknown(kind)
        faults.point("books.create.intended")
        made = self.erpnext.create(DOCUMENTS[kind].doctype, document)
        faults.point("books.create.answered")
        return made

    def _document(self, kind: str) -> Document:
        order, setup = self.order, self.erpnext.setup
        if kind == "customer":
            return documents.customer(order, setup)
        if kind == "sales_order":
            return documents.sales_order(order, self.names["customer"], setup)
        if kind == "sales_invoice":
            prepared = self.erpnext.make(documents.MAKE_INVOICE, {"source_name": self.names["sales_order"]})
            return documents.sales_invoice(order, prepared)
        order.must_be_paid()
        invoice = self.erpnext.get("Sales Invoice", self.names["sales_invoice"])
        prepared = self.erpnext.make(documents.MAKE_PAYMENT, {"dt": "Sales Invoice", "dn": invoice["name"]})
        return documents.payment_entry(order, invoice, prepared, setup)

    def _submitted(self, kind: str, found: Document) -> str:
        """Submits a draft whose amount agrees; what is submitted must agree as well."""
        name = str(found["name"])
        if DOCUMENTS[kind].is_submittable:
            documents.demand_agreement(kind, self.order, found)
            if int(found.get("docstatus") or DRAFT) == DRAFT:
                if kind == "payment_entry":
                    self.order.must_be_paid()  # a draft of ours, and the money may have gone back since
                faults.point("books.submit.intended")
                found = self.erpnext.submit(DOCUMENTS[kind].doctype, name)
                faults.point("books.submit.answered")
                documents.demand_agreement(kind, self.order, found)
            if int(found.get("docstatus") or DRAFT) != SUBMITTED:
                raise Held(f"{DOCUMENTS[kind].doctype} {name} was to be submitted and ERPNext did not.")
        return name

    # -- our own books -------------------------------------------------------------------------------------------

    def _set_unknown(self, kind: str) -> None:
        self._update(kind, "state = 'unknown', attempts = attempts + 1, last_error = null")

    def _note(self, kind: str, error: str) -> None:
        self._update(kind, "last_error = %s", error)

    def _hold(self, kind: str, why: str) -> None:
        with self.db.connect(application="pw-books") as connection:
            self._execute(connection, kind, "state = 'held', last_error = %s", why)
            connection.execute(
                """insert into pw.conversation_flags (order_id, kind, text, raised_at, raised_by)
                   values (%s, %s, %s, %s, 'books')""",
                (self.order.order_id, FLAG, f"{DOCUMENTS[kind].doctype}: {why}", self.now),
            )

    def _done(self, kind: str, name: str) -> None:
        """The name goes to the entry, to the order's own table and to the customer, in one transaction."""
        with self.db.connect(application="pw-books") as connection:
            self._execute(
                connection, kind, "state = 'done', name = %s, done_at = %s, last_error = null", name, self.now
            )
            connection.execute(
                sql.SQL("update {} set {} = %s, erpnext_synced_at = %s where order_id = %s").format(
                    sql.Identifier("pw", _TABLES[self.order.kind]), sql.Identifier(f"erpnext_{kind}")
                ),
                (name, self.now, self.order.order_id),
            )
            if kind == "customer":
                connection.execute(
                    """update pw.customers set erpnext_customer = %s
                       where customer_id = (select customer_id from pw.orders where order_id = %s)""",
                    (name, self.order.order_id),
                )
            faults.point("books.name.before_commit")
        self.names[kind] = self.made[kind] = name

    def _update(self, kind: str, assignments: str, *values: object) -> None:
        with self.db.connect(application="pw-books") as connection:
            self._execute(connection, kind, assignments, *values)

    def _execute(self, connection: Connection, kind: str, assignments: str, *values: object) -> None:
        connection.execute(
            f"update pw.book_entries set {assignments} where order_id = %s and kind = %s",
            (*values, self.order.order_id, kind),
        )


def _names(found: list[Document]) -> str:
    return ", ".join(str(one["name"]) for one in found)


def _entries(connection: Connection, order_id: int) -> dict[str, dict[str, Any]]:
    rows = connection.execute("select * from pw.book_entries where order_id = %s", (order_id,)).fetchall()
    return {str(row["kind"]): row for row in rows}


def _day(at: datetime) -> date:
    return at.astimezone(EASTERN).date()


def read_order(connection: Connection, order_id: int) -> Order:
    """The order as its documents need it. Raises UsageError for an unknown one."""
    row = connection.execute(
        """select o.order_id, o.number, o.kind, o.status, o.currency, o.total, coalesce(o.paid_at, o.placed_at) as at,
                  c.email, c.name, c.company, p.provider, p.reference, p.amount, p.currency as paid_currency,
                  p.state, p.paid_at
           from pw.orders o join pw.customers c using (customer_id)
           left join pw.payments p on p.order_id = o.order_id and p.state <> 'surplus'
           where o.order_id = %s""",
        (order_id,),
    ).fetchone()
    if row is None:
        raise UsageError(f"There is no order with the id {order_id}.")
    lines = connection.execute(
        "select kind, text, amount from pw.order_lines where order_id = %s order by position", (order_id,)
    ).fetchall()
    return Order(
        order_id=int(row["order_id"]),
        number=row["number"],
        kind=row["kind"],
        status=row["status"],
        currency=row["currency"],
        total=row["total"],
        day=_day(row["at"]),
        email=row["email"],
        customer_name=row["name"],
        company=row["company"],
        lines=tuple(Line(line["kind"], line["text"], line["amount"]) for line in lines),
        paid=None
        if row["provider"] is None
        else Paid(
            row["provider"], row["reference"], row["amount"], row["paid_currency"], row["state"], _day(row["paid_at"])
        ),
    )

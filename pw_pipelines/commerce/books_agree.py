"""Whether ERPNext's books and our orders say the same, to the cent: read there, compared here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from pw_pipelines.commerce.books_documents import DOCUMENTS, Held, amount_of
from pw_pipelines.resources.erpnext import CANCELLED, SUBMITTED, Document, Erpnext

Connection = psycopg.Connection[dict[str, Any]]

AT_ONCE = 50  # keys in one question: more would make too long an address


@dataclass(frozen=True)
class Agreement:
    """documents: compared; amount: currency -> sum of the invoices that agree; waiting, held: not booked yet;
    differences: sentences that name the document and both amounts. Nothing agrees while there is one."""

    documents: int
    amount: dict[str, Decimal]
    waiting: int
    held: int
    differences: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not self.differences


def compare(connection: Connection, erpnext: Erpnext) -> Agreement:
    """Every document that our books call done against what ERPNext has now. Raises ErpnextUnavailable."""
    rows = connection.execute(
        """select e.kind, e.name, e.state, o.number, o.total, o.currency, p.provider || ':' || p.reference as paid_by
           from pw.book_entries e join pw.orders o using (order_id)
           left join pw.payments p on p.order_id = o.order_id and p.state <> 'surplus'
           where e.kind <> 'customer' order by e.kind, e.entry_id"""
    ).fetchall()
    done = [row for row in rows if row["state"] == "done"]
    differences: list[str] = []
    amount: defaultdict[str, Decimal] = defaultdict(Decimal)
    for kind in ("sales_order", "sales_invoice", "payment_entry"):
        ours = [row for row in done if row["kind"] == kind]
        stored = _stored(erpnext, kind, ours)
        for row in ours:
            if (difference := _difference(kind, row, stored.get(row["name"]))) is not None:
                differences.append(difference)
            elif kind == "sales_invoice":
                amount[row["currency"]] += row["total"]
        differences += _strangers(kind, ours, stored)
    return Agreement(
        documents=len(done),
        amount=dict(amount),
        waiting=sum(row["state"] in ("wanted", "unknown") for row in rows),
        held=sum(row["state"] == "held" for row in rows),
        differences=tuple(differences),
    )


def _stored(erpnext: Erpnext, kind: str, ours: Sequence[dict[str, Any]]) -> dict[str, Document]:
    """What ERPNext has by our names, and by our keys, so that a second document of a key is seen too."""
    known = DOCUMENTS[kind]
    found: dict[str, Document] = {}
    for start in range(0, len(ours), AT_ONCE):
        some = ours[start : start + AT_ONCE]
        for column, values in (("name", [row["name"] for row in some]), (known.key_field, _keys(kind, some))):
            if values:
                for one in erpnext.find(known.doctype, [[column, "in", values]], known.fields):
                    found[str(one["name"])] = one
    return found


def _keys(kind: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["paid_by"] if kind == "payment_entry" else row["number"] for row in rows if row["paid_by"]]


def _difference(kind: str, row: dict[str, Any], stored: Document | None) -> str | None:
    """What is wrong with the document of one entry; None when it says what the order says."""
    known = DOCUMENTS[kind]
    what = f"{known.doctype} {row['name']} of {row['number']}"
    if stored is None:
        return f"{what} is not in ERPNext."
    if int(stored.get("docstatus") or 0) != SUBMITTED:
        return f"{what} is not submitted in ERPNext."
    try:
        booked = amount_of(stored, str(known.amount_field), what)
    except Held as held:
        return str(held)
    currency = stored.get("currency") or stored.get("paid_from_account_currency") or row["currency"]
    if (booked, currency) != (row["total"], row["currency"]):
        return f"{what} is {booked} {currency} there and {row['total']} {row['currency']} here."
    return None


def _strangers(kind: str, ours: Sequence[dict[str, Any]], stored: dict[str, Document]) -> Iterator[str]:
    """Documents with a key of ours and a name that is not: a second one was made."""
    names = {row["name"] for row in ours}
    for name, document in stored.items():
        if name not in names and int(document.get("docstatus") or 0) != CANCELLED:
            key = document.get(DOCUMENTS[kind].key_field)
            yield f"{DOCUMENTS[kind].doctype} {name} has our key {key} and is not in our books."

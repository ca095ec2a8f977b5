"""An order as ERPNext's documents, and what must agree before one of them is submitted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pw_pipelines.resources.erpnext import Document, Setup, cents

KINDS = ("customer", "sales_order", "sales_invoice", "payment_entry")
MAKE_INVOICE = "erpnext.selling.doctype.sales_order.sales_order.make_sales_invoice"
MAKE_PAYMENT = "erpnext.accounts.doctype.payment_entry.payment_entry.get_payment_entry"
# Made anew by ERPNext from the due date; those of the order would lie before the invoice's posting date.
_NOT_CARRIED = ("payment_schedule", "payment_terms_template", "due_date", "posting_date", "posting_time")


class Held(Exception):
    """A document that a person must look at before anything more is booked for the order; says why."""


@dataclass(frozen=True)
class Kind:
    """One kind of document: its type, the unique field our key stands in, and the field of its amount."""

    doctype: str
    key_field: str
    amount_field: str | None
    fields: tuple[str, ...]

    @property
    def is_submittable(self) -> bool:
        return self.amount_field is not None


DOCUMENTS: dict[str, Kind] = {
    "customer": Kind("Customer", "custom_customer_email", None, ("custom_customer_email",)),
    "sales_order": Kind(
        "Sales Order", "custom_order_id", "grand_total", ("docstatus", "grand_total", "currency", "custom_order_id")
    ),
    "sales_invoice": Kind(
        "Sales Invoice", "custom_order_id", "grand_total", ("docstatus", "grand_total", "currency", "custom_order_id")
    ),
    "payment_entry": Kind(
        "Payment Entry",
        "custom_payment_ref",
        "paid_amount",
        ("docstatus", "paid_amount", "paid_from_account_currency", "custom_payment_ref"),
    ),
}


@dataclass(frozen=True)
class Line:
    """One line of the bill, as in pw.order_lines."""

    kind: str
    text: str
    amount: Decimal


@dataclass(frozen=True)
class Paid:
    """The payment that pays the order, as in pw.payments. `day`: America/New_York."""

    provider: str
    reference: str
    amount: Decimal
    currency: str
    state: str
    day: date


@dataclass(frozen=True)
class Order:
    """What the documents are made from. `day`: when it was paid, or placed while unpaid (America/New_York)."""

    order_id: int
    number: str
    kind: str
    status: str
    currency: str
    total: Decimal
    day: date
    email: str
    customer_name: str
    company: str | None
    lines: tuple[Line, ...]
    paid: Paid | None

    def key(self, kind: str) -> str:
        """The value that stands in the unique field: ours, so that a search finds what a lost answer hid."""
        if kind == "customer":
            return self.email
        if kind == "payment_entry":
            # Whatever became of the payment: what a person booked of it by hand is found by this too.
            paid = self.must_have_payment()
            return f"{paid.provider}:{paid.reference}"
        return self.number

    def must_be_paid(self) -> Paid:
        """The payment. Raises Held when there is none, when it was taken back or when it isn't the order's amount."""
        paid = self.must_have_payment()
        if paid.state != "paid":
            raise Held(f"The payment of order {self.number} is {paid.state}: it is for a person to book.")
        if (paid.amount, paid.currency) != (self.total, self.currency):
            raise Held(
                f"Order {self.number} is {self.total} {self.currency} and {paid.amount} {paid.currency} was paid."
            )
        return paid

    def must_have_payment(self) -> Paid:
        """The payment, whatever became of it. Raises Held when there is none."""
        if self.paid is None:
            raise Held(f"No payment pays order {self.number}.")
        return self.paid


def customer(order: Order, setup: Setup) -> Document:
    """A customer: the company where one is named, else the person."""
    return {
        "customer_name": order.company or order.customer_name,
        "customer_type": "Company" if order.company else "Individual",
        "customer_group": setup.customer_group,
        "territory": setup.territory,
        "custom_customer_email": order.email,
    }


def sales_order(order: Order, customer_name: str, setup: Setup) -> Document:
    """One row per line of the bill; discounts as the order's own, for ERPNext takes no negative rates.

    Pricing rules and rounded totals are switched off: both would make another amount than the customer agreed to.
    """
    order.must_be_paid()
    day = order.day.isoformat()
    discount = -sum((line.amount for line in order.lines if line.amount < 0), Decimal(0))
    document: Document = {
        "customer": customer_name,
        "company": setup.company,
        "order_type": "Sales",
        "transaction_date": day,
        "delivery_date": day,
        "currency": order.currency,
        "selling_price_list": setup.price_list,
        "ignore_pricing_rule": 1,
        "disable_rounded_total": 1,
        "po_no": order.number,
        "custom_order_id": order.number,
        "items": [_row(line, day, setup) for line in order.lines if line.amount >= 0],
    }
    if discount:
        document |= {"apply_discount_on": "Grand Total", "discount_amount": discount}
    return document


def _row(line: Line, day: str, setup: Setup) -> dict[str, Any]:
    if line.kind not in setup.items:
        raise Held(f"A line of kind {line.kind!r} has no item in ERPNext; add it to PW_ERPNEXT_ITEMS.")
    return {
        "item_code": setup.items[line.kind],
        "item_name": line.text[:140],
        "description": line.text,
        "qty": 1,
        "rate": line.amount,
        "delivery_date": day,
    }


def sales_invoice(order: Order, made: Document) -> Document:
    """What the maker prepared, of the order's day. Without set_posting_time ERPNext would date it today."""
    if order.status in ("cancelled", "refunded"):
        raise Held(f"Order {order.number} is {order.status}: its invoice is for a person to make.")
    day = order.day.isoformat()
    return {
        **{field: value for field, value in made.items() if field not in _NOT_CARRIED},
        "set_posting_time": 1,
        "posting_date": day,
        "due_date": day,
        "disable_rounded_total": 1,
        "custom_order_id": order.number,
    }


def payment_entry(order: Order, invoice: Document, made: Document, setup: Setup) -> Document:
    """Pays what the invoice itself says is outstanding. Raises Held when that is not what came."""
    paid = order.must_be_paid()
    name = str(invoice["name"])
    outstanding = amount_of(invoice, "outstanding_amount", f"Sales Invoice {name}")
    if outstanding != paid.amount:
        raise Held(
            f"Sales Invoice {name} has {outstanding} {order.currency} outstanding and {paid.amount} came: another "
            "payment or a note is booked against it."
        )
    document = {
        **made,
        "posting_date": paid.day.isoformat(),
        "reference_no": paid.reference,
        "reference_date": paid.day.isoformat(),
        "custom_payment_ref": order.key("payment_entry"),
        "paid_amount": outstanding,
        "received_amount": outstanding,
        "references": [{"reference_doctype": "Sales Invoice", "reference_name": name, "allocated_amount": outstanding}],
    }
    if account := setup.bank_accounts.get(order.currency):
        document["paid_to"] = account
    for side in ("paid_from", "paid_to"):
        if not document.get(side):  # ERPNext does not always fill them (its PR 48068)
            raise Held(f"ERPNext knows no account for {side} of {order.currency}: set PW_ERPNEXT_BANK_ACCOUNTS.")
        currency = document.get(f"{side}_account_currency") or order.currency
        if currency != order.currency:
            raise Held(
                f"Account {document[side]} is in {currency}, the payment in {order.currency}: set one of that currency "
                "in PW_ERPNEXT_BANK_ACCOUNTS, or book it by hand at the day's rate."
            )
    return document


def demand_agreement(kind: str, order: Order, stored: Document) -> None:
    """Raises Held, naming both amounts, unless the stored document says what the order says, to the cent."""
    known = DOCUMENTS[kind]
    if known.amount_field is None:
        return
    what = f"{known.doctype} {stored['name']}"
    booked = amount_of(stored, known.amount_field, what)
    currency = stored.get("currency") or stored.get("paid_from_account_currency") or order.currency
    if (booked, currency) != (order.total, order.currency):
        raise Held(
            f"{what} is {booked} {currency}, order {order.number} is {order.total} {order.currency}: it was not "
            "submitted. Mend taxes, rounding or the document in ERPNext."
        )


def amount_of(document: Document, field: str, what: str) -> Decimal:
    """An amount of a document. Raises Held when it is none."""
    try:
        return cents(document[field])
    except (KeyError, ArithmeticError, ValueError) as error:
        raise Held(f"{what} states no amount as {field} ({error}).") from error

"""What ERPNext does to a document when it is stored, submitted or cancelled. Amounts are floats, as there."""

from __future__ import annotations

from typing import Any

from pw_pipelines.clock import EASTERN
from pw_pipelines.sandbox.erpnext.doctypes import (
    ABBREVIATION,
    COMPANY,
    CURRENCY_OF_COMPANY,
    CUSTOMER_GROUPS,
    DOCTYPES,
    ITEMS,
    PRICE_LIST,
    TERRITORIES,
    Behaviour,
)
from pw_pipelines.sandbox.erpnext.refusals import Refusal
from pw_pipelines.sandbox.erpnext.store import Document, Session


def today(session: Session) -> str:
    """The site's day."""
    return session.store.now().astimezone(EASTERN).date().isoformat()


def name_of(session: Session, document: Document) -> str:
    """A new document's name: from its series, or a customer's own name with a number where that is taken."""
    doctype = DOCTYPES[document["doctype"]]
    if doctype.series is not None:
        return session.next_name(doctype.series.format(year=today(session)[:4]))
    wanted = str(document["customer_name"])
    if not session.exists("Customer", wanted):
        return wanted
    number = 1
    while session.exists("Customer", f"{wanted} - {number}"):
        number += 1
    return f"{wanted} - {number}"


def validate(session: Session, document: Document, behaviour: Behaviour) -> None:
    """Fills what the server fills and refuses what it refuses. Raises Refusal."""
    {
        "Customer": _customer,
        "Sales Order": _sales_order,
        "Sales Invoice": _sales_invoice,
        "Payment Entry": _payment_entry,
    }[document["doctype"]](session, document, behaviour)


def _customer(_session: Session, document: Document, _behaviour: Behaviour) -> None:
    _mandatory(document, "customer_name")
    document.setdefault("customer_type", "Company")
    _link(document, "customer_group", "Customer Group", CUSTOMER_GROUPS)
    _link(document, "territory", "Territory", TERRITORIES)


def _sale(session: Session, document: Document, behaviour: Behaviour) -> None:
    _mandatory(document, "customer", "company", "items")
    if not session.exists("Customer", str(document["customer"])):
        raise Refusal("LinkValidationError", f"Could not find Customer: {document['customer']}")
    _link(document, "company", "Company", (COMPANY,))
    document.setdefault("currency", CURRENCY_OF_COMPANY)
    document.setdefault("conversion_rate", 1.0)
    document.setdefault("selling_price_list", PRICE_LIST)
    _link(document, "selling_price_list", "Price List", (PRICE_LIST,))
    document.setdefault("price_list_currency", document["currency"])
    document.setdefault("plc_conversion_rate", 1.0)
    for row in document["items"]:
        _mandatory(row, "item_code", "qty")
        _link(row, "item_code", "Item", ITEMS)
        if float(row.get("rate") or 0) < 0:
            raise Refusal("ValidationError", f"Row #{row['idx']}: Rate cannot be negative")
        if behaviour.pricing_rule_percent and not document.get("ignore_pricing_rule"):
            row["rate"] = round(float(row["rate"]) * (1 - behaviour.pricing_rule_percent / 100), 2)
        row["amount"] = round(float(row.get("rate") or 0) * float(row["qty"]), 2)
        row.setdefault("item_name", row["item_code"])
        row.setdefault("description", row["item_name"])
    total = round(sum(row["amount"] for row in document["items"]), 2)
    discount = float(document.get("discount_amount") or 0)
    if discount > total:
        raise Refusal("ValidationError", "Additional Discount Amount cannot exceed the total before such discount")
    taxes = round((total - discount) * behaviour.tax_percent / 100, 2)
    grand = round(total - discount + taxes, 2)
    document |= {
        "total": total,
        "net_total": round(total - discount, 2),
        "total_taxes_and_charges": taxes,
        "grand_total": grand,
        "rounded_total": 0.0 if document.get("disable_rounded_total") else float(round(grand)),
    }


def _sales_order(session: Session, document: Document, behaviour: Behaviour) -> None:
    _sale(session, document, behaviour)
    document.setdefault("order_type", "Sales")
    document.setdefault("transaction_date", today(session))
    for row in document["items"]:
        if not (row.get("delivery_date") or document.get("delivery_date")):
            raise Refusal("ValidationError", "Please enter Delivery Date")
        row.setdefault("delivery_date", document.get("delivery_date"))
        if row["delivery_date"] < document["transaction_date"]:
            raise Refusal("ValidationError", "Expected Delivery Date should be after Sales Order Date")
    document |= {"per_billed": 0.0, "billing_status": "Not Billed", "advance_paid": 0.0, "status": "Draft"}


def _sales_invoice(session: Session, document: Document, behaviour: Behaviour) -> None:
    _sale(session, document, behaviour)
    if not document.get("set_posting_time") or not document.get("posting_date"):
        document["posting_date"] = today(session)
    document.setdefault("due_date", document["posting_date"])
    if document["due_date"] < document["posting_date"]:
        raise Refusal("ValidationError", "Due Date cannot be before Posting / Supplier Invoice Date")
    document.setdefault("debit_to", f"Debtors - {ABBREVIATION}")
    due = document["grand_total"] if document.get("disable_rounded_total") else document["rounded_total"]
    document |= {"outstanding_amount": due, "status": "Draft"}


def _payment_entry(session: Session, document: Document, _behaviour: Behaviour) -> None:
    document.setdefault("posting_date", today(session))
    _mandatory(document, "payment_type", "company", "paid_from", "paid_to", "paid_amount", "received_amount")
    document.setdefault("source_exchange_rate", 1.0)
    document.setdefault("target_exchange_rate", 1.0)
    if not (document.get("reference_no") and document.get("reference_date")):
        raise Refusal("ValidationError", "Reference No and Reference Date is mandatory for Bank transaction")
    allocated = 0.0
    for row in document.get("references") or []:
        invoice = session.get(row["reference_doctype"], row["reference_name"])
        if invoice["docstatus"] != 1:
            raise Refusal("ValidationError", f"{row['reference_doctype']} {invoice['name']} must be submitted")
        if float(row["allocated_amount"]) > float(invoice["outstanding_amount"]) + 0.005:
            raise Refusal("ValidationError", f"Row #{row['idx']}: Allocated Amount cannot be greater than outstanding")
        allocated += float(row["allocated_amount"])
    if allocated > float(document["paid_amount"]) + 0.005:
        raise Refusal("ValidationError", "Total Allocated Amount cannot be greater than Paid Amount")
    document |= {"unallocated_amount": round(float(document["paid_amount"]) - allocated, 2), "status": "Draft"}


def submitted(session: Session, document: Document, *, by: int = 1) -> None:
    """What submitting (`by` 1) or cancelling (`by` -1) does to this document and to those it stands on."""
    if document["doctype"] == "Sales Order":
        document["status"] = "To Deliver and Bill" if by > 0 else "Cancelled"
    elif document["doctype"] == "Sales Invoice":
        document["status"] = "Unpaid" if by > 0 else "Cancelled"
        _bill(session, document, by)
    elif document["doctype"] == "Payment Entry":
        document["status"] = "Submitted" if by > 0 else "Cancelled"
        for row in document.get("references") or []:
            _pay(session, row, by)


def _bill(session: Session, invoice: Document, by: int) -> None:
    orders = {row["sales_order"] for row in invoice["items"] if row.get("sales_order")}
    for name in sorted(orders):
        order = session.get("Sales Order", name, lock=True)
        amount = sum(row["amount"] for row in invoice["items"] if row.get("sales_order") == name)
        billed = round(float(order["per_billed"]) + by * 100 * amount / (order["total"] or 1), 2)
        if billed > 100.01:
            raise Refusal("OverAllowanceError", f"This document is over limit by Amount for Sales Order {name}")
        status = "Fully Billed" if billed >= 99.99 else "Partly Billed" if billed > 0 else "Not Billed"
        session.update({**order, "per_billed": billed, "billing_status": status})


def _pay(session: Session, row: dict[str, Any], by: int) -> None:
    invoice = session.get(row["reference_doctype"], row["reference_name"], lock=True)
    left = round(float(invoice["outstanding_amount"]) - by * float(row["allocated_amount"]), 2)
    if left < -0.005:
        raise Refusal("ValidationError", f"{invoice['name']} has already been fully paid")
    status = "Paid" if left == 0 else "Partly Paid" if left < float(invoice["grand_total"]) else "Unpaid"
    session.update({**invoice, "outstanding_amount": left, "status": status})


def make_sales_invoice(session: Session, body: Document, _behaviour: Behaviour) -> Document:
    """An unsaved invoice of a submitted order: rows not billed yet; fields marked `no copy` stay behind."""
    order = session.get("Sales Order", str(body.get("source_name")))
    if order["docstatus"] != 1:
        raise Refusal("ValidationError", "Cannot map because following condition fails: docstatus=1")
    carried = ("customer", "company", "currency", "conversion_rate", "selling_price_list", "price_list_currency",
               "plc_conversion_rate", "discount_amount", "apply_discount_on", "po_no",
               "ignore_pricing_rule")  # fmt: skip
    rows = [] if order["per_billed"] >= 99.99 else order["items"]
    items = [{**row, "sales_order": order["name"], "so_detail": row["name"]} for row in rows]
    for number, row in enumerate(items, start=1):
        row |= {"name": f"new-sales-invoice-item-{number}", "__islocal": 1, "parent": "new-sales-invoice-1"}
    return {
        "doctype": "Sales Invoice",
        "name": "new-sales-invoice-1",
        "__islocal": 1,
        "__unsaved": 1,
        "docstatus": 0,
        **{field: order[field] for field in carried if field in order},
        "items": items,
        "posting_date": today(session),
        "due_date": today(session),
        "payment_schedule": [{"due_date": order["transaction_date"], "payment_amount": order["grand_total"]}],
        "debit_to": f"Debtors - {ABBREVIATION}",
    }


def get_payment_entry(session: Session, body: Document, behaviour: Behaviour) -> Document:
    """An unsaved receipt for what an invoice has outstanding, or for an order that is not billed yet."""
    doctype, name = str(body.get("dt")), str(body.get("dn"))
    if doctype not in ("Sales Invoice", "Sales Order"):
        raise Refusal("ValidationError", f"No Payment Entry is made from {doctype}")
    source = session.get(doctype, name)
    if doctype == "Sales Order" and source["per_billed"] >= 99.99:
        raise Refusal("ValidationError", "Can only make payment against unbilled Sales Order")
    due = source.get("outstanding_amount", source["grand_total"])
    made: Document = {
        "doctype": "Payment Entry",
        "name": "new-payment-entry-1",
        "__islocal": 1,
        "__unsaved": 1,
        "docstatus": 0,
        "payment_type": "Receive",
        "party_type": "Customer",
        "party": source["customer"],
        "company": source["company"],
        "posting_date": today(session),
        "paid_from": source.get("debit_to") or f"Debtors - {ABBREVIATION}",
        "paid_from_account_currency": source["currency"],
        "paid_amount": due,
        "received_amount": due,
        "references": [
            {
                "reference_doctype": doctype,
                "reference_name": name,
                "total_amount": source["grand_total"],
                "outstanding_amount": due,
                "allocated_amount": due,
            }
        ],
    }
    if behaviour.has_bank_account:
        made |= {"paid_to": f"Bank - {ABBREVIATION}", "paid_to_account_currency": behaviour.bank_currency}
    return made


MAKERS = {
    "erpnext.selling.doctype.sales_order.sales_order.make_sales_invoice": make_sales_invoice,
    "erpnext.accounts.doctype.payment_entry.payment_entry.get_payment_entry": get_payment_entry,
}


def _mandatory(document: Document, *fields: str) -> None:
    missing = [name for name in fields if document.get(name) in (None, "", [])]
    if missing:
        what = document.get("doctype", "row")
        raise Refusal("MandatoryError", f"[{what}, {document.get('name', 'new')}]: {', '.join(missing)}")


def _link(document: Document, field: str, what: str, known: tuple[str, ...]) -> None:
    if document.get(field) and document[field] not in known:
        raise Refusal("LinkValidationError", f"Could not find {what}: {document[field]}")

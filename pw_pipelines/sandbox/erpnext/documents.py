"""Create, change, submit, cancel, delete: what Frappe's document class does around each type's own rules."""

from __future__ import annotations

import secrets
from typing import Any

from pw_pipelines.sandbox.erpnext import rules
from pw_pipelines.sandbox.erpnext.doctypes import DOCTYPES, Behaviour, Doctype
from pw_pipelines.sandbox.erpnext.refusals import Refusal
from pw_pipelines.sandbox.erpnext.store import Document, Session

DRAFT, SUBMITTED, CANCELLED = 0, 1, 2
_OWN = ("name", "owner", "creation", "modified", "doctype")
_CHILDREN = ("items", "references", "taxes", "payment_schedule")


def known(doctype: str) -> Doctype:
    """Raises DoesNotExistError for a type that is not there."""
    if doctype not in DOCTYPES or doctype == "Custom Field":
        raise Refusal("DoesNotExistError", f"DocType {doctype} not found")
    return DOCTYPES[doctype]


def create(session: Session, doctype: str, body: Document, behaviour: Behaviour) -> Document:
    """A draft, whatever docstatus was sent, with a name of its own."""
    kind = known(doctype)
    document = {**_kept(kind, body), "doctype": doctype, "docstatus": DRAFT}
    _number_rows(document)
    rules.validate(session, document, behaviour)
    document["name"] = rules.name_of(session, document)
    session.insert(document)
    if kind.unique and behaviour.unique_fields:
        session.claim(document, kind.unique, behaviour.duplicate)
    session.store.count(f"create {doctype}")
    return document


def change(session: Session, doctype: str, name: str, body: Document, behaviour: Behaviour) -> Document:
    """Sets the fields sent; a child table that is sent replaces its rows. docstatus 1 submits, 2 cancels."""
    kind, stored = known(doctype), session.get(doctype, name, lock=True)
    wanted = int(body["docstatus"] if "docstatus" in body else stored["docstatus"])
    if "modified" in body and body["modified"] != stored["modified"]:
        raise Refusal("TimestampMismatchError", "Document has been modified after you have opened it")
    sent = {field: value for field, value in _kept(kind, body).items() if field != "docstatus"}
    if stored["docstatus"] == CANCELLED:
        raise Refusal("ValidationError", "Cannot edit cancelled document")
    if wanted < stored["docstatus"]:
        raise Refusal("DocstatusTransitionError", f"Cannot change docstatus from {stored['docstatus']} to {wanted}")
    if stored["docstatus"] == SUBMITTED and any(stored.get(field) != value for field, value in sent.items()):
        raise Refusal("UpdateAfterSubmitError", "Not allowed to change fields after submission")
    if wanted > stored["docstatus"]:
        return _moved(session, kind, {**stored, **sent}, wanted, behaviour)
    document = {**stored, **sent}
    if stored["docstatus"] == DRAFT:
        _number_rows(document)
        rules.validate(session, document, behaviour)
        if kind.unique and behaviour.unique_fields:
            session.claim(document, kind.unique, behaviour.duplicate)
    session.update(document)
    return document


def _moved(session: Session, kind: Doctype, document: Document, to: int, behaviour: Behaviour) -> Document:
    if not kind.is_submittable:
        raise Refusal("ValidationError", f"{kind.name} is not submittable")
    if document["docstatus"] == DRAFT and to == CANCELLED:
        raise Refusal("DocstatusTransitionError", "Cannot change docstatus from 0 (Draft) to 2 (Cancelled)")
    if to == SUBMITTED:
        _number_rows(document)
        rules.validate(session, document, behaviour)
    document["docstatus"] = to
    rules.submitted(session, document, by=1 if to == SUBMITTED else -1)
    session.update(document)
    session.store.count(f"{'submit' if to == SUBMITTED else 'cancel'} {kind.name}")
    return document


def delete(session: Session, doctype: str, name: str) -> None:
    """Drafts and cancelled ones only; their numbers are never given again."""
    known(doctype)
    stored = session.get(doctype, name, lock=True)
    if stored["docstatus"] == SUBMITTED:
        raise Refusal("ValidationError", "Submitted Record cannot be deleted. You must cancel it first.")
    session.delete(stored)


def _kept(kind: Doctype, body: Document) -> Document:
    """Fields the type has; others are dropped without a word, as Frappe does."""
    return {field: value for field, value in body.items() if field in kind.fields and field not in _OWN}


def _number_rows(document: Document) -> None:
    for table in _CHILDREN:
        rows: list[dict[str, Any]] = document.get(table) or []
        for number, row in enumerate(rows, start=1):
            given = row.get("name")
            fresh = not given or row.pop("__islocal", None)
            row |= {"idx": number, "name": secrets.token_hex(5) if fresh else given}

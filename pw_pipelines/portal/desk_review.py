"""The review of a filled form: its pictures, its fields beside the last edition's, two buttons for this very form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import board, deeds
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.portal.desk_files import content_of
from pw_pipelines.portal.desk_pages import HOME, ItemId, Sent, SiteHere, books, done, page, sent_by
from pw_pipelines.portal.desk_session import Session, may
from pw_pipelines.portal.problems import NotFound
from pw_pipelines.portal.site import Site

router = APIRouter(include_in_schema=False)
HIDDEN = "hidden: personal"
MOST_PICTURES = 20
# Forms somebody decided on before: of this item first, then of the same service for the same subject.
_BEFORE = """
    select a.form_digest, a.decision, a."by", a.at, a.item_id from pw.approvals a
    join pw.item_work w using (item_id) join pw.order_items i using (item_id)
    where a.form_digest <> %(digest)s
      and (a.item_id = %(item)s or (w.service = %(service)s and %(frn)s::text is not null and i.frn = %(frn)s
                                    and a.decision = 'approved'))
    order by (a.item_id = %(item)s) desc, (a.decision = 'approved') desc, a.approval_id desc limit 1
"""


@dataclass(frozen=True)
class FormField:
    """One field of a filled form. before None: the last edition has no such field, or there is none to compare with."""

    page: str
    name: str
    value: str
    before: str | None
    change: str  # same | changed | new | gone | "" without an edition before


def fields_of(content: bytes) -> dict[tuple[str, str], str]:
    """What a filled form holds, by page and field. Raises NotFound for what is no filled form."""
    try:
        form = json.loads(content)
        found: dict[tuple[str, str], str] = {}
        for one in form["pages"]:
            for name, field in one["fields"].items():
                found[str(one["page"]), str(name)] = str(field["value"])
            for where, digests in one.get("uploads", {}).items():
                for number, digest in enumerate(digests, start=1):
                    found[str(one["page"]), f"file {number} at {where}"] = str(digest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotFound("What is kept under this digest is no filled form.") from error
    return found


def compared(
    now: Mapping[tuple[str, str], str],
    before: Mapping[tuple[str, str], str] | None,
    named: Mapping[str, str] | None = None,
) -> list[FormField]:
    """The form's fields in their order, each beside the edition before; what is gone comes last.

    named: titles of documents by digest, for the files that go with the form.
    """

    def shown(value: str) -> str:
        title = (named or {}).get(value)
        return HIDDEN if value.startswith("hmac:") else f"{title} ({value[:12]}…)" if title else value

    rows = []
    for (on, name), value in now.items():
        old = None if before is None else before.get((on, name))
        change = "" if before is None else "new" if old is None else "same" if old == value else "changed"
        rows.append(FormField(on, name, shown(value), None if old is None else shown(old), change))
    for (on, name), old in (before or {}).items():
        if (on, name) not in now:
            rows.append(FormField(on, name, "", shown(old), "gone"))
    return rows


def _pictures(shown_item: board.ItemPage) -> Sequence[board.Row]:
    """The pictures of this form: those the gate names, else those of the run that filled it, in their order."""
    named = shown_item.row["gate_detail"].get("pictures")
    images = [
        one for one in shown_item.evidence if one["kind"] == "filled_form" and one["media_type"].startswith("image/")
    ]
    if isinstance(named, list):
        of_form = [one for one in images if one["digest"] in named]
    else:
        of_form = [one for one in images if images and one["run_id"] == images[0]["run_id"]]
    return sorted(of_form, key=lambda one: one["evidence_id"])[:MOST_PICTURES]


@router.get(HOME + "/items/{item_id}/review")
def review(
    item_id: ItemId, request: Request, site: SiteHere, session: Annotated[Session, Depends(may("open"))]
) -> HTMLResponse:
    """The form that waits for its review."""
    return show_review(item_id, request, site, session)


def show_review(
    item_id: int,
    request: Request,
    site: Site,
    session: Session,
    *,
    fault: str = "",
    note: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HTMLResponse:
    """The review's page. fault: what was wrong with a decision; note: what was typed with it."""
    with books(site) as connection:
        item = board.item_page(connection, item_id)
        digest = str(item.row["gate_detail"].get("form_digest") or "")
        if item.item.gate != "review" or not digest:
            raise NotFound(f"Item {item_id} does not wait for a review (any more).")
        before = connection.execute(
            _BEFORE,
            {"digest": digest, "item": item_id, "service": item.item.service, "frn": item.item.frn},
        ).fetchone()
        deeds.record(
            connection, by=session.user.name, what="opened", item_id=item_id, now=site.clock.now(),
            detail={"form_digest": digest},
        )  # fmt: skip
    named = {one[name]: one["title"] for one in item.documents for name in ("pdf_digest", "signed_digest") if one[name]}
    rows = compared(fields_of(content_of(site, digest)), _earlier(site, before), named)
    return page(
        request, site, session, "desk_review.html", status=status, fault=fault, note=note,
        shown=item, item=item.item, row=item.row, digest=digest,
        fields=rows, before=before, pictures=_pictures(item),
        differences=sum(row.change in ("changed", "new", "gone") for row in rows),
    )  # fmt: skip


def _earlier(site: Site, before: Mapping[str, Any] | None) -> dict[tuple[str, str], str] | None:
    if before is None:
        return None
    try:
        return fields_of(content_of(site, before["form_digest"]))
    except NotFound:
        return None  # the edition before is not kept; the page says that there is nothing to compare with


@router.post(HOME + "/items/{item_id}/review", response_model=None)
def decide(item_id: ItemId, request: Request, site: SiteHere, sent: Annotated[Sent, Depends(sent_by("review"))]) -> Any:
    """Approves or returns the form whose digest stood on the page, and no other."""
    digest, note = sent.get("digest"), sent.get("note")
    if sent.get("do") == "return" and not note.strip():
        fault = "Nothing was returned: say in the note what is wrong with the form."
        return show_review(item_id, request, site, sent.session, fault=fault, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def deed(connection: Connection) -> str:
        if sent.get("do") == "approve":
            deeds.approve(connection, item_id, digest, by=sent.by, note=note, now=site.clock.now())
            return "approved"
        if sent.get("do") == "return":
            deeds.send_back(connection, item_id, digest, by=sent.by, note=note, now=site.clock.now())
            return "returned"
        raise UsageError("Press one of the two buttons.")

    return done(request, site, sent, deed, to=f"{HOME}/items/{item_id}")

"""Payments that are held: what came, why it did not agree, and the three ways in which a person settles it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.commerce.payments import settling
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.commerce.payments.reading import READERS, read
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.portal.desk import hours_since
from pw_pipelines.portal.desk_pages import HOME, ItemId, Sent, SiteHere, books, done, page, sent_by
from pw_pipelines.portal.desk_session import Session, may
from pw_pipelines.portal.problems import NotFound

router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(may("read"))]
Worker = Annotated[Sent, Depends(sent_by("work"))]
PATH = HOME + "/payments"
_EVENTS = """
    select e.event_id, e.provider, e.event_type, e.received_at, e.state, e.outcome, e.last_error, e.attempts,
           e.order_number, e.dedupe_key, e.raw, e.deliveries, o.total, o.currency, o.status, o.paid_at
    from pw.payment_events e left join pw.orders o on o.number = e.order_number
"""


@router.get(PATH)
def payments(request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """Payment events that wait for a person, oldest first."""
    with books(site) as connection:
        rows = connection.execute(
            f"{_EVENTS} where e.state = 'held' or (e.state = 'received' and e.attempts > 0) "
            "order by e.received_at limit 200".encode()
        ).fetchall()
    return page(request, site, session, "desk_payments.html", rows=rows, hours=hours_since)


@router.get(PATH + "/{event_id}")
def payment(event_id: ItemId, request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """One event: what it says of which money, the order it names, and what was said of it before."""
    with books(site) as connection:
        row = connection.execute(f"{_EVENTS} where e.event_id = %s".encode(), (event_id,)).fetchone()
        if row is None or row["provider"] not in READERS:
            raise NotFound(f"There is no payment event {event_id}.")
        actions = connection.execute(
            "select at, \"by\", what, detail from pw.staff_actions where what like 'payment\\_%%' "
            "and detail ->> 'event' = %s order by action_id",
            (str(event_id),),
        ).fetchall()
    said = read(row["provider"], bytes(row["raw"]), row["dedupe_key"], ground_of(site.settings))
    return page(
        request, site, session, "desk_payment.html", event=row, told=said, actions=actions, hours=hours_since,
        can_pay=said.kind == "paid" and not said.doubts,
    )  # fmt: skip


@router.post(PATH + "/{event_id}", response_model=None)
def settle(event_id: ItemId, request: Request, site: SiteHere, sent: Worker) -> Any:
    """A person's word on it, with the reason."""

    def deed(connection: Connection) -> str:
        common: dict[str, Any] = {
            "why": sent.get("why"), "by": sent.by, "ground": ground_of(site.settings), "now": site.clock.now(),
        }  # fmt: skip
        match sent.get("do"):
            case "pays":
                settling.pays(connection, event_id, sent.get("number"), **common)
            case "refunded":
                settling.refunded_by_hand(connection, event_id, reference=sent.get("reference"), **common)
            case "ignore":
                settling.ignore(connection, event_id, **common)
            case _:
                raise UsageError("Press one of the three buttons.")
        return "settled"

    return done(request, site, sent, deed, to=f"{PATH}/{event_id}")

"""/desk/orders/<number>: one order whatever became of it: its state, money, history, items, and what may be done."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.commerce import order_view
from pw_pipelines.commerce.order_money import money_of
from pw_pipelines.commerce.order_view import NUMBER
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import board, deeds, order_deeds
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.portal.desk_pages import HOME, Sent, SiteHere, books, done, page, sent_by
from pw_pipelines.portal.desk_session import Session, may
from pw_pipelines.portal.problems import NotFound

router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(may("read"))]
Worker = Annotated[Sent, Depends(sent_by("work"))]
PATH = HOME + "/orders/{number}"
MOST_ITEMS = 1_000


def why_held(order: order_view.OrderView) -> list[str]:
    """Why a held order was held, and what was noted of it since; nothing of one that is not held."""
    if order.status != "held":
        return []
    since = max(place for place, one in enumerate(order.events) if one.after == "held")
    return list(dict.fromkeys(one.why for one in order.events[since:]))


def is_there(connection: Connection, number: str) -> bool:
    """Whether there is an order of this number, in capitals."""
    if not NUMBER.fullmatch(number):
        return False
    return connection.execute("select 1 from pw.orders where number = %s", (number,)).fetchone() is not None


@router.get(PATH)
def order(number: str, request: Request, site: SiteHere, session: Reader) -> HTMLResponse:
    """The order. Who bought is for those who may open documents; that they saw it is in the log."""
    asked = number.strip().upper()
    with books(site) as connection:
        if not is_there(connection, asked):
            raise NotFound(f"There is no order {number[:40]!r}.")
        shown = order_view.read(connection, asked)
        money = money_of(connection, shown.order_id)
        ways = order_deeds.ways(connection, shown.order_id)
        work = {row["item_id"]: row for row in board.queue(connection, board.Filter(number=asked), size=MOST_ITEMS)}
        items = connection.execute(
            "select item_id, position, title, service, quantity, unit_price, for_state, frn from pw.order_items "
            "where order_id = %s order by position",
            (shown.order_id,),
        ).fetchall()
        flags = connection.execute(
            "select kind, text, raised_at, raised_by from pw.conversation_flags where order_id = %s "
            "and closed_at is null order by flag_id limit 100",
            (shown.order_id,),
        ).fetchall()
        phone = connection.execute(
            "select phone from pw.customers where customer_id = %s", (shown.customer_id,)
        ).fetchone()
        if session.user.may("open"):
            deeds.record_page_opened(
                connection, by=session.user.name, page="order", now=site.clock.now(), order_id=shown.order_id
            )
    return page(
        request, site, session, "desk_order.html", order=shown, money=money, ways=ways, items=items, work=work,
        flags=flags, held_why=why_held(shown), phone=phone["phone"] if phone else None, waits_for=board.WAITS_FOR,
    )  # fmt: skip


@router.post(PATH, response_model=None)
def do(number: str, request: Request, site: SiteHere, sent: Worker) -> Any:
    """A deed of order_deeds, with the reason."""
    asked = number.strip().upper()
    if not NUMBER.fullmatch(asked):
        raise NotFound("There is no such order.")

    def deed(connection: Connection) -> str:
        does_what = {
            "release": (order_deeds.release, "order_released"),
            "cancel": (order_deeds.cancel, "order_cancelled"),
            "end": (order_deeds.end, "order_ended"),
        }
        if sent.get("do") not in does_what:
            raise UsageError("Press one of the buttons.")
        does, said = does_what[sent.get("do")]
        seen = sent.get("seen")
        does(
            connection, asked, by=sent.by, why=sent.get("why"), now=site.clock.now(),
            seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else 0,
        )  # fmt: skip
        return said

    return done(request, site, sent, deed, to=f"{HOME}/orders/{asked}")

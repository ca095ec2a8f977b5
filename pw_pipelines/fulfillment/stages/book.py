"""Stage `book`: the paid invoice once the whole order is delivered, the calendar, and the proof of cure begun.

The commission's clock runs from the order's delivery, which `progress.roll_up` books.
"""

from __future__ import annotations

from pw_pipelines import faults
from pw_pipelines.commerce import books
from pw_pipelines.fulfillment import calendar, cures, items, progress
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.work import Work


def run(work: Work) -> str:
    """All in one transaction: a killed stage has booked all of it or nothing."""
    now = work.now()
    with work.connect() as connection:
        leases.demand(connection, work.lease)
        progress.roll_up(connection, work.item.order_id, now=now)
        item = items.read_item(connection, work.item.item_id)
        is_whole = item.order_status == "delivered"
        if is_whole:
            books.want(connection, item.order_id, "payment_entry", now=now)
        following = calendar.enter(connection, item, now=now)
        begun = cures.begin(connection, item, now=now)
        faults.point("after.book.before_commit")
    faults.point("after.book.committed")
    due = "no day" if following is None or following.due_on is None else str(following.due_on)
    return (
        f"{'Invoice wanted' if is_whole else 'Other items of the order are not delivered yet'}; "
        f"{calendar.NOTHING_MORE if following is None else f'falls due again: {due}'}; {begun} cures begun."
    )

"""An order's status follows its items: submitted when all are filed, filed when all are confirmed, then delivered."""

from __future__ import annotations

from datetime import datetime

from pw_pipelines.commerce import orders
from pw_pipelines.fulfillment.model import STAGES, Connection

# status -> the first stage at which an item has it
REACHED = {"submitted": "confirm", "filed": "deliver", "delivered": "book"}
BY = "fulfillment"


def roll_up(connection: Connection, order_id: int, *, now: datetime) -> None:
    """Moves the order on as far as its least item allows. A held or ended order stays as it is."""
    order = connection.execute("select status from pw.orders where order_id = %s for update", (order_id,)).fetchone()
    assert order is not None
    counted = connection.execute(
        """select array_agg(coalesce(w.stage, 'prepare')) as stages
           from pw.order_items i left join pw.item_work w using (item_id) where i.order_id = %s""",
        (order_id,),
    ).fetchone()
    assert counted is not None
    least = min(len(STAGES) if stage == "done" else STAGES.index(stage) for stage in counted["stages"])
    status = order["status"]
    for reached, stage in REACHED.items():
        before = {"submitted": "processing", "filed": "submitted", "delivered": "filed"}[reached]
        if status == before and least >= STAGES.index(stage):
            orders.change(connection, order_id, reached, by=BY, why=f"Every item has reached {stage}.", now=now)  # type: ignore[arg-type]
            status = reached

"""Who works an item now. One at a time: a row with a token, which every effect checks as it begins.

A lease ends when its holder gives it back, when its holder's process is gone, or when its time is up. A holder that
lost it learns so at its next step (LeaseLost) and stops.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from pw_pipelines.fulfillment.model import Connection, LeaseLost
from pw_pipelines.fulfillment.owner import is_gone, is_here


@dataclass(frozen=True)
class Lease:
    """The right to work one item, until it is given back or lost."""

    item_id: int
    token: uuid.UUID
    owner: str


def take(connection: Connection, item_id: int, *, owner: str, run_id: str, seconds: float) -> Lease | None:
    """The lease, in the caller's transaction, or None while another holds it or is just taking it."""
    row = connection.execute(
        "select lease_owner, lease_until < clock_timestamp() as is_over from pw.item_work "
        "where item_id = %s for update skip locked",
        (item_id,),
    ).fetchone()
    if row is None:
        return None
    holder = row["lease_owner"]
    # On this machine the process itself says whether it lives; a clock that was set forward must not free its lease.
    if holder is not None and not (is_gone(holder) or (row["is_over"] and not is_here(holder))):
        return None
    lease = Lease(item_id, uuid.uuid4(), owner)
    connection.execute(
        "update pw.item_work set lease_owner = %s, lease_token = %s, run_id = %s, "
        "lease_until = clock_timestamp() + %s * interval '1 second' where item_id = %s",
        (owner, lease.token, run_id, seconds, item_id),
    )
    return lease


def demand(connection: Connection, lease: Lease) -> None:
    """Locks the item's row for this transaction. Raises LeaseLost when the lease is not ours any more."""
    row = connection.execute(
        "select lease_token from pw.item_work where item_id = %s for update", (lease.item_id,)
    ).fetchone()
    if row is None or row["lease_token"] != lease.token:
        raise LeaseLost(f"Item {lease.item_id} is worked by somebody else now; this run stops and touches nothing.")


def give_back(connection: Connection, lease: Lease) -> None:
    """Ends the lease; does nothing when it is lost already."""
    connection.execute(
        "update pw.item_work set lease_owner = null, lease_token = null, lease_until = null "
        "where item_id = %s and lease_token = %s",
        (lease.item_id, lease.token),
    )

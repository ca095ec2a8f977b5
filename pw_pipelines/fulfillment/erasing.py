"""How long personal data of an item is kept, and its erasure when that time is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pw_pipelines.clock import eastern_day
from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.fulfillment.private_data import Vault

# The day an item ended: delivered and booked, or its order ended. Before that nothing has a day.
_DAYS = """
    update pw.private_values v set erase_on =
      (coalesce(w.done_at, w.changed_at) at time zone 'America/New_York')::date
      + case when v.name = any(%(numbers)s) then %(number_days)s else %(days)s end
    from pw.item_work w
    where w.item_id = v.item_id and v.ciphertext is not null and v.erase_on is null and w.state in ('done', 'stopped')
"""


@dataclass(frozen=True)
class Erased:
    """What one night did: values given a day, values emptied, values written anew under the first key."""

    dated: int
    erased: int
    reencrypted: int


def erase_due(connection: Connection, vault: Vault, *, days: int, number_days: int, now: datetime) -> Erased:
    """Gives values of ended items the day they go, and empties those whose day has come.

    days after the end of the item; number_days for SSN and ITIN, which nobody needs once the form is filed.
    """
    numbers = [fact.name for fact in facts().values() if fact.kind == "ssn"]
    dated = connection.execute(_DAYS, {"numbers": numbers, "number_days": number_days, "days": days}).rowcount
    due = connection.execute(
        "select item_id, array_agg(name) as names from pw.private_values "
        "where ciphertext is not null and erase_on <= %s group by item_id order by item_id",
        (eastern_day(now),),
    ).fetchall()
    erased = sum(vault.erase(connection, row["item_id"], now=now, names=row["names"]) for row in due)
    return Erased(dated, erased, vault.reencrypt(connection))


def close_sessions(connection: Connection, *, before: datetime) -> int:
    """Deletes logins of the desk that ended or ran out before `before`; returns how many."""
    return connection.execute(
        "delete from pw.staff_sessions where coalesce(ended_at, expires_at) < %s", (before,)
    ).rowcount

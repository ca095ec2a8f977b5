"""Whether what somebody is about to order is filed or being filed already, by the same keys as the ledger's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Connection

from pw_pipelines.fulfillment.already import shown_already
from pw_pipelines.fulfillment.facts import known_values
from pw_pipelines.fulfillment.filing import KIND, key_of, lacking
from pw_pipelines.fulfillment.gathering import period
from pw_pipelines.fulfillment.playbook import playbook_of, playbooks

# A paid order that is not at its end. What a delivered one filed stands in the ledger.
_IN_WORK = ["processing", "submitted", "filed", "held"]


@dataclass(frozen=True)
class Wanted:
    """A filing that is about to be ordered."""

    service: str
    frn: str | None
    for_state: str | None = None


def is_there_already(connection: Connection[Any], wanted: Wanted, *, today: date) -> bool:
    """Whether the public record shows the very filing, the ledger holds it, or a paid order in work means it.

    Which of these it is stays inside: whoever asks may be a stranger to the carrier. What has no FRN, or a key of
    which more must be known than an order says, is never there already; its own gates look at it later.
    """
    playbook = playbook_of(wanted.service, wanted.for_state)
    templates = [one for one in (playbook.key, *(playbook.filing.also if playbook.filing else ())) if one]
    if wanted.frn is None or not templates:
        return False
    values = _values(wanted.frn, wanted.for_state, period({}, today))
    if any(lacking(template, values) for template in templates):
        return False
    keys = {key_of(template, values) for template in templates}
    return (
        shown_already(connection, wanted, values) is not None
        or _in_ledger(connection, keys)
        or _in_work(connection, wanted.frn, templates, keys, today)
    )


def _in_ledger(connection: Connection[Any], keys: set[str]) -> bool:
    found = connection.execute(
        "select 1 from pw.effects where kind = %s and state <> 'not_done' and key = any(%s) limit 1",
        (KIND, list(keys)),
    )
    return found.fetchone() is not None


def _in_work(connection: Connection[Any], frn: str, templates: list[str], keys: set[str], today: date) -> bool:
    """An item that was paid for may have no facts yet: then it means what would be filed for it today."""
    services = {code: book.key for code, book in playbooks().items() if book.key in templates}
    rows = connection.execute(
        """select i.item_id, i.service, i.for_state, i.details
           from pw.order_items i join pw.orders o using (order_id)
           left join pw.compliance_orders c on c.order_id = o.order_id
           where coalesce(i.frn, c.frn) = %s and i.service = any(%s) and o.paid_at is not null
             and o.status = any(%s)""",
        (frn, list(services), _IN_WORK),
    ).fetchall()
    for row in rows:
        facts = {**period(row["details"], today), **known_values(connection, row["item_id"])}
        values = _values(frn, row["for_state"], facts)
        template = services[row["service"]]
        if template is not None and not lacking(template, values) and key_of(template, values) in keys:
            return True
    return False


def _values(frn: str, state: str | None, others: dict[str, str]) -> dict[str, str]:
    return {**others, "frn": frn, **({"state": state} if state else {})}

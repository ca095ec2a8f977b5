"""The job that works the payment inbox: what providers told us becomes payments and steps of orders.

Killed, or run twice at once, it loses nothing and does nothing twice: each event is worked in one transaction.
"""

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.errors import PwError
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.commerce.payments.work import Tally

NAME = "work_payments"


class PaymentsNotWorked(PwError):
    """Events broke while they were worked; they are tried again, and held for a person in the end."""


@dg.op(
    description="Every event of the payment inbox that is due, one transaction each. Pays, or holds what disagrees.",
    required_resource_keys={"settings", "db", "payments"},
    out=dg.Out(dg.Nothing),
)
def work_payment_events(context: dg.OpExecutionContext) -> None:
    """Fails at its end when an event broke, after everything else was worked."""
    from pw_pipelines.commerce.payments.ground import ground_of
    from pw_pipelines.commerce.payments.work import work_due

    settings: Settings = context.resources.settings
    tally = work_due(
        context.resources.db, ground=ground_of(settings), captures=context.resources.payments, now=settings.clock.now
    )
    context.add_output_metadata(
        {"done": tally.done, "ignored": tally.ignored, "held": tally.held, "waiting": tally.waiting}
    )
    _tell(tally)


def _tell(tally: "Tally") -> None:
    if not tally.failures:
        return
    event_id, error = next(iter(tally.failures.items()))
    # The kind of error alone: its text may quote what a customer wrote, and runs are read by everybody.
    raise PaymentsNotWorked(
        f"{len(tally.failures)} payment events broke, the first of them {event_id} ({type(error).__name__}); "
        "pw.payment_events.last_error says why. They are tried again by themselves."
    )


@dg.job(
    name=NAME,
    description="Works the payment inbox: pays orders, books refunds and disputes, holds what disagrees for a person.",
    executor_def=dg.in_process_executor,
    tags={"pw/job": NAME, "dagster/priority": "10"},
)
def work_payments_job() -> None:
    """One op: the inbox holds its own order."""
    work_payment_events()

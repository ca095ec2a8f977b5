"""Commissions of sales agents: daily from pending to payable, and the month's payment as soon as it can be made.

The payment is asked for every day and made once a month, so a missed first of the month is made up for by itself.
"""

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.commerce.commission_batch import MonthPaid
    from pw_pipelines.sensors.alert_book import Alert


@dg.op(
    description="Commissions of orders delivered 14 days ago become payable.",
    required_resource_keys={"settings", "db"},
    out=dg.Out(dg.Nothing),
)
def make_commissions_payable(context: dg.OpExecutionContext) -> None:
    """An order that is held or refunded makes nothing payable."""
    from pw_pipelines.commerce.commissions import make_payable

    settings: Settings = context.resources.settings
    with context.resources.db.connect(application="pw commissions") as connection:
        made = make_payable(connection, now=settings.clock.now())
    context.log.info("%s commissions became payable.", made)
    context.add_output_metadata({"became_payable": made})


@dg.op(
    description="What was payable when the month began, as one ACH file in the object store; once a month.",
    required_resource_keys={"settings", "db", "objects"},
    ins={"after": dg.In(dg.Nothing)},
    out=dg.Out(dg.Nothing),
)
def pay_commissions(context: dg.OpExecutionContext) -> None:
    """Who can't be paid is held and named to ops, once a month; names and accounts appear in no log."""
    from pw_pipelines.commerce.commission_batch import pay_month
    from pw_pipelines.commerce.payouts import read_payouts
    from pw_pipelines.sensors import alert_book

    settings: Settings = context.resources.settings
    now = settings.clock.now()
    done = pay_month(context.resources.db, context.resources.objects, read_payouts(settings.payouts_file), now=now)
    alert_book.write(context.resources.db, _alerts(done), now)
    context.add_output_metadata(
        {
            "month": done.month.isoformat(),
            "file": done.digest or "none",
            "total_usd": str(done.total),
            "is_new": done.is_new,
            "held_agents": dg.MetadataValue.json([{"agent": one.agent_id, "why": one.why} for one in done.held]),
        }
    )


def _alerts(done: "MonthPaid") -> "list[Alert]":
    """One for the file that waits to be handed to the bank, one for each agent who is held."""
    from pw_pipelines.sensors.alert_book import Alert

    month = f"{done.month:%B %Y}"
    told = [
        Alert(
            f"commission:{done.month}:{one.agent_id}",
            "check",
            f"Commissions, {month}: {one.amount} USD of agent {one.agent_id} are held: {one.why}.",
        )
        for one in done.held
    ]
    if done.is_new and done.digest:
        words = f"Commissions, {month}: the ACH file over {done.total} USD is ready for the bank, object {done.digest}."
        told.append(Alert(f"commission:{done.month}:file", "check", words))
    return told


@dg.job(
    name="commissions",
    description="Makes commissions payable, and pays them once a month by one ACH file.",
    executor_def=dg.in_process_executor,
    tags={"pw/job": "commissions"},
)
def commissions_job() -> None:
    """Payable first, then paid."""
    pay_commissions(after=make_commissions_payable())

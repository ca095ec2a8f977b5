"""Mails to customers about an order as a whole: receipts, missing details, reminders, refunds."""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from pw_pipelines.fulfillment.ground import Ground

JOB = "write_to_customers"


@dg.op(
    description="Every mail to a customer that is due: the receipt, the details we lack, reminders of them, a refund.",
    required_resource_keys={"fulfillment"},
    out=dg.Out(dg.Nothing),
)
def write_due_mails(context: dg.OpExecutionContext) -> None:
    """Each is an effect, so it is sent once; one that can't be sent now holds up no other. No address is logged."""
    from pw_pipelines.fulfillment import order_mails

    ground: Ground = context.resources.fulfillment
    report = order_mails.write(ground, run_id=context.run_id, log=context.log.info)
    for order_id, why in report.waiting.items():
        context.log.info("order %s: its mail waits: %s", order_id, why)
    context.add_output_metadata({"mails": dg.MetadataValue.json(dict(report.came_to))})


@dg.job(
    name=JOB,
    description="Writes to customers what is due about their orders, each mail once. Charges and files nothing.",
    executor_def=dg.in_process_executor,
    tags={"pw/job": JOB, "dagster/priority": "5"},
)
def write_to_customers() -> None:
    """One step: every mail is booked by itself, so there is nothing to resume."""
    write_due_mails()

"""Orders nobody paid in time are ended, every night."""

import dagster as dg

from pw_pipelines.settings import Settings

JOB = "expire_orders"


@dg.op(
    description="Orders that nobody paid within the days of the settings are cancelled; their discount codes are given "
    "back. What is under way, or has a doubtful payment, is left alone; a payment under way of which nothing was heard "
    "for long is put before a person.",
    required_resource_keys={"settings", "db"},
    out=dg.Out(dg.Nothing),
)
def expire_unpaid_orders(context: dg.OpExecutionContext) -> None:
    """Counts alone are logged."""
    from pw_pipelines.commerce.expiry import AT_ONCE, expire_unpaid
    from pw_pipelines.commerce.payments.under_way import hold_what_is_silent

    settings: Settings = context.resources.settings
    with context.resources.db.connect(application="pw expiry") as connection:
        silent = len(hold_what_is_silent(connection, settings.clock.now()))
    ended = 0
    while True:
        with context.resources.db.connect(application="pw expiry") as connection:
            found = expire_unpaid(connection, days=settings.unpaid_days, now=settings.clock.now())
        ended += len(found)
        if len(found) < AT_ONCE:
            break
    context.log.info("%s unpaid orders expired, %s payments under way put before a person.", ended, silent)
    context.add_output_metadata({"expired": ended, "silent": silent})


@dg.job(
    name=JOB,
    description="Ends orders that nobody paid in time. Writes to nobody and touches no money.",
    executor_def=dg.in_process_executor,
    tags={"pw/job": JOB, "dagster/max_retries": "1"},
)
def expire_orders_job() -> None:
    """One op: each order is a change of its own row."""
    expire_unpaid_orders()

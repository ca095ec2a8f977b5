"""What came back: reports of the bounce mailbox by class and day, and the day's rates."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets.tables import APPLICATION, markdown_table
from pw_pipelines.assets.verdicts import verdicts
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.bounces.summary import Summary

KEY = "bounce_reports"
RATES, POLICY, TOLD, NO_ANSWER = (
    "rates_are_below_the_limits", "our_mail_is_not_refused", "listmonk_knows", "no_answer_counts_as_bounce",
)  # fmt: skip


@dg.asset(
    name=KEY,
    description="What reports in the bounce mailbox said of our mails, by class and day, and the rates that stop "
    "sending. One row is one recipient in one report (`pw.bounce_results`). `watch_bounces` works the mailbox; "
    "materializing this works what waits, counts and tells Listmonk what it has not been told.",
    group_name="listmonk",
    owners=["team:marketing"],
    kinds={"postgres"},
    tags={"pw/layer": "outside"},
    freshness_policy=dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=30), fail_window=timedelta(hours=54)),
    metadata={"dagster/table_name": "pw.bounce_results"},
    check_specs=[
        dg.AssetCheckSpec(RATES, asset=KEY, description="Hard bounces and complaints of the day's mails stay below."),
        dg.AssetCheckSpec(POLICY, asset=KEY, description="Refusals for our own reputation or content stay below."),
        dg.AssetCheckSpec(TOLD, asset=KEY, description="Listmonk was told of every bounce it should know."),
        dg.AssetCheckSpec(NO_ANSWER, asset=KEY, description="No address is suppressed for an automatic answer."),
    ],
    required_resource_keys={"settings", "db", "objects", "listmonk"},
)
def bounce_reports(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    """Works what waits, then says what the books hold."""
    from pw_pipelines.bounces.summary import read
    from pw_pipelines.bounces.watch import work_round
    from pw_pipelines.resources.bounce_mailbox import open_mailbox

    resources = context.resources
    settings: Settings = resources.settings
    now, today = settings.clock.now(), settings.clock.today()
    with verdicts():
        mailbox = open_mailbox(settings)
        try:
            done = work_round(
                resources.db, resources.objects, resources.listmonk, mailbox, settings=settings, now=now, today=today
            )
        finally:
            if mailbox is not None:
                mailbox.close()
    with resources.db.connect(application=APPLICATION) as connection:
        found = read(connection, today=today, now=now, settings=settings)
    return dg.MaterializeResult(
        metadata={**_metadata(found), "round": dg.MetadataValue.json(dict(done.as_json()))},
        check_results=_checks(found, done.error),
    )


def _metadata(found: "Summary") -> dict[str, Any]:
    rates = found.rates
    return {
        "dagster/row_count": found.rows,
        "as_of": rates.day.isoformat(),
        "mails_of_the_day": rates.sent,
        "hard_pct": rates.pct(rates.hard),
        "complaint_pct": rates.pct(rates.complaints),
        "policy_pct": rates.pct(rates.policy),
        "untold": found.untold,
        "by_day": dg.MetadataValue.md(markdown_table(("day", "class", "addresses"), found.by_day)),
    }


def _checks(found: "Summary", trouble: str | None) -> list[dg.AssetCheckResult]:
    rates = found.rates
    return [
        dg.AssetCheckResult(
            check_name=RATES,
            passed=found.stop is None,
            description=found.stop or f"{rates.hard} hard, {rates.complaints} complaints of {rates.sent} mails.",
        ),
        dg.AssetCheckResult(
            check_name=POLICY,
            passed=found.refused is None,
            severity=dg.AssetCheckSeverity.WARN,
            description=found.refused or f"{rates.policy} of {rates.sent} mails refused for what we are.",
        ),
        dg.AssetCheckResult(
            check_name=TOLD, passed=found.untold == 0, description=trouble or f"{found.untold} still to be told."
        ),
        dg.AssetCheckResult(
            check_name=NO_ANSWER,
            passed=found.answers_against == 0,
            description=f"{found.answers_against} suppressions rest on an automatic answer.",
        ),
    ]

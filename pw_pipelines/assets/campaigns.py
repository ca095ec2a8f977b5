"""Our campaign templates in Listmonk, and what goes out there."""

from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.assets.tables import markdown_table
from pw_pipelines.assets.verdicts import retry_policy, verdicts
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.leads.campaigns import Review

KEY = "campaign_templates"
COMPLETE, ONE_CLICK = "every_campaign_uses_one", "mails_carry_one_click_unsubscribe"


def asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset of the templates."""

    @dg.asset(
        name=KEY,
        description="Campaign templates in Listmonk, kept as the files in leads/campaign_templates say: unsubscribe "
        "link, postal address, disclosure, no look-alike of a government notice. One row is one template. Writes only "
        "templates named `PW …`; sends no mail.",
        group_name="listmonk",
        owners=["team:marketing"],
        kinds={"http", "html"},
        tags={"pw/layer": "outside"},
        freshness_policy=dg.FreshnessPolicy.time_window(
            warn_window=timedelta(hours=30), fail_window=timedelta(hours=54)
        ),
        retry_policy=retry_policy(settings),
        check_specs=[
            dg.AssetCheckSpec(
                COMPLETE,
                asset=KEY,
                description="Every campaign that runs or is scheduled is set in one of these, unaltered, and reads "
                "like no government notice.",
            ),
            dg.AssetCheckSpec(
                ONE_CLICK,
                asset=KEY,
                description="Listmonk's privacy.unsubscribe_header is on, so mails carry the headers of RFC 8058.",
            ),
        ],
        required_resource_keys={"settings", "db", "listmonk"},
    )
    def _campaign_templates(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        from pw_pipelines.leads.campaigns import keep
        from pw_pipelines.sensors import alert_book
        from pw_pipelines.sensors.alert_book import Alert

        house: Settings = context.resources.settings
        with verdicts():
            kept = keep(context.resources.listmonk, house)
        alerts = [Alert(fault.key, "mail", fault.text) for fault in kept.review.faults]
        alert_book.write(context.resources.db, alerts, house.clock.now())
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(kept.templates),
                "templates": dg.MetadataValue.md(markdown_table(("template", "done"), list(kept.templates.items()))),
                "campaigns_going_out": kept.review.campaigns,
                "where": dg.MetadataValue.url(f"{house.listmonk_url}/admin/campaigns/templates"),
            },
            check_results=_results(kept.review),
        )

    return _campaign_templates


def _results(review: "Review") -> list[dg.AssetCheckResult]:
    said = {True: "It is on.", False: "It is off: switch it on in Listmonk, Settings, Privacy.",
            None: "Not known: give the API user settings:get."}[review.one_click]  # fmt: skip
    unknown = dg.AssetCheckSeverity.WARN if review.one_click is None else dg.AssetCheckSeverity.ERROR
    return [
        dg.AssetCheckResult(
            check_name=COMPLETE,
            passed=not review.faults,
            description="\n".join(fault.text for fault in review.faults)
            or f"{review.campaigns} campaigns run or are scheduled; each is right.",
        ),
        dg.AssetCheckResult(
            check_name=ONE_CLICK, passed=bool(review.one_click), severity=unknown, description=said
        ),
    ]  # fmt: skip

"""Lead segments arriving in Listmonk."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.assets.tables import markdown_table
from pw_pipelines.assets.verdicts import retry_policy, verdicts
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.leads.sync_report import SyncReport

KEY = "listmonk_subscribers"
QUOTA = "within_the_daily_quota"
SUPPRESSED = "no_suppressed_address_is_on_the_list"


def asset(settings: Settings, *, deps: list[str]) -> dg.AssetsDefinition:
    """The asset of the lead list; `deps`: the marts that say who is wanted."""

    @dg.asset(
        name=KEY,
        description="The lead list in Listmonk, reconciled: those wanted against those there. One row is one address. "
        "Opt-outs and bounces are read back first and always win; new addresses wait for the day's warm-up quota. "
        "Writes subscribers; sends no mail.",
        deps=deps,
        group_name="listmonk",
        owners=["team:marketing"],
        kinds={"http", "postgres"},
        tags={"pw/layer": "outside"},
        freshness_policy=dg.FreshnessPolicy.time_window(
            warn_window=timedelta(hours=30), fail_window=timedelta(hours=54)
        ),
        retry_policy=retry_policy(settings),
        check_specs=[
            dg.AssetCheckSpec(QUOTA, asset=KEY, description="Today took no more new addresses than the day's quota."),
            dg.AssetCheckSpec(SUPPRESSED, asset=KEY, description="Nobody who said no is counted as on the list."),
        ],
        required_resource_keys={"settings", "db", "listmonk"},
    )
    def _listmonk_subscribers(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        from pw_pipelines.leads.reconcile import sync

        resources = context.resources
        house: Settings = resources.settings
        with verdicts():
            report = sync(
                resources.db, resources.listmonk, settings=house, now=house.clock.now(), today=house.clock.today()
            )
        counts = list(_counts(report))
        with resources.db.connect(application="pw checks") as connection:
            admitted = connection.execute(
                """select coalesce(sum(n), 0)::int as total, coalesce(max(n), 0)::int as most from
                   (select provider, count(*) as n from pw.warmup_admissions where day = %s group by provider) as p""",
                (house.clock.today(),),
            ).fetchone()
            wrong = connection.execute(
                """select count(*)::int as n from pw.subscribers join pw.suppressions using (email)
                   where subscribers.state = 'synced'"""
            ).fetchone()
            states = connection.execute(
                "select state, count(*)::int as n from pw.subscribers group by state order by state"
            ).fetchall()
        assert admitted is not None and wrong is not None  # aggregates always give a row
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(int(row["n"]) for row in states if row["state"] == "synced"),
                "as_of": house.clock.today().isoformat(),
                "counts": dg.MetadataValue.md(markdown_table(("what", "addresses"), counts)),
                "states": dg.MetadataValue.md(
                    markdown_table(("state", "addresses"), [(row["state"], row["n"]) for row in states])
                ),
                "list": dg.MetadataValue.url(f"{house.listmonk_url}/admin/subscribers/lists/{house.listmonk_list_id}"),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=QUOTA,
                    passed=int(admitted["total"]) <= house.warmup_per_day,
                    description=f"{admitted['total']} addresses admitted today, quota {house.warmup_per_day}; "
                    f"{admitted['most']} of one mail provider.",
                ),
                dg.AssetCheckResult(
                    check_name=SUPPRESSED,
                    passed=int(wrong["n"]) == 0,
                    description=f"{wrong['n']} suppressed addresses are counted as on the list.",
                ),
            ],
        )

    return _listmonk_subscribers


def _counts(report: "SyncReport") -> Iterator[tuple[str, int]]:
    """The report's counts, one a line; those by reason as `what: reason`."""
    for name, value in report.counts().items():
        if isinstance(value, int):
            yield name, value
        elif isinstance(value, dict):
            yield from ((f"{name}: {reason}", n) for reason, n in value.items() if isinstance(n, int))

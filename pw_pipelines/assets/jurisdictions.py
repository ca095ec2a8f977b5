"""What it costs to form and keep a company in each of the 52 jurisdictions."""

from datetime import timedelta

import dagster as dg

from pw_pipelines.assets.raw import TEAM
from pw_pipelines.assets.registers import GROUP
from pw_pipelines.assets.tables import APPLICATION, columns_of, count, markdown_table
from pw_pipelines.assets.verdicts import verdicts

KEY = "state_filing_fees"
TABLE = "pw.state_filing_fees"
ALL_THERE = "all_52_jurisdictions_are_there"
_SHOWN = ("llc_formation", "corporation_formation", "annual_report", "franchise_tax_minimum", "name_reservation")


@dg.asset(
    name=KEY,
    description="Filing fees of the 50 states, DC and British Columbia, from the jurisdictions' data files. One row is "
    "one fee of one jurisdiction, with its source, how sure it is and the day it was read. An amount nobody could "
    "confirm is empty and says why. Read a fee again on the official page before money is charged.",
    group_name=GROUP,
    owners=[TEAM],
    kinds={"postgres", "yaml"},
    tags={"pw/layer": "core"},
    freshness_policy=dg.FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=40)),
    check_specs=[
        dg.AssetCheckSpec(
            ALL_THERE, asset=KEY, blocking=True, description="The table speaks of all 52, fee by fee as the files do."
        )
    ],
    required_resource_keys={"db"},
    metadata={"dagster/table_name": TABLE},
)
def state_filing_fees(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    """Puts the data files in the place of what stood in the table."""
    from pw_pipelines.jurisdictions.book import HOW_MANY
    from pw_pipelines.jurisdictions.fees import CREDIT, all_fees, load, shown

    with verdicts(), context.resources.db.connect(application=APPLICATION) as connection:
        written = load(connection)
        stored = count(connection, "pw", "state_filing_fees")
        row = connection.execute("select count(distinct state) as n from pw.state_filing_fees").fetchone()
        columns = columns_of(connection, "pw", "state_filing_fees")
    states = int(str(row["n"])) if row else 0
    fees = {(fee.state, fee.fee): fee for fee in all_fees()}
    table = [
        (state, *(shown(fees[state, name]) if (state, name) in fees else "" for name in _SHOWN))
        for state in dict.fromkeys(state for state, _ in fees)
    ]
    unknown = [f"{fee.state} {fee.fee}" for fee in fees.values() if fee.amount is None]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": stored,
            "dagster/table_name": TABLE,
            "dagster/column_schema": dg.TableSchema(columns=[dg.TableColumn(name, kind) for name, kind in columns]),
            "preview": dg.MetadataValue.md(
                markdown_table(("state", *(name.replace("_", " ") for name in _SHOWN)), table)
            ),
            "unknown": dg.MetadataValue.md(markdown_table(("fee that is not known",), [(one,) for one in unknown])),
            "credit": CREDIT,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=ALL_THERE,
                passed=states == HOW_MANY and stored == written == len(fees),
                description=f"{stored:,} fees of {states} jurisdictions stand in the table; {written:,} were written.",
                metadata={"jurisdictions": states, "fees": stored},
            )
        ],
    )

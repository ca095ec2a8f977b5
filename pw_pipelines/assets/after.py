"""What comes after a delivery, as assets: the compliance calendar with its renewals, and the proof of cure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets.commerce import ORDERS
from pw_pipelines.assets.matches import DAILY_FRESHNESS
from pw_pipelines.assets.tables import APPLICATION, PREVIEW_ROWS, number_of, table_of
from pw_pipelines.assets.verdicts import verdicts

if TYPE_CHECKING:
    from pw_pipelines.assets.tables import Connection
    from pw_pipelines.fulfillment.ground import Ground

GROUP, TEAM, LAYER = "fulfillment", "team:operations", "fulfillment"
CALENDAR, CURES, FINDINGS = "compliance_calendar", "cures", "findings"
IN_CALENDAR, ALL_RAISED, DAYS_KNOWN = "what_renews_is_entered", "what_is_due_is_raised", "every_day_is_known"
NONE_STILL_THERE, ALL_BEGUN = "no_finding_outlives_its_filing", "every_mended_finding_is_watched"

_CALENDAR_COLUMNS = {
    "entry_id": ("bigint", "The entry."),
    "customer_id": ("bigint", "Whose duty it is."),
    "item_id": ("bigint", "The item after which it falls due."),
    "service": ("text", "What renews it."),
    "duty": ("text", "The duty of the FCC's calendar that sets the day, if one does."),
    "subject": ("text", "For whom: FRN, or state and company."),
    "title": ("text", "The service in words."),
    "due_on": ("date", "The day, in New York; empty: not known, and `why` says so."),
    "why": ("text", "Why the day is not known, or the entry was dropped."),
    "citation": ("text", "The rule or the state's words."),
    "state": ("text", "open, renewed or dropped."),
    "renewal_order_id": ("bigint", "The order raised for it."),
    "reminded_at": ("timestamptz", "When the customer was written to, or a person was told."),
    "made_at": ("timestamptz", "When it was entered."),
}
_CURE_COLUMNS = {
    "cure_id": ("bigint", "The cure."),
    "item_id": ("bigint", "The item that was to mend the finding."),
    "frn": ("text", "The carrier."),
    "code": ("text", "The rule."),
    "state": ("text", "waiting, cured, still_there or not_visible."),
    "filed_at": ("timestamptz", "When it was filed: only younger copies prove anything."),
    "snapshots_before": ("text[]", "The copies the finding stood on."),
    "snapshots_after": ("text[]", "The copies read after the filing."),
    "evidence": ("jsonb", "The carrier's rows in those copies."),
    "looked_at": ("timestamptz", "When new copies were last read for it."),
    "settled_at": ("timestamptz", "When it was cured, or given to a person."),
}


def _schema(columns: dict[str, tuple[str, str]]) -> dg.TableSchema:
    return dg.TableSchema(columns=[dg.TableColumn(name, kind, words) for name, (kind, words) in columns.items()])


@dg.asset(
    name=CALENDAR,
    description="What falls due again for our customers, and the orders raised for it (`pw.compliance_calendar`). "
    "Materializing it raises the renewals that are due soon and mails their links, each once. One row is one duty of "
    "one customer on one day.",
    deps=[ORDERS],
    group_name=GROUP,
    owners=[TEAM],
    kinds={"postgres", "python"},
    tags={"pw/layer": LAYER},
    freshness_policy=DAILY_FRESHNESS,
    metadata={
        "dagster/table_name": "pw.compliance_calendar",
        "dagster/column_schema": _schema(_CALENDAR_COLUMNS),
    },
    check_specs=[
        dg.AssetCheckSpec(
            IN_CALENDAR, asset=CALENDAR, description="Every service that was done and falls due again has its entry."
        ),
        dg.AssetCheckSpec(
            ALL_RAISED, asset=CALENDAR,
            description="Whatever is due within the time of the setting has its order or is with a person.",
        ),
        dg.AssetCheckSpec(DAYS_KNOWN, asset=CALENDAR, description="Every open entry has a day."),
    ],
    required_resource_keys={"fulfillment"},
)  # fmt: skip
def compliance_calendar(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    """Ids and counts alone are logged."""
    from datetime import timedelta

    from pw_pipelines.fulfillment import calendar, renewals

    ground: Ground = context.resources.fulfillment
    with verdicts():
        report = renewals.raise_due(ground, run_id=context.run.run_id, log=context.log.info)
    for entry_id, why in report.waiting.items():
        context.log.info("entry %s waits: %s", entry_id, why)
    until = ground.clock.today() + timedelta(days=ground.settings.renewal_days)
    with ground.db.connect(application=APPLICATION) as connection:
        missing = calendar.not_entered(connection)
        unraised = _ids(
            connection,
            "select entry_id from pw.compliance_calendar where state = 'open' and due_on <= %s and reminded_at is null "
            "order by due_on, entry_id",
            "entry_id",
            until,
        )
        unknown = _ids(
            connection,
            "select entry_id from pw.compliance_calendar where state = 'open' and due_on is null order by entry_id",
            "entry_id",
        )
        metadata: dict[str, Any] = {
            "dagster/row_count": number_of(connection, "select count(*) as n from pw.compliance_calendar"),
            "dagster/column_schema": _schema(_CALENDAR_COLUMNS),
            "as_of": ground.clock.today().isoformat(),
            "came_to": dg.MetadataValue.json(dict(report.came_to)),
            "preview": table_of(
                connection,
                ("due_on", "service", "subject", "state", "renewal_order_id", "why"),
                "select due_on, service, subject, state, renewal_order_id, why from pw.compliance_calendar "
                f"where state = 'open' order by due_on nulls first, entry_id limit {PREVIEW_ROWS}",
            ),
        }
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            _verdict(IN_CALENDAR, missing, "item", "without an entry"),
            _verdict(ALL_RAISED, unraised, "entry", "due soon without an order"),
            _verdict(DAYS_KNOWN, unknown, "entry", "without a day; a person finds it out", warn=True),
        ],
    )


@dg.asset(
    name=CURES,
    description="Findings that our filings were to mend, looked for in the copies read since (`pw.cures`): cured when "
    "the finding is gone and the record shows the carrier's new row. One row is one finding of one item.",
    deps=[FINDINGS],
    group_name=GROUP,
    owners=[TEAM],
    kinds={"postgres", "python"},
    tags={"pw/layer": LAYER},
    freshness_policy=DAILY_FRESHNESS,
    metadata={"dagster/table_name": "pw.cures", "dagster/column_schema": _schema(_CURE_COLUMNS)},
    check_specs=[
        dg.AssetCheckSpec(
            NONE_STILL_THERE, asset=CURES,
            description="No finding is still in the record after several days of copies read after its filing.",
        ),
        dg.AssetCheckSpec(
            ALL_BEGUN, asset=CURES, description="Every finding that a finished item was to mend is watched."
        ),
    ],
    required_resource_keys={"settings", "db"},
)  # fmt: skip
def cures(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    """Reads the findings in force; writes to nobody."""
    from pw_pipelines.fulfillment import cures as proofs

    settings, db = context.resources.settings, context.resources.db
    with verdicts():
        report = proofs.look(db, now=settings.clock.now(), days=settings.cure_days)
    with db.connect(application=APPLICATION) as connection:
        still = _ids(connection, "select cure_id from pw.cures where state = 'still_there' order by cure_id", "cure_id")
        unwatched = proofs.unwatched(connection)
        metadata: dict[str, Any] = {
            "dagster/row_count": number_of(connection, "select count(*) as n from pw.cures"),
            "dagster/column_schema": _schema(_CURE_COLUMNS),
            "as_of": report.as_of.isoformat() if report.as_of else "no findings yet",
            "looked_at": report.looked_at,
            "came_to": dg.MetadataValue.json(dict(report.came_to)),
            "by_code": table_of(
                connection,
                ("code", "state", "cures", "oldest"),
                "select code, state, count(*) as cures, min(filed_at)::date as oldest from pw.cures "
                "group by 1, 2 order by 1, 2",
            ),
        }
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            _verdict(NONE_STILL_THERE, still, "cure", "still in the record; a person looks why", warn=True),
            _verdict(ALL_BEGUN, unwatched, "item", "with a finding nobody watches"),
        ],
    )


def _ids(connection: "Connection", query: str, column: str, *values: Any) -> list[int]:
    rows: list[dict[str, Any]] = connection.execute(query.encode(), values or None).fetchall()
    return [int(row[column]) for row in rows]


def _verdict(name: str, ids: Sequence[int], what: str, words: str, *, warn: bool = False) -> dg.AssetCheckResult:
    shown = ", ".join(map(str, ids[:PREVIEW_ROWS]))
    return dg.AssetCheckResult(
        check_name=name,
        passed=not ids,
        severity=dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR,
        description=f"{len(ids):,} {what}s {words}: {shown}." if ids else f"No {what} {words}.",
    )

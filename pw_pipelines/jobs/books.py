"""The jobs of orders' books: making them in ERPNext, and proving once a day that all books agree."""

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.assets import commerce
from pw_pipelines.assets.manifest import Manifest
from pw_pipelines.run_tags import IN_BACKGROUND
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.commerce.books import BooksReport

MAKE, PROVE = "make_books", "prove_books"
MOST_A_RUN = 500  # orders; what is left waits for the next run, seconds later


def _tell_once(context: dg.OpExecutionContext, text: str) -> None:
    from pw_pipelines.sensors import alert_book
    from pw_pipelines.sensors.failures import TOLD_TAG

    settings: Settings = context.resources.settings
    key = f"books:stand_still:{settings.clock.today()}"
    alert_book.write(context.resources.db, [alert_book.Alert(key, "order", text)], settings.clock.now())
    context.instance.add_run_tags(context.run_id, {TOLD_TAG: key})


@dg.op(
    description="What is wanted in ERPNext: customers, sales orders, invoices and payment entries, each made once; and "
    "what ERPNext told by webhook.",
    required_resource_keys={"settings", "db", "erpnext"},
    out=dg.Out(dg.Nothing),
)
def make_wanted_books(context: dg.OpExecutionContext) -> None:
    """An order that a person must look at holds up no other; ERPNext being away ends the run, and nothing is lost. That
    it takes our credentials for nobody's is told once a day, however many runs find it out."""
    from pw_pipelines.commerce.books import make_books, waiting_orders
    from pw_pipelines.commerce.books_events import work_events
    from pw_pipelines.db.kept import KeptDatabase
    from pw_pipelines.resources.erpnext import ErpnextForbidden

    settings: Settings = context.resources.settings
    erpnext = context.resources.erpnext
    try:
        with KeptDatabase(context.resources.db.url) as db:
            told = work_events(db, erpnext, settings.clock.now())
            with db.connect(application="pw-books") as connection:
                wanted = waiting_orders(connection)[:MOST_A_RUN]
            reports: list[BooksReport] = [make_books(db, erpnext, order, settings.clock.now()) for order in wanted]
    except ErpnextForbidden as stop:
        _tell_once(context, f"ERPNext: all books stand still. {stop}")
        raise
    context.add_output_metadata(
        {
            "orders": len(reports),
            "documents_made": sum(len(report.made) for report in reports),
            "orders_held": sum(report.held is not None for report in reports),
            "webhooks": dg.MetadataValue.json(told),
        }
    )


@dg.job(
    name=MAKE,
    description="Makes what is wanted in ERPNext, each document once, looked up before it is asked for.",
    executor_def=dg.in_process_executor,
    # One run at a time, begun before the items it would else wait for the last of; their work goes on first.
    tags={"pw/job": MAKE, "dagster/priority": "6", **IN_BACKGROUND},
)
def make_books_job() -> None:
    """One step: every document is booked by itself, so there is nothing to resume."""
    make_wanted_books()


def prove_books(manifest: Manifest) -> "dg.UnresolvedAssetJobDefinition":
    """The assets of orders and money, with their marts."""
    marts = [model.name for model in manifest.of_phase("commerce")]
    return dg.define_asset_job(
        PROVE,
        description="Proves orders, payments and revenue against each other and ERPNext, and builds their marts. Sends "
        "nothing to anyone.",
        selection=dg.AssetSelection.assets(commerce.ORDERS, commerce.PAYMENTS, commerce.REVENUE, *marts),
        executor_def=dg.in_process_executor,
        tags={"pw/job": PROVE, **IN_BACKGROUND},
    )

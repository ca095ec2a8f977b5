"""Orders' books: a run as soon as something is wanted in ERPNext; and every paid order told to ops, once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.clock import machine_now
from pw_pipelines.jobs.books import MAKE
from pw_pipelines.schedules.past import past_of
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.sensors.failures import told
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database

WANTED, NOTICE = "books_wanted", "order_notice"
REST = timedelta(minutes=2)  # after a run that failed: ERPNext is away, and will not be back in seconds


def start_books(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A run while something waits and none is under way. No key: what is wanted is asked of our books at each tick."""
    waiting = _waiting(context.resources.db)
    if not waiting:
        return dg.SkipReason("Nothing is wanted in ERPNext.")
    settings: Settings = context.resources.settings
    if past_of(context.instance, MAKE, settings.clock.today().isoformat()).open:
        return dg.SkipReason(f"{waiting} wait; a run is under way.")
    failed = context.instance.get_run_records(
        dg.RunsFilter(job_name=MAKE, statuses=[dg.DagsterRunStatus.FAILURE], updated_after=machine_now() - REST),
        limit=1,
    )
    if failed:
        return dg.SkipReason(f"{waiting} wait; the last run failed, the next begins {REST.seconds} s after it.")
    return dg.RunRequest()


def _waiting(db: Database) -> int:
    """Orders with something to make, and events of ERPNext's to work."""
    from pw_pipelines.commerce.books import waiting_orders

    with db.connect(application="pw-books") as connection:
        row = connection.execute(
            "select count(*)::int as n from pw.payment_events where provider = 'erpnext' and state = 'received'"
        ).fetchone()
        return len(waiting_orders(connection)) + (int(str(row["n"])) if row else 0)


def tell_paid_orders(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing; says in its skip reason what was told."""
    from pw_pipelines.commerce.order_notices import held_books, untold_orders
    from pw_pipelines.commerce.questions import untold

    settings: Settings = context.resources.settings
    db, now = context.resources.db, settings.clock.now()
    with db.connect(application="pw alerts") as connection:
        notices = [
            *untold_orders(connection, now),
            *held_books(connection),
            *untold(connection, now, address=f"{settings.public_url.rstrip('/')}/desk/questions"),
        ]
    new = alert_book.write(db, (Alert(notice.key, "order", notice.text) for notice in notices), now)
    return dg.SkipReason(told(alert_book.deliver(db, context.resources.telegram, now), new))


books_wanted = automatic(WANTED, start_books, "settings", "db", job_name=MAKE)
order_notice = automatic(NOTICE, tell_paid_orders, "settings", "db", "telegram")

"""The journal leaves every few seconds, documents every minute; what does not leave, and failed or missing drills, are
told once."""

from __future__ import annotations

import dagster as dg

from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.sensors.failures import told
from pw_pipelines.settings import Settings

SHIPS, LEAVE, WATCH = "journal_ships", "documents_leave", "restore_drill_watch"
STUCK_SECONDS = 600.0  # of an oldest change that has not left
DOCUMENTS_STUCK_SECONDS = 1800.0  # a day's set, sent meanwhile, may keep them from their turn for a while


def ship(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing; says in its skip reason what left."""
    from pw_pipelines.backups.shipping import ship_journal

    settings: Settings = context.resources.settings
    if settings.journal_url is None:
        return dg.SkipReason("PW_JOURNAL_URL is not set: the journal does not leave.")
    done = ship_journal(settings, context.resources.db)
    if done.error:
        return dg.SkipReason(f"{done.waiting} changes wait: {done.error}")
    return dg.SkipReason(f"{done.rows} changes left in {done.shipments} shipments." if done.rows else "All has left.")


def leave(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing; says in its skip reason how many documents left."""
    from pw_pipelines.backups.shipping import documents_leave

    done = documents_leave(context.resources.settings, context.resources.db, context.resources.objects)
    return dg.SkipReason("PW_OFFSITE_HOST is not set: documents do not leave." if done is None else done.sentence)


def watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing; tells ops what is new."""
    from pw_pipelines.backups import documents
    from pw_pipelines.backups.drill_book import troubles
    from pw_pipelines.backups.journal import lag
    from pw_pipelines.backups.shipping import journal_ahead

    settings: Settings = context.resources.settings
    db, now = context.resources.db, settings.clock.now()
    with db.connect(application="pw alerts") as connection:
        found = [Alert(one.key, "backup", one.text) for one in troubles(connection, settings, now=now)]
        behind, papers = lag(connection), documents.behind(connection)
        row = connection.execute(
            "select last_error from pw.journal_shipments where confirmed_at is null order by shipment_id limit 1"
        ).fetchone()
    if behind.oldest_at is not None and behind.seconds > STUCK_SECONDS:
        why = f" {row['last_error']}" if row and row["last_error"] else ""
        found.append(
            Alert(
                f"backup:journal:{behind.oldest_at:%Y-%m-%dT%H:%M}",  # the same for as long as it is stuck
                "backup",
                f"{behind.rows:,} changes of money and effects have not left this machine, the oldest for "
                f"{behind.seconds / 60:.0f} minutes.{why}",
            )
        )
    if settings.offsite_host and papers.oldest_at is not None and papers.seconds > DOCUMENTS_STUCK_SECONDS:
        found.append(
            Alert(
                f"backup:documents:{papers.oldest_at:%Y-%m-%dT%H:%M}",
                "backup",
                f"{papers.documents:,} documents (signed PDFs, evidence) have not left this machine, the oldest for "
                f"{papers.seconds / 60:.0f} minutes. `pw backup ship` says why.",
            )
        )
    new = alert_book.write(db, found, now)
    alert_book.deliver(db, context.resources.telegram, now)
    # Last, for it asks the store: one that is away may take all the time this tick has.
    with db.connect(application="pw alerts") as connection:
        ahead = journal_ahead(settings, connection)
    if ahead is not None:
        key = f"backup:journal:ahead:{ahead.line}:{ahead.last}"
        new += alert_book.write(db, [Alert(key, "backup", ahead.sentence)], now)
    return dg.SkipReason(told(alert_book.deliver(db, context.resources.telegram, now), new))


journal_ships = automatic(SHIPS, ship, "settings", "db")
documents_leave = automatic(LEAVE, leave, "settings", "db", "objects")
restore_drill_watch = automatic(WATCH, watch, "settings", "db", "telegram")

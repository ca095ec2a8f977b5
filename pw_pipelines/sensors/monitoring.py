"""What has waited too long is told once; what Umami must know is sent, and that it takes nothing is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.errors import OutsideError
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.sensors.failures import told
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database

TOO_OLD, ANALYTICS, WORD = "waiting_too_long", "analytics_events", "word_server_watch"


def tell_what_waits(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing; says in its skip reason what was told."""
    from pw_pipelines.monitoring.too_old import too_old

    settings: Settings = context.resources.settings
    db, now = context.resources.db, settings.clock.now()
    desk = f"{settings.public_url.rstrip('/')}/desk"
    with db.connect(application="pw alerts") as connection:
        waiting = too_old(connection, now, desk)
    untold = alert_book.unknown(db, (one.key for one in waiting)) if waiting else set()
    new = alert_book.write(db, (Alert(one.key, "gate", one.text) for one in waiting if one.key in untold), now)
    return dg.SkipReason(told(alert_book.deliver(db, context.resources.telegram, now), new))


def tell_of_word(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing; tells ops when the Word server goes, and when it is back."""
    from pw_pipelines.monitoring import word_server

    settings: Settings = context.resources.settings
    db, now = context.resources.db, settings.clock.now()
    try:
        seen = word_server.look(settings)
    except OutsideError as error:
        return dg.SkipReason(f"Nobody can say: {error}")
    with db.connect(application="pw alerts") as connection:
        news = word_server.news(connection, seen, now)
    if news is not None:
        alert_book.write(db, [Alert(news[0], "service", news[1])], now)
        alert_book.deliver(db, context.resources.telegram, now)
    if seen is None:
        return dg.SkipReason("There is no Word server.")
    return dg.SkipReason(f"{seen.sentence}. {'; '.join(seen.wrong) or 'It converts.'}")


def send_events(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Sends the outbox; starts nothing."""
    from pw_pipelines.monitoring import sending
    from pw_pipelines.resources.umami import Umami

    settings: Settings = context.resources.settings
    db: Database = context.resources.db
    if settings.umami_url is None or settings.umami_website_id is None:
        return dg.SkipReason("PW_UMAMI_URL is not set: no events are sent.")
    with Umami(settings) as umami:
        done = sending.send_waiting(db, umami, settings.clock.now)
    sending.forget_old(db, settings.clock.now(), days=settings.retention_analytics_days)
    if done.refusal:
        alert = Alert(f"service:umami:after-{_last_sent(db)}", "service", f"{done.refusal} {done.waiting} events wait.")
        now = settings.clock.now()
        alert_book.write(db, [alert], now)
        alert_book.deliver(db, context.resources.telegram, now)
    trouble = done.refusal or done.away or ""
    return dg.SkipReason(f"{done.sent} sent, {done.waiting} waiting. {trouble}".strip())


def _last_sent(db: Database) -> int:
    """The newest event Umami took: the same while it takes none, so that one stoppage is told once."""
    with db.connect(application="pw-analytics") as connection:
        row = connection.execute(
            "select coalesce(max(event_id), 0) as last from pw.analytics_events where state = 'sent'"
        ).fetchone()
    return int(str(row["last"])) if row else 0


waiting_too_long = automatic(TOO_OLD, tell_what_waits, "settings", "db", "telegram")
analytics_events = automatic(ANALYTICS, send_events, "settings", "db", "telegram")
word_server_watch = automatic(WORD, tell_of_word, "settings", "db", "telegram")

"""Works the bounce mailbox every minute and tells ops what came of it. The deed is `bounces/watch.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.errors import ConfigError, OutsideError
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.sensors.automatic import automatic
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database
    from pw_pipelines.resources.listmonk import Listmonk

NAME = "watch_bounces"


def work_mailbox(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """One round; no cursor: what was worked is known by its digest."""
    from pw_pipelines.bounces import news
    from pw_pipelines.bounces.watch import work_round
    from pw_pipelines.resources.bounce_mailbox import open_mailbox

    settings: Settings = context.resources.settings
    db: Database = context.resources.db
    now = settings.clock.now()
    trouble: str | None = None
    said = "nothing waits"
    try:
        mailbox = open_mailbox(settings)
        try:
            done = work_round(
                db, context.resources.objects, context.resources.listmonk, mailbox, settings=settings, now=now,
                today=settings.clock.today(),
            )  # fmt: skip
        finally:
            if mailbox is not None:
                mailbox.close()
        said = f"{done.read} mails worked, {done.told} told to Listmonk" + (f"; {done.error}" if done.error else "")
    except OutsideError as error:
        trouble = str(error)
    with db.connect(application="pw-bounces") as connection:
        told = [*news.untold(connection, now), *news.refused(connection, settings, settings.clock.today())]
    found = [Alert(key, "mail", text) for key, text in told]
    found += _going_out(context.resources.listmonk, settings)
    if trouble:
        day = settings.clock.today().isoformat()
        found.append(Alert(f"mail:mailbox:{day}", "mail", f"The bounce mailbox could not be worked: {trouble}"))
    alert_book.write(db, found, now)
    return dg.SkipReason(trouble or f"Bounces: {said}.")


def _going_out(listmonk: Listmonk, settings: Settings) -> list[Alert]:
    """Campaigns that lack what their mails must have, seen within a minute of their start. What can't be read is told
    by the asset `campaign_templates`."""
    from pw_pipelines.leads.campaigns import going_out
    from pw_pipelines.leads.template_files import read_templates

    try:
        _, faults = going_out(listmonk, read_templates(settings))
    except (OutsideError, ConfigError):
        return []
    return [Alert(fault.key, "mail", fault.text) for fault in faults]


watch_bounces = automatic(NAME, work_mailbox, "settings", "db", "objects", "listmonk")

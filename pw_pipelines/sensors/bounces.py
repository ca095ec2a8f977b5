"""Works the bounce mailbox every minute and tells ops what came of it. The deed is `bounces/watch.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.errors import OutsideError
from pw_pipelines.jobs.automatic import AUTOMATIC
from pw_pipelines.sensors import alert_book
from pw_pipelines.sensors.alert_book import Alert
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database

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
        found = [Alert(key, "mail", text) for key, text in news.untold(connection)]
    if trouble:
        day = settings.clock.today().isoformat()
        found.append(Alert(f"mail:mailbox:{day}", "mail", f"The bounce mailbox could not be worked: {trouble}"))
    alert_book.write(db, found, now)
    return dg.SkipReason(trouble or f"Bounces: {said}.")


watch_bounces = dg.SensorDefinition(
    name=NAME,
    evaluation_fn=work_mailbox,
    minimum_interval_seconds=AUTOMATIC[NAME].every_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=AUTOMATIC[NAME].why,
    required_resource_keys={"settings", "db", "objects", "listmonk"},
)

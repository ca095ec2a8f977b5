"""Reminders and expiry of signature links: wakes the items whose stage has something to do; sends nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.sensors.automatic import automatic

if TYPE_CHECKING:
    from pw_pipelines.fulfillment.ground import Ground

NAME = "signature_reminders"


def wake_items(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Makes items ready that wait for a signature and have a reminder due, or a link that ran out or is settled.

    The sensor `items_ready` starts their runs.
    """
    from pw_pipelines.fulfillment import signature_wakeups

    ground: Ground = context.resources.fulfillment
    with ground.db.connect(application="pw-fulfillment") as connection:
        woken = signature_wakeups.wake(connection, now=ground.clock.now())
    return dg.SkipReason(
        f"{len(woken)} items made ready: {', '.join(map(str, woken))}." if woken else "Nothing is due."
    )


signature_reminders = automatic(NAME, wake_items, "fulfillment")

"""Starts a run for every item that is ready: paid orders, opened gates, runs that died."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.clock import machine_now
from pw_pipelines.fulfillment.run_words import ITEM_TAG, JOB, config_of, run_key_of, tags_of
from pw_pipelines.sensors.automatic import automatic

if TYPE_CHECKING:
    from pw_pipelines.fulfillment.ground import Ground

NAME = "items_ready"
MOST_A_TICK = 200
LOST_AFTER = timedelta(seconds=30)  # a request that became no run and no lease in this time is made anew
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def start_items(context: dg.SensorEvaluationContext) -> dg.SkipReason | list[dg.RunRequest]:
    """A run per ready item. Our books say which; the run key holds back what was asked for already, and an item whose
    run died is given a new generation, because a key is never started twice."""
    from pw_pipelines.fulfillment import starting

    ground: Ground = context.resources.fulfillment
    under_way = {
        int(run.tags[ITEM_TAG])
        for run in context.instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=_UNFINISHED))
        if run.tags.get(ITEM_TAG, "").isdecimal()
    }
    with ground.db.connect(application="pw-fulfillment") as connection:
        ready = starting.to_start(
            connection, under_way, now=ground.clock.now(), machine_now=machine_now(), lost_after=LOST_AFTER,
            most=MOST_A_TICK,
        )  # fmt: skip
    if not ready:
        return dg.SkipReason(f"No item is ready; {len(under_way)} runs are under way.")
    return [
        dg.RunRequest(run_key=run_key_of(item_id, generation), run_config=config_of(item_id), tags=tags_of(item_id))
        for item_id, generation in ready
    ]


items_ready = automatic(NAME, start_items, "fulfillment", job_name=JOB)

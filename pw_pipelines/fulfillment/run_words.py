"""What a run of one item is asked for with: job, config, tags, key. Ids alone, for everybody reads them.

Imports no database driver: Dagster's definitions are made of it.
"""

from __future__ import annotations

from pw_pipelines.fulfillment.stage import STAGES

JOB = "fulfill_item"
ITEM_TAG = "pw/item"


def config_of(item_id: int) -> dict[str, object]:
    """Run config for one item."""
    return {"ops": {stage: {"config": {"item_id": item_id}} for stage in STAGES}}


def tags_of(item_id: int) -> dict[str, str]:
    """Tags of a run: ids alone, for everybody reads them. One run of an item at a time."""
    return {ITEM_TAG: str(item_id)}


def run_key_of(item_id: int, generation: int) -> str:
    """Two requests with one key are one run."""
    return f"{item_id}:{generation}"

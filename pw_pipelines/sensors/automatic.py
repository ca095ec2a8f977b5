"""A sensor as `jobs.automatic` describes it: its interval and its reason stand there, and it runs by default."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from pw_pipelines.jobs.automatic import AUTOMATIC


def automatic(
    name: str,
    evaluation_fn: Callable[[dg.SensorEvaluationContext], Any],
    *needs: str,
    job_name: str | None = None,
    jobs: Sequence[Any] | None = None,
) -> dg.SensorDefinition:
    """The sensor `name`. needs: keys of its resources; job_name, jobs: what it may start, if anything."""
    of = AUTOMATIC[name]
    return dg.SensorDefinition(
        name=name,
        evaluation_fn=evaluation_fn,
        job_name=job_name,
        jobs=jobs,
        minimum_interval_seconds=of.every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=of.why,
        required_resource_keys=set(needs),
    )

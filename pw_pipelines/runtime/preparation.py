"""What must be done before Dagster starts: `python -m pw_pipelines.runtime.preparation`, settings from the environment.

A process of its own, so that the supervisor never imports Dagster or dbt (150 MiB) and can end it on Ctrl-C.
"""

from __future__ import annotations

import sys

from pw_pipelines.runtime.stack import prepare_dagster_home
from pw_pipelines.settings import load_settings


def main() -> None:
    """DAGSTER_HOME and the dbt manifest; Dagster's tables; runs that no living server owns, closed."""
    prepare_dagster_home(load_settings())

    from dagster import DagsterInstance

    from pw_pipelines.jobs.abandoned import close_abandoned_runs

    with DagsterInstance.get() as instance:
        closed = close_abandoned_runs(instance)
    sys.stdout.write(f"{len(closed)} abandoned runs closed\n")


if __name__ == "__main__":
    main()

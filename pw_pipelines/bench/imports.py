"""What importing the code location costs: every code server, run worker and reload pays it."""

from __future__ import annotations

from pw_pipelines.bench.measure import Measure, at_most, in_fresh_process

GOAL_RATIO = 1.5
TIMES = 5

_TIMED = """
import sys, time
begun = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - begun)
"""


def code_location() -> Measure:
    """Seconds to import `pw_pipelines.definitions`, against `import dagster`; medians of fresh processes."""
    in_fresh_process(_TIMED, "pw_pipelines.definitions")  # writes the bytecode caches of both
    dagster = in_fresh_process(_TIMED, "dagster", times=TIMES)
    ours = in_fresh_process(_TIMED, "pw_pipelines.definitions", times=TIMES)
    return at_most(
        "import_code_location", ours, "s", goal=round(GOAL_RATIO * dagster, 3), peer=dagster, peer_is="import dagster"
    )

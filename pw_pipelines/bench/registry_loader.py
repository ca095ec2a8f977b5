"""Takes one Florida file into a register, in a process of its own: `python -m`; prints what it took as JSON."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from pw_pipelines.db.connection import Database
from pw_pipelines.registry.road import take_in
from pw_pipelines.resources.objects import Objects


def main(url: str, objects: str, path: str, day: str) -> None:
    """Loads `path` as the whole register of `day`; ends with an error when it is refused."""
    begun = time.perf_counter()
    taken = take_in(
        Database(url), Objects(objects), "sunbiz_cor", Path(path), as_of=date.fromisoformat(day),
        now=datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC), floor_share=0.0,
    )  # fmt: skip
    if taken.loaded_at is None:
        sys.exit("; ".join(taken.reasons))
    print(  # noqa: T201 - read by the benchmark
        json.dumps({"rows": taken.rows, "checked": taken.facts["seconds"], "seconds": time.perf_counter() - begun})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

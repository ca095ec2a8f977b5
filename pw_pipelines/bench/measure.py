"""One measured value with its goal and its peer."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Measure:
    """`goal` and `peer` are in `unit`. `ok`: the goal was met: a lower bound of a rate (`/s`), else an upper bound.
    No goal: it is only shown, and ok. `peer_is` says what was compared."""

    name: str
    value: float
    unit: str
    goal: float | None
    peer: float | None
    peer_is: str
    ok: bool
    ratio: float | None


def at_most(name: str, value: float, unit: str, *, goal: float | None, peer: float | None, peer_is: str) -> Measure:
    """A measure whose value must not exceed its goal; `ratio` is value / peer."""
    ratio = round(value / peer, 3) if peer else None
    return Measure(
        name=name,
        value=round(value, 3),
        unit=unit,
        goal=goal,
        peer=round(peer, 3) if peer is not None else None,
        peer_is=peer_is,
        ok=goal is None or value <= goal,
        ratio=ratio,
    )


def at_least(name: str, value: float, unit: str, *, goal: float, peer: float | None, peer_is: str) -> Measure:
    """As `at_most`, for a rate that must reach its goal."""
    return replace(at_most(name, value, unit, goal=goal, peer=peer, peer_is=peer_is), ok=value >= goal)


def seconds(deed: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    begun = time.perf_counter()
    deed()
    return time.perf_counter() - begun


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile, `share` between 0 and 1."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def in_fresh_process(code: str, *arguments: str, times: int = 1) -> float:
    """Median of the number that `code` prints as its last line, each time in a new interpreter."""
    numbers = []
    for _ in range(times):
        done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
        numbers.append(float(json.loads(done.stdout.strip().splitlines()[-1])))
    return statistics.median(numbers)

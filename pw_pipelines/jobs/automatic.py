"""Everything that starts by itself, in which mode it may, how often, and why. No import of Dagster.

There is no default: a schedule or sensor without an entry here does not load, and one that is not allowed in a
mode is absent there, not merely stopped, because a switch in the UI outlives the code. The web app's first page
compares this list with what really runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Literal

from pw_pipelines.settings import Mode

TIMEZONE = "America/New_York"
BOTH = frozenset({Mode.SANDBOX, Mode.LIVE})


@dataclass(frozen=True)
class Automatic:
    """One starter. A schedule has `at`, the time of day in America/New_York; a sensor has `every_seconds`."""

    kind: Literal["schedule", "sensor"]
    modes: frozenset[Mode]
    why: str
    job: str | None = None
    at: time | None = None
    every_seconds: int | None = None

    @property
    def cron(self) -> str:
        """`at` as a daily cron expression."""
        if self.at is None:
            raise ValueError("only a schedule has a cron expression")
        return f"{self.at.minute} {self.at.hour} * * *"


# No schedule between 01:00 and 03:00: on two days of the year those hours come twice or not at all.
AUTOMATIC: Mapping[str, Automatic] = {
    "retention_nightly": Automatic(
        "schedule",
        BOTH,
        "Dagster keeps runs, events and logs for ever; this does not.",
        job="retention",
        at=time(3, 30),
    ),
    "bdc_daily": Automatic(
        "schedule",
        BOTH,
        "Two vintages a year, revised without notice; absence must be seen on two days. Before acquire.",
        job="refresh_bdc",
        at=time(5, 40),
    ),
    "acquire_daily": Automatic(
        "schedule",
        BOTH,
        "The public record changes daily; before the office opens.",
        job="acquire",
        at=time(6, 0),
    ),
    "listmonk_daily": Automatic(
        "schedule",
        BOTH,
        "The warm-up quota is a day's; after the leads are fresh, when mail is read.",
        job="sync_listmonk",
        at=time(9, 30),
    ),
    "catch_up": Automatic(
        "sensor",
        BOTH,
        "Starts what a schedule should have started today and did not: first start, outage, moved sandbox clock.",
        every_seconds=60,
    ),
    "run_failure_alert": Automatic(
        "sensor",
        BOTH,
        "Tells ops of every failed run, once.",
        every_seconds=30,
    ),
    "check_alert": Automatic(
        "sensor",
        BOTH,
        "Tells ops what fails without failing a run: failing checks, rejected copies, stale sources, held findings.",
        every_seconds=60,
    ),
}


def allowed(name: str, mode: Mode) -> bool:
    """Whether `name` may start by itself in `mode`. Raises KeyError for a name without an entry."""
    return mode in AUTOMATIC[name].modes

"""What time it is, for everything in the project that asks.

Live: the machine's clock. Sandbox: the machine's clock moved by an offset kept in a small file under
PW_HOME, so that the web app, the runs and the stand-ins all live in the same invented moment.
Stored times are UTC; days and due dates are America/New_York.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Clock:
    """A clock; `offset_file` is None in live mode."""

    offset_file: Path | None = None

    def offset(self) -> timedelta:
        """How far this clock stands from the machine's."""
        if self.offset_file is None:
            return timedelta()
        try:
            stored = json.loads(self.offset_file.read_text())
        except FileNotFoundError:
            return timedelta()
        return timedelta(seconds=int(stored["offset_seconds"]))

    def now(self) -> datetime:
        """This moment, aware, UTC."""
        return datetime.now(UTC) + self.offset()

    def today(self) -> date:
        """This day in America/New_York."""
        return self.now().astimezone(EASTERN).date()

    def set_offset(self, offset: timedelta) -> None:
        """Moves a sandbox clock. Raises RuntimeError on a live clock, which nobody may move."""
        if self.offset_file is None:
            raise RuntimeError("The live clock cannot be moved; PW_MODE=sandbox has a clock of its own.")
        self.offset_file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.offset_file.with_name(f"{self.offset_file.name}.{os.getpid()}.tmp")
        draft.write_text(json.dumps({"offset_seconds": int(offset.total_seconds())}))
        draft.replace(self.offset_file)


def machine_now() -> datetime:
    """The machine's own moment, aware, UTC: for books that are not ours and never move with the sandbox (Dagster's
    runs and ticks, dates in HTTP headers). Everything else asks a Clock."""
    return datetime.now(UTC)


def eastern_day(moment: datetime) -> date:
    """The America/New_York day of an aware moment: the day that decides whether a filing was late."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(EASTERN).date()

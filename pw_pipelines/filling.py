"""The note that `pw up` keeps while it fills a fresh sandbox house: what every room may ask about it."""

from __future__ import annotations

import json
import time
from pathlib import Path

AT_MOST_SECONDS = 3_600  # since its last step ended; the longest, a day's acquisition, takes minutes


def note(home: Path) -> Path:
    """Where the note lies; `runtime.bootstrap` writes it."""
    return home / "run" / "bootstrap.json"


def is_being_filled(home: Path) -> bool:
    """Whether `pw up` is filling the house: it starts every job itself then, and moves the clock between.

    A filling that stopped halfway (its failure has been told) holds nobody up for longer than AT_MOST_SECONDS.
    """
    try:
        finished = bool(json.loads(note(home).read_text())["finished"])
        age = time.time() - note(home).stat().st_mtime
    except FileNotFoundError:
        return False
    return not finished and age < AT_MOST_SECONDS

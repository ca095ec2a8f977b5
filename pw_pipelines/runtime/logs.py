"""What the started processes say: one file each in PW_HOME/logs, rotated by size, its last lines shown on failure."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import IO

from pw_pipelines.logs import redact

MOST_BYTES = 10 * 2**20
KEPT = 2  # <name>.log.1 and .2
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class ProcessLog:
    """The log file of one child process. The child appends to it by itself; we only rotate and read."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.log"

    def open(self) -> IO[bytes]:
        """For a child's stdout and stderr. Appending, so that it may be cut while the child writes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path.open("ab", buffering=0)

    def rotate(self, most_bytes: int = MOST_BYTES) -> bool:
        """Copies and empties the file when it is over `most_bytes`. Whether it did."""
        if not self.path.exists() or self.path.stat().st_size <= most_bytes:
            return False
        for number in range(KEPT, 1, -1):
            older = self.path.with_name(f"{self.path.name}.{number - 1}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number}"))
        shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))
        with self.path.open("r+b") as file:
            file.truncate(0)
        return True

    def tail(self, lines: int = 15) -> str:
        """The last lines, without secrets; empty when the process said nothing."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 64 * 1024))
            text = file.read().decode("utf-8", errors="replace")
        return redact("\n".join(_COLOUR.sub("", text).splitlines()[-lines:]))

"""Never two workers: a lock that the system itself gives up when its holder dies, and beside it who holds it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pw_pipelines.documents.docserver import now_text


class Single:
    """The lock of one folder; on Windows also of the whole session, since two would kill each other's Word."""

    def __init__(self, folder: Path, *, whole_session: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file, self.holder = folder / "worker.lock", folder / "worker.json"
        self.whole_session = whole_session
        self._handle: int | None = None
        self._mutex: object = None

    def take(self) -> bool:
        """False when another one works."""
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            return False
        if self.whole_session:
            from docserver.windows import named_mutex

            self._mutex = named_mutex()
            if self._mutex is None:
                os.close(handle)
                return False
        self._handle = handle
        self.holder.write_text(json.dumps({"pid": os.getpid(), "since": now_text(), "python": sys.executable}))
        return True

    def who(self) -> str:
        """What the last holder said of itself."""
        try:
            return self.holder.read_text()
        except OSError:
            return "nobody"

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
        self._handle = self._mutex = None


def _lock(handle: int) -> None:
    """Raises OSError when it is held."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

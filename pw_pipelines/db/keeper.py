"""Stops an embedded PostgreSQL that nobody uses any more, also when its last user was killed.

Run as a script by `embedded.py`, with the standard library alone: `keeper.py FOLDER PG_CTL`. It sleeps in the
kernel until no process holds the shared lock FOLDER/users.lock; then it stops the server of FOLDER/data.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path


def main(folder: Path, pg_ctl: str) -> int:
    """Exit code of `pg_ctl stop`, 0 when no server was left running."""
    with (folder / "users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        if not (folder / "data" / "postmaster.pid").exists():
            return 0
        owner = (folder / "data").stat()
        as_owner = os.geteuid() == 0
        return subprocess.run(
            [pg_ctl, "-w", "-m", "fast", "-D", "data", "stop"], check=False, cwd=folder,
            user=owner.st_uid if as_owner else None, group=owner.st_gid if as_owner else None,
            extra_groups=[] if as_owner else None,
        ).returncode  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2]))

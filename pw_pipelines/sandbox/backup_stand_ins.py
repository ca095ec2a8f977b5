"""The two machines backups need, for as long as the stand-ins run: the off-site one and ERPNext's MariaDB.

Each writes the port it took into `port` beside its data, where the settings find it. What is not installed is left out,
and the file that says why stands there instead (`missing`): a backup of it is then skipped, not failed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pw_pipelines.backups import scratch_mariadb
from pw_pipelines.errors import ConfigError
from pw_pipelines.sandbox import mariadb, offsite
from pw_pipelines.sandbox.mariadb import SandboxMariadb
from pw_pipelines.sandbox.offsite import SandboxOffsite
from pw_pipelines.settings import Settings


@contextlib.contextmanager
def backup_stand_ins(settings: Settings) -> Iterator[None]:
    """Both, on the ports of the settings; without one, on that they had before a crash or any free one."""
    secret = settings.sandbox_database_url
    offsite_folder, mariadb_folder = offsite.folder_of(settings), mariadb.folder_of(settings)
    machines = (
        (SandboxOffsite(offsite_folder), offsite_folder, settings.sandbox_offsite_port),
        (
            SandboxMariadb(mariadb_folder, secret.get_secret_value() if secret else None),
            mariadb_folder,
            settings.sandbox_mariadb_port,
        ),
    )
    try:
        for machine, folder, port in machines:
            _start(machine, folder, port)
        yield
    finally:
        for machine, folder, _ in machines:
            machine.stop()
            (folder / "port").unlink(missing_ok=True)


def why_missing(folder: Path) -> str | None:
    """Why the machine of this folder does not run; None when it does, or was never started."""
    with contextlib.suppress(FileNotFoundError):
        return (folder / "missing").read_text(encoding="utf-8")
    return None


def _start(machine: SandboxOffsite | SandboxMariadb, folder: Path, port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "missing").unlink(missing_ok=True)
    lacking = offsite.missing() if isinstance(machine, SandboxOffsite) else scratch_mariadb.missing()
    if lacking:
        mend = offsite.MEND if isinstance(machine, SandboxOffsite) else scratch_mariadb.MEND
        (folder / "missing").write_text(f"{', '.join(lacking)} not installed; get with: {mend}", encoding="utf-8")
        (folder / "port").unlink(missing_ok=True)
        return
    try:
        taken = machine.start(port or _before(folder))
    except ConfigError:  # the port is another's
        taken = machine.start(0)
    draft = folder / "port.draft"
    draft.write_text(str(taken))
    draft.replace(folder / "port")


def _before(folder: Path) -> int:
    """The port it had when it was killed, which others still ask it on; 0 when it ended as it should."""
    try:
        return int((folder / "port").read_text())
    except (FileNotFoundError, ValueError):
        return 0

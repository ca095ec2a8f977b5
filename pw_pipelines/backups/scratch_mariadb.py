"""A MariaDB server of one folder, for nobody but us: no port, a socket in a folder of its own, gone when it is left.

Restore drills restore ERPNext's dump into one; the sandbox's stand-in is one. A small process beside it ends it when
this process dies, however it dies.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pw_pipelines.backups.model import BackupError

MEND = "sudo apt-get install mariadb-server-core mariadb-client"
_START_SECONDS = 60.0
# Waits until whoever started it goes (its standard input closes), then ends the server and removes the socket's folder.
_KEEPER = """
import shutil, subprocess, sys
server = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
sys.stdin.buffer.read()
server.terminate()
try:
    server.wait(30)
except subprocess.TimeoutExpired:
    server.kill()
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


def missing() -> list[str]:
    """Programs a server of our own needs that are not installed."""
    return [name for name in ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump") if _found(name) is None]


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(f"/usr/sbin/{name}")


class ScratchMariadb:
    """The server of one folder, reached by `client` and by its `socket`. Made when the folder is new."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.durable = durable
        self._keeper: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None

    @property
    def socket(self) -> Path:
        """Not below `folder`: a socket's path may have 107 characters."""
        assert self._sockets is not None, "the server is not started"
        return self._sockets / "s"

    @contextlib.contextmanager
    def running(self) -> Iterator[ScratchMariadb]:
        """Started, and ended on leaving."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        """Raises BackupError when a program is missing or the server does not come up."""
        if lacking := missing():
            raise BackupError(f"MariaDB's programs {', '.join(lacking)} are not installed; get them with: {MEND}")
        data = self.folder / "data"
        if not data.exists():
            self._make(data)
        self._sockets = Path(tempfile.mkdtemp(prefix="pw-mdb-"))
        command = [
            str(_found("mariadbd")), "--no-defaults", f"--datadir={data}", f"--socket={self.socket}",
            "--skip-networking", "--skip-log-bin", "--skip-name-resolve", f"--user={_user()}",
            f"--pid-file={self.folder / 'pid'}", "--innodb-buffer-pool-size=64M", "--max-allowed-packet=256M",
            f"--innodb-flush-log-at-trx-commit={1 if self.durable else 0}", "--performance-schema=OFF",
            "--innodb-log-file-size=16M", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _KEEPER, str(self._sockets), *command],
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._wait()

    def stop(self) -> None:
        """Ends the server and waits for it."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            assert keeper.stdin is not None
            keeper.stdin.close()
            try:
                keeper.wait(40)
            except subprocess.TimeoutExpired:
                keeper.kill()
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def run(self, sql: str | BinaryIO, *, database: str | None = None) -> str:
        """What the client prints for `sql` (text, or an open file of it), tab-separated. Raises BackupError with what
        the server said: the client stops at the first error."""
        command = [
            str(_found("mariadb")), "--no-defaults", f"--socket={self.socket}", f"--user={_user()}", "--batch",
            "--skip-column-names", "--binary-mode", "--max-allowed-packet=256M", *([database] if database else []),
        ]  # fmt: skip
        if isinstance(sql, str):
            done = subprocess.run(command, check=False, capture_output=True, input=sql.encode())
        else:
            done = subprocess.run(command, check=False, capture_output=True, stdin=sql)
        if done.returncode:
            raise BackupError(f"MariaDB refused: {done.stderr.decode(errors='replace').strip()[-500:]}")
        return done.stdout.decode()

    def _make(self, data: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        making = self.folder / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        done = subprocess.run(
            [str(_found("mariadb-install-db")), "--no-defaults", f"--datadir={making}", f"--user={_user()}",
             "--auth-root-authentication-method=socket", f"--auth-root-socket-user={_user()}", "--skip-test-db",
             "--skip-name-resolve", "--innodb-log-file-size=16M"],
            check=False, capture_output=True,
        )  # fmt: skip
        if done.returncode:
            raise BackupError(f"mariadb-install-db failed: {done.stderr.decode(errors='replace')[-500:]}")
        making.rename(data)

    def _wait(self) -> None:
        assert self._keeper is not None
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if self.socket.exists():
                with contextlib.suppress(BackupError):
                    self.run("select 1")
                    return
            if self._keeper.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "server.log").read_text(errors="replace")[-1000:]
                self.stop()
                raise BackupError(f"The scratch MariaDB did not come up. Its log ends:\n{log}")
            time.sleep(0.05)


def _user() -> str:
    import getpass

    return getpass.getuser() if os.geteuid() else "root"

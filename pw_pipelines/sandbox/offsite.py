"""The off-site machine's stand-in: OpenSSH's own sshd on loopback, one connection at a time per process of it.

This process listens and hands each connection to `sshd -i`, so nothing is left running when it ends. The server has a
host key, a configuration and one authorized key of its own, all below PW_HOME/sandbox/offsite, and that key may do
nothing but rsync and sha256sum below `copies` (offsite_door.py). What is not installed is said, and backups then stay
on this machine.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import PROJECT_ROOT, Settings

SYSTEM = "offsite"
_PRIVILEGE_SEPARATION = Path("/run/sshd")  # compiled into sshd, which as root refuses to start without it
# A machine whose services are nobody's business gets the programs unpacked here (tools/setup.sh).
_UNPACKED = PROJECT_ROOT / ".pw" / "tools" / "openssh"
MEND = "sudo apt-get install openssh-server rsync"


def sshd_path() -> Path | None:
    """Where sshd is; None when it is not installed."""
    found = shutil.which("sshd") or shutil.which("/usr/sbin/sshd") or shutil.which(str(_UNPACKED / "usr/sbin/sshd"))
    return Path(found) if found else None


def missing() -> list[str]:
    """Programs the stand-in needs that are not here."""
    found = {"sshd": sshd_path(), "ssh-keygen": shutil.which("ssh-keygen"), "rsync": shutil.which("rsync")}
    return [name for name, path in found.items() if path is None]


def folder_of(settings: Settings) -> Path:
    return settings.home / "sandbox" / "offsite"


class SandboxOffsite:
    """The machine, in threads of this process. `folder`: its keys and `copies`, what it holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies = folder / "copies"
        self._listening: socket.socket | None = None
        self._sessions: set[subprocess.Popen[bytes]] = set()

    @property
    def client_key(self) -> Path:
        """The private key that may come in."""
        return self.folder / "client_key"

    @property
    def host_key_file(self) -> Path:
        """The host's public key, as `offsite_host_key` takes it."""
        return self.folder / "host_key.pub"

    def start(self, port: int, host: str = "127.0.0.1") -> int:
        """Listens; 0 takes any free port. Returns the port. Raises ConfigError when something is missing or taken."""
        lacking = missing()
        if lacking:
            raise ConfigError(f"The off-site stand-in needs {', '.join(lacking)}; install with: {MEND}")
        configuration = self._prepare()
        try:
            self._listening = socket.create_server((host, port), backlog=20)
        except OSError as error:
            raise ConfigError(
                f"The stand-in off-site machine cannot listen on {host}:{port} ({error.strerror}); "
                "set PW_SANDBOX_OFFSITE_PORT to a free port."
            ) from error
        threading.Thread(target=self._accept, args=(self._listening, configuration), daemon=True).start()
        return int(self._listening.getsockname()[1])

    def stop(self) -> None:
        """Closes the port and cuts every connection."""
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        for session in list(self._sessions):
            session.terminate()

    def _prepare(self) -> Path:
        """Keys and configuration, made once; returns the configuration."""
        self.copies.mkdir(parents=True, exist_ok=True)
        for key in (self.folder / "host_key", self.client_key):
            if not key.exists():
                _make_key(key)
        door = Path(__file__).with_name("offsite_door.py")
        forced = shlex.join([sys.executable, "-I", str(door), str(self.copies)]).replace('"', '\\"')
        public = self.client_key.with_suffix(".pub").read_text().strip()
        _write(self.folder / "authorized_keys", f'restrict,command="{forced}" {public}\n')
        options = {
            "HostKey": self.folder / "host_key",
            "AuthorizedKeysFile": self.folder / "authorized_keys",
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",  # homes of tests lie below folders that others may write to
            "AuthenticationMethods": "publickey",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "forced-commands-only",
            "AllowUsers": getpass.getuser(),
            "LogLevel": "ERROR",
        }
        session = _UNPACKED / "usr/lib/openssh/sshd-session"  # from OpenSSH 9.8 on a program of its own
        if str(sshd_path()).startswith(str(_UNPACKED)) and session.exists():
            options["SshdSessionPath"] = session
        path = self.folder / "sshd_config"
        _write(path, "".join(f'{name} "{value}"\n' for name, value in options.items()))
        if os.geteuid() == 0:
            _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        server = str(sshd_path())
        tried = subprocess.run([server, "-t", "-f", str(path)], capture_output=True, text=True, check=False)
        if tried.returncode:
            raise ConfigError(
                f"The off-site stand-in's {server} does not run: {tried.stderr.strip()} Install it with: {MEND}"
            )
        return path

    def _accept(self, listening: socket.socket, configuration: Path) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed: we stop
                return
            threading.Thread(target=self._serve, args=(connection, configuration), daemon=True).start()

    def _serve(self, connection: socket.socket, configuration: Path) -> None:
        with connection, (self.folder / "sshd.log").open("ab") as log:
            session = subprocess.Popen(
                [str(sshd_path()), "-i", "-e", "-f", str(configuration)],
                stdin=connection.fileno(),
                stdout=connection.fileno(),
                stderr=log,
            )
        self._sessions.add(session)
        session.wait()
        self._sessions.discard(session)


def _make_key(path: Path) -> None:
    draft = path.with_name(f"draft-{path.name}-{os.getpid()}")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f", str(draft)], check=True, timeout=30
    )
    draft.with_suffix(".pub").replace(path.with_suffix(".pub"))
    draft.replace(path)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)

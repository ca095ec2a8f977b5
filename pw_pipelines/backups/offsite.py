"""The off-site copy: rsync over SSH to a machine whose key is pinned, read back by digest before anybody counts on it.

rsync here only ever adds: `--delete` is never given. A file that is there already is compared by its content when it
is sent again. Every exit code of rsync but 0 is a failure, 24 (files vanished) too: nothing of a set may vanish.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pw_pipelines.backups.manifest import MANIFEST, SIGNATURE
from pw_pipelines.backups.model import SUBJECTS, BackupError, checked_set_id
from pw_pipelines.backups.programs import Done, ask
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

PARTIAL = ".partial"
SILENCE_SECONDS = 60
_AT_ONCE = 200  # files named on one command line
_KEY = re.compile(r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-\S+) [A-Za-z0-9+/=]+")
_LINE = re.compile(r"\\?([0-9a-f]{64}) [ *](.*)")
_REFUSED = (126, 127)  # the far side runs no such program for us
_RSYNC = {
    1: "wrong usage", 2: "the two rsyncs do not understand each other", 3: "a folder could not be entered",
    5: "the far side refused to begin", 10: "the connection broke", 11: "a file could not be read or written, or a "
    "disk is full", 12: "the connection broke in the middle", 13: "a program failed", 20: "interrupted",
    22: "out of memory", 23: "some files were not copied", 24: "files vanished while they were copied",
    25: "a limit on deletions was met", 30: "nothing came for too long", 35: "no connection in time",
    127: "rsync or ssh is not installed", 255: "SSH failed",
}  # fmt: skip


class OffsiteUnavailable(BackupError):
    """The off-site machine could not be reached: nothing is known of what it holds."""


class OffsiteRefused(BackupError):
    """The off-site machine does not let us do this: another key than the pinned one, no login, no right."""


@dataclass(frozen=True)
class Offsite:
    """The off-site folder, with the layout of model.Places. Paths are relative to it, with `/`."""

    host: str
    port: int
    user: str
    key_file: Path
    known_hosts: Path
    path: str
    seconds: float
    kilobytes_per_second: int | None = None

    @classmethod
    def of(cls, settings: Settings, *, only_look: bool = False) -> Offsite | None:
        """None when PW_OFFSITE_HOST is not set. Raises ConfigError for settings that cannot work. Writes the pinned key
        where ssh reads it, unless one only looks."""
        if not settings.offsite_host:
            return None
        if settings.offsite_key_file is None or not settings.offsite_key_file.is_file():
            raise ConfigError(f"PW_OFFSITE_KEY_FILE: {settings.offsite_key_file} is no file with a private SSH key.")
        if not settings.offsite_path.strip("/. ") or "\n" in settings.offsite_path:
            raise ConfigError("PW_OFFSITE_PATH must name a folder of its own on the off-site machine.")
        known = settings.home / "keys" / "offsite_known_hosts"
        key = _host_key(settings)
        if not only_look:
            _write(known, f"[{settings.offsite_host}]:{settings.offsite_port} {key}\n{settings.offsite_host} {key}\n")
        return cls(
            settings.offsite_host, settings.offsite_port, settings.offsite_user, settings.offsite_key_file, known,
            settings.offsite_path.rstrip("/"), settings.backup_timeout_minutes * 60,
            settings.offsite_kilobytes_per_second,
        )  # fmt: skip

    def copy(self, root: Path, files: Sequence[str]) -> None:
        """Copies these files below `root` there; manifests last, so that a set cut short there is no set.

        Raises OffsiteUnavailable, OffsiteRefused, BackupError.
        """
        last = [name for name in files if PurePosixPath(name).name in (MANIFEST, SIGNATURE)]
        for names in ([name for name in files if name not in set(last)], last):
            if names:
                limit = [f"--bwlimit={self.kilobytes_per_second}"] if self.kilobytes_per_second else []
                with _list_file(names) as listed:
                    self._rsync(
                        ["--times", "--checksum", "--mkpath", "--chmod=D700,F600", *limit,
                         f"--partial-dir={PARTIAL}", f"--files-from={listed}", f"{root}/", self._far()],
                        "copying off-site",
                    )  # fmt: skip

    def bring(self, source: str, target: Path, options: Sequence[str] = (), *, what: str) -> None:
        """Brings the folder `source` from there into `target`, or what `options` of rsync leave of it; what lies here
        already is compared by content. Raises like `copy`."""
        self._rsync(["-rt", "--checksum", *options, f"{self._far()}{source}", f"{target}/"], f"fetching {what}")

    def digests(self, root: Path, files: Mapping[str, str]) -> dict[str, str | None]:
        """SHA-256 of what lies there under each of `files` (name -> the digest it must have); None: not there.

        Asks the far side's sha256sum. Where that may not be run, files that lie below `root` are compared by content
        through rsync, and one that differs is told as "". Raises OffsiteUnavailable; OffsiteRefused where that may not
        be run and not all files lie here.
        """
        found: dict[str, str | None] = dict.fromkeys(files)
        names = list(files)
        for at in range(0, len(names), _AT_ONCE):
            some = names[at : at + _AT_ONCE]
            done, text = self._remote(["sha256sum", "--", *(f"{self.path}/{name}" for name in some)])
            if done.code in _REFUSED:
                return self._compared(root, files)
            if done.code not in (0, 1):  # 1: some are not there
                raise BackupError(f"sha256sum off-site failed (exit code {done.code}): {done.said}")
            for line in text.splitlines():
                if match := _LINE.fullmatch(line):
                    found[match.group(2).removeprefix(f"{self.path}/")] = match.group(1)
        return found

    def remove(self, files: Sequence[str]) -> None:
        """Removes exactly these files of expired sets, manifests first. Raises BackupError for any other file, and
        OffsiteRefused where the far side lets nobody remove: then its own rules decide how long it keeps them."""
        for name in files:
            require_removable(name)
        ordered = sorted(files, key=lambda name: PurePosixPath(name).name not in (MANIFEST, SIGNATURE))
        for at in range(0, len(ordered), _AT_ONCE):
            some = ordered[at : at + _AT_ONCE]
            done, _ = self._remote(["rm", "-f", "--", *(f"{self.path}/{name}" for name in some)])
            if done.code in _REFUSED:
                raise OffsiteRefused(f"{self.host} lets nobody remove: {done.said}")
            if done.code:
                raise BackupError(f"Removing off-site failed (exit code {done.code}): {done.said}")

    def remove_folders(self, sets: Sequence[str]) -> None:
        """Removes the folders of sets (`<subject>/<set_id>`) that `remove` emptied. One that is not empty, is gone
        already, or where the far side lets nobody remove folders, stays as it is. Raises OffsiteUnavailable."""
        for name in sets:
            require_removable(f"{name}/{MANIFEST}")
        for at in range(0, len(sets), _AT_ONCE):
            self._remote(["rmdir", "--", *(f"{self.path}/{name}" for name in sets[at : at + _AT_ONCE])])

    def _compared(self, root: Path, files: Mapping[str, str]) -> dict[str, str | None]:
        local = [name for name in files if (root / name).is_file()]
        if len(local) < len(files):
            raise OffsiteRefused(f"{self.host} runs no sha256sum for us, and what is not here can't be compared.")
        changes: set[str] = set()
        if local:
            with tempfile.TemporaryDirectory() as scratch, _list_file(local) as listed:
                output = Path(scratch) / "changes"
                self._rsync(
                    ["--checksum", "--dry-run", "--mkpath", "--out-format=%n", f"--files-from={listed}", f"{root}/",
                     self._far()],
                    "comparing with off-site", output,
                )  # fmt: skip
                changes = set(output.read_text(encoding="utf-8", errors="replace").splitlines())
        return {name: "" if name in changes else digest for name, digest in files.items()}

    def _rsync(self, options: Sequence[str], what: str, output: Path | None = None) -> None:
        command = ["rsync", f"--timeout={SILENCE_SECONDS}", "--rsh", shlex.join(self._ssh()), *options]
        done = ask(command, what=what, seconds=self.seconds, output=output)
        if done.code == 0:
            return
        if done.code in (255, 5, 10, 12, 30, 35):
            raise self._no_way(done, what)
        means = _RSYNC.get(done.code, "a code of its own")
        raise BackupError(f"{what} failed: rsync's exit code {done.code}, {means}. {done.said}")

    def _remote(self, words: Sequence[str]) -> tuple[Done, str]:
        with tempfile.TemporaryDirectory() as scratch:
            output = Path(scratch) / "answer"
            done = ask(
                [*self._ssh(), f"{self.user}@{self.host}", shlex.join(words)], what=f"{words[0]} off-site",
                seconds=self.seconds, output=output,
            )  # fmt: skip
            if done.code == 255:
                raise self._no_way(done, f"asking {self.host}")
            return done, output.read_text(encoding="utf-8", errors="replace")

    def _no_way(self, done: Done, what: str) -> BackupError:
        if "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.said or "Host key verification failed" in done.said:
            return OffsiteRefused(
                f"{what}: {self.host}:{self.port} shows another host key than PW_OFFSITE_HOST_KEY. Nothing was sent. "
                "Find out why before the setting is changed: somebody may stand in between."
            )
        if "Permission denied" in done.said:
            return OffsiteRefused(f"{what}: {self.host} does not know our key ({self.key_file.name}): {done.said}")
        return OffsiteUnavailable(
            f"{what}: {self.host}:{self.port} could not be reached ({_RSYNC.get(done.code, 'no answer')}). {done.said}"
        )

    def _ssh(self) -> list[str]:
        options = {
            "BatchMode": "yes", "IdentitiesOnly": "yes", "IdentityAgent": "none", "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": f'"{self.known_hosts}"',  # unquoted, a blank ends it
            "GlobalKnownHostsFile": "/dev/null",
            "UpdateHostKeys": "no", "ConnectTimeout": "20", "ServerAliveInterval": "15", "LogLevel": "ERROR",
        }  # fmt: skip
        named = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "/dev/null", "-p", str(self.port), "-i", str(self.key_file), *named]

    def _far(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{self.path}/"


def require_removable(name: str) -> None:
    """Refuses every path but a file of one set's folder: never the pool, never the journal, never a folder."""
    parts = name.split("/")
    if len(parts) != 3 or parts[0] not in SUBJECTS or parts[2] in ("", ".", ".."):
        raise BackupError(f"{name!r} is not a file of a backup set; it is not removed.")
    checked_set_id(parts[1])


@contextmanager
def _list_file(names: Sequence[str]) -> Iterator[str]:
    """A file of names for --files-from."""
    handle, path = tempfile.mkstemp(prefix="pw-files-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in names)
        yield path
    finally:
        Path(path).unlink(missing_ok=True)


def _host_key(settings: Settings) -> str:
    given = (settings.offsite_host_key or "").strip()
    if given and "\n" not in given and not given.startswith(("ssh-", "ecdsa-", "sk-")):
        try:
            given = Path(given).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"PW_OFFSITE_HOST_KEY: {given} is neither a public host key nor a file of one.") from None
    match = _KEY.match(given)
    if match is None:
        raise ConfigError(
            "PW_OFFSITE_HOST_KEY must be the off-site machine's public host key (`ssh-ed25519 AAAA…`), taken from that "
            "machine itself: cat /etc/ssh/ssh_host_ed25519_key.pub"
        )
    return match.group(0)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)


def files_of(subject: str, set_id: str, archives: Mapping[str, str]) -> Iterator[str]:
    """The paths of a set's files, archives first."""
    yield from (f"{subject}/{set_id}/{name}" for name in archives)
    yield from (f"{subject}/{set_id}/{name}" for name in (MANIFEST, SIGNATURE))

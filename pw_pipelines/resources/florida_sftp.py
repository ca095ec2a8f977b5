"""Florida's file server (SFTP): what lies there, and its daily and quarterly files, byte for byte.

A download that breaks goes on where it stopped, unless the file has changed meanwhile; bytes received must agree
with the size the server tells before and after. The published login and the tree are the Division's
(https://dos.fl.gov/sunbiz/other-services/data-downloads/).
"""

from __future__ import annotations

import posixpath
import re
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pw_pipelines.clock import EASTERN
from pw_pipelines.errors import SourceUnavailable, UsageError
from pw_pipelines.resources.fetched import Fetched, target
from pw_pipelines.resources.http import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS
from pw_pipelines.resources.ssh_door import Door, open_session
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    import paramiko

_T = TypeVar("_T")

ROOTS = ("", "./", "Public/", "/Public/")  # clients see the tree below one of these
CHUNK_BYTES = 1 << 15  # what SFTP gives at once
REQUESTS_AHEAD = 64
_SLOWEST_SECONDS = 180.0  # the server packs nothing while we wait, but repeated logins are delayed


@dataclass(frozen=True)
class DailySet:
    """One of the server's daily sets: its folder, and the pattern of its files' names."""

    folder: str
    name: re.Pattern[str]


DAILY = {
    "sunbiz_cor_daily": DailySet("doc/cor", re.compile(r"(\d{8})c\.txt", re.IGNORECASE)),
    "sunbiz_events_daily": DailySet("doc/cor", re.compile(r"(\d{8})ce\.txt", re.IGNORECASE)),
    "sunbiz_fic_daily": DailySet("doc/fic", re.compile(r"(\d{8})f\.txt", re.IGNORECASE)),
}
QUARTERLY = {
    "sunbiz_cor": "doc/quarterly/Cor/cordata.zip",
    "sunbiz_events": "doc/quarterly/Cor/corevent.zip",
    "sunbiz_fic": "doc/quarterly/fic/ficdata.zip",
}


@dataclass(frozen=True)
class RemoteFile:
    """A file on the server. modified: when it was put there; None where the server does not say."""

    path: str
    size: int
    modified: datetime | None

    @property
    def as_of(self) -> date | None:
        """The day a quarterly file tells of at least: the one before it was put there, in Florida."""
        return None if self.modified is None else self.modified.astimezone(EASTERN).date() - timedelta(days=1)


def days_to_fetch(have: Iterable[date], listing: Iterable[date], since: date | None) -> list[date]:
    """Days whose file lies there and that we lack, oldest first; `since`: the day of the last whole copy.

    No day is expected: weekends, holidays and gaps are simply not in the listing, and one that comes late is taken
    when it comes. The day of the whole copy itself is taken too, for what was filed after it was made.
    """
    known = set(have)
    return sorted(day for day in set(listing) if day not in known and (since is None or day >= since))


class FloridaSftp:
    """One session, opened when first needed. Not for several threads. `sleep` is a seam for tests.

    Raises SourceUnavailable (try later) or SourceRefused (never will).
    """

    def __init__(self, settings: Settings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._door = Door(
            source="sunbiz",
            host=settings.sunbiz_host,
            port=settings.sunbiz_port,
            user=settings.sunbiz_user,
            password=settings.sunbiz_password.get_secret_value(),
            kept_keys=settings.home / "keys" / "sunbiz_known_hosts",
            known_key=settings.sunbiz_host_key,
            timeout_seconds=max(settings.http_timeout_seconds, _SLOWEST_SECONDS),
        )
        self._attempts = settings.http_attempts
        self._sleep = sleep
        self._session: tuple[paramiko.Transport, paramiko.SFTPClient] | None = None
        self._root: str | None = None
        self._listed: dict[str, dict[date, RemoteFile]] = {}

    def days(self, source: str) -> dict[date, RemoteFile]:
        """Day -> file of a daily set, as far as they lie there."""
        wanted = _daily(source)
        found = {}
        for file in self._listing(wanted.folder):
            named = wanted.name.fullmatch(posixpath.basename(file.path))
            day = _day(named[1]) if named else None
            if day is not None:
                found[day] = file
        self._listed[source] = found
        return found

    def quarterly(self, source: str) -> RemoteFile:
        """The quarterly file of a set. Raises SourceUnavailable when none lies there."""
        path = _quarterly(source)
        listed = {posixpath.basename(file.path).lower(): file for file in self._listing(posixpath.dirname(path))}
        found = listed.get(posixpath.basename(path).lower())
        if found is None:
            raise self._absent(path)
        return found

    def fetch_day(self, source: str, into: Path, day: date) -> Fetched:
        """The daily file of a day. `into`: the file to write, or a folder for the server's own name of it.

        A listing of ours that has the day is not asked for again: the folder may hold years of files.
        """
        file = self._listed.get(source, {}).get(day) or self.days(source).get(day)
        if file is None:
            raise self._absent(f"file of {day} in {_daily(source).folder}")
        return replace(self.fetch(file, into), as_of=day)

    def fetch_quarterly(self, source: str, into: Path) -> Fetched:
        """The quarterly file of a set; 1.8 GB for the corporate one."""
        file = self.quarterly(source)
        return replace(self.fetch(file, into), as_of=file.as_of)

    def fetch(self, file: RemoteFile, into: Path) -> Fetched:
        """One listed file, whole: its size before and after is the bytes received."""
        path = target(into, posixpath.basename(file.path))
        draft = path.with_name(path.name + ".part")
        draft.unlink(missing_ok=True)
        breaks: list[str] = []
        size_at_start: list[int] = []

        def attempt(client: paramiko.SFTPClient) -> int:
            if breaks and draft.exists():
                breaks[-1] += f", went on at byte {draft.stat().st_size:,}"
            return _download(client, file.path, draft, size_at_start)

        try:
            size = self._retrying(attempt, file.path, breaks)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        notes = [f"{posixpath.basename(path)}: {size:,} bytes", *breaks]
        media_type = "application/zip" if path.suffix == ".zip" else "text/plain"
        return Fetched(path, media_type, notes=tuple(notes))

    def close(self) -> None:
        if self._session is not None:
            transport, client = self._session
            self._session = None
            client.close()
            transport.close()

    def __enter__(self) -> FloridaSftp:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _listing(self, folder: str) -> list[RemoteFile]:
        """Files of a folder, wherever the tree stands for us."""

        def attempt(client: paramiko.SFTPClient) -> list[RemoteFile]:
            for root in ROOTS if self._root is None else (self._root,):
                try:
                    entries = client.listdir_attr(root + folder)
                except FileNotFoundError:
                    continue
                self._root = root
                return [_remote(f"{root}{folder}/{entry.filename}", entry) for entry in entries
                        if not stat.S_ISDIR(entry.st_mode or 0)]  # fmt: skip
            raise self._absent(folder)

        return self._retrying(attempt, folder, [])

    def _retrying(self, attempt: Callable[[paramiko.SFTPClient], _T], what: str, breaks: list[str]) -> _T:
        """Runs `attempt` on a session, on a new one after each break; `breaks` tells of them."""
        from paramiko import SSHException

        for number in range(1, self._attempts + 1):
            try:
                if self._session is None:
                    self._session = open_session(self._door)
                return attempt(self._session[1])
            except FileNotFoundError as error:  # listed, and gone when asked for
                raise self._absent(what) from error
            except (_Changed, SSHException, EOFError, OSError, SourceUnavailable) as error:
                if isinstance(error, SourceUnavailable) and self._session is not None:
                    raise  # said by the server itself: there is no such file
                self.close()
                failure = error
            said = str(failure) or type(failure).__name__
            breaks.append(f"broke off ({said})")
            if number < self._attempts:
                self._sleep(min(FIRST_WAIT_SECONDS * 2.0 ** (number - 1), LONGEST_WAIT_SECONDS))
        if isinstance(failure, SourceUnavailable):
            raise failure
        raise SourceUnavailable(
            f"sunbiz: {self._door.host}: {what} could not be read in {self._attempts} tries ({said}).",
            source="sunbiz",
            url=f"sftp://{self._door.host}/{what}",
        ) from failure

    def _absent(self, what: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"sunbiz: there is no {what} on {self._door.host} now.",
            source="sunbiz",
            url=f"sftp://{self._door.host}/{what}",
        )


class _Changed(Exception):
    """The file on the server is not what it was when the download began."""


def _download(client: paramiko.SFTPClient, path: str, draft: Path, size_at_start: list[int]) -> int:
    """Reads on from where `draft` ends; returns the size. Raises _Changed, with the draft removed, or EOFError."""
    before = client.stat(path).st_size or 0
    if size_at_start and size_at_start[0] != before:
        size_at_start.clear()
        draft.unlink(missing_ok=True)  # what we have is of another edition
    size_at_start[:] = [before]
    with draft.open("ab") as sink, client.open(path, "rb") as source:
        have = sink.tell()
        source.seek(have)
        source.prefetch(before, REQUESTS_AHEAD)
        while chunk := source.read(CHUNK_BYTES):
            have += sink.write(chunk)
    after = client.stat(path).st_size or 0
    if after != before:
        draft.unlink()
        raise _Changed(f"{path} had {before:,} bytes before and {after:,} after it was read")
    if have > before:
        draft.unlink()
        raise _Changed(f"{have:,} bytes of {path} came, {before:,} were told")
    if have < before:
        raise EOFError(f"{have:,} of {before:,} bytes of {path} came")
    return before


def _remote(path: str, entry: paramiko.SFTPAttributes) -> RemoteFile:
    modified = None if not entry.st_mtime else datetime.fromtimestamp(entry.st_mtime, UTC)
    return RemoteFile(path, entry.st_size or 0, modified)


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _daily(source: str) -> DailySet:
    try:
        return DAILY[source]
    except KeyError:
        raise UsageError(f"{source!r} is no daily set of Florida's; known: {', '.join(DAILY)}.") from None


def _quarterly(source: str) -> str:
    try:
        return QUARTERLY[source]
    except KeyError:
        raise UsageError(f"{source!r} is no quarterly set of Florida's; known: {', '.join(QUARTERLY)}.") from None

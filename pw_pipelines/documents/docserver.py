"""The object store shared with the machine that runs Word. Both sides of the protocol, in one place.

    to-convert/.tmp_<job>.docx  →  to-convert/<job>.docx     we put a document under a temporary name, copy, delete
    claims/<job>                                             whoever converts creates it first; only one can
    claims/<job>.2, .3 …                                     who takes over from one that died; the newest holds
    converted/<job>.pdf, converted/<job>.json                the result; the JSON comes last, names both digests, and
                                                             the first one stands; after a take-over <job>.2.pdf …
    failed/<job>.docx, failed/<job>.json                     what Word can't open, and why
    heartbeat.json                                           the worker is alive, and what it is at

A store knows no renaming and no folders: prefixes are whole segments, names are filtered here. What is old is judged by
the store's own clock, never by this machine's or the worker's.

This file, jobs.py, pdf.py and word_worker.py also go to the Windows machine (docserver/build.py): besides obstore they
import nothing but Python's own.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

WAITING, RESULTS, FAILED, CLAIMS = "to-convert", "converted", "failed", "claims"
NOBODY = "nobody"
HEARTBEAT = "heartbeat.json"
PROTOCOL = "1"
ASK_SECONDS = 30.0
RETRIES = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}  # who calls waits and asks again; no call lasts
_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}", re.ASCII)


@dataclass(frozen=True)
class Heartbeat:
    """What a worker says of itself; its own clock's times, compared with one another only.

    busy_since: since when it is at `current_job`, so that a beating heart does not hide a hung Word.
    trouble: why it can convert nothing now (Word does not start, it was stopped); then it is as good as away.
    """

    worker: str
    pid: int
    at: str
    version: str
    word_version: str
    last_job: str | None = None
    current_job: str | None = None
    busy_since: str | None = None
    trouble: str | None = None

    @property
    def busy_seconds(self) -> float:
        """How long it had been at one document when it said so."""
        if self.busy_since is None:
            return 0.0
        return (datetime.fromisoformat(self.at) - datetime.fromisoformat(self.busy_since)).total_seconds()


@dataclass(frozen=True)
class Claim:
    """Who converts a job: `number` counts those who took it over."""

    job: str
    number: int
    by: str  # word | libreoffice | nobody: given back
    worker: str
    token: str

    @property
    def key(self) -> str:
        return f"{CLAIMS}/{self.job}{self._nth}"

    @property
    def pdf(self) -> str:
        """What its result is called: each claim's another, so that of two who publish neither spoils the other's."""
        return f"{self.job}{self._nth}.pdf"

    @property
    def _nth(self) -> str:
        return f".{self.number}" if self.number > 1 else ""


def now_text() -> str:
    """This machine's time for a record. The real one: what is shared with another machine knows no moved clock."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")


class DocServer:
    """The store at `url`: file:///folder or s3://bucket/prefix.

    options: of S3, as obstore names them (endpoint, region, access_key_id …); what is not said is taken from AWS_*.
    Raises ConfigError for another address, OutsideUnavailable when it does not answer, OutsideRefused when it says no.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._options = dict(options or {})
        parts = urlsplit(url)
        self._folder = Path(folder_of(url)) if parts.scheme == "file" else None
        if self._folder is None and (parts.scheme != "s3" or not parts.netloc):
            raise ConfigError(f"PW_DOCSERVER_URL={url!r} is not an object store; use file:///folder or s3://bucket.")
        self._opened: ObjectStore | None = None

    # --- objects

    def get(self, key: str) -> bytes | None:
        """An object's bytes, None when there is none."""
        import obstore

        with self._translated():
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def put(self, key: str, content: bytes) -> None:
        import obstore

        with self._translated():
            obstore.put(self._store, key, content)

    def create(self, key: str, content: bytes) -> bool:
        """Puts an object where none is. False when one is there."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._translated():
            try:
                obstore.put(self._store, key, content, mode="create")
            except (AlreadyExistsError, FileExistsError):
                return False
        return True

    def publish(self, folder: str, name: str, content: bytes) -> None:
        """Puts it under a temporary name, then gives it its own: nobody sees half of it, on any store or mirror."""
        import obstore

        draft = f"{folder}/.tmp_{name}"
        self.put(draft, content)
        with self._translated():
            obstore.copy(self._store, draft, f"{folder}/{name}")
        self.delete(draft)

    def delete(self, key: str) -> None:
        """Also when it is not there."""
        import obstore

        with self._translated(), suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def exists(self, key: str) -> bool:
        import obstore

        with self._translated():
            try:
                obstore.head(self._store, key)
            except FileNotFoundError:
                return False
        return True

    def age_seconds(self, key: str) -> float | None:
        """How long ago it was written, by the store's own clock; None when it is not there."""
        if self._folder is not None:
            return self._age_in_folder(key)
        import obstore

        with self._translated():
            address = str(obstore.sign(self._store, "HEAD", key, timedelta(minutes=5)))  # type: ignore[call-overload]
        try:
            with urlopen(Request(address, method="HEAD"), timeout=ASK_SECONDS) as reply:  # noqa: S310 - ours, signed
                headers = reply.headers
        except HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            raise OutsideUnavailable(f"{self.url} answers {error.code} when asked for {key}.") from None
        except OSError as error:
            raise OutsideUnavailable(f"{self.url} does not answer: {type(error).__name__}.") from error
        if "Date" not in headers or "Last-Modified" not in headers:
            raise OutsideUnavailable(f"{self.url} does not say what time it is there.")
        now, written = (parsedate_to_datetime(str(headers[name])) for name in ("Date", "Last-Modified"))
        return (now - written).total_seconds()

    def names(self, folder: str) -> list[str]:
        """The finished objects of a folder, oldest first; temporary ones are left out."""
        return [name for name, _ in sorted(self._listed(folder), key=lambda one: (one[1], one[0]))
                if not name.startswith(".tmp_")]  # fmt: skip

    def sweep(self, *, drafts_seconds: float, results_seconds: float) -> int:
        """Deletes temporary objects and results that nobody came for. Returns how many."""
        newest = self._now()
        swept = 0
        for folder, names in ((one, self._listed(one)) for one in (WAITING, RESULTS, FAILED, CLAIMS)):
            for name, written in names:
                age = (newest - written).total_seconds()
                limit = drafts_seconds if name.startswith(".tmp_") else results_seconds
                if age > limit and (folder != WAITING or name.startswith(".tmp_")):
                    self.delete(f"{folder}/{name}")
                    swept += 1
        return swept

    # --- claims

    def claim_of(self, job: str) -> Claim | None:
        """The newest claim on a job."""
        found, number = None, 1
        while (content := self.get(Claim(job, number, "", "", "").key)) is not None:
            said = _loaded(content)
            found = Claim(job, number, str(said.get("by")), str(said.get("worker")), str(said.get("token")))
            number += 1
        return found

    def claim(self, job: str, *, by: str, worker: str, after: Claim | None = None) -> Claim | None:
        """Ours now, or None when somebody was first. after: the claim that is taken over; None: there was none."""
        wanted = Claim(job, after.number + 1 if after else 1, by, worker, uuid.uuid4().hex)
        said = {"by": by, "worker": worker, "token": wanted.token, "at": now_text()}
        return wanted if self.create(wanted.key, json.dumps(said).encode()) else None

    def give_back(self, claim: Claim) -> None:
        """Whoever likes may take it over. It stays where it is: a hole in the row of claims would hide the next one."""
        said = {"by": NOBODY, "worker": claim.worker, "token": uuid.uuid4().hex, "at": now_text()}
        self.put(claim.key, json.dumps(said).encode())

    def holds(self, claim: Claim) -> bool:
        """Whether it is still the newest on its job."""
        newest = self.claim_of(claim.job)
        return newest is not None and newest.token == claim.token

    def clear(self, job: str) -> None:
        """Removes all that a job left; its claims last, so that nobody begins it again meanwhile."""
        newest = self.claim_of(job)
        claims = [Claim(job, number, "", "", "") for number in range(newest.number if newest else 1, 0, -1)]
        for key in (f"{WAITING}/{job}.docx", f"{RESULTS}/{job}.json", *(f"{RESULTS}/{one.pdf}" for one in claims),
                    f"{FAILED}/{job}.json", f"{FAILED}/{job}.docx", *(one.key for one in claims)):  # fmt: skip
            self.delete(key)

    # --- heartbeat

    def beat(self, heartbeat: Heartbeat) -> None:
        self.put(HEARTBEAT, json.dumps(asdict(heartbeat)).encode())

    def heartbeat(self) -> Heartbeat | None:
        """The last one; None when there never was a worker, or nobody can read what it wrote."""
        content = self.get(HEARTBEAT)
        said = _loaded(content) if content is not None else {}
        try:
            beat = Heartbeat(**{name: said[name] for name in Heartbeat.__dataclass_fields__ if name in said})
            beat.busy_seconds  # noqa: B018 - a time that can't be read is no heartbeat
        except (TypeError, ValueError):
            return None
        return beat

    def worker_alive(self, stale_seconds: float) -> bool:
        """Whether a worker's heart beat within `stale_seconds`, it can convert and is not stuck in one document."""
        age = self.age_seconds(HEARTBEAT)
        if age is None or age > stale_seconds:
            return False
        beat = self.heartbeat()
        return beat is not None and beat.trouble is None and beat.busy_seconds <= stale_seconds

    def seconds_ahead(self) -> float:
        """By how much this machine's clock is before the store's, to a second or two. S3 refuses 900."""
        return time.time() - self._now().timestamp()

    # --- inside

    @property
    def _store(self) -> ObjectStore:
        if self._opened is None:
            from obstore.store import LocalStore, S3Store

            if self._folder is not None:
                self._opened = LocalStore(self._folder, mkdir=True)
            else:
                endpoint = self._options.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL", "")
                self._opened = S3Store.from_url(
                    self.url,
                    config=self._options or None,  # type: ignore[arg-type]
                    client_options={"allow_http": endpoint.startswith("http://")},
                    retry_config=RETRIES,  # type: ignore[arg-type]
                )
        return self._opened

    def _listed(self, folder: str) -> list[tuple[str, datetime]]:
        import obstore

        with self._translated():
            found = [(str(one["path"]), one["last_modified"]) for chunk in obstore.list(self._store, folder)
                     for one in chunk]  # fmt: skip
        return [(path.removeprefix(f"{folder}/"), at) for path, at in found if path.count("/") == folder.count("/") + 1]

    def _age_in_folder(self, key: str) -> float | None:
        """A folder may be a share of another machine's; what is written there now has that machine's time."""
        assert self._folder is not None
        try:
            written = (self._folder / key).stat().st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:  # a share that is away
            raise OutsideUnavailable(f"{self.url} does not answer: {type(error).__name__}.") from error
        return self._now().timestamp() - written

    def _now(self) -> datetime:
        """The store's own time: that of an object written this moment."""
        import obstore

        key = f"clock/.tmp_{uuid.uuid4().hex}"
        self.put(key, b"")
        with self._translated():
            now = obstore.head(self._store, key)["last_modified"]
        self.delete(key)
        return now

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except FileNotFoundError:
            raise
        except (PermissionDeniedError, UnauthenticatedError) as error:
            said = _first_line(error)
            raise OutsideRefused(f"{self.url} refuses us: {said}. Check the AWS_* credentials.") from error
        except BaseError as error:
            raise OutsideUnavailable(f"{self.url} does not answer: {_first_line(error)}.") from error


def folder_of(url: str, *, windows: bool = os.name == "nt") -> PurePath:
    """The folder of a file:// address: file:///srv/docs, on Windows file:///D:/docs or file://server/share/docs."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if not windows:
        return PurePosixPath(path)
    return PureWindowsPath(f"//{parts.netloc}{path}" if parts.netloc else path.lstrip("/"))


def is_job(name: str) -> bool:
    """Whether a name can be a job's: ASCII, no blanks, nothing a path could climb by."""
    return _JOB.fullmatch(name) is not None and ".." not in name


def _first_line(error: Exception) -> str:
    """Of what obstore says; the rest is for its makers."""
    return str(error).strip().partition("\n")[0].rstrip(".")[:200]


def _loaded(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}

"""The object store shared with the machine that runs Word. Both sides of the protocol, in one place.

    to-convert/.tmp_<job>.docx  →  to-convert/<job>.docx     we put a document under a temporary name, copy, delete
    claims/<job>                                             whoever converts creates it first; only one can
    claims/<job>.2, .3 …                                     who takes over from one that died; the newest holds
    converted/<job>.pdf, converted/<job>.json                the result; the JSON comes last and names both digests
    failed/<job>.docx, failed/<job>.json                     what Word can't open, and why
    heartbeat.json                                           the worker is alive, and what it is at

A store knows no renaming and no folders: prefixes are whole segments, names are filtered here. What is old is judged by
the store's own clock, never by this machine's or the worker's.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

WAITING, RESULTS, FAILED, CLAIMS = "to-convert", "converted", "failed", "claims"
HEARTBEAT = "heartbeat.json"
_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}", re.ASCII)


@dataclass(frozen=True)
class Heartbeat:
    """What a worker says of itself; its own clock's times, compared with one another only.

    busy_since: since when it is at `current_job`, so that a beating heart does not hide a hung Word.
    """

    worker: str
    pid: int
    at: str
    version: str
    word_version: str
    last_job: str | None = None
    current_job: str | None = None
    busy_since: str | None = None

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
    by: str  # word | libreoffice
    worker: str
    token: str

    @property
    def key(self) -> str:
        return f"{CLAIMS}/{self.job}" + (f".{self.number}" if self.number > 1 else "")


def now_text() -> str:
    """This machine's time for a record. The real one: what is shared with another machine knows no moved clock."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")


class DocServer:
    """The store at `url`: file:///folder or s3://bucket/prefix (credentials from AWS_*).

    Raises ConfigError for another address, OutsideUnavailable when it does not answer, OutsideRefused when it says no.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
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
        import httpx
        import obstore

        with self._translated():
            address = str(obstore.sign(self._store, "HEAD", key, timedelta(minutes=5)))  # type: ignore[call-overload]
        try:
            reply = httpx.head(address, timeout=30.0)
        except httpx.TransportError as error:
            raise OutsideUnavailable(f"{self.url} does not answer: {type(error).__name__}.") from error
        if reply.status_code == httpx.codes.NOT_FOUND:
            return None
        if not reply.is_success or "Date" not in reply.headers or "Last-Modified" not in reply.headers:
            raise OutsideUnavailable(f"{self.url} answers {reply.status_code} when asked for {key}.")
        now, written = (parsedate_to_datetime(reply.headers[name]) for name in ("Date", "Last-Modified"))
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

    def holds(self, claim: Claim) -> bool:
        """Whether it is still the newest on its job."""
        newest = self.claim_of(claim.job)
        return newest is not None and newest.token == claim.token

    def clear(self, job: str) -> None:
        """Removes all that a job left; its claims last, so that nobody begins it again meanwhile."""
        newest = self.claim_of(job)
        for key in (f"{WAITING}/{job}.docx", f"{RESULTS}/{job}.json", f"{RESULTS}/{job}.pdf",
                    f"{FAILED}/{job}.json", f"{FAILED}/{job}.docx"):  # fmt: skip
            self.delete(key)
        for number in range(newest.number if newest else 0, 0, -1):
            self.delete(Claim(job, number, "", "", "").key)

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
        """Whether a worker's heart beat within `stale_seconds` and it is not stuck in one document."""
        age = self.age_seconds(HEARTBEAT)
        if age is None or age > stale_seconds:
            return False
        beat = self.heartbeat()
        return beat is not None and beat.busy_seconds <= stale_seconds

    # --- inside

    @property
    def _store(self) -> ObjectStore:
        if self._opened is None:
            from obstore.store import LocalStore, S3Store

            if self._folder is not None:
                self._opened = LocalStore(self._folder, mkdir=True)
            else:
                plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
                self._opened = S3Store.from_url(self.url, client_options={"allow_http": plain})
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
            raise OutsideRefused(f"{self.url} refuses us: {error}. Check the AWS_* credentials.") from error
        except BaseError as error:
            raise OutsideUnavailable(f"{self.url} does not answer: {error}.") from error


def is_job(name: str) -> bool:
    """Whether a name can be a job's: ASCII, no blanks, nothing a path could climb by."""
    return _JOB.fullmatch(name) is not None and ".." not in name


def _loaded(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}

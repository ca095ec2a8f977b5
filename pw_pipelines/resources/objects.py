"""Where raw bytes are kept for ever: content-addressed objects on a local folder or in an S3 bucket.

An object's key is the SHA-256 of its bytes (`sha256/ab/ab12…`), so the same bytes are stored once and what is
read can be proved to be what was written. Objects are created, never overwritten and never deleted here.

S3 (or MinIO) takes its address and credentials from the usual AWS_* variables (AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION …). The bucket must exist.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable, SnapshotError, SourceRejected

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CHUNK_BYTES = 1 << 20
# obstore sends a create-mode put as one request; its default of 30 s would cut a 64 MB upload on a 2 MB/s line.
S3_TIMEOUT_SECONDS = 600
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits, read in pieces."""
    with path.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


class Objects:
    """The object store at `url`: `file:///folder` (made when missing) or `s3://bucket/prefix`.

    Raises ConfigError for another kind of address; OutsideUnavailable when the store does not answer;
    OutsideRefused when it says no; SnapshotError for an object that is missing or damaged.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._folder: Path | None = None
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
        elif parts.scheme != "s3" or not parts.netloc:
            raise ConfigError(
                f"PW_OBJECTS_URL={url!r} is not an object store; use file:///folder or s3://bucket/prefix."
            )
        self._opened: ObjectStore | None = None

    def __repr__(self) -> str:
        return f"Objects({self.url})"

    def put(self, path: Path) -> str:
        """Keeps the bytes of `path`; returns their SHA-256 (64 hex digits). Bytes already kept are not written again.

        On return the bytes are on disk (or acknowledged by S3). One request: at most 5 GB, S3's own limit. Raises
        SourceRejected for a file that changes while it is read, and for what is no regular file; nothing is kept then.
        """
        digest, size = _digest_and_size(path)
        with self._translated():
            try:
                self._create(digest, path)
            except FileExistsError:
                kept = self.size(digest)
                if kept != size:
                    raise SnapshotError(
                        f"{self.url}/{_key(digest)} holds {kept:,} bytes where {size:,} belong: the object store is "
                        "damaged there. Restore that object from the backup, or remove it and try again."
                    ) from None
        self._settle(digest)
        return digest

    def open(self, digest: str) -> BinaryIO:
        """The object's bytes, seekable, to be closed by the caller. From S3 they come by way of a temporary file."""
        if self._folder is not None:
            try:
                return (self._folder / _key(digest)).open("rb")
            except FileNotFoundError:
                raise self._missing(digest) from None
        import obstore

        with self._translated(digest):
            found = obstore.get(self._store, _key(digest))
            copy = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller, who closes it
            try:
                for chunk in found.stream(CHUNK_BYTES):
                    copy.write(chunk)
            except BaseException:
                copy.close()
                raise
        copy.seek(0)
        return cast(BinaryIO, copy)

    def exists(self, digest: str) -> bool:
        """Whether an object is kept under this digest."""
        try:
            self.size(digest)
        except SnapshotError:
            return False
        return True

    def size(self, digest: str) -> int:
        """Bytes of an object. Raises SnapshotError when it is not there."""
        import obstore

        with self._translated(digest):
            return int(obstore.head(self._store, _key(digest))["size"])

    def digests(self) -> Iterator[tuple[str, int]]:
        """Every object kept: its digest and its bytes, in no order. What is named otherwise is none of ours."""
        if self._folder is not None:
            for path in self._folder.glob("sha256/*/*"):
                if _DIGEST.fullmatch(path.name):
                    yield path.name, path.stat().st_size
            return
        import obstore

        with self._translated():
            for chunk in obstore.list(self._store, "sha256", chunk_size=1_000):
                for one in chunk:
                    name = str(one["path"]).rsplit("/", 1)[-1]
                    if _DIGEST.fullmatch(name):
                        yield name, int(one["size"])

    def verify(self, digest: str) -> None:
        """Reads the object through. Raises SnapshotError when its bytes are not those of the digest."""
        with self.open(digest) as raw:
            found = hashlib.file_digest(cast(io.BufferedReader, raw), "sha256").hexdigest()
        if found != digest:
            raise SnapshotError(
                f"{self.url}/{_key(digest)} now holds other bytes (sha256 {found}): the object store is damaged "
                "there. Restore that object from the backup."
            )

    @property
    def _store(self) -> ObjectStore:
        if self._opened is None:
            from obstore.store import LocalStore, S3Store

            if self._folder is not None:
                self._opened = LocalStore(self._folder, mkdir=True)
            else:
                plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
                self._opened = S3Store.from_url(
                    self.url, client_options={"allow_http": plain, "timeout": f"{S3_TIMEOUT_SECONDS}s"}
                )
        return self._opened

    def _create(self, digest: str, path: Path) -> None:
        """One create-mode put. The bytes never stand in Python's memory. FileExistsError if kept."""
        if self._folder is not None:
            self._link(self._folder / _key(digest), path, digest)
            return
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            # What is sent is a copy nobody else can write to: an upload takes long, and what was sent stays for ever.
            with tempfile.TemporaryFile() as draft:
                if not _copy(path, cast(BinaryIO, draft), digest):  # an empty file cannot be mapped
                    obstore.put(self._store, _key(digest), b"", mode="create")
                    return
                with mmap.mmap(draft.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                    obstore.put(self._store, _key(digest), mapped, mode="create")
        except AlreadyExistsError:
            raise FileExistsError(digest) from None

    def _link(self, target: Path, path: Path, digest: str) -> None:
        """Into a local folder: copied beside its place, then given its name. FileExistsError if kept."""
        if target.exists():
            raise FileExistsError(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix="draft-") as draft:
                _copy(path, cast(BinaryIO, draft), digest)
                Path(draft.name).chmod(0o644)
                os.link(draft.name, target)
        except FileExistsError:
            raise
        except PermissionError as error:
            raise OutsideRefused(f"{self.url} cannot be written to: {error}.") from error
        except OSError as error:
            raise OutsideUnavailable(f"{self.url} cannot be written to: {error}.") from error

    def _settle(self, digest: str) -> None:
        """On a local folder: asks the disk to hold the bytes and their names, so that a power cut cannot lose them."""
        if self._folder is None:
            return
        target = self._folder / _key(digest)
        for name in (target, target.parent, target.parent.parent, self._folder):
            handle = os.open(name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _missing(self, digest: str) -> SnapshotError:
        return SnapshotError(f"{self.url} holds no object {_key(digest)}. Restore it from the backup.")

    @contextmanager
    def _translated(self, digest: str = "") -> Iterator[None]:
        """obstore's errors as the project's."""
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except FileExistsError:
            raise
        except FileNotFoundError as error:
            if digest:
                raise self._missing(digest) from None
            raise OutsideRefused(f"{self.url} cannot be written to: {error}. Does the bucket exist?") from error
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise OutsideRefused(f"{self.url} refuses us: {error}. Check the AWS_* credentials.") from error
        except BaseError as error:
            raise OutsideUnavailable(f"{self.url} does not answer: {error}.") from error


def _digest_and_size(path: Path) -> tuple[str, int]:
    if path.exists() and not path.is_file():  # a pipe gives its bytes once, and may never end
        raise SourceRejected(f"{path} is no regular file, so its bytes cannot be kept; save them to a file first.")
    with path.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest(), raw.tell()


def _copy(path: Path, draft: BinaryIO, digest: str) -> int:
    """Copies the bytes of `path`; returns how many. Raises SourceRejected when they are not those of the digest: a
    file somebody is still writing would be kept under a name that is not its own, and be in its way for ever."""
    found, size = hashlib.sha256(), 0
    with path.open("rb") as raw:
        while chunk := raw.read(CHUNK_BYTES):
            found.update(chunk)
            draft.write(chunk)
            size += len(chunk)
    if found.hexdigest() != digest:
        raise SourceRejected(
            f"{path.name} changed while it was read, so it was not kept; take it again when it is whole."
        )
    draft.flush()
    return size


def _key(digest: str) -> str:
    if _DIGEST.fullmatch(digest) is None:
        raise SnapshotError(f"{digest!r} is not a SHA-256 digest (64 hex digits, lower case).")
    return f"sha256/{digest[:2]}/{digest}"

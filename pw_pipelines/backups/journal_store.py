"""Where the journal's shipments are kept: a folder or an S3 bucket that is not on this machine. Nothing is ever
written twice under one name, and nothing is deleted here."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

TIMEOUT_SECONDS = 60


class JournalStore:
    """`url`: `file:///folder` (made when missing) or `s3://bucket/prefix`, credentials from the usual AWS_* variables.

    Raises ConfigError for another kind of address; OutsideUnavailable when it does not answer; OutsideRefused when it
    says no.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(url)
        self._folder: Path | None = None
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
        elif parts.scheme != "s3" or not parts.netloc:
            raise ConfigError(f"PW_JOURNAL_URL={url!r} is no place for a journal; use file:///folder or s3://bucket/…")
        self._opened: ObjectStore | None = None

    def __repr__(self) -> str:
        return f"JournalStore({self.url})"

    def create(self, name: str, content: bytes) -> None:
        """Keeps `content` under `name`; on return it is on disk, or acknowledged. FileExistsError when it is taken."""
        if self._folder is not None:
            self._create_file(self._folder / name, content)
            return
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._translated():
            try:
                obstore.put(self._store, name, content, mode="create")
            except AlreadyExistsError:
                raise FileExistsError(name) from None

    def read(self, name: str) -> bytes:
        """The bytes under `name`. Raises FileNotFoundError."""
        if self._folder is not None:
            with self._translated():
                return (self._folder / name).read_bytes()
        import obstore

        with self._translated():
            return bytes(obstore.get(self._store, name).bytes())

    def names(self, line: str, *, after: str = "") -> list[str]:
        """Every name of a line, sorted; those after `after` alone are asked for, where the store can be asked so."""
        if self._folder is not None:
            folder = self._folder
            with self._translated():
                files = (folder / line).glob("*.age") if (folder / line).is_dir() else ()
                found = [one.relative_to(folder).as_posix() for one in files]
        else:
            import obstore

            with self._translated():
                listed = obstore.list(self._store, f"{line}/", offset=after or None)
                found = [str(one["path"]) for chunk in listed for one in chunk]
        return sorted(name for name in found if name.startswith(f"{line}/") and name.endswith(".age") and name > after)

    @property
    def _store(self) -> ObjectStore:
        if self._opened is None:
            from obstore.store import S3Store

            plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
            self._opened = S3Store.from_url(
                self.url, client_options={"allow_http": plain, "timeout": f"{TIMEOUT_SECONDS}s"}
            )
        return self._opened

    def _create_file(self, target: Path, content: bytes) -> None:
        """Written beside its place, on disk, then given its name: whole or not there."""
        with self._translated():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix="draft-") as draft:
                draft.write(content)
                draft.flush()
                os.fsync(draft.fileno())
                os.link(draft.name, target)
            handle = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The errors of disk and store as the project's; that a name is taken or free stays what it is."""
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except (FileExistsError, FileNotFoundError):
            raise
        except (PermissionError, PermissionDeniedError, UnauthenticatedError) as error:
            raise OutsideRefused(
                f"The journal's store {self.url} refuses us: {error}. Check its credentials."
            ) from error
        except (OSError, BaseError) as error:
            raise OutsideUnavailable(f"The journal's store {self.url} does not answer: {error}.") from error

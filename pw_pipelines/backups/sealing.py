"""Archives sealed with age: to public keys, so that the machine that makes them cannot open them.

The format is age's own (age-encryption.org/v1, binary): on any machine `age -d -i identity.txt -o dump x.age` opens
an archive without this project. Everything is streamed; no archive ever stands in memory.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyrage

from pw_pipelines.backups.keys import Identities, Recipients
from pw_pipelines.backups.model import BackupDamaged, BackupError, WrongKey

SUFFIX = ".age"
_INTRO = b"age-encryption.org/v1\n"
_NO_KEY = "No matching keys"


@dataclass(frozen=True)
class Sealed:
    """What sealing read and wrote: SHA-256 (64 hex digits) and bytes, plain and sealed."""

    plain_digest: str
    plain_bytes: int
    digest: str
    bytes: int


class _Counted:
    """A stream that hashes and counts what passes, and keeps the error that pyrage would only quote."""

    def __init__(self, stream: BinaryIO | None) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.error: OSError | None = None

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        assert self._stream is not None
        try:
            data = self._stream.read(size)
        except OSError as error:
            self.error = error
            raise
        return self._count(data)

    def write(self, data: bytes) -> int:
        try:
            if self._stream is not None:
                self._stream.write(data)
        except OSError as error:
            self.error = error
            raise
        self._count(data)
        return len(data)

    def flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()

    def _count(self, data: bytes) -> bytes:
        self._hash.update(data)
        self.bytes += len(data)
        return data


class _Enough(Exception):
    """The header opened and the first bytes came: nothing more is wanted."""


class _OnlyTheFirst(_Counted):
    def write(self, data: bytes) -> int:
        if data:
            raise _Enough
        return 0


def seal(source: Path | BinaryIO, target: Path, recipients: Recipients) -> Sealed:
    """Seals `source` into the new file `target`; on return its bytes are on disk.

    Raises OSError (a full disk) and leaves no target; BackupError when `target` exists.
    """
    if isinstance(source, Path):
        with source.open("rb") as raw:
            return seal(raw, target, recipients)
    try:
        sink = target.open("xb")
    except FileExistsError:
        raise BackupError(f"{target} exists; an archive is never written over.") from None
    reader, writer = _Counted(source), _Counted(sink)
    try:
        with sink:
            os.fchmod(sink.fileno(), 0o600)
            try:
                pyrage.encrypt_io(reader, writer, list(recipients.keys))
            except pyrage.EncryptError as error:
                if cause := reader.error or writer.error:
                    raise cause from None
                raise BackupError(f"{target.name} could not be sealed: {error}.") from error
            sink.flush()
            os.fsync(sink.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Sealed(reader.digest, reader.bytes, writer.digest, writer.bytes)


def unseal(source: Path, identities: Identities, target: Path | None = None) -> Sealed:
    """Opens an archive into the new file `target` (readable by its owner alone), or, without one, only reads it
    through: age authenticates every byte.

    Returns the digests of both sides. Raises WrongKey, BackupDamaged (and leaves no target), OSError.
    """
    sink = _new_private(target) if target is not None else None
    try:
        with source.open("rb") as raw:
            reader, writer = _Counted(raw), _Counted(sink)
            _decrypt(source, reader, writer, identities)
        if sink is not None:
            sink.flush()
            os.fsync(sink.fileno())
    except BaseException:
        if target is not None:
            target.unlink(missing_ok=True)
        raise
    finally:
        if sink is not None:
            sink.close()
    return Sealed(writer.digest, writer.bytes, reader.digest, reader.bytes)


def open_header(source: Path, identities: Identities) -> None:
    """Opens an archive's header and its first piece. Raises WrongKey, BackupDamaged."""
    with source.open("rb") as raw:
        try:
            _decrypt(source, _Counted(raw), _OnlyTheFirst(None), identities)
        except _Enough:
            return


def looks_sealed(source: Path) -> bool:
    """Whether a file begins as an age archive does: what can be said without an identity."""
    with source.open("rb") as raw:
        return raw.read(len(_INTRO)) == _INTRO


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 (64 hex digits) and bytes of a file, read in pieces."""
    with path.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest(), raw.tell()


def _decrypt(source: Path, reader: _Counted, writer: _Counted, identities: Identities) -> None:
    try:
        pyrage.decrypt_io(reader, writer, list(identities.keys))
    except pyrage.DecryptError as error:
        if cause := reader.error or writer.error:
            raise cause from None
        if _NO_KEY in str(error):
            raise WrongKey(
                f"{source.name} is not sealed to the identity of {identities.source} "
                f"(public key {', '.join(identities.names)}), or its header is damaged.",
                what=source.name,
            ) from None
        raise BackupDamaged(f"{source.name} is not a whole age archive: {error}.", what=source.name) from None
    except OSError as error:
        if cause := reader.error or writer.error:
            raise cause from None
        raise BackupDamaged(
            f"{source.name} is damaged: it stops being what was sealed after {writer.bytes:,} plain bytes ({error}).",
            what=source.name,
        ) from None


def _new_private(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise BackupError(f"{path} exists; what is opened is never written over another file.") from None

"""The keys of backups: whom archives are sealed to, what opens them, who signs manifests and whose are believed.

In the sandbox all are made once, in PW_HOME/keys. Live, the machine that makes backups has public keys and its
signing key alone; the identity that opens archives is kept elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pw_pipelines.errors import ConfigError
from pw_pipelines.private_files import make_once
from pw_pipelines.settings import Settings

IDENTITY_FILE = "backup_identity.txt"
SIGNING_FILE = "backup_signing_key"
_KEY_BYTES = 32
_HOW_RECIPIENTS = (
    "Make a pair elsewhere with `age-keygen -o identity.txt`, keep that file off this machine, and set "
    "PW_BACKUP_RECIPIENTS to the public key it prints (age1…); several with commas."
)
_HOW_SIGNING = (
    'Make one: python -c "import base64,os;print(base64.b64encode(os.urandom(32)).decode())", and keep the public '
    "key that `pw backup list` shows with the identity, as PW_BACKUP_VERIFY_KEYS of whoever restores."
)


@dataclass(frozen=True)
class Recipients:
    """Public keys archives are sealed to."""

    keys: tuple[pyrage.x25519.Recipient, ...]

    @property
    def names(self) -> list[str]:
        return [str(key) for key in self.keys]


@dataclass(frozen=True)
class Identities:
    """Private keys that open archives. Never shown."""

    keys: tuple[pyrage.x25519.Identity, ...] = field(repr=False)
    source: str

    @property
    def names(self) -> list[str]:
        """Their public keys."""
        return [str(key.to_public()) for key in self.keys]


def recipients_of(settings: Settings) -> Recipients:
    """Whom archives are sealed to. Raises ConfigError for keys that are none, and in live mode without any."""
    given = [part.strip() for part in (settings.backup_recipients or "").split(",") if part.strip()]
    if not given:
        if not settings.is_sandbox:
            raise ConfigError(f"PW_BACKUP_RECIPIENTS is not set; in live mode it must be. {_HOW_RECIPIENTS}")
        return Recipients(tuple(key.to_public() for key in _identities(_sandbox_identity(settings)).keys))
    found = []
    for number, text in enumerate(given, 1):
        try:
            found.append(pyrage.x25519.Recipient.from_str(text))
        except pyrage.RecipientError:
            secret = " It looks like a private key: take it off this machine." if "SECRET" in text.upper() else ""
            raise ConfigError(
                f"PW_BACKUP_RECIPIENTS: key {number} is not an age public key (age1…).{secret} {_HOW_RECIPIENTS}"
            ) from None
    return Recipients(tuple(found))


def identities_of(settings: Settings) -> Identities | None:
    """What opens archives here; None where there is nothing, as on a machine that only makes them.

    Raises ConfigError for a file that is missing or holds no identity.
    """
    if settings.backup_identity_file is not None:
        return _identities(settings.backup_identity_file)
    if settings.is_sandbox and not settings.backup_recipients:
        return _identities(_sandbox_identity(settings))
    return None


def signing_key_of(settings: Settings) -> Ed25519PrivateKey:
    """The key our manifests are signed with. Raises ConfigError for one that is none, and in live mode without."""
    if settings.backup_signing_key is not None and settings.backup_signing_key.get_secret_value().strip():
        text, where = settings.backup_signing_key.get_secret_value().strip(), "PW_BACKUP_SIGNING_KEY"
    elif settings.is_sandbox:
        path = settings.home / "keys" / SIGNING_FILE
        make_once(path, base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
        text, where = path.read_text(encoding="ascii").strip(), str(path)
    else:
        raise ConfigError(f"PW_BACKUP_SIGNING_KEY is not set; in live mode it must be. {_HOW_SIGNING}")
    return Ed25519PrivateKey.from_private_bytes(_key_bytes(text, where, _HOW_SIGNING))


def verify_keys_of(settings: Settings) -> tuple[Ed25519PublicKey, ...]:
    """Whose manifests are believed. Raises ConfigError when nothing says whose."""
    given = [part.strip() for part in (settings.backup_verify_keys or "").split(",") if part.strip()]
    if not given:
        return (signing_key_of(settings).public_key(),)
    return tuple(
        Ed25519PublicKey.from_public_bytes(
            _key_bytes(text, f"PW_BACKUP_VERIFY_KEYS, key {number}", "`pw backup list` of the maker shows it.")
        )
        for number, text in enumerate(given, 1)
    )


def public_text(key: Ed25519PublicKey) -> str:
    """A public key as PW_BACKUP_VERIFY_KEYS takes it."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """Short name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _key_bytes(text: str, where: str, how: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"{where} is not base64. {how}") from None
    if len(raw) != _KEY_BYTES:
        raise ConfigError(f"{where} has {len(raw)} bytes, not {_KEY_BYTES}. {how}")
    return raw


def _identities(path: Path) -> Identities:
    """The identities of a file as age-keygen writes it: one per line, `#` begins a comment."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ConfigError(f"PW_BACKUP_IDENTITY_FILE: {path} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"PW_BACKUP_IDENTITY_FILE: {path} cannot be read: {error}.") from None
    wanted = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    try:
        found = tuple(pyrage.x25519.Identity.from_str(line) for line in wanted)
    except pyrage.IdentityError:
        raise ConfigError(f"{path} is not a file of age identities (lines AGE-SECRET-KEY-1…).") from None
    if not found:
        raise ConfigError(f"{path} holds no age identity (a line AGE-SECRET-KEY-1…).")
    return Identities(found, str(path))


def _sandbox_identity(settings: Settings) -> Path:
    path = settings.home / "keys" / IDENTITY_FILE
    if not path.exists():
        made = pyrage.x25519.Identity.generate()
        make_once(path, f"# public key: {made.to_public()}\n{made}\n".encode())
    return path


def names_of(keys: Sequence[Ed25519PublicKey]) -> str:
    """Public keys by their short names, for messages."""
    return ", ".join(key_id(key) for key in keys)

"""The keys of the encrypted columns: from PW_PRIVATE_KEYS, in the sandbox from a file that is made once.

Several keys may be known: the first encrypts, the others decrypt what was written under them before.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pw_pipelines.errors import ConfigError
from pw_pipelines.private_files import make_once
from pw_pipelines.settings import Settings

KEY_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)
_HOW = (
    "Give `id:base64` of 32 random bytes, several with commas, the first encrypts: "
    "python -c \"import base64,os;print('k1:'+base64.b64encode(os.urandom(32)).decode())\""
)


@dataclass(frozen=True)
class Keys:
    """Keys by their id. `first` encrypts. Never shown: `repr` names the ids alone."""

    first: str
    by_id: Mapping[str, bytes] = field(repr=False)

    def __repr__(self) -> str:
        return f"Keys(first={self.first!r}, known={sorted(self.by_id)})"


def keys_of(settings: Settings) -> Keys:
    """The keys of these settings. Raises ConfigError for keys that are none, and in live mode without any."""
    if settings.private_keys is not None and settings.private_keys.get_secret_value().strip():
        return parse_keys(settings.private_keys.get_secret_value(), where="PW_PRIVATE_KEYS")
    if not settings.is_sandbox:
        raise ConfigError(f"PW_PRIVATE_KEYS is not set; in live mode personal data needs keys of your own. {_HOW}")
    path = settings.home / "keys" / "private_keys"
    if not path.exists():
        _make(path)
    return parse_keys(path.read_text(encoding="ascii"), where=str(path))


def parse_keys(text: str, *, where: str) -> Keys:
    """Keys from `id:base64,id:base64`. Raises ConfigError saying which is wrong, never showing one."""
    found: dict[str, bytes] = {}
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        name, colon, encoded = part.partition(":")
        if not colon or not _ID.fullmatch(name):
            raise ConfigError(f"{where}: key {number} has no id before a colon. {_HOW}")
        if name in found:
            raise ConfigError(f"{where}: the id {name} is there twice.")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError(f"{where}: key {name} is not base64. {_HOW}") from None
        if len(key) != KEY_BYTES:
            raise ConfigError(f"{where}: key {name} has {len(key)} bytes, not {KEY_BYTES}. {_HOW}")
        found[name] = key
    if not found:
        raise ConfigError(f"{where}: there is no key. {_HOW}")
    return Keys(next(iter(found)), found)


def _make(path: Path) -> None:
    """A fresh key in a file for its owner alone; of several processes that make it at once one wins."""
    make_once(path, b"sandbox:" + base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")

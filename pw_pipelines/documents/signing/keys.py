"""The secret behind the links: from PW_LINK_KEY, in the sandbox from a file that is made once."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from pw_pipelines.errors import ConfigError
from pw_pipelines.private_files import make_once
from pw_pipelines.settings import Settings

LEAST_BYTES = 32
_HOW = 'Make one by: python -c "import secrets;print(secrets.token_urlsafe(48))"'


@dataclass(frozen=True)
class LinkKeys:
    """Keys drawn from the one secret, one per use. Never shown."""

    tokens: bytes = field(repr=False)
    ids: bytes = field(repr=False)

    def id_of(self, *what: object) -> str:
        """A name of 128 bits for `what` (base64url, 22 characters) that only this secret can make, always the same."""
        made = hmac.digest(self.ids, "|".join(map(str, what)).encode(), "sha256")[:16]
        return base64url(made)


def link_keys(settings: Settings) -> LinkKeys:
    """Raises ConfigError for a secret that is too short, and in live mode without one."""
    secret = settings.link_key.get_secret_value().strip().encode() if settings.link_key else b""
    if secret:
        where = "PW_LINK_KEY"
    elif settings.is_sandbox:
        path = settings.home / "keys" / "link.key"
        where = str(path)
        secret = _kept(path)
    else:
        raise ConfigError(f"PW_LINK_KEY is not set; in live mode signature links need a secret of your own. {_HOW}")
    if len(secret) < LEAST_BYTES:
        raise ConfigError(f"{where} has {len(secret)} bytes; a link's secret has {LEAST_BYTES} or more. {_HOW}")
    return LinkKeys(hmac.digest(secret, b"pw link tokens", "sha256"), hmac.digest(secret, b"pw link ids", "sha256"))


def base64url(content: bytes) -> str:
    """Base64 for addresses, without padding."""
    import base64

    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _kept(path: Path) -> bytes:
    if not path.exists():
        make_once(path, secrets.token_urlsafe(48).encode() + b"\n")
    return path.read_bytes().strip()

"""An SFTP session with one server whose key we know: by a setting, or from the first meeting, kept in PW_HOME.

A key that has changed is refused: somebody may be listening in between, and what such a server sends proves nothing.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pw_pipelines.errors import SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    import paramiko

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what fails is told by our own errors

KEY_SETTING = "PW_SUNBIZ_HOST_KEY"


@dataclass(frozen=True)
class Door:
    """Where to knock and as whom. known_key: `SHA256:…` or None; kept_keys: file of keys met before."""

    source: str
    host: str
    port: int
    user: str
    password: str
    kept_keys: Path
    known_key: str | None = None
    timeout_seconds: float = 60.0

    def __repr__(self) -> str:
        return f"Door({self.user}@{self.host}:{self.port})"

    @property
    def name(self) -> str:
        """As known_hosts files write a server."""
        return f"[{self.host}]:{self.port}"


def fingerprint(key: paramiko.PKey) -> str:
    """`SHA256:…`, as OpenSSH shows it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def open_session(door: Door) -> tuple[paramiko.Transport, paramiko.SFTPClient]:
    """A transport and an SFTP client on it, logged in.

    Raises SourceUnavailable when the server cannot be reached, SourceRefused for another key or a refused login.
    """
    import paramiko

    try:
        connection = socket.create_connection((door.host, door.port), timeout=door.timeout_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise _unavailable(door, error) from error
    transport = paramiko.Transport(connection)
    transport.banner_timeout = transport.auth_timeout = door.timeout_seconds
    try:
        transport.start_client(timeout=door.timeout_seconds)
        _judge_key(door, transport.get_remote_server_key())
        transport.auth_password(door.user, door.password)
        client = paramiko.SFTPClient.from_transport(transport)
        if client is None:
            raise paramiko.SSHException("no SFTP session was opened")
        client.get_channel().settimeout(door.timeout_seconds)  # type: ignore[union-attr]  # an open client has one
    except paramiko.AuthenticationException as error:
        transport.close()
        raise SourceRefused(
            f"{door.source}: {door.host} refused the login of {door.user!r}. Florida publishes the login on its data "
            "download page; set PW_SUNBIZ_USER and PW_SUNBIZ_PASSWORD to what stands there now.",
            source=door.source,
            url=_url(door),
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        raise _unavailable(door, error) from error
    except BaseException:
        transport.close()
        raise
    return transport, client


def _judge_key(door: Door, key: paramiko.PKey) -> None:
    """Raises SourceRefused for a key that is not the known one; keeps the key of a first meeting."""
    found = fingerprint(key)
    known, told_by = (door.known_key, KEY_SETTING) if door.known_key else (_kept(door), str(door.kept_keys))
    if known is None:
        door.kept_keys.parent.mkdir(parents=True, exist_ok=True)
        with door.kept_keys.open("a", encoding="utf-8") as keys:
            keys.write(f"{door.name} {key.get_name()} {key.get_base64()}\n")
    elif known.rstrip("=") != found:
        raise SourceRefused(
            f"{door.source}: {door.host}:{door.port} shows another host key ({found}) than the known one ({known}, "
            f"from {told_by}). Nothing was sent or read. Ask the Division of Corporations whether it changed its key; "
            f"if it did, set {KEY_SETTING}={found} or remove the line of {door.name} from {door.kept_keys}.",
            source=door.source,
            url=_url(door),
        )


def _kept(door: Door) -> str | None:
    """Fingerprint of the key met before, from a file of known_hosts lines."""
    if not door.kept_keys.exists():
        return None
    for line in door.kept_keys.read_text(encoding="utf-8").splitlines():
        parts = line.split()
        if len(parts) >= 3 and parts[0] == door.name:
            digest = hashlib.sha256(base64.b64decode(parts[2])).digest()
            return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    return None


def _unavailable(door: Door, error: BaseException) -> SourceUnavailable:
    return SourceUnavailable(
        f"{door.source}: {door.host}:{door.port} could not be read ({type(error).__name__}: {error}).",
        source=door.source,
        url=_url(door),
    )


def _url(door: Door) -> str:
    return f"sftp://{door.host}:{door.port}"

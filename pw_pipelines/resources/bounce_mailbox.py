"""The mailbox that failure reports arrive in: a Maildir, or a folder of an IMAP server. What a report means is not
known here.

A mail is handed out with its bytes and stays where it is until `done` moves it away, so whoever dies in between finds
it again.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable
from pw_pipelines.settings import Settings

MOST_BYTES = 25_000_000  # of one mail; of a larger one the beginning is read, and not kept
BEGINNING = 1_000_000
CONNECT_SECONDS = 30.0


@dataclass(frozen=True)
class Arrived:
    """One mail as it lies there. `name`: for `done`; whole False: only its beginning."""

    name: str
    content: bytes
    whole: bool


class Mailbox(Protocol):
    """Where reports are read from."""

    kind: str

    def waiting(self, most: int) -> Iterator[Arrived]:
        """At most so many mails, the oldest first."""

    def done(self, mail: Arrived) -> None:
        """Moves a mail to where the read ones lie."""

    def close(self) -> None:
        """Ends the connection, if there is one."""


def open_mailbox(settings: Settings) -> Mailbox | None:
    """The mailbox of the settings; None where none is set. Raises ConfigError, OutsideError."""
    if settings.bounce_maildir is not None:
        return Maildir(settings.bounce_maildir)
    return Imap(settings) if settings.bounce_imap_host else None


class Maildir:
    """Mails in `new` and `cur`; read ones go to `.Processed/cur`, a folder that mail programs show."""

    kind = "maildir"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processed = folder / ".Processed"

    def waiting(self, most: int) -> Iterator[Arrived]:
        found = sorted(
            (path for part in ("new", "cur") if (self._folder / part).is_dir()
             for path in (self._folder / part).iterdir() if path.is_file() and not path.name.startswith(".")),
            key=lambda path: path.name,
        )  # fmt: skip
        for path in found[:most]:
            with suppress(FileNotFoundError):  # another process was quicker
                size = path.stat().st_size
                with path.open("rb") as file:
                    content = file.read(BEGINNING if size > MOST_BYTES else MOST_BYTES)
                yield Arrived(f"{path.parent.name}/{path.name}", content, size <= MOST_BYTES)

    def done(self, mail: Arrived) -> None:
        for part in ("tmp", "new", "cur"):
            (self._processed / part).mkdir(parents=True, exist_ok=True)
        name = mail.name.partition("/")[2].partition(":")[0]
        with suppress(FileNotFoundError):
            (self._folder / mail.name).rename(self._processed / "cur" / f"{name}:2,S")

    def close(self) -> None:
        pass


class Imap:
    """A folder of an IMAP4rev1 server. Read mails are moved to another folder (RFC 6851, or copied and deleted)."""

    kind = "imap"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        host, port = str(settings.bounce_imap_host), settings.bounce_imap_port
        if not settings.bounce_imap_user or settings.bounce_imap_password is None:
            raise ConfigError("PW_BOUNCE_IMAP_HOST is set; set PW_BOUNCE_IMAP_USER and PW_BOUNCE_IMAP_PASSWORD too.")
        if settings.bounce_imap_security == "none" and not settings.is_sandbox:
            raise ConfigError("PW_BOUNCE_IMAP_SECURITY=none would send the password readable; use tls or starttls.")
        context = ssl.create_default_context()
        try:
            if settings.bounce_imap_security == "tls":
                self._server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                    host, port, ssl_context=context, timeout=CONNECT_SECONDS
                )
            else:
                self._server = imaplib.IMAP4(host, port, timeout=CONNECT_SECONDS)
                if settings.bounce_imap_security == "starttls":
                    self._server.starttls(context)
        except (OSError, imaplib.IMAP4.error) as error:
            raise OutsideUnavailable(f"The mailbox of bounces at {host}:{port} can't be reached: {error}.") from error
        try:
            self._server.login(settings.bounce_imap_user, settings.bounce_imap_password.get_secret_value())
        except imaplib.IMAP4.error as error:
            raise OutsideRefused(
                f"The mailbox of bounces at {host} does not accept our login; look at PW_BOUNCE_IMAP_USER and "
                "PW_BOUNCE_IMAP_PASSWORD."
            ) from error
        said = self._ask("CAPABILITY", self._server.capability)  # most servers tell all only after the login
        self._can = frozenset(b" ".join(line for line in said if isinstance(line, bytes)).decode().upper().split())
        self._ask("SELECT", self._server.select, _quoted(settings.bounce_imap_folder))

    def waiting(self, most: int) -> Iterator[Arrived]:
        found = self._ask("SEARCH", self._server.uid, "SEARCH", "UNDELETED")
        for uid in (found[0] or b"").split()[:most]:
            number = uid.decode("ascii")
            sized = self._ask("FETCH", self._server.uid, "FETCH", number, "(RFC822.SIZE)")
            told = b" ".join(line for line in sized if isinstance(line, bytes))  # flags of others may come between
            size = re.search(rb"RFC822\.SIZE (\d+)", told)
            whole = size is None or int(size.group(1)) <= MOST_BYTES
            wanted = "(BODY.PEEK[])" if whole else f"(BODY.PEEK[]<0.{BEGINNING}>)"
            parts = self._ask("FETCH", self._server.uid, "FETCH", number, wanted)
            content = next((part[1] for part in parts if isinstance(part, tuple)), None)
            if content is not None:
                yield Arrived(number, content, whole)

    def done(self, mail: Arrived) -> None:
        target = _quoted(self._settings.bounce_imap_processed)
        self._ask("CREATE", self._server.create, target, or_no=True)  # NO where it is there already
        if "MOVE" in self._can:
            self._ask("MOVE", self._server.uid, "MOVE", mail.name, target)
            return
        self._ask("COPY", self._server.uid, "COPY", mail.name, target)
        self._ask("STORE", self._server.uid, "STORE", mail.name, "+FLAGS.SILENT", r"(\Deleted)")
        if "UIDPLUS" in self._can:
            self._ask("EXPUNGE", self._server.uid, "EXPUNGE", mail.name)

    def close(self) -> None:
        with suppress(OSError, imaplib.IMAP4.error):
            self._server.logout()

    def _ask(self, what: str, call: Callable[..., tuple[str, Any]], *said: str, or_no: bool = False) -> list[Any]:
        """The server's answer to one command. or_no: NO will do, too. Raises OutsideUnavailable."""
        try:
            kind, data = call(*said)
        except (OSError, imaplib.IMAP4.error) as error:
            raise OutsideUnavailable(f"The mailbox of bounces broke off at {what}: {error}.") from error
        if kind != "OK" and not (or_no and kind == "NO"):
            raise OutsideUnavailable(f"The mailbox of bounces answered {what} with {kind}: {str(data)[:200]}.")
        return list(data)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'

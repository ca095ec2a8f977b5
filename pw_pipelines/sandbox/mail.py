"""The mail server's stand-in: takes every mail by SMTP and keeps it in Maildirs, one per recipient.

`PW_HOME/sandbox/mail/inbox/<address>` and, for the address of our archive, `PW_HOME/sandbox/mail/archive`. Like a real
server it answers for a mail only when it is on disk, and delivers what it answered for after a crash. It never looks
whether it has the same mail already: what was sent twice lies there twice. What comes back for a mail (mail_reports.py:
`hard.bounce@…`, `complains@…`, `away@…` and more) arrives in `PW_HOME/sandbox/mail/bounces`.

It misbehaves as the control tells it to (system `smtp`): `status` refuses the recipient with that SMTP code, or the
mail itself where `match` begins with DATA; `slow`; `cut` hangs up before it has the mail; `done_but_timeout` keeps the
mail and hangs up without a word. `match` is looked for in `RCPT <address>` and `DATA <addresses>`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import quote, unquote

from aiosmtpd.smtp import SMTP, Envelope, Session

from pw_pipelines.errors import ConfigError
from pw_pipelines.sandbox import mail_reports
from pw_pipelines.sandbox.faults import FaultBook

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # a client that hangs up is no news

SYSTEM = "smtp"
MOST_BYTES = 35_000_000
_PARTS = ("tmp", "new", "cur")


class MailDrop:
    """The Maildirs below one folder. `archive`: the address whose mails go to `archive/`."""

    def __init__(self, folder: Path, archive: str | None) -> None:
        self.folder = folder
        self._archive = (archive or "").lower()
        self._queue = folder / "queue"
        for path in (
            self._queue,
            folder / "inbox",
            *(folder / box / part for box in ("archive", "bounces") for part in _PARTS),
        ):
            path.mkdir(parents=True, exist_ok=True)

    def accept(self, content: bytes, recipients: list[str], sender: str = "") -> str:
        """Keeps a mail and delivers it; returns its name. Raises OSError before it is answered for."""
        name = f"{time.time_ns()}.{uuid.uuid4().hex[:12]}.sandbox"
        body = self._queue / f"{name}.eml"
        try:
            _write(body, content)
            _write(self._queue / f"{name}.part", json.dumps({"to": recipients, "from": sender}).encode())
            (self._queue / f"{name}.part").rename(self._queue / f"{name}.json")
        except OSError:
            for path in (body, self._queue / f"{name}.part"):
                path.unlink(missing_ok=True)
            raise
        self._deliver(name)
        return name

    def resume(self) -> None:
        """Delivers what a killed server had answered for."""
        for note in sorted(self._queue.glob("*.json")):
            self._deliver(note.stem)
        for left in self._queue.iterdir():
            left.unlink(missing_ok=True)

    def mailbox(self, address: str) -> Path:
        """The Maildir of an address."""
        if address.lower() == self._archive:
            return self.folder / "archive"
        return self.folder / "inbox" / quote(address.lower(), safe="@+-_.")

    def addresses(self) -> list[str]:
        """Everybody who ever got a mail here, the archive aside."""
        return sorted(unquote(path.name) for path in (self.folder / "inbox").iterdir() if path.is_dir())

    def mails(self, address: str | None = None) -> list[tuple[str, Path]]:
        """(address, file) of every mail, newest first; of one address or all, the archive aside."""
        found = [
            (each, path)
            for each in ([address] if address else self.addresses())
            for part in ("new", "cur")
            if (self.mailbox(each) / part).is_dir()
            for path in (self.mailbox(each) / part).iterdir()
        ]
        return sorted(found, key=lambda pair: pair[1].name, reverse=True)

    def _deliver(self, name: str) -> None:
        note, body = self._queue / f"{name}.json", self._queue / f"{name}.eml"
        said = json.loads(note.read_bytes())
        envelope = said if isinstance(said, dict) else {"to": said, "from": ""}  # as a server before wrote it
        for number, address in enumerate(dict.fromkeys(envelope["to"])):
            back = mail_reports.sent_back(body.read_bytes(), sender=envelope["from"], recipient=address)
            if back is not None:
                self._send_back(f"{name}.{number}", back)
            if mail_reports.is_refused(address):
                continue
            mailbox = self.mailbox(address)
            for part in _PARTS:
                (mailbox / part).mkdir(parents=True, exist_ok=True)
            if not list((mailbox / "cur").glob(f"{name}*")):
                with contextlib.suppress(FileExistsError):
                    (mailbox / "new" / name).hardlink_to(body)
        note.unlink()
        body.unlink()

    def _send_back(self, name: str, report: bytes) -> None:
        """Into the Maildir of bounces, once: what was answered for before a crash is not reported twice."""
        box = self.folder / "bounces"
        if any(box.glob(f"*/{name}*")) or any(box.glob(f".Processed/*/{name}*")):
            return
        _write(box / "tmp" / name, report)
        (box / "tmp" / name).rename(box / "new" / name)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


class SandboxMail:
    """The server on one port, in a thread of this process."""

    def __init__(self, drop: MailDrop, book: FaultBook) -> None:
        self._handler = _Handler(drop, book)
        self._drop = drop
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._serving = threading.Event()

    def start(self, port: int, host: str = "127.0.0.1") -> int:
        """Listens; 0 takes any free port. Returns the port. Raises ConfigError when the port is taken."""
        try:
            listening = socket.create_server((host, port), backlog=50)
        except OSError as error:
            raise ConfigError(
                f"The stand-in mail server cannot listen on {host}:{port} ({error.strerror}); "
                "set PW_SANDBOX_SMTP_PORT to a free port."
            ) from error
        self._drop.resume()
        self._thread = threading.Thread(target=self._serve, args=(listening,), daemon=True)
        self._thread.start()
        self._serving.wait(10)
        return int(listening.getsockname()[1])

    def stop(self) -> None:
        """Closes the port and every connection."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)
            self._thread = None

    def _serve(self, listening: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(self._session, sock=listening))
        self._loop.call_soon(self._serving.set)
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    def _session(self) -> SMTP:
        return SMTP(
            self._handler, hostname="mail.sandbox.example", ident="sandbox", data_size_limit=MOST_BYTES, loop=self._loop
        )


class _Handler:
    """What the server does with a recipient and with a mail."""

    def __init__(self, drop: MailDrop, book: FaultBook) -> None:
        self._drop = drop
        self._book = book

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self._book.take(SYSTEM, f"RCPT {address}", only=("status",))
        if fault is not None:
            return f"{fault.status} {_enhanced(fault.status)} <{address}>: told to refuse"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        where = f"DATA {' '.join(envelope.rcpt_tos)}"
        fault = self._book.take(SYSTEM, where, only=("status", "slow", "cut", "done_but_timeout"))
        if fault is not None and fault.fault == "status":
            return f"{fault.status} {_enhanced(fault.status)} told to refuse"
        if fault is not None and fault.fault == "cut":
            _hang_up(server)
            return "421 4.4.2 gone"
        if fault is not None and fault.fault == "slow":
            await asyncio.sleep(fault.seconds)
        assert isinstance(envelope.content, bytes)
        try:
            name = self._drop.accept(envelope.content, envelope.rcpt_tos, envelope.mail_from or "")
        except OSError as error:
            return f"452 4.3.1 Not stored: {error.strerror}"
        if fault is not None and fault.fault == "done_but_timeout":
            await asyncio.sleep(fault.seconds)
            _hang_up(server)
        return f"250 2.0.0 OK: queued as {name}"


def _enhanced(status: int) -> str:
    return f"{status // 100}.1.0"


def _hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


def drop_of(home: Path, archive: str | None) -> MailDrop:
    """The Maildirs of a home."""
    return MailDrop(home / "sandbox" / "mail", archive)

"""A warm LibreOffice: started once, it makes a PDF of one document after the other for whoever may open its socket.

Run by a Python that can import LibreOffice's `uno` (usually the system's), so it imports nothing of the project:

    python3 -I office_server.py FOLDER SOFFICE [LOCK]

FOLDER    of this user alone. `office.sock` appears in it when documents can be taken: one a connection, 8 bytes of
          length and the DOCX; the answer is `+` or `-`, 8 bytes of length, and the PDF or why there is none.
          LibreOffice's profile stands there, and documents while they are worked
LOCK      a file that whoever we work for holds locked: when nobody does, we end

It also ends when LibreOffice dies, when a document takes too long, when nobody asked for IDLE_SECONDS and when FOLDER
is gone; who needs it starts it again.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
DOCUMENT_SECONDS = 60.0  # for one document; afterwards LibreOffice hangs
IDLE_SECONDS = 900.0
LOOK_SECONDS = 2.0
MOST_DOCUMENTS = 2000  # then LibreOffice is started anew: it grows with every document
LONGEST = 64 << 20


class Office:
    """LibreOffice in a process group of its own, reached by a pipe of this user."""

    def __init__(self, profile: Path, soffice: str) -> None:
        self.profile = profile
        profile.mkdir(parents=True, exist_ok=True)
        pipe = f"pw{os.getpid()}x{time.monotonic_ns():x}"
        self.address = f"pipe,name={pipe};urp;StarOffice.ComponentContext"
        self.process = subprocess.Popen(
            [
                soffice, "--headless", "--invisible", "--nocrashreport", "--nodefault", "--nologo",
                "--nofirststartwizard", "--norestore", "--nolockcheck",
                f"-env:UserInstallation={profile.as_uri()}", f"--accept={self.address}",
            ],
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.desktop: Any = None

    def connect(self) -> None:
        """Raises RuntimeError when LibreOffice does not come up."""
        import uno  # type: ignore[import-not-found]
        from com.sun.star.connection import NoConnectException  # type: ignore[import-not-found]

        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                context = resolver.resolve(f"uno:{self.address}")
                break
            except NoConnectException:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"LibreOffice did not start (exit code {self.process.poll()})") from None
                time.sleep(0.05)
        self.desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)

    def to_pdf(self, docx: bytes) -> bytes:
        """Raises RuntimeError when LibreOffice does not open the document or makes no PDF of it."""
        with tempfile.TemporaryDirectory(dir=self.profile, prefix="job-") as folder:
            source, made = Path(folder, "in.docx"), Path(folder, "out.pdf")
            source.write_bytes(docx)
            # Macros never, links to elsewhere never followed, nothing asked of anybody.
            document = self.desktop.loadComponentFromURL(
                source.as_uri(), "_blank", 0,
                _properties(
                    Hidden=True, ReadOnly=True, MacroExecutionMode=0, UpdateDocMode=0, Silent=True,
                    FilterName="MS Word 2007 XML",
                ),
            )  # fmt: skip
            if document is None:
                raise RuntimeError("LibreOffice does not open the document")
            try:
                document.storeToURL(made.as_uri(), _properties(FilterName="writer_pdf_Export", Overwrite=True))
            finally:
                document.close(True)
            if not made.is_file() or not made.stat().st_size:
                raise RuntimeError("LibreOffice made no PDF and says nothing")
            return made.read_bytes()

    def kill(self) -> None:
        """The whole group: `soffice` is a script, what works is its grandchild."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _properties(**given: Any) -> tuple[Any, ...]:
    from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]

    made = []
    for name, value in given.items():
        one = PropertyValue()
        one.Name, one.Value = name, value
        made.append(one)
    return tuple(made)


class Watch(threading.Thread):
    """Ends everything when LibreOffice died, hangs, or is not needed any more."""

    def __init__(self, office: Office, folder: Path, lock: Path | None) -> None:
        super().__init__(daemon=True)
        self.office, self.folder, self.lock = office, folder, lock
        self.busy_since: float | None = None
        self.last_asked = time.monotonic()

    def run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            now, busy = time.monotonic(), self.busy_since
            hangs = busy is not None and now - busy > DOCUMENT_SECONDS
            idle = busy is None and now - self.last_asked > IDLE_SECONDS
            if self.office.process.poll() is not None or hangs or idle or self._is_forsaken():
                self.office.kill()
                os._exit(0 if idle else 1)

    def _is_forsaken(self) -> bool:
        if not self.folder.is_dir():
            return True
        if self.lock is None:
            return False
        try:
            with self.lock.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def serve(listening: socket.socket, office: Office, watch: Watch) -> None:
    """One document after the other, MOST_DOCUMENTS of them."""
    for _ in range(MOST_DOCUMENTS):
        connection, _address = listening.accept()
        with connection:
            watch.last_asked = time.monotonic()
            connection.settimeout(DOCUMENT_SECONDS)
            try:
                asked = _received(connection)
                if asked is None:  # somebody looked whether we are here
                    continue
                watch.busy_since = time.monotonic()
                try:
                    made, sign = office.to_pdf(asked), b"+"
                except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
                    if office.process.poll() is not None or type(error).__name__.endswith("DisposedException"):
                        return
                    made, sign = f"{type(error).__name__}: {error}".encode()[:2000], b"-"
                finally:
                    watch.busy_since = None
                connection.sendall(sign + len(made).to_bytes(8, "big") + made)
            except OSError:
                continue  # whoever asked is gone


def _received(connection: socket.socket) -> bytes | None:
    head = _exactly(connection, 8)
    length = int.from_bytes(head, "big") if len(head) == 8 else 0
    if not 0 < length <= LONGEST:
        return None
    content = _exactly(connection, length)
    return content if len(content) == length else None


def _exactly(connection: socket.socket, length: int) -> bytes:
    pieces: list[bytes] = []
    while length and (piece := connection.recv(min(length, 1 << 20))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _end(office: Office) -> None:
    office.kill()
    os._exit(0)


def main(folder: str, soffice: str, lock: str | None = None) -> int:
    """Serves until it is not needed."""
    os.umask(0o077)
    home = Path(folder).resolve()
    os.chdir(home)  # a socket's path may have 107 characters, so it is named from here
    office = Office(home / "profile", soffice)
    signal.signal(signal.SIGTERM, lambda *_: _end(office))
    try:
        office.connect()
        watch = Watch(office, home, Path(lock) if lock else None)
        watch.start()
        listening = socket.socket(socket.AF_UNIX)
        Path("new.sock").unlink(missing_ok=True)
        listening.bind("new.sock")
        listening.listen(64)
        Path("new.sock").replace("office.sock")
        serve(listening, office, watch)
    finally:
        office.kill()
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

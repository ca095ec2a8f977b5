"""LibreOffice in Word's place: a warm one shared by all processes of a home, a cold one as the last resort."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from pw_pipelines.documents.pdf import BadPdf, check_whole
from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable

SERVER = Path(__file__).with_name("office_server.py")
START_SECONDS = 70.0
ANSWER_SECONDS = 150.0  # of a warm one; other processes' documents may be before ours
COLD_SECONDS = 120.0
REST_SECONDS = 60.0  # after a failed start, before this process tries again
SUPERVISED = "PW_SUPERVISED_HOME"  # set by `pw up` for whatever it starts
_PATH = "/proc/self/fd/{}/office.sock"  # a socket's own path may have 107 characters only
log = logging.getLogger(__name__)


class OfficeFailed(OutsideRefused):
    """LibreOffice does not make a PDF of this document."""


class OfficeAway(OutsideUnavailable):
    """LibreOffice is not there, or ended."""


class WarmOffice:
    """The warm LibreOffice of one home, in `folder` (of this user alone). Started when it is first needed and again
    whenever it is gone, by whichever process notices; a lock lets one of them do it."""

    def __init__(self, folder: Path, lifeline: Path | None = None) -> None:
        self.folder = folder
        self.lifeline = lifeline
        self._rests_until = 0.0

    def to_pdf(self, docx: bytes) -> bytes:
        """Raises OfficeFailed when it answers that it can't; OfficeAway when it does not start, or died twice."""
        for _ in range(2):
            try:
                return self._asked(docx)
            except OfficeAway as away:
                log.info("the warm LibreOffice is started: %s", away)
            self.start()
        return self._asked(docx)

    def start(self) -> None:
        """Starts it if nobody answers. Raises OfficeAway when that fails, ConfigError when something is missing."""
        if time.monotonic() < self._rests_until:
            raise OfficeAway("The warm LibreOffice failed to start a moment ago.")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "start.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.is_there():
                return
            try:
                self._start_new()
            except (OfficeAway, ConfigError):
                self._rests_until = time.monotonic() + REST_SECONDS
                raise

    def is_there(self) -> bool:
        """Whether somebody takes documents."""
        try:
            self._connected().close()
        except OfficeAway:
            return False
        return True

    def stop(self) -> None:
        """Ends it, with everything it started."""
        for process in _left_over(self.folder):
            _end(process)
        until = time.monotonic() + 5.0
        while _left_over(self.folder) and time.monotonic() < until:
            time.sleep(0.02)

    def _start_new(self) -> None:
        (self.folder / "office.sock").unlink(missing_ok=True)
        self.stop()
        command = [python_with_uno(), "-I", str(SERVER), str(self.folder), soffice()]
        if self.lifeline is not None:
            command.append(str(self.lifeline))
        output = self.folder / "office.log"
        with output.open("wb") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, env=_environment()
            )
        until = time.monotonic() + START_SECONDS
        while not self.is_there():
            if process.poll() is not None or time.monotonic() > until:
                _end_group(process.pid)
                raise OfficeAway(f"LibreOffice did not start; {output} says why.")
            time.sleep(0.05)

    def _connected(self) -> socket.socket:
        asked = socket.socket(socket.AF_UNIX)
        try:
            handle = os.open(self.folder, os.O_PATH | os.O_DIRECTORY)
            try:
                asked.connect(_PATH.format(handle))
            finally:
                os.close(handle)
        except OSError as error:
            asked.close()
            raise OfficeAway(f"The warm LibreOffice is not there ({type(error).__name__}).") from None
        return asked

    def _asked(self, docx: bytes) -> bytes:
        with self._connected() as asked:
            asked.settimeout(ANSWER_SECONDS)
            try:
                asked.sendall(len(docx).to_bytes(8, "big") + docx)
                head = _exactly(asked, 9)
                answer = _exactly(asked, int.from_bytes(head[1:], "big"))
            except OSError as error:
                raise OfficeAway(f"The warm LibreOffice ended over a document ({type(error).__name__}).") from None
        if head[:1] == b"-":
            raise OfficeFailed(f"LibreOffice makes no PDF: {answer.decode('utf-8', 'replace')[:300]}.")
        return answer


def cold_pdf(docx: bytes) -> bytes:
    """A PDF by a LibreOffice of its own, with a profile of its own; seconds instead of a tenth.

    Raises OfficeFailed when there is no whole PDF afterwards, whatever its exit code; ConfigError without LibreOffice.
    """
    with tempfile.TemporaryDirectory(prefix="pw-office-", ignore_cleanup_errors=True) as folder:
        source = Path(folder, "in.docx")
        source.write_bytes(docx)
        process = subprocess.Popen(
            [
                soffice(), "--headless", "--norestore", "--nolockcheck",
                f"-env:UserInstallation={Path(folder, 'profile').as_uri()}",
                "--convert-to", "pdf:writer_pdf_Export", "--outdir", folder, str(source),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            env=_environment(),
        )  # fmt: skip
        try:
            said, _ = process.communicate(timeout=COLD_SECONDS)
        except subprocess.TimeoutExpired:
            raise OfficeFailed(f"LibreOffice made no PDF within {COLD_SECONDS:g} s.") from None
        finally:
            _end_group(process.pid)
            process.wait()
        made = Path(folder, "in.pdf")
        content = made.read_bytes() if made.is_file() else b""
    try:
        check_whole(content)
    except BadPdf as error:
        words = said.decode("utf-8", "replace").strip().replace(folder, "")[-300:]
        raise OfficeFailed(
            f"LibreOffice ended with {process.returncode} and made no PDF ({error}) It said: {words or 'nothing'}."
        ) from None
    return content


def soffice() -> str:
    """The program. Raises ConfigError when LibreOffice is not installed."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found is None:
        raise ConfigError("LibreOffice is not installed; run `make setup`, or sudo apt-get install libreoffice-writer.")
    return found


def python_with_uno() -> str:
    """A Python that can import LibreOffice's `uno`: the system's, or the one LibreOffice brings along."""
    beside = Path(soffice()).resolve().with_name("python")
    for candidate in ("/usr/bin/python3", str(beside), shutil.which("python3"), sys.executable):
        if candidate and Path(candidate).is_file():
            tried = subprocess.run([candidate, "-I", "-c", "import uno"], capture_output=True, check=False)
            if tried.returncode == 0:
                return candidate
    raise ConfigError(
        "No Python here can import LibreOffice's uno; run `make setup`, or sudo apt-get install python3-uno."
    )


def _environment() -> dict[str, str]:
    """What LibreOffice needs of ours; no credential is among it."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", SUPERVISED)
    return {name: os.environ[name] for name in kept if name in os.environ}


def _left_over(folder: Path) -> list[int]:
    """Ids of the server of this folder and its LibreOffice, also when one of them was killed."""
    ours = [{str(SERVER), str(folder)}, {f"-env:UserInstallation={(folder / 'profile').resolve().as_uri()}"}]
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile, or is another user's
            words = set(os.fsdecode(command.read_bytes()).split("\0"))
            if any(marks <= words for marks in ours):
                found.append(int(command.parent.name))
    return found


def _end(process: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL)


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _exactly(asked: socket.socket, length: int) -> bytes:
    pieces = []
    while length:
        piece = asked.recv(min(length, 1 << 20))
        if not piece:
            raise ConnectionResetError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)

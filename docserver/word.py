"""Word, driven by COM: read-only, silent, watched. What it can't open is told; what hangs is killed by its process id.

Microsoft does not support Word without a person before it. So nothing here may ever wait for an answer: no alerts, no
macros, dummy passwords instead of a prompt, a time limit for each call, and a new Word after so many documents.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from pw_pipelines.errors import OutsideRefused, OutsideUnavailable

NO_ALERTS, NO_MACROS, NO_INSTALLING = 0, 3, 0  # wdAlertsNone, msoAutomationSecurityForceDisable, msoFeatureInstallNone
AS_PDF, FOR_PRINT, WHOLE, CONTENT, NO_BOOKMARKS, DISCARD = 17, 0, 0, 0, 0, 0  # wdExportFormatPDF and its like
FORMAT_AUTO, ENCODING_AUTO, LEFT_TO_RIGHT = 0, 50001, 0
NO_PASSWORD = "no password is known here"  # noqa: S105 - a wrong one fails; none at all opens a prompt
GONE = {-2147023174, -2147023170, -2147417848, -2147417851}  # RPC: unavailable, failed; disconnected; server fault
BUSY = {-2147418111, -2147417846}  # call rejected, retry later
BUSY_TRIES, BUSY_SECONDS = 20, 0.25
START_SECONDS = 90.0
GRACE_SECONDS = 30.0  # after its Word was killed, a call that still does not return never will
EXIT_STUCK = 75
log = logging.getLogger(__name__)


class WordRefuses(OutsideRefused):
    """Word makes no PDF of this document."""


class WordAway(OutsideUnavailable):
    """Word does not start: no document's fault."""


class Handle(Protocol):
    """A process that can't be mistaken for another one that later got its id."""

    pid: int

    def kill(self) -> None: ...


class Com(Protocol):
    """What Windows does for us; windows.py does it, tests invent it."""

    error: type[Exception]  # pywintypes.com_error: .hresult, .excepinfo

    def enter(self) -> None:
        """COM for the calling thread."""

    def dispatch(self) -> Any:
        """A Word of our own (DispatchEx)."""

    def automated(self) -> dict[int, Handle]:
        """The Words of this session that were started by COM, by process id."""

    def owner(self, window: int) -> int:
        """Id of the process that a window belongs to."""


class Word:
    """One Word after the other, each for `documents_per_word` documents. Called by one thread only."""

    def __init__(
        self,
        com: Com,
        folder: Path,
        *,
        limit_seconds: float = 120.0,
        documents_per_word: int = 50,
        start_seconds: float = START_SECONDS,
        stuck: Callable[[], None] = lambda: os._exit(EXIT_STUCK),
    ) -> None:
        self.com, self.folder = com, folder
        self.limit_seconds, self.start_seconds = limit_seconds, start_seconds
        self.documents_per_word = documents_per_word
        self.stuck = stuck
        self.version = "Word, not yet started"
        self._app: Any = None
        self._process: Handle | None = None
        self._made = 0

    def start(self) -> None:
        """Starts Word unless it is there; Words that an earlier worker left are killed. Raises WordAway."""
        if self._app is not None:
            return
        self.com.enter()
        self._kill_left_over()
        try:
            with self._watched(self.start_seconds, self._kill_left_over) as expired:
                self._app = self.com.dispatch()
                self._silence(self._app)
                self.version = f"Word {self._app.Version}.{self._app.Build}"
        except self.com.error as error:
            self._kill_left_over()
            self._app = None
            why = f"did not start within {self.start_seconds:g} s" if expired.is_set() else _words(error)
            raise WordAway(f"Word does not start: {why}. Open it by hand once in this session.") from None
        found = self.com.automated()
        # Nobody else automates Word in this session, and we had killed all that were left.
        self._process = next(iter(found.values())) if len(found) == 1 else None
        self._made = 0

    def to_pdf(self, docx: bytes) -> bytes:
        """A PDF of it. Raises WordRefuses for what Word can't open, hangs over, or twice dies of; WordAway."""
        for attempt in (1, 2):
            self.start()
            try:
                return self._to_pdf(docx)
            except self.com.error as error:
                if not self._is_gone(error):
                    raise WordRefuses(f"Word makes no PDF: {_words(error)}.") from None
                self._forget()
                log.warning("Word ended over a document (%s)", _words(error))
                if attempt == 2:
                    raise WordRefuses("Word ended twice over this document.") from None
        raise AssertionError

    def close(self) -> None:
        """Ends Word, if need be by force."""
        app = self._app
        if app is not None:
            try:
                with self._watched(GRACE_SECONDS, self._kill):
                    app.Quit(DISCARD)
            except (self.com.error, AttributeError) as error:
                log.info("Word did not quit by itself: %s", error)
        self._forget()

    def _to_pdf(self, docx: bytes) -> bytes:
        with tempfile.TemporaryDirectory(dir=self._places(), prefix="job-", ignore_cleanup_errors=True) as place:
            source, made = Path(place, "in.docx"), Path(place, "out.pdf")
            source.write_bytes(docx)
            with self._watched(self.limit_seconds, self._kill) as expired:
                try:
                    self._export(str(source), str(made))
                except self.com.error:
                    if expired.is_set():
                        self._forget()
                        raise WordRefuses(f"Word made no PDF within {self.limit_seconds:g} s and was killed.") from None
                    raise
            if expired.is_set():  # killed in the very moment it was done: what it wrote may be cut off
                self._forget()
                raise WordRefuses(f"Word made no PDF within {self.limit_seconds:g} s and was killed.")
            content = made.read_bytes() if made.is_file() else b""
        self._made += 1
        if self._made >= self.documents_per_word:
            self.close()
        if not content:
            raise WordRefuses("Word made no PDF and says nothing.")
        return content

    def _export(self, source: str, made: str) -> None:
        """All arguments by position: with names, what pywin32 understands depends on its cache."""
        document = self._busy(
            self._app.Documents.Open,
            source, False, True, False,  # FileName, ConfirmConversions, ReadOnly, AddToRecentFiles
            NO_PASSWORD, NO_PASSWORD, False, NO_PASSWORD, NO_PASSWORD,  # passwords to open; Revert; to write
            FORMAT_AUTO, ENCODING_AUTO, False, False, LEFT_TO_RIGHT, True,  # Visible, OpenAndRepair; NoEncodingDialog
        )  # fmt: skip
        if document is None:
            raise WordRefuses("Word opens nothing and says nothing.")
        self._recognise(document)
        try:
            self._busy(
                document.ExportAsFixedFormat,
                made, AS_PDF, False, FOR_PRINT, WHOLE, 1, 1, CONTENT,  # …, OpenAfterExport, …, Range, From, To, Item
                True, True, NO_BOOKMARKS, True, True, False,  # properties, IRM; structure tags, missing fonts; no PDF/A
            )  # fmt: skip
        finally:
            self._put_away(document)

    def _put_away(self, document: Any) -> None:
        """What can't be closed is a Word of its own trouble; it is ended rather than carried on."""
        try:
            self._busy(document.Close, DISCARD)
        except self.com.error as error:
            log.warning("a document could not be closed (%s); Word is started anew", _words(error))
            self._kill()
            self._forget()

    def _recognise(self, document: Any) -> None:
        """Which process is ours, by its window, when the list did not tell."""
        if self._process is not None:
            return
        try:
            pid = self.com.owner(int(document.ActiveWindow.Hwnd))
        except (self.com.error, AttributeError):
            return
        self._process = self.com.automated().get(pid)

    @staticmethod
    def _silence(app: Any) -> None:
        app.Visible = False
        app.DisplayAlerts = NO_ALERTS
        app.AutomationSecurity = NO_MACROS
        app.FeatureInstall = NO_INSTALLING
        app.ScreenUpdating = False
        app.Options.ConfirmConversions = False
        app.Options.UpdateLinksAtOpen = False
        app.Options.SaveNormalPrompt = False

    def _busy(self, call: Callable[..., Any], *given: object) -> Any:
        for _ in range(BUSY_TRIES):
            try:
                return call(*given)
            except self.com.error as error:
                if _code(error) not in BUSY:
                    raise
            time.sleep(BUSY_SECONDS)
        return call(*given)

    @contextmanager
    def _watched(self, seconds: float, kill: Callable[[], None]) -> Iterator[threading.Event]:
        """Kills Word after `seconds`; and ends this process when even that does not free the call."""
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            log.warning("Word is killed after %g s", seconds)
            kill()

        timers = [threading.Timer(seconds, expire), threading.Timer(seconds + GRACE_SECONDS, self.stuck)]
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            yield expired
        finally:
            for timer in timers:
                timer.cancel()

    def _is_gone(self, error: Exception) -> bool:
        if _code(error) in GONE:
            return True
        return self._process is not None and self._process.pid not in self.com.automated()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        else:
            self._kill_left_over()

    def _kill_left_over(self) -> None:
        """All automated Words of this session: the worker's lock makes sure that they are ours."""
        for process in self.com.automated().values():
            log.info("a Word is killed: process %d", process.pid)
            process.kill()

    def _forget(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._app = self._process = None

    def _places(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder


def _code(error: Exception) -> int:
    return int(getattr(error, "hresult", 0) or 0)


def _words(error: Exception) -> str:
    """What Word says: the description of the exception where there is one."""
    info = getattr(error, "excepinfo", None)
    said = str(info[2]).strip() if info and len(info) > 2 and info[2] else str(getattr(error, "strerror", error))
    return f"{said.rstrip('.')} (0x{_code(error) & 0xFFFFFFFF:08X})"

"""Windows, COM and Word as far as docserver/word.py knows them: the same members, errors like pywintypes.com_error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.documents.conftest import a_pdf

RPC_UNAVAILABLE, RPC_FAILED, REJECTED, NOT_REGISTERED, EXCEPTION = (
    -2147023174, -2147023170, -2147418111, -2147221164, -2147352567,
)  # fmt: skip
PASSWORD, CORRUPT = "The password is incorrect. Word cannot open the document.", "The file appears to be corrupted."
PERSONS = 4001  # the id of a Word that a person opened; never listed as automated


class ComError(Exception):
    """pywintypes.com_error: (hresult, strerror, excepinfo, argerror)."""

    def __init__(self, hresult: int, strerror: str, description: str | None = None) -> None:
        super().__init__(hresult, strerror)
        self.hresult, self.strerror = hresult, strerror
        self.excepinfo = (0, "Microsoft Word", description, "wdmain11.chm", 25272, hresult) if description else None
        self.argerror = None


@dataclass
class Process:
    pid: int
    ended: threading.Event = field(default_factory=threading.Event)
    immortal: bool = False

    def kill(self) -> None:
        if not self.immortal:
            self.ended.set()


class Strict:
    """An object of COM takes no member it does not have, and answers nothing when its process ended."""

    _members: tuple[str, ...] = ()

    def __init__(self, process: Process) -> None:
        object.__setattr__(self, "_process", process)

    def __setattr__(self, name: str, value: object) -> None:
        self._alive()
        if name not in self._members:
            raise AttributeError(f"Property '{type(self).__name__}.{name}' can not be set.")
        object.__setattr__(self, name, value)

    def _alive(self) -> None:
        if self._process.ended.is_set():  # type: ignore[attr-defined]
            raise ComError(RPC_UNAVAILABLE, "The RPC server is unavailable.")


class Options(Strict):
    _members = ("ConfirmConversions", "UpdateLinksAtOpen", "SaveNormalPrompt")


class Application(Strict):
    _members = ("Visible", "DisplayAlerts", "AutomationSecurity", "FeatureInstall", "ScreenUpdating")
    Version, Build = "16.0", "16.0.17928"

    def __init__(self, windows: FakeWindows, process: Process) -> None:
        super().__init__(process)
        object.__setattr__(self, "Options", Options(process))
        object.__setattr__(self, "Documents", Documents(windows, self, process))

    def Quit(self, SaveChanges: int) -> None:
        self._alive()
        assert SaveChanges == 0
        self._process.kill()  # type: ignore[attr-defined]


class Documents(Strict):
    def __init__(self, windows: FakeWindows, app: Application, process: Process) -> None:
        super().__init__(process)
        object.__setattr__(self, "windows", windows)
        object.__setattr__(self, "app", app)

    def Open(self, FileName, ConfirmConversions, ReadOnly, AddToRecentFiles, PasswordDocument, PasswordTemplate,
             Revert, WritePasswordDocument, WritePasswordTemplate, Format, Encoding, Visible, OpenAndRepair,
             DocumentDirection, NoEncodingDialog) -> Document:  # fmt: skip
        self._alive()
        app, windows = self.app, self.windows
        silent = (app.DisplayAlerts, app.AutomationSecurity, ReadOnly, ConfirmConversions, AddToRecentFiles, Visible)
        assert silent == (0, 3, True, False, False, False), "a dialog would open"
        assert PasswordDocument and PasswordTemplate and WritePasswordDocument and NoEncodingDialog, "it would ask"
        assert Path(FileName).is_absolute(), "Word has another working directory than we"
        content = Path(FileName).read_bytes()
        windows.opened.append(content)
        deed = windows.deeds.get(content)
        if deed is not None:
            deed(self._process)  # type: ignore[attr-defined]
        return Document(windows, self._process, content)  # type: ignore[attr-defined]


class Document(Strict):
    def __init__(self, windows: FakeWindows, process: Process, content: bytes) -> None:
        super().__init__(process)
        object.__setattr__(self, "windows", windows)
        object.__setattr__(self, "content", content)

    @property
    def ActiveWindow(self) -> Any:
        self._alive()
        return type("Window", (), {"Hwnd": self._process.pid * 10})()  # type: ignore[attr-defined]

    def ExportAsFixedFormat(self, OutputFileName, ExportFormat, OpenAfterExport, OptimizeFor, Range, From, To, Item,
                            IncludeDocProps, KeepIRM, CreateBookmarks, DocStructureTags, BitmapMissingFonts,
                            UseISO19005_1) -> None:  # fmt: skip
        self._alive()
        assert (ExportFormat, OpenAfterExport, Range, Item) == (17, False, 0, 0)
        if self.windows.exports:
            Path(OutputFileName).write_bytes(a_pdf(2))

    def Close(self, SaveChanges: int) -> None:
        self._alive()
        assert SaveChanges == 0, "Word would ask whether to save"
        self.windows.closed += 1


class FakeWindows:
    """Com, with a list of processes. deeds: what happens when a document with these bytes is opened."""

    error = ComError

    def __init__(self) -> None:
        self.processes: list[Process] = []
        self.deeds: dict[bytes, Callable[[Process], None]] = {}
        self.opened: list[bytes] = []
        self.closed = 0
        self.exports = True
        self.starts = 0
        self.trouble: Callable[[Process], None] | None = None
        self.person = Process(PERSONS)

    def enter(self) -> None:
        return

    def dispatch(self) -> Application:
        self.starts += 1
        process = Process(5000 + self.starts)
        self.processes.append(process)
        if self.trouble is not None:
            self.trouble(process)
        return Application(self, process)

    def automated(self) -> dict[int, Process]:
        return {one.pid: one for one in self.processes if not one.ended.is_set()}

    def owner(self, window: int) -> int:
        return window // 10


def refuse(description: str) -> Callable[[Process], None]:
    def deed(process: Process) -> None:
        raise ComError(EXCEPTION, "Exception occurred.", description)

    return deed


def crash(process: Process) -> None:
    process.ended.set()
    raise ComError(RPC_FAILED, "The remote procedure call failed.")


def hang(process: Process) -> None:
    """A dialog that nobody answers: until the process is killed."""
    process.ended.wait(30)
    raise ComError(RPC_FAILED, "The remote procedure call failed.")

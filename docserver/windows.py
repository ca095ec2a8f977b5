"""What Windows does for word.py: COM, the list of Words, windows and their processes, one worker only. By pywin32."""

from __future__ import annotations

from typing import Any

from docserver.word import Handle
from pw_pipelines.errors import ConfigError

PROGRAM = "WINWORD.EXE"
MUTEX = "Local\\pw-docserver-word"
ALREADY_EXISTS, ALL_OF_IT = 183, 0x0001 | 0x1000  # ERROR_ALREADY_EXISTS; terminate, query


class WindowsHandle:
    """A process, held open: its id can't go to another one meanwhile."""

    def __init__(self, pid: int) -> None:
        import win32api

        self.pid = pid
        self._handle = win32api.OpenProcess(ALL_OF_IT, False, pid)

    def kill(self) -> None:
        import pywintypes
        import win32api

        try:
            win32api.TerminateProcess(self._handle, 1)
        except pywintypes.error:
            return  # it has ended


class WindowsCom:
    """Raises ConfigError where pywin32 is not installed."""

    def __init__(self) -> None:
        try:
            import pywintypes
        except ImportError:
            raise ConfigError("pywin32 is not here. On Windows run install.ps1; elsewhere there is no Word.") from None
        self.error: type[Exception] = pywintypes.com_error

    def enter(self) -> None:
        import pythoncom

        pythoncom.CoInitialize()

    def dispatch(self) -> Any:
        import win32com.client

        return win32com.client.DispatchEx("Word.Application")

    def automated(self) -> dict[int, Handle]:
        """By WMI: only its command line tells a Word that was started by COM (-Embedding) from a person's."""
        import pythoncom
        import pywintypes
        import win32api
        import win32com.client
        import win32ts

        pythoncom.CoInitialize()  # the watchdog's thread asks too
        ours = win32ts.ProcessIdToSessionId(win32api.GetCurrentProcessId())
        asked = "select ProcessId, SessionId, CommandLine from Win32_Process where Name = '" + PROGRAM + "'"
        found: dict[int, Handle] = {}
        for one in win32com.client.GetObject("winmgmts:").ExecQuery(asked):
            if int(one.SessionId) == ours and "-embedding" in str(one.CommandLine or "").lower():
                try:
                    found[int(one.ProcessId)] = WindowsHandle(int(one.ProcessId))
                except pywintypes.error:
                    continue  # it has ended
        return found

    def owner(self, window: int) -> int:
        import win32process

        return int(win32process.GetWindowThreadProcessId(window)[1])


def named_mutex() -> Any:
    """Held as long as the object lives; None when another process of this session holds it."""
    import win32api
    import win32event

    mutex = win32event.CreateMutex(None, False, MUTEX)
    return None if win32api.GetLastError() == ALREADY_EXISTS else mutex


def session() -> int:
    """The session of this process: 0 is that of services, where Word has no desktop."""
    import win32api
    import win32ts

    return int(win32ts.ProcessIdToSessionId(win32api.GetCurrentProcessId()))


def fonts() -> set[str]:
    """Names of the installed fonts, from the registry."""
    import winreg

    found: set[str] = set()
    with winreg.OpenKey(  # type: ignore[attr-defined,unused-ignore]
        winreg.HKEY_LOCAL_MACHINE,  # type: ignore[attr-defined,unused-ignore]
        r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Fonts",
    ) as key:
        for number in range(winreg.QueryInfoKey(key)[1]):  # type: ignore[attr-defined,unused-ignore]
            found.add(str(winreg.EnumValue(key, number)[0]))  # type: ignore[attr-defined,unused-ignore]
    return found

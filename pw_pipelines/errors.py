"""Every error this project raises on purpose, as one tree.

PwError
├── UsageError            the caller asked for something that does not exist or is malformed (exit code 2)
│   └── BadFrn            text that is not an FCC Registration Number
├── ConfigError           a setting, data file or credential is missing or wrong
├── SourceError           a public record could not be read
│   ├── SourceUnavailable nobody could know now; trying again later may work. Never to be read as absence
│   ├── SourceRefused     the source refused the request for good; trying again the same way cannot work
│   └── SourceRejected    bytes arrived but are not what the source's contract promises
├── SnapshotError         a snapshot does not exist or is in the wrong state for the deed
└── OutsideError          another outside system (Listmonk, Telegram …)
    ├── OutsideUnavailable nothing is known to have happened; try again later
    └── OutsideRefused     it said no, and will say no again

A message says what happened, where, and how to mend it.
"""

from __future__ import annotations


class PwError(Exception):
    """Base of all errors raised on purpose."""


class UsageError(PwError):
    """The caller asked for something that does not exist or is malformed.

    field, remedy: for those who asked by a form or over the API: what was wrong, and what to give instead.
    """

    def __init__(self, message: str, *, field: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.remedy = remedy


class BadFrn(UsageError):
    """Text that is not an FCC Registration Number (10 digits)."""


class ConfigError(PwError):
    """A setting, data file or credential is missing or wrong; the message names it and its remedy."""


class SourceError(PwError):
    """A public record could not be read. `source` is the source's key, `url` where it was asked."""

    def __init__(self, message: str, *, source: str = "", url: str = "") -> None:
        super().__init__(message)
        self.source = source
        self.url = url


class SourceUnavailable(SourceError):
    """Nobody could know now. Never to be read as absence; trying again later may work."""


class SourceRefused(SourceError):
    """The source refused the request itself; the same request will be refused again."""


class SourceRejected(SourceError):
    """Bytes arrived, but they are not what the source's contract promises; the message says how they differ."""


class SnapshotError(PwError):
    """A snapshot does not exist, or is not in a state that allows what was asked."""


class OutsideError(PwError):
    """An outside system other than a public record failed."""


class OutsideUnavailable(OutsideError):
    """The system could not be reached or is overloaded; trying again later may work."""


class OutsideRefused(OutsideError):
    """The system refused the request; the same request will be refused again."""

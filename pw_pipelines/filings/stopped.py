"""How a filling or a filing ends otherwise than wanted. Messages name fields, never their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pw_pipelines.errors import PwError

if TYPE_CHECKING:
    from pw_pipelines.filings.material import Shot
    from pw_pipelines.filings.portal import PortalError


class FilingStopped(PwError):
    """Stopped before the submit: nothing was sent. `shots`: what the page looked like."""

    def __init__(self, message: str, *, shots: Sequence[Shot] = ()) -> None:
        super().__init__(message)
        self.shots = list(shots)


class PageChanged(FilingStopped):
    """The portal's page is not as its file says, or not as it was approved. `changes`: one sentence each."""

    def __init__(self, changes: Sequence[str], *, shots: Sequence[Shot] = ()) -> None:
        super().__init__(" ".join(changes), shots=shots)
        self.changes = tuple(changes)


class Challenged(FilingStopped):
    """The portal asks for a person, or refuses programs. `state`: the browser's cookies and storage, as JSON."""

    def __init__(self, message: str, *, shots: Sequence[Shot] = (), state: str = "") -> None:
        super().__init__(message, shots=shots)
        self.state = state


class MissingFacts(FilingStopped):
    """The form needs facts that nobody has given. `names`: as in facts.yaml."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"The form needs what is not known yet: {', '.join(names)}.")
        self.names = tuple(names)


class PortalSaid(FilingStopped):
    """The portal showed an error of its own that its file knows; nothing was filed. `error.then` says whether it may
    be tried again by itself."""

    def __init__(self, message: str, error: PortalError, *, shots: Sequence[Shot] = ()) -> None:
        super().__init__(message, shots=shots)
        self.error = error


class NotConfirmed(PwError):
    """It was sent, and no confirmation came: it may have been filed. Never to be repeated blindly."""

    def __init__(self, message: str, *, shots: Sequence[Shot] = ()) -> None:
        super().__init__(message)
        self.shots = list(shots)

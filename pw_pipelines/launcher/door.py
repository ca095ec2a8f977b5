"""The way to the warm process of a home: a socket in PW_HOME/run/warm, one question and one answer per connection.

Standard library alone. The socket is only for the user who runs the house; whoever else connects is not answered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NAME = "door"
WAITING = 256  # launches that may wait while the process loads changed code
MOST_BYTES = 64 * 1024
QUESTION_SECONDS = 5.0  # whoever connects and says nothing must not hold up the others for longer


class NobodyThere(Exception):
    """No warm process listens in this home: the question was not heard by anybody."""


class NoAnswer(Exception):
    """The question may have been heard, and the answer did not come."""


def folder(home: Path) -> Path:
    """Where socket, lock and notes of the workers stand."""
    return home / "run" / "warm"


def identity() -> str:
    """Tells instances apart: a process that was started for another database must not be given our runs."""
    said = "\0".join(os.environ.get(name, "") for name in ("DAGSTER_HOME", "PW_DAGSTER_DATABASE_URL"))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@contextlib.contextmanager
def _short(place: Path) -> Iterator[str]:
    """An address of the socket that fits the kernel's 108 bytes however deep the home lies."""
    opened = os.open(place, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{NAME}"
    finally:
        os.close(opened)


def listen(place: Path) -> socket.socket:
    """A listening socket in the place of whatever a dead process left there. The caller holds the place's lock."""
    (place / NAME).unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _short(place) as address:
            door.bind(address)
    finally:
        os.umask(before)
    door.listen(WAITING)
    door.setblocking(False)
    return door


def question(connection: socket.socket) -> dict[str, Any] | None:
    """What the other side asks. None when it is another user, or says nothing that is a question."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", peer)
    if user not in (0, os.geteuid()):
        return None
    connection.settimeout(QUESTION_SECONDS)
    try:
        asked = json.loads(_line(connection))
    except (OSError, ValueError):
        return None
    return asked if isinstance(asked, dict) else None


def answer(connection: socket.socket, said: Mapping[str, object]) -> None:
    """Answers; that nobody waits for it any more is fine."""
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(said).encode() + b"\n")


def ask(home: Path, asked: Mapping[str, object], *, seconds: float) -> dict[str, Any]:
    """The warm process's answer. Raises NobodyThere, or NoAnswer after `seconds` or when it dies meanwhile."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            with _short(folder(home)) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            raise NobodyThere(f"no warm process listens in {folder(home)}") from error
        except OSError as error:
            raise NobodyThere(f"the warm process of {folder(home)} can't be reached: {error}") from error
        try:
            connection.sendall(json.dumps(asked).encode() + b"\n")
            said = json.loads(_line(connection))
        except (OSError, ValueError) as error:
            raise NoAnswer(f"the warm process did not answer ({error or type(error).__name__})") from error
    if not isinstance(said, dict):
        raise NoAnswer(f"the warm process answered {said!r}")
    return said


def _line(connection: socket.socket) -> bytes:
    read = bytearray()
    while not read.endswith(b"\n"):
        part = connection.recv(4096)
        if not part or len(read) > MOST_BYTES:
            raise ValueError("the line ended early" if not part else "the line is too long")
        read += part
    return bytes(read)

"""The archive of our mails: a Maildir that a blind copy of every mail arrives in, asked by Message-ID.

Each mail's headers are read once. What was read is noted in an index file of ours, a line per mail (its name in the
Maildir, its Message-ID), so that another process need not read them again. The index may be deleted at any time.
"""

from __future__ import annotations

import fcntl
from contextlib import suppress
from email.parser import BytesHeaderParser
from pathlib import Path

_MOST_HEADER_BYTES = 64 * 1024


class MailArchive:
    """One Maildir. `index`: our file of what was read; its folder is made when needed."""

    def __init__(self, folder: Path, index: Path) -> None:
        self._folder = folder
        self._index = index
        self._known: dict[str, str] = {}  # name in the Maildir -> Message-ID
        self._read_of_index = 0

    def has(self, message_id: str) -> bool:
        """Whether a mail with this Message-ID has arrived. Raises OSError when the Maildir can't be read."""
        there = self._names()
        self._read_index()
        fresh = {name: _message_id(path) for name, path in there.items() if name not in self._known}
        self._note({name: found for name, found in fresh.items() if found is not None})
        return any(self._known.get(name) == message_id for name in there)

    def count(self) -> int:
        """Mails seen so far."""
        return len(self._known)

    def _names(self) -> dict[str, Path]:
        """Every mail by the part of its name that does not change when it is read (`new/a` becomes `cur/a:2,S`)."""
        found = {}
        for part in ("new", "cur"):  # in this order: a mail that is moved meanwhile is seen twice, not never
            for path in (self._folder / part).iterdir():
                if not path.name.startswith("."):
                    found[path.name.partition(":")[0]] = path
        return found

    def _read_index(self) -> None:
        try:
            with self._index.open("rb") as file:
                file.seek(self._read_of_index)
                whole, newline, _ = file.read().rpartition(b"\n")  # the last line may still be written
        except FileNotFoundError:
            return
        self._read_of_index += len(whole) + len(newline)
        for line in whole.decode("utf-8", "replace").splitlines():
            name, tab, message_id = line.partition("\t")
            if tab and message_id.startswith("<") and message_id.endswith(">"):
                self._known[name] = message_id

    def _note(self, fresh: dict[str, str]) -> None:
        if not fresh:
            return
        self._known |= fresh
        # A line that a dead process left unfinished must not swallow the first of ours.
        text = "\n" + "".join(f"{name}\t{found}\n" for name, found in fresh.items())
        with suppress(OSError):  # a full disk costs the next process a second reading, not the answer
            self._index.parent.mkdir(parents=True, exist_ok=True)
            with self._index.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(text.encode("utf-8", "replace"))


def _message_id(path: Path) -> str | None:
    """The Message-ID of one mail, `<none>` when it has none; None when it is gone (moved, expired)."""
    try:
        with path.open("rb") as file:
            head = file.read(_MOST_HEADER_BYTES)
    except FileNotFoundError:
        return None
    for end in (b"\r\n\r\n", b"\n\n"):
        head = head.partition(end)[0]
    found = str(BytesHeaderParser().parsebytes(head)["Message-ID"] or "").strip()
    return found if found.startswith("<") and not set(found) & set("\t\r\n") else "<none>"

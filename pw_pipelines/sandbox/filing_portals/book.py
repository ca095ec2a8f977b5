"""The book of what was truly submitted to the stand-ins of the filing portals: every submission once more, never fewer.

A file of its own under PW_HOME, not a table of the sandbox's database: the outside world stays where it is when our
PostgreSQL is away. What was written stands after a kill at any moment. Uploaded files are kept by their digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pw_pipelines.clock import eastern_day

_SCHEMA = """
create table if not exists filings (
    number integer primary key autoincrement,
    portal text not null,
    form text not null,
    subject text not null,
    confirmation text not null default '',
    filed_at text not null,
    fields text not null,
    uploads text not null
)
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it came: `field` of the form, its name, size and SHA-256."""

    field: str
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission. `subject`: the FRN, or state and company where there is none.

    fields: what was answered; names that begin with `_` are the portal's own (the number it gave).
    """

    number: int
    portal: str
    form: str
    subject: str
    confirmation: str
    filed_at: datetime
    fields: Mapping[str, str]
    uploads: tuple[Upload, ...]

    @property
    def day(self) -> date:
        """The Eastern day of it."""
        return eastern_day(self.filed_at)

    def shown(self) -> dict[str, Any]:
        """As the control route lists it: digests instead of answers. What the portal itself added does not count."""
        sent = {name: value for name, value in self.fields.items() if not name.startswith("_")}
        answers = json.dumps(sent, sort_keys=True).encode()
        return {
            "number": self.number,
            "portal": self.portal,
            "form": self.form,
            "frn": self.fields.get("frn"),
            "subject": self.subject,
            "confirmation": self.confirmation,
            "filed_at": self.filed_at.isoformat(),
            "fields_sha256": hashlib.sha256(answers).hexdigest(),
            "uploads": [
                {"field": file.field, "name": file.name, "size": file.size, "sha256": file.sha256}
                for file in self.uploads
            ],
        }


class FilingBook:
    """The book in `folder`. Safe across threads, and across processes that read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def keep(self, field: str, name: str, content: bytes) -> Upload:
        """Keeps the bytes of an uploaded file; the submission that names it comes later, or never."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._file(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{digest}.{os.getpid()}.{threading.get_ident()}")
            try:
                draft.write_bytes(content)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
        return Upload(field, name, len(content), digest)

    def content(self, upload: Upload) -> bytes:
        """The bytes of an uploaded file."""
        return self._file(upload.sha256).read_bytes()

    def add(
        self,
        portal: str,
        form: str,
        subject: str,
        fields: Mapping[str, str],
        uploads: Iterable[Upload] = (),
        *,
        at: datetime,
        confirmation: Callable[[int], str],
    ) -> Submission:
        """Writes a submission down and gives it its number. `confirmation` makes the portal's own from it.

        What must not be kept (an SSN) is not among the `fields`. The same submitted again is another submission.
        """
        files = tuple(uploads)
        text = json.dumps([[file.field, file.name, file.size, file.sha256] for file in files])
        row = (portal, form, subject, at.isoformat(), json.dumps(dict(fields)), text)
        with self._lock, self._opened(write=True) as connection:
            cursor = connection.execute(
                "insert into filings (portal, form, subject, filed_at, fields, uploads) values (?, ?, ?, ?, ?, ?)", row
            )
            number = int(cursor.lastrowid or 0)
            given = confirmation(number)
            connection.execute("update filings set confirmation = ? where number = ?", (given, number))
        return Submission(number, portal, form, subject, given, at, dict(fields), files)

    def all(
        self, portal: str | None = None, *, subject: str | None = None, confirmation: str | None = None
    ) -> list[Submission]:
        """Submissions, oldest first."""
        wanted = {"portal": portal, "subject": subject, "confirmation": confirmation}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " and ".join(f"{name} = ?" for name in given) or "true"
        if not self._database.exists():
            return []
        with self._opened(write=False) as connection:
            rows = connection.execute(
                f"select number, portal, form, subject, confirmation, filed_at, fields, uploads from filings "
                f"where {where} order by number",
                tuple(given.values()),
            ).fetchall()
        return [_submission(row) for row in rows]

    def wipe(self) -> None:
        """Every submission gone; numbers begin anew."""
        with self._lock, self._opened(write=True) as connection:
            connection.execute("delete from filings")
            connection.execute("delete from sqlite_sequence")

    @property
    def _database(self) -> Path:
        return self._folder / "filings.sqlite"

    def _file(self, digest: str) -> Path:
        return self._folder / "uploads" / digest

    @contextmanager
    def _opened(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """One transaction. A connection each, as handlers run in threads of their own."""
        if write:
            self._folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._database, timeout=30)
        try:
            with connection:
                if write:
                    connection.execute(_SCHEMA)
                yield connection
        finally:
            connection.close()


def _submission(row: tuple[Any, ...]) -> Submission:
    number, portal, form, subject, confirmation, filed_at, fields, uploads = row
    return Submission(
        number,
        portal,
        form,
        subject,
        confirmation,
        datetime.fromisoformat(filed_at),
        json.loads(fields),
        tuple(Upload(*file) for file in json.loads(uploads)),
    )

"""A database that was put back to an older state in its own place, known by a journal's store that is ahead of it.

It would give numbers of shipments a second time, and its next dump would lack changes that the store has and that by
their numbers it should have. So nothing is shipped, nothing is overwritten, and a drill plays nothing on: a person
decides which of the two histories is the house's. Way out: docs/runbooks.md, “The journal is ahead”.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pw_pipelines.backups import facts
from pw_pipelines.backups.journal import JournalError, is_signed, name_of, read_header
from pw_pipelines.backups.journal_reading import Read, in_snapshot
from pw_pipelines.backups.journal_store import JournalStore
from pw_pipelines.clock import machine_now
from pw_pipelines.errors import UsageError

Connection = psycopg.Connection[dict[str, Any]]
CLOCKS_DIFFER = timedelta(minutes=5)  # of the database and of who dumps it


@dataclass(frozen=True)
class Ahead:
    """Shipments `first` to `last` of `line` are in the store; the database knows none after `known`. newest_at: when
    the newest change in them was made."""

    line: str
    known: int
    first: int
    last: int
    newest_at: datetime

    @property
    def sentence(self) -> str:
        those = f"shipment {self.first}" if self.first == self.last else f"shipments {self.first} to {self.last}"
        are = "is" if self.first == self.last else "are"
        return (
            f"The journal's store is ahead of this database: {those} of line {self.line} {are} there, with changes up "
            f"to {self.newest_at:%Y-%m-%d %H:%M} UTC, and this database knows none after {self.known}. It was put back "
            "to an older state in its own place. Nothing is overwritten, and nothing leaves until a person decides: "
            "docs/runbooks.md, “The journal is ahead”."
        )


def ahead(connection: Connection, store: JournalStore, believed: Sequence[Ed25519PublicKey]) -> Ahead | None:
    """What the store has of this database's line and the database does not know; None when it knows all.

    A shipment that was written and not confirmed yet is known: it is bound here under the same digest. What is not
    signed by us is no shipment of ours; whoever meets its name says so. Raises OutsideError as the store does.
    """
    line = facts.line_of(connection)
    # The names first, the books after them: a shipment is bound and committed before it is written.
    names = store.names(line, after=name_of(line, _confirmed(connection)))
    if not names:
        return None
    known = _confirmed(connection)
    bound = {
        int(row["shipment_id"]): str(row["digest"])
        for row in connection.execute(
            "select shipment_id, digest from pw.journal_shipments where shipment_id > %s", (known,)
        ).fetchall()
    }
    strange: list[Mapping[str, Any]] = []
    for name in names:
        if (number := _number(name)) is None or number <= known:
            continue
        try:
            header = read_header(store.read(name), name)
        except (JournalError, FileNotFoundError):
            continue
        ours = is_signed(header, believed) and header["line"] == line and header["shipment"] == number
        if ours and bound.get(number) != header["digest"]:
            strange.append(header)
    if not strange:
        return None
    newest = max(datetime.fromisoformat(str(one["newest_at"])) for one in strange)
    return Ahead(line, known, int(strange[0]["shipment"]), int(strange[-1]["shipment"]), newest)


def _confirmed(connection: Connection) -> int:
    row = connection.execute(
        "select coalesce(max(shipment_id), 0) as id from pw.journal_shipments where confirmed_at is not null"
    ).fetchone()
    assert row is not None  # an aggregate always answers
    return int(row["id"])


def _number(name: str) -> int | None:
    stem = PurePosixPath(name).stem
    return int(stem) if stem.isdecimal() else None


def of_dump(read: Read, position: Mapping[str, Any], restored: Connection, captured_at: datetime) -> str | None:
    """Why the store's shipments after a dump cannot be played on to it: they are of a history that its database had
    left when it was dumped. None when they follow it.

    restored: the dump, restored, before anything is played on. By their transactions' numbers such changes are in the
    dump, and its journal has never heard of them; or they were made before it, and are not in it (a restore to a moment
    takes the numbers back too). captured_at: of the dump, by the machine's clock.
    """
    if not read.later:
        return None
    in_dump = in_snapshot(str(position["snapshot"]))
    following = int(str(position["snapshot"]).split(":")[1])
    said_in = [one for one in read.later if in_dump(int(one["xact"]))]
    there = {
        (int(row["seq"]), row["at"])
        for row in restored.execute(
            "select seq, at from pw.journal where seq = any(%s)", ([int(one["seq"]) for one in said_in],)
        ).fetchall()
    }
    lost = [one for one in said_in if (int(one["seq"]), datetime.fromisoformat(str(one["at"]))) not in there]
    lost += [
        one for one in read.later
        if int(one["xact"]) >= following and datetime.fromisoformat(str(one["at"])) < captured_at - CLOCKS_DIFFER
    ]  # fmt: skip
    if not lost:
        return None
    newest = max(datetime.fromisoformat(str(one["at"])) for one in lost)
    return (
        f"The store has {len(lost):,} changes, up to {newest:%Y-%m-%d %H:%M} UTC, of a history that this dump's "
        f"database was put back behind before it was dumped: shipments after {position['last_shipment']} of line "
        f"{position['line']}. They were not played on, for they do not fit what came after: docs/runbooks.md, “The "
        "journal is ahead”."
    )


@dataclass(frozen=True)
class Begun:
    """A line that was begun. left_behind: what the old one has and this database never will."""

    line: str
    left_behind: Ahead | None
    waiting: int


def begin_line(
    connection: Connection, store: JournalStore, believed: Sequence[Ed25519PublicKey], *, by: str, reason: str
) -> Begun:
    """The journal goes on as a line of its own: this database, as it is, is the house's history from here on.

    Nothing in the store is touched; what of the old line was bound and not confirmed is bound anew. Raises UsageError
    when the store is not ahead: the line goes on by itself then.
    """
    found = ahead(connection, store, believed)
    if found is None:
        raise UsageError(
            "The journal's store is not ahead of this database: its line goes on by itself, and none is begun."
        )
    connection.execute(
        """update pw.journal set shipped_in = null
           where shipped_in in (select shipment_id from pw.journal_shipments where confirmed_at is null)"""
    )
    connection.execute("delete from pw.journal_shipments where confirmed_at is null")
    now = machine_now()
    connection.execute(
        """insert into pw.journal_lines (mark, begun_at, begun_by, reason, known_shipment, ahead_shipment)
           values (%s, %s, %s, %s, %s, %s)""",
        (f"{now:%Y%m%dT%H%M%SZ}", now, by, reason, found.known, found.last),
    )
    row = connection.execute("select count(*)::int as n from pw.journal where shipped_in is null").fetchone()
    return Begun(facts.line_of(connection), found, int(row["n"]) if row else 0)

"""Whether this process may be given requests: its database answers, its schema is current, its objects can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from pw_pipelines.errors import PwError
from pw_pipelines.monitoring.scrape import CONNECT_SECONDS, pending_migrations
from pw_pipelines.resources.objects import Objects

NOBODYS_OBJECT = "0" * 64  # asked for: that it is missing is an answer, too


@dataclass(frozen=True)
class Part:
    """One thing that was looked at. `detail`: a sentence, with what to do where it is not well."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Health:
    """What was found."""

    parts: Sequence[Part]

    @property
    def ok(self) -> bool:
        return all(part.ok for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, "parts": [asdict(part) for part in self.parts]}


def ready(database_url: str, objects_url: str) -> Health:
    """The three things without which no request can be answered. Never raises."""
    return Health([_database(database_url), _schema(database_url), _objects(objects_url)])


def _database(url: str) -> Part:
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, application_name="pw-health") as connection:
            connection.execute("select 1")
    except psycopg.Error as error:
        return Part("database", ok=False, detail=f"The database does not answer ({type(error).__name__}).")
    return Part("database", ok=True, detail="The database answers.")


def _schema(url: str) -> Part:
    try:
        pending = pending_migrations(url)
    except psycopg.Error as error:
        return Part("migrations", ok=False, detail=f"The schema could not be asked ({type(error).__name__}).")
    if pending:
        return Part("migrations", ok=False, detail=f"{pending} migrations are missing; `pw up` applies them.")
    return Part("migrations", ok=True, detail="The schema is that of this code.")


def _objects(url: str) -> Part:
    return guarded("objects", lambda: _look(url), "The object store can't be read: {error}")


def _look(url: str) -> str:
    if url.startswith("file://") and not Path(url.removeprefix("file://")).is_dir():
        return "The folder of objects is not there yet; the first object makes it."
    Objects(url).exists(NOBODYS_OBJECT)
    return "The object store answers."


def guarded(name: str, look: Callable[[], str], sentence: str) -> Part:
    """`look`'s sentence, or `sentence` with the error it raised."""
    try:
        return Part(name, ok=True, detail=look())
    except (PwError, OSError) as error:
        return Part(name, ok=False, detail=sentence.format(error=error))


def journal(database_url: str, *, longest_seconds: float, now: Any) -> Part:
    """Whether what may not wait for a dump leaves the machine in time. `now`: the machine's moment."""
    query = """select extract(epoch from %(now)s - least(
                 (select at from pw.journal where shipped_in is null order by seq limit 1),
                 (select min(oldest_at) from pw.journal_shipments where confirmed_at is null))) as exposed"""
    try:
        with psycopg.connect(database_url, connect_timeout=CONNECT_SECONDS, application_name="pw-health") as connection:
            row = connection.execute(query, {"now": now}).fetchone()
    except psycopg.Error as error:
        return Part("journal", ok=False, detail=f"The journal could not be asked ({type(error).__name__}).")
    exposed = float(row[0]) if row and row[0] is not None else 0.0
    if exposed > longest_seconds:
        return Part("journal", ok=False, detail=f"Changes of {exposed:.0f} s ago have not been read back off-site.")
    return Part("journal", ok=True, detail=f"Nothing older than {longest_seconds:.0f} s is on this machine alone.")

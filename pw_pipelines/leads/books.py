"""Our own books of the lead list: pw.subscribers, pw.warmup_admissions, pw.sync_runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.leads.desired import Wanted

Connection = psycopg.Connection[dict[str, Any]]

_COLUMNS = (
    "email, frn, provider, state, reason, listmonk_id, attribs, codes, snapshot_ids, queued_at, admitted_on, synced_at"
)


@dataclass(frozen=True)
class Entry:
    """A row of pw.subscribers; see the model for what each column means."""

    email: str
    frn: str
    provider: str
    state: str
    reason: str | None
    listmonk_id: int | None
    attribs: Mapping[str, Any] = field(default_factory=dict)
    codes: Sequence[str] = ()
    snapshot_ids: Sequence[str] = ()
    queued_at: datetime | None = None
    admitted_on: date | None = None
    synced_at: datetime | None = None


def read_entries(connection: Connection) -> dict[str, Entry]:
    """Every address we ever queued or wrote, by address."""
    return {row["email"]: Entry(**row) for row in connection.execute(f"select {_COLUMNS} from pw.subscribers")}


def write_entries(connection: Connection, entries: Iterable[Entry]) -> None:
    """Writes the rows that differ from what stands there."""
    given = list(entries)  # before the COPY: what makes them may read through the same connection
    connection.execute(
        """create temporary table if not exists wanted_entries (like pw.subscribers including defaults)
           on commit delete rows"""
    )
    connection.execute("truncate wanted_entries")
    with connection.cursor().copy(f"copy wanted_entries ({_COLUMNS}) from stdin") as copy:
        for entry in given:
            copy.write_row(
                (
                    entry.email,
                    entry.frn,
                    entry.provider,
                    entry.state,
                    entry.reason,
                    entry.listmonk_id,
                    Jsonb(dict(entry.attribs)),
                    list(entry.codes),
                    list(entry.snapshot_ids),
                    entry.queued_at,
                    entry.admitted_on,
                    entry.synced_at,
                )
            )
    names = [name.strip() for name in _COLUMNS.split(",")][1:]
    own = ", ".join(f"s.{name}" for name in names)
    new = ", ".join(f"excluded.{name}" for name in names)
    connection.execute(
        f"""insert into pw.subscribers as s ({_COLUMNS}) select {_COLUMNS} from wanted_entries
            on conflict (email) do update set ({", ".join(names)}) = ({new})
            where ({own}) is distinct from ({new})"""
    )


def take_places(connection: Connection, wanted: Sequence[Wanted], *, day: date, now: datetime) -> None:
    """A place of the day's quota for each address; a place of an earlier day that was never used moves to `day`."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into pw.warmup_admissions (email, day, provider, admitted_at) values (%s, %s, %s, %s)
               on conflict (email) do update set day = excluded.day, admitted_at = excluded.admitted_at""",
            [(item.email, day, item.provider, now) for item in wanted],
        )


def give_back_places(connection: Connection, emails: Collection[str], *, day: date) -> None:
    """Frees the places of addresses that Listmonk certainly did not take."""
    connection.execute("delete from pw.warmup_admissions where email = any(%s) and day = %s", (list(emails), day))


def read_admissions(connection: Connection) -> dict[str, date]:
    """Address -> the day whose quota it took a place of."""
    return {row["email"]: row["day"] for row in connection.execute("select email, day from pw.warmup_admissions")}


def start_run(connection: Connection, now: datetime) -> int:
    """A new row of pw.sync_runs, open."""
    row = connection.execute("insert into pw.sync_runs (started_at) values (%s) returning id", (now,)).fetchone()
    assert row is not None
    return int(row["id"])


def end_run(
    connection: Connection, run_id: int, *, ended_at: datetime, counts: Mapping[str, Any], error: str | None
) -> None:
    """Closes a run with its counts, and with the error that ended it early, if one did."""
    connection.execute(
        "update pw.sync_runs set ended_at = %s, counts = %s, error = %s where id = %s",
        (ended_at, Jsonb(dict(counts)), error, run_id),
    )

"""Which documents are to leave within minutes, and which of them nobody has read back off-site: asked of the books.

What shows a filing, a signature or a payout. What was fetched from public sources is not here: it can be fetched again,
is large, and the daily set of objects has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

Connection = psycopg.Connection[dict[str, Any]]
_NEWEST = 5_000  # rows of each table that are looked at: what is older is the daily set's

# Since when a row names it: by the project's clock.
_NAMED = f"""
    select d.digest, min(n.since) as since from (
        (select array[docx_digest, pdf_digest, signed_digest] as digests, made_at as since
           from pw.item_documents order by document_id desc limit {_NEWEST})
        union all
        (select array[digest], at from pw.evidence order by evidence_id desc limit {_NEWEST})
        union all
        (select array[file_digest], created_at from pw.commission_batches order by batch_id desc limit {_NEWEST})
    ) n cross join lateral unnest(n.digests) as d (digest)
    where d.digest is not null group by d.digest
"""
WAITING = f"""
    select named.digest, named.since from ({_NAMED}) named
    where not exists (select from pw.backup_objects o where o.digest = named.digest and o.confirmed_at is not null)
    order by named.since, named.digest
"""
# When a change that names one of these was made, by the machine's clock. Asked only while something waits.
_NAMED_AT = """
    select c.digest, min(j.at) as at from pw.journal j
    cross join lateral (values (j."row" ->> 'digest'), (j."row" ->> 'docx_digest'), (j."row" ->> 'pdf_digest'),
                               (j."row" ->> 'signed_digest'), (j."row" ->> 'file_digest')) as c (digest)
    where j.table_name in ('item_documents', 'evidence', 'commission_batches') and c.digest = any(%s)
    group by c.digest
"""


@dataclass(frozen=True)
class Behind:
    """Documents that are on this machine alone. oldest_at: since when the oldest is, by the machine's clock."""

    documents: int
    oldest_at: datetime | None
    seconds: float


def behind(connection: Connection) -> Behind:
    """What would be lost with this machine."""
    here = waiting(connection)
    if not here:
        return Behind(0, None, 0.0)
    oldest = min(named_at(connection, here).values(), default=None)
    row = connection.execute("select clock_timestamp() as now").fetchone()
    assert row is not None
    seconds = (row["now"] - oldest).total_seconds() if oldest is not None else 0.0
    return Behind(len(here), oldest, max(0.0, seconds))


def named_at(connection: Connection, digests: list[str]) -> dict[str, datetime]:
    """Since when the journal names each of these, by the machine's clock; those it no longer names are left out."""
    rows = connection.execute(_NAMED_AT.encode(), (digests,)).fetchall()
    return {str(row["digest"]): row["at"] for row in rows}


def named(connection: Connection) -> set[str]:
    """Every document that is to leave by turns."""
    return {str(row["digest"]) for row in connection.execute(_NAMED.encode()).fetchall()}


def waiting(connection: Connection) -> list[str]:
    """Digests of those that are on this machine alone, the oldest first."""
    return [str(row["digest"]) for row in connection.execute(WAITING.encode()).fetchall()]

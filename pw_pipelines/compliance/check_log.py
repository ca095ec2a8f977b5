"""The book of compliance checks: pw.compliance_check_log, one row for each question, answered or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from pw_pipelines.monitoring import events

MALFORMED = "malformed"  # stands in `answer` for text that is no FRN
ASKED_CHARACTERS = 100
UTM_KEYS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
UTM_CHARACTERS = 100


def clean_utm(given: Mapping[str, str] | None) -> dict[str, str]:
    """The five known UTM parameters, cut to 100 characters each; empty ones and everything else dropped.

    NUL is taken out because PostgreSQL's text cannot hold it.
    """
    cleaned = {key: (given or {}).get(key, "").replace("\0", "").strip()[:UTM_CHARACTERS] for key in UTM_KEYS}
    return {key: value for key, value in cleaned.items() if value}


def record(
    connection: Connection[dict[str, object]],
    *,
    check_id: UUID,
    checked_at: datetime,
    channel: str,
    asked: str,
    frn: str | None,
    as_of: date,
    answer: str,
    codes: Iterable[str] = (),
    live_sources: Iterable[str] = (),
    utm: Mapping[str, str] | None = None,
    duration_ms: float,
) -> None:
    """Writes one row. `channel` is page, api or cli; `as_of` is the day asked about; `duration_ms` milliseconds.

    The commit is not waited for (synchronous_commit off for this transaction): a power cut may cost the last
    rows of a log, and an answer should not cost a disk flush.
    """
    connection.execute(
        """with unhurried as materialized (select set_config('synchronous_commit', 'off', true) as setting)
           insert into pw.compliance_check_log
             (check_id, checked_at, channel, asked, frn, as_of, answer, codes, live_sources, utm, duration_ms)
           select %s::uuid, %s, %s, %s, %s, %s, %s, %s::text[], %s::text[], %s, %s from unhurried""",
        (
            check_id,
            checked_at,
            channel,
            asked.replace("\0", "")[:ASKED_CHARACTERS],
            frn,
            as_of,
            answer,
            list(codes),
            list(live_sources),
            Jsonb(clean_utm(utm)),
            duration_ms,
        ),
    )
    events.check_asked(
        connection, check_id, channel=channel, answer=answer, asked_at=checked_at, seconds=duration_ms / 1000
    )

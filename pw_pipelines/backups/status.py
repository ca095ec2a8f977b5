"""Where backups stand, subject by subject: what the web app, the doctor, checks, metrics and alerts say alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from pw_pipelines.backups import rounds
from pw_pipelines.backups.drill_sets import CLOCKS_DIFFER
from pw_pipelines.backups.model import SUBJECTS, Subject
from pw_pipelines.settings import Settings


@dataclass(frozen=True)
class Standing:
    """One subject. age_hours: of the newest good set's data; None: there is none. late: older than promised, or none
    although it has been time enough; sets dated ahead of now say nothing of that. skipped: why it is not backed up
    here."""

    subject: Subject
    skipped: str | None
    good: int
    newest: str | None
    captured_at: datetime | None
    age_hours: float | None
    promise_hours: float
    late: bool
    unconfirmed: int
    damaged: tuple[str, ...]
    last_error: str | None
    bytes: int


def standings(connection: psycopg.Connection[Any], settings: Settings, *, now: datetime) -> list[Standing]:
    """Every subject, in the order of SUBJECTS."""
    return [_standing(connection, settings, subject, now) for subject in SUBJECTS]


def _standing(connection: psycopg.Connection[Any], settings: Settings, subject: Subject, now: datetime) -> Standing:
    row = connection.execute(
        """select count(*) filter (where good)::int as good,
                  max(captured_at) filter (where good and not ahead) as captured_at,
                  (array_agg(set_id order by captured_at desc) filter (where good and not ahead))[1] as newest,
                  count(*) filter (where state = 'complete' and confirmed_at is null)::int as unconfirmed,
                  array_agg(set_id order by set_id) filter (where damage is not null) as damaged,
                  coalesce(sum(bytes) filter (where state = 'complete'), 0)::bigint as bytes,
                  min(started_at) as first
           from (select *, state = 'complete' and confirmed_at is not null and verified_at is not null
                           and damage is null as good,
                        captured_at > %s as ahead  -- made while a clock was wrong: says nothing of how old data is
                 from pw.backup_sets where subject = %s and state <> 'expired') as sets""",
        (now + CLOCKS_DIFFER, subject),
    ).fetchone()
    last = connection.execute(
        "select state, error, offsite_error, damage from pw.backup_sets where subject = %s and state <> 'making'"
        " and state <> 'expired' order by started_at desc limit 1",
        (subject,),
    ).fetchone()
    assert row is not None
    promise = settings.backup_promise_hours.get(subject, 30.0)
    captured_at = row["captured_at"]
    age = (now - captured_at).total_seconds() / 3600 if captured_at else None
    since = age if age is not None else ((now - row["first"]).total_seconds() / 3600 if row["first"] else None)
    skipped = rounds.why_not(settings, subject)
    return Standing(
        subject=subject, skipped=skipped, good=row["good"], newest=row["newest"], captured_at=captured_at,
        age_hours=None if age is None else round(age, 2), promise_hours=promise,
        late=skipped is None and ((since is not None and since > promise) or (row["good"] > 0 and age is None)),
        unconfirmed=row["unconfirmed"], damaged=tuple(row["damaged"] or ()),
        last_error=(last["error"] or last["damage"] or last["offsite_error"]) if last else None, bytes=row["bytes"],
    )  # fmt: skip

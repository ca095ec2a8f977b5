"""Old reports are forgotten; what a suppression rests on, and what Listmonk has not been told, is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pw_pipelines.db.connection import Database

MOST = 50_000  # results a night; a backlog is worked off over several

# An address that is suppressed for its bounces keeps every report of it: they are why nobody writes there again, and
# their number does not grow. A stop's own evidence goes with the suppression of whoever complained.
_RESULTS = """
    delete from pw.bounce_results where result_id in (
        select r.result_id from pw.bounce_results r
        where r.at < %(before)s and (r.told_as is null or r.told_at is not null)
          and not exists (select from pw.suppressions s where s.origin = 'bounces' and s.email = r.email)
          and not exists (select from pw.suppressions s
                          where s.origin = 'bounces' and s.evidence ->> 'report' = r.digest)
        order by r.at limit %(most)s)
"""
_MESSAGES = """
    delete from pw.bounce_messages m
    where m.worked_at < %(before)s and not exists (select from pw.bounce_results r where r.digest = m.digest)
"""


@dataclass(frozen=True)
class Forgotten:
    """Rows that went."""

    results: int
    messages: int


def forget_old(db: Database, before: datetime, *, most: int = MOST) -> Forgotten:
    """Removes what was worked before `before` and nobody stands on. The mails themselves stay in the object store."""
    with db.connect(application="pw retention") as connection:
        values = {"before": before, "most": most}
        results = connection.execute(_RESULTS.encode(), values).rowcount
        return Forgotten(results, connection.execute(_MESSAGES.encode(), values).rowcount)

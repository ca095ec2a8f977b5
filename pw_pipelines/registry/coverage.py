"""What stands in the register of a state, how old it is and what is missing of it: kept at every load, judged at
every search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Literal

from psycopg import sql

from pw_pipelines.db.connection import Database
from pw_pipelines.registry import rekeying
from pw_pipelines.registry.model import Coverage
from pw_pipelines.registry.staging import qualified
from pw_pipelines.snapshots.books import Connection
from pw_pipelines.sources.contract import contract
from pw_pipelines.sources.registers import registers_of

BESIDE = ("sunbiz_fic", "sunbiz_fic_daily")  # registers of names that stand beside the companies', and block nothing
DAYS_SHOWN = 5


@dataclass(frozen=True)
class Sources:
    """A state's registers of companies: those that come whole, and those that bring each day's news."""

    whole: tuple[str, ...]
    daily: tuple[str, ...]


@cache
def sources(state: str, what: Literal["entities", "events"] = "entities") -> Sources:
    """The sources that a state's coverage is made of; `events`: those that tell changes of names, where it has them."""
    readers = [one for one in registers_of(state) if one.what == what and one.source not in BESIDE]
    return Sources(
        whole=tuple(one.source for one in readers if one.share == "whole"),
        daily=tuple(one.source for one in readers if one.share == "increment"),
    )


# One that was graded partial is smaller than any whole register, whatever its file says.
_IS_WHOLE = "loaded_at is not null and facts ->> 'share' = 'whole' and grade <> 'partial'"
# The newest whole copy of each source, recalled or not: a recalled one is not followed by the one it replaced,
# whose rows are gone.
_WHOLES = f"""select distinct on (source) source, snapshot_id, as_of from pw.snapshots
             where source = any(%(whole)s) and {_IS_WHOLE}
             order by source, as_of desc, fetched_at desc"""
# The one rule of which copy is the whole of its day in a daily set: what is told to be missing and what is fetched
# again both follow it. A part (cut short, of no known name) is of no day, nor is a file under another's day; an empty
# one counts only from the server, for a download that failed looks the same.
_HOLDS_ITS_DAY = """loaded_at is not null and recalled_at is null and facts ->> 'share' in ('increment', 'whole')
                    and coalesce(facts ->> 'day', as_of::text) = as_of::text
                    and (size_bytes > 0 or origin = 'fetched')"""
_DAYS = f"""select max(as_of) as newest, array_agg(distinct as_of) as days,
               (array_agg(snapshot_id order by as_of desc, fetched_at desc))[1] as snapshot_id
           from pw.snapshots
           where source = any(%(daily)s) and {_HOLDS_ITS_DAY} and as_of > {{day}}"""
# What a part of a day's file could not tell, the whole file of that day has told.
_IS_MADE_GOOD = f"""(p.facts ->> 'share' is not distinct from 'part' and exists (
                        select 1 from pw.snapshots where source = p.source and as_of = p.as_of and {_HOLDS_ITS_DAY}))"""

# All that the books tell of one state, in one question: it is asked at every search.
_TOLD = f"""
    select c.*, w.recalled_at as whole_recalled, w.recall_reason,
           (select array_agg(p.snapshot_id order by p.as_of) from pw.snapshots p
            where p.source = any(%(entities)s) and p.recalled_at is not null and p.snapshot_id <> w.snapshot_id
              and (p.loaded_at > w.loaded_at or (p.recalled_at >= w.loaded_at and p.as_of > w.as_of))
           ) as taken_back,
           (select sum(p.rejected_rows) from pw.snapshots p
            where p.source = any(%(entities)s) and p.recalled_at is null and p.loaded_at is not null
              and p.as_of >= c.whole_as_of and not {_IS_MADE_GOOD}) as unreadable,
           (select count(*) from ({rekeying.STALE}) s) as stale,
           e.wholes as event_wholes, e.day as events_whole_as_of,
           t.taken_back as events_taken_back, t.unreadable as events_unreadable,
           d.newest as events_newest, d.days as event_days
    from registry.coverage c left join pw.snapshots w on w.snapshot_id = c.whole_snapshot_id
    cross join lateral (select count(*) as wholes, min(as_of) as day from ({_WHOLES}) one) e
    cross join lateral (
        select array_agg(snapshot_id order by as_of) filter (where recalled_at is not null) as taken_back,
               sum(rejected_rows) filter (where recalled_at is null and not {_IS_MADE_GOOD}) as unreadable
        from pw.snapshots p
        where source = any(%(whole)s || %(daily)s) and loaded_at is not null and as_of >= e.day) t
    cross join lateral ({_DAYS.format(day="e.day")}) d
    where c.state = %(state)s"""


def days_held(connection: Connection, source: str) -> dict[date, int]:
    """The days of a daily set that stand here whole, with the bytes of their largest file (0: a day without filings).

    Every other day is missing, whatever was loaded of it.
    """
    found = connection.execute(
        f"""select as_of, max(size_bytes) as size from pw.snapshots where source = %s and {_HOLDS_ITS_DAY}
            group by as_of""",
        (source,),
    ).fetchall()
    return {row["as_of"]: int(str(row["size"])) for row in found if isinstance(row["as_of"], date)}


def newest_whole(connection: Connection, source: str) -> date | None:
    """The day of the newest whole copy of a source that was put in force and not taken back."""
    row = connection.execute(
        f"select max(as_of) as day from pw.snapshots where source = %s and {_IS_WHOLE} and recalled_at is null",
        (source,),
    ).fetchone()
    return row["day"] if row and isinstance(row["day"], date) else None


def has_whole(connection: Connection, state: str) -> bool:
    """Whether every source of the state stands here whole."""
    row = connection.execute("select whole_as_of from registry.coverage where state = %s", (state,)).fetchone()
    return row is not None and row["whole_as_of"] is not None


def names(db: Database, state: str) -> int:
    """How many names of a state can be searched here."""
    with db.connect() as connection:
        row = connection.execute(
            "select rows - unnamed as n from registry.coverage where state = %s", (state,)
        ).fetchone()
    return int(str(row["n"])) if row else 0


def refresh(connection: Connection, state: str, *, table: str | None, now: datetime) -> None:
    """Writes the state's line anew from the books and from `table`, its partition, within the caller's transaction."""
    told = sources(state)
    wholes = connection.execute(_WHOLES, {"whole": list(told.whole)}).fetchall()
    oldest = min(wholes, key=lambda row: str(row["as_of"])) if wholes and len(wholes) == len(told.whole) else None
    whole_day = oldest["as_of"] if oldest else None
    newest, missing = None, []
    if isinstance(whole_day, date) and told.daily:
        told_of = {"daily": list(told.daily), "day": whole_day}
        newest = connection.execute(_DAYS.format(day="%(day)s"), told_of).fetchone()
        days = newest["days"] if newest else None
        if isinstance(days, list):
            missing = _missing(whole_day, days)
    counted = None
    if table is not None:
        counted = connection.execute(
            sql.SQL("select count(*) as rows, count(*) filter (where name is null) as unnamed from {}").format(
                qualified(table)
            )
        ).fetchone()
    connection.execute(
        """insert into registry.coverage (state, rows, unnamed, whole_snapshot_id, whole_as_of, increment_snapshot_id,
                                          increment_as_of, missing_days, loaded_at)
           values (%(state)s, coalesce(%(rows)s, 0), coalesce(%(unnamed)s, 0), %(whole)s, %(whole_day)s, %(inc)s,
                   %(inc_day)s, %(missing)s::date[], %(now)s)
           on conflict (state) do update set rows = coalesce(%(rows)s, coverage.rows),
               unnamed = coalesce(%(unnamed)s, coverage.unnamed), whole_snapshot_id = excluded.whole_snapshot_id,
               whole_as_of = excluded.whole_as_of, increment_snapshot_id = excluded.increment_snapshot_id,
               increment_as_of = excluded.increment_as_of, missing_days = excluded.missing_days,
               loaded_at = excluded.loaded_at""",
        {
            "state": state,
            "rows": counted["rows"] if counted else None,
            "unnamed": counted["unnamed"] if counted else None,
            "whole": oldest["snapshot_id"] if oldest else None,
            "whole_day": whole_day,
            "inc": newest["snapshot_id"] if newest else None,
            "inc_day": newest["newest"] if newest else None,
            "missing": missing,
            "now": now,
        },
    )


def _missing(after: date, days: Sequence[date]) -> list[date]:
    """Days between `after` and the newest of `days` of which no whole file is here."""
    have, newest = set(days), max(days)
    return [day for n in range(1, (newest - after).days) if (day := after + timedelta(days=n)) not in have]


def coverage(connection: Connection, state: str, today: date, *, gaps: Sequence[str] = ()) -> Coverage:
    """What our data of one state is worth on `today` (the state's own day). `gaps`: what its sources never hold."""
    entities, events = sources(state), sources(state, "events")
    row = connection.execute(
        _TOLD,
        {
            "state": state,
            "entities": [*entities.whole, *entities.daily],
            "whole": list(events.whole),
            "daily": list(events.daily),
            **rekeying.current(state),
        },
    ).fetchone()
    if row is None:
        return Coverage(state, 0, None, tuple(gaps), is_usable=False, why_not=f"No register of {state} is loaded here.")
    whole_day, increment_day, missing = row["whole_as_of"], row["increment_as_of"], row["missing_days"]
    as_of = max((day for day in (whole_day, increment_day) if isinstance(day, date)), default=None)
    told = list(gaps)
    reasons: list[str] = []
    if not isinstance(whole_day, date) or as_of is None:
        as_of = None
        reasons.append(f"No whole copy of {state}'s register is loaded here, only parts of it.")
    else:
        if row["whole_recalled"] is not None:
            reasons.append(f"The whole copy of {whole_day} was taken back: {row['recall_reason']}")
        if isinstance(row["taken_back"], list):
            reasons.append(f"Copies that stand in the register were taken back: {', '.join(row['taken_back'])}.")
        if isinstance(missing, list) and missing:
            as_of = missing[0] - timedelta(days=1)
            reasons.append(f"{_missing_in_words(missing)}; its whole file or a new whole copy mends that.")
        if count := int(str(row["unreadable"] or 0)):
            reasons.append(f"{count:,} records could not be read; whoever stands in them is not seen here.")
        if too_old := _too_old(entities, whole_day, increment_day, missing, today):
            reasons.append(too_old)
    reasons += _events(row, state, today)
    if older := int(str(row["stale"])):
        reasons.append(
            f"{older} cop{'ies were' if older > 1 else 'y was'} loaded under older comparison keys; load it again: any "
            f"file of {state}, old or new, keys all names anew (pw names load {state} FILE, or its next fetch)."
        )
    if unnamed := int(str(row["unnamed"])):
        reasons.append(f"{unnamed:,} record{'s have' if unnamed > 1 else ' has'} no name here.")
    return Coverage(
        state,
        int(str(row["rows"])),
        as_of,
        (*told, *reasons),
        is_usable=not reasons,
        why_not=" ".join(reasons) or None,
    )


def _events(row: Mapping[str, object], state: str, today: date) -> list[str]:
    """Why a change of name may not be seen here, in sentences; none where the state has no set of events."""
    told = sources(state, "events")
    whole_day = row["events_whole_as_of"]
    if not told.whole:
        return []
    if int(str(row["event_wholes"])) < len(told.whole) or not isinstance(whole_day, date):
        return [f"No whole set of {state}'s events is loaded here, so changes of names are not seen."]
    reasons = []
    if isinstance(taken_back := row["events_taken_back"], list):
        reasons.append(f"Copies of {state}'s events were taken back: {', '.join(taken_back)}.")
    if count := int(str(row["events_unreadable"] or 0)):
        reasons.append(f"{count:,} events could not be read; a change of name in them is not seen here.")
    newest, days = row["events_newest"], row["event_days"]
    missing = _missing(whole_day, days) if isinstance(days, list) else []
    if missing:
        reasons.append(f"{_missing_in_words(missing, 'of events ')}.")
    if too_old := _too_old(told, whole_day, newest, missing, today):
        reasons.append(f"Events: {too_old}")
    return reasons


def _too_old(told: Sources, whole: date, increment: object, missing: object, today: date) -> str | None:
    limits = [contract(one).freshness.fail_hours for one in told.whole]
    if limits and (today - whole).days * 24 > min(limits):
        return (
            f"The whole copy of {whole} is {(today - whole).days} days old, more than the {min(limits)} hours allowed."
        )
    limits = [contract(one).freshness.fail_hours for one in told.daily]
    gap = missing[0] if isinstance(missing, list) and missing else None
    as_of = gap - timedelta(days=1) if gap else increment if isinstance(increment, date) else whole
    if not limits or (today - as_of).days * 24 <= min(limits):
        return None
    age = f"{(today - as_of).days} days ago, more than the {min(limits)} hours allowed"
    if gap:
        return f"Whole up to {as_of}, {age}; newer files are there, but of {gap} none is whole."
    what = "The newest daily file" if isinstance(increment, date) else "Since the whole copy no daily file came; it"
    return f"{what} is of {as_of}, {age}."


def _missing_in_words(days: Sequence[date], of_what: str = "") -> str:
    more = f" and {len(days) - DAYS_SHOWN} more" if len(days) > DAYS_SHOWN else ""
    count = f"1 day {of_what}is" if len(days) == 1 else f"{len(days)} days {of_what}are"
    return f"{count} missing: {', '.join(str(day) for day in days[:DAYS_SHOWN])}{more}"

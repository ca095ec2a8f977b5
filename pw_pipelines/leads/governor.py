"""How many new people may hear from us today: the warm-up quota, its shares by mail provider, its brakes.

A place of the quota is a row in pw.warmup_admissions, committed before Listmonk is told; counting rows is the only
count there is. No official warm-up figures exist; mail services publish 50 to 200 a day for a first week, growing
only while bounces stay under 2 % and complaints under 0.1 %, stopping above 5 % and 0.3 %. Google's and Yahoo's
sender rules (2024) put the complaint limit at 0.3 % (support.google.com/a/answer/81126).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from pw_pipelines.leads.addresses import OTHER
from pw_pipelines.leads.desired import Wanted
from pw_pipelines.leads.stops import open_stops
from pw_pipelines.settings import Settings

Connection = psycopg.Connection[dict[str, Any]]

WINDOW_DAYS = 7
HALVE_AT_BOUNCE_PCT = 2.0
STOP_AT_BOUNCE_PCT = 5.0
STOP_AT_COMPLAINT_PCT = 0.3
# A rate is believed from so many recipients on, or from so many events on however few the recipients; a single
# event never brakes, since one of 334 would already be over the complaint limit by chance.
ENOUGH_RECIPIENTS = 50
ENOUGH_EVENTS = 5
FEWEST_EVENTS = 2


@dataclass(frozen=True)
class Week:
    """The last seven days: people admitted, and distinct addresses that bounced hard or complained."""

    admitted: int = 0
    bounced: int = 0
    complained: int = 0

    def __add__(self, other: Week) -> Week:
        return Week(self.admitted + other.admitted, self.bounced + other.bounced, self.complained + other.complained)


@dataclass(frozen=True)
class Quota:
    """One day's quota. `limit`: of `per_day`, after the brakes. `caps`: most for a provider; none for `other`."""

    day: date
    per_day: int
    limit: int
    used: Mapping[str, int]
    caps: Mapping[str, int]
    reasons: tuple[str, ...]

    @property
    def is_stopped(self) -> bool:
        return self.limit == 0

    @property
    def left(self) -> int:
        return max(self.limit - sum(self.used.values()), 0)


@dataclass(frozen=True)
class Past:
    """What our books know of an address: the day of its place in a quota, and whether it was ever on the list."""

    queued_at: datetime | None = None
    admitted_on: date | None = None
    was_on_list: bool = False


@dataclass(frozen=True)
class Admission:
    """`places`: take a place today. `known`: go without one, for they had theirs. `waiting`: another day."""

    places: tuple[Wanted, ...]
    known: tuple[Wanted, ...]
    waiting: tuple[Wanted, ...]


def brake(week: Week, who: str) -> tuple[float, str | None]:
    """(factor on the quota: 1, 0.5 or 0; the reason in words, None for 1)."""
    for events, stop, halve, deed in (
        (week.complained, STOP_AT_COMPLAINT_PCT, None, "complained"),
        (week.bounced, STOP_AT_BOUNCE_PCT, HALVE_AT_BOUNCE_PCT, "bounced hard"),
    ):
        if events < FEWEST_EVENTS or (week.admitted < ENOUGH_RECIPIENTS and events < ENOUGH_EVENTS):
            continue
        rate = 100.0 * events / max(week.admitted, 1)
        told = f"{who}: {events} of {week.admitted} recipients {deed} in {WINDOW_DAYS} days ({rate:.1f} %"
        if rate >= stop:
            return 0.0, f"{told}, limit {stop:g} %): nobody new is written to."
        if halve is not None and rate >= halve:
            return 0.5, f"{told}, limit {halve:g} %): the quota is halved."
    return 1.0, None


def quota_of(*, day: date, per_day: int, share_pct: int, used: Mapping[str, int], weeks: Mapping[str, Week]) -> Quota:
    """The day's quota from the week behind it. `weeks` and `used` are by provider.

    A named provider may take `share_pct` of the limit, less if its own week brakes it. `other` is many servers and
    has no share of its own.
    """
    reasons: list[str] = []
    factor, reason = brake(sum(weeks.values(), Week()), "all mail")
    reasons += [reason] if reason else []
    limit = int(per_day * factor)
    caps: dict[str, int] = {}
    for provider in sorted({*weeks, *used} - {OTHER}):
        own, reason = brake(weeks.get(provider, Week()), provider)
        reasons += [reason] if reason else []
        caps[provider] = int(limit * share_pct / 100 * own)
    return Quota(day, per_day, limit, dict(used), caps, tuple(reasons))


def cap_of(quota: Quota, provider: str, share_pct: int) -> int:
    """Most places of the day for one provider."""
    if provider == OTHER:
        return quota.limit
    return quota.caps.get(provider, int(quota.limit * share_pct / 100))


def admit(waiting: Sequence[Wanted], past: Mapping[str, Past], quota: Quota, *, share_pct: int) -> Admission:
    """Who goes to Listmonk now: those admitted but never told first, then the worst, then the longest waiting.

    Who was on the list before goes without a place: a mailbox that knows us is no new recipient. A place taken on
    an earlier day whose write never happened is taken again, out of today's quota. When stopped, nobody goes.
    """
    if quota.is_stopped:
        return Admission((), (), tuple(waiting))

    def turn(wanted: Wanted) -> tuple[bool, int, float, str]:
        known = past.get(wanted.email, Past())
        since = known.queued_at.timestamp() if known.queued_at else float("inf")
        return (known.admitted_on is None, wanted.lead.severity_rank, since, wanted.lead.frn)

    used = Counter(quota.used)
    left = quota.left
    places: list[Wanted] = []
    known_ones: list[Wanted] = []
    others: list[Wanted] = []
    for wanted in sorted(waiting, key=turn):
        known = past.get(wanted.email, Past())
        if known.was_on_list or known.admitted_on == quota.day:
            known_ones.append(wanted)
        elif left > 0 and used[wanted.provider] < cap_of(quota, wanted.provider, share_pct):
            places.append(wanted)
            used[wanted.provider] += 1
            left -= 1
        else:
            others.append(wanted)
    return Admission(tuple(places), tuple(known_ones), tuple(others))


def read_quota(connection: Connection, *, settings: Settings, now: datetime, today: date) -> Quota:
    """The quota of `today` (America/New_York), counted in our own tables."""
    first = today - timedelta(days=WINDOW_DAYS - 1)
    weeks: dict[str, Week] = {}
    for row in connection.execute(
        "select provider, count(*) as n from pw.warmup_admissions where day between %s and %s group by provider",
        (first, today),
    ):
        weeks[row["provider"]] = Week(admitted=row["n"])
    for row in connection.execute(
        """select provider, count(distinct email) filter (where type = 'hard') as bounced,
                  count(distinct email) filter (where type = 'complaint') as complained
           from pw.bounces where bounced_at > %s and bounced_at <= %s group by provider""",
        (now - timedelta(days=WINDOW_DAYS), now + timedelta(minutes=5)),  # clocks of two machines differ a little
    ):
        found = Week(bounced=row["bounced"], complained=row["complained"])
        weeks[row["provider"]] = weeks.get(row["provider"], Week()) + found
    used = {
        row["provider"]: row["n"]
        for row in connection.execute(
            "select provider, count(*) as n from pw.warmup_admissions where day = %s group by provider", (today,)
        )
    }
    quota = quota_of(
        day=today,
        per_day=settings.warmup_per_day,
        share_pct=settings.warmup_provider_share_pct,
        used=used,
        weeks=weeks,
    )
    stopped = next((each for each in open_stops(connection) if each.segment is None), None)
    if stopped is None:
        return quota
    why = f"All sending is stopped since {stopped.raised_at:%Y-%m-%d %H:%M} UTC: {stopped.reason} `pw leads resume`."
    return replace(quota, limit=0, caps=dict.fromkeys(quota.caps, 0), reasons=(why, *quota.reasons))

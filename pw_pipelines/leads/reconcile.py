"""Reconciles Listmonk's lead list with the leads: read back first, compare, write the difference.

The order is the safety: (1) opt-outs and bounces are read back and written into our books before anything else;
(2) the difference is computed from what was read; (3) places of the day's quota are committed; (4) only then is
Listmonk written to. A run that dies anywhere is healed by the next one, because every run starts from what is there.
A read that fails ends the run: a failed read is not an empty list.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import psycopg

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError
from pw_pipelines.leads import books, mail_days, suppression
from pw_pipelines.leads.addresses import provider_of
from pw_pipelines.leads.books import Entry
from pw_pipelines.leads.changes import Changes, subscribers_to_change, why_gone
from pw_pipelines.leads.desired import (
    NO_PROVENANCE,
    STALE,
    Desired,
    Lead,
    choose,
    read_leads,
    read_snapshots,
)
from pw_pipelines.leads.governor import Admission, Past, Quota, admit, read_quota
from pw_pipelines.leads.stops import stopped_frns
from pw_pipelines.leads.suppression import Suppressed, strongest
from pw_pipelines.leads.sync_report import QuotaUse, SyncReport
from pw_pipelines.leads.writing import Outcome, carry_out
from pw_pipelines.resources.listmonk import BounceRow, Listmonk, ListmonkForbidden, Subscriber
from pw_pipelines.resources.listmonk_campaigns import Campaign, campaigns
from pw_pipelines.settings import Settings

Connection = psycopg.Connection[dict[str, Any]]

# Held for these, an address that is on the list already stays there: nothing says that its findings are gone.
_KEPT_WHEN_HELD = frozenset({STALE, NO_PROVENANCE})


GONE = "no longer on the list in Listmonk, and not by us"
GONE_AT_ONCE, GONE_SHARE_PCT = 20, 5  # more than both: nobody's decision, but a loss


class ListLost(PwError):
    """Listmonk no longer has many of those we put there."""


class SyncBusy(PwError):
    """Another reconciliation is running; two would take the same places of the quota."""


@dataclass(frozen=True)
class _ReadBack:
    """Listmonk's state, read whole. `members` by address: each row of the list. `campaigns` None: not ours to see."""

    members: Mapping[str, Subscriber]
    not_mailable: list[Subscriber]
    bounces: list[BounceRow]
    campaigns: list[Campaign] | None


@dataclass(frozen=True)
class _Plan:
    desired: Desired
    suppressed: Suppressed
    changes: Changes
    quota: Quota
    admission: Admission
    entries: dict[str, Entry]
    new_suppressions: int
    new_bounces: int


def sync(db: Database, listmonk: Listmonk, *, settings: Settings, now: datetime, today: date) -> SyncReport:
    """Brings list `settings.listmonk_list_id` to what the marts say, within the day's quota.

    `now` aware, `today` America/New_York. Raises SyncBusy; ListmonkUnavailable or ListmonkRefused when Listmonk
    could not be read or written (what was done until then is in the books); ConfigError when marts were never built.
    """
    started = time.monotonic()
    with _alone(db):
        with db.connect(application="pw-leads") as connection:
            run_id = books.start_run(connection, now)
        try:
            back = _read_back(listmonk, settings.listmonk_list_id)
            plan = _plan(db, back, settings=settings, now=now, today=today)
            admitted = (*plan.admission.known, *plan.admission.places)
            outcome = carry_out(listmonk, plan.changes, admitted, settings.listmonk_list_id)
            report = _book(
                db,
                plan,
                outcome,
                sent=back.campaigns,
                run_id=run_id,
                settings=settings,
                now=now,
                today=today,
                started=started,
            )
            if outcome.failure is not None:
                raise outcome.failure
        except Exception as error:
            with db.connect(application="pw-leads") as connection:
                connection.execute(
                    "update pw.sync_runs set error = %s, ended_at = coalesce(ended_at, %s) where id = %s",
                    (str(error), settings.clock.now(), run_id),
                )
            raise
    return report


@contextmanager
def _alone(db: Database) -> Iterator[None]:
    """Holds the one lock of all reconciliations; it falls with the connection, so a killed run frees it."""
    with db.connect(application="pw-leads-lock") as connection:
        connection.autocommit = True
        row = connection.execute("select pg_try_advisory_lock(hashtext('pw.leads.sync')) as free").fetchone()
        if row is None or not row["free"]:
            raise SyncBusy("Another reconciliation with Listmonk is running; wait for it to end, then try again.")
        yield


def _read_back(listmonk: Listmonk, list_id: int) -> _ReadBack:
    listmonk.demand_list(list_id)
    members = listmonk.members(list_id)
    try:
        found: list[Campaign] | None = campaigns(listmonk)
    except ListmonkForbidden:  # an API user without campaigns:get; `campaign_templates` says so
        found = None
    people = {member.email: member for member in members}
    return _ReadBack(people, listmonk.not_mailable(), listmonk.bounces(), found)


def _plan(db: Database, back: _ReadBack, *, settings: Settings, now: datetime, today: date) -> _Plan:
    """Everything decided and committed before Listmonk is told anything: one transaction."""
    with db.connect(application="pw-leads") as connection:
        known = suppression.read_suppressed(connection)
        people = [*back.members.values(), *back.not_mailable]
        opinions = suppression.opinions_read_back(people, back.bounces, known, now)
        new_suppressions = suppression.record(connection, opinions)
        new_bounces = suppression.record_bounces(connection, back.bounces)
        suppressed = suppression.read_suppressed(connection) if opinions else known

        leads = read_leads(connection)
        desired = choose(leads, read_snapshots(connection, leads), settings=settings, today=today)
        old = books.read_entries(connection)
        if gone := _taken_off(old, back.members, desired, suppressed):
            opinions = [suppression.Opinion(email, "manual", now, "listmonk", {"gone": GONE}) for email in gone]
            new_suppressions += suppression.record(connection, opinions)
            suppressed = suppression.read_suppressed(connection)
        reasons = _why_gone(connection, old, desired)
        changes = subscribers_to_change(
            desired.wanted,
            back.members,
            suppressed,
            list_id=settings.listmonk_list_id,
            kept={email for email, (reason, _) in desired.held.items() if reason in _KEPT_WHEN_HELD},
            ours={email: reason for email, reason in reasons.items() if old[email].synced_at is not None},
        )
        quota = read_quota(connection, settings=settings, now=now, today=today)
        admissions = books.read_admissions(connection)
        past = {
            wanted.email: Past(
                queued_at=old[wanted.email].queued_at if wanted.email in old else None,
                admitted_on=admissions.get(wanted.email),
                was_on_list=wanted.email in old and old[wanted.email].synced_at is not None,
            )
            for wanted in changes.join
        }
        stopped = stopped_frns(connection)
        free = [wanted for wanted in changes.join if stopped.keys().isdisjoint(wanted.attribs["frns"])]
        admission = admit(free, past, quota, share_pct=settings.warmup_provider_share_pct)
        books.take_places(connection, admission.places, day=today, now=now)
        admissions |= {wanted.email: today for wanted in admission.places}
        entries = _entries(desired, suppressed, back.members, old, reasons=reasons, admissions=admissions, now=now)
        books.write_entries(connection, entries.values())
    return _Plan(desired, suppressed, changes, quota, admission, entries, new_suppressions, new_bounces)


def _taken_off(
    old: Mapping[str, Entry], members: Mapping[str, Subscriber], desired: Desired, suppressed: Suppressed
) -> list[str]:
    """Addresses that we put on the list, would put there again, and that somebody took off or deleted meanwhile.

    Whoever did it (the person by Listmonk's own page, or staff on the telephone) meant it: they are not put back.
    Raises ListLost when so many are gone that Listmonk itself must have lost them.
    """
    ours = [email for email, entry in old.items() if entry.state == "synced" and entry.listmonk_id is not None]
    gone = [email for email in ours if email not in members and email in desired.wanted and email not in suppressed]
    if len(gone) > max(GONE_AT_ONCE, len(ours) * GONE_SHARE_PCT // 100):
        raise ListLost(
            f"{len(gone):,} of {len(ours):,} addresses that we put on the list are no longer there. That looks like a "
            "restored backup or another list, not like people leaving; nothing was written. If they were taken off on "
            "purpose, suppress them (`pw leads suppress EMAIL`) and run again; otherwise restore Listmonk's list."
        )
    return gone


def _why_gone(connection: Connection, old: Mapping[str, Entry], desired: Desired) -> dict[str, str]:
    """Every address of ours -> why it would leave the list, were it to leave now."""
    recalled = {
        row["snapshot_id"]
        for row in connection.execute("select snapshot_id from pw.snapshots where recalled_at is not null")
    }
    deficient = {row["frn"] for row in connection.execute("select distinct frn from marts.findings")}
    return {
        email: desired.held[email][0]
        if email in desired.held
        else why_gone(
            frn=entry.frn,
            snapshot_ids=entry.snapshot_ids,
            recalled=recalled,
            deficient=deficient,
            leads=desired.frns,
        )
        for email, entry in old.items()
    }


def _entries(
    desired: Desired,
    suppressed: Suppressed,
    members: Mapping[str, Subscriber],
    old: Mapping[str, Entry],
    *,
    reasons: Mapping[str, str],
    admissions: Mapping[str, date],
    now: datetime,
) -> dict[str, Entry]:
    """Our books as they stand before Listmonk is written to."""
    entries: dict[str, Entry] = {}

    def put(email: str, lead: Lead, state: str, reason: str | None) -> None:
        before, member = old.get(email), members.get(email)
        synced = state == "synced" and member is not None
        entries[email] = Entry(
            email=email,
            frn=lead.frn,
            provider=provider_of(email),
            state=state,
            reason=reason,
            listmonk_id=member.id if member else (before.listmonk_id if before and state != "queued" else None),
            attribs=_ours(member.attribs) if synced and member else (before.attribs if before else {}),
            codes=lead.codes,
            snapshot_ids=lead.snapshot_ids,
            queued_at=(before.queued_at if before else None) or now,
            admitted_on=admissions.get(email),
            synced_at=(before.synced_at if before else None) or (now if synced else None),
        )

    for email, wanted in desired.wanted.items():
        if email in suppressed:
            put(email, wanted.lead, "held", f"suppressed: {strongest(suppressed[email])}")
        else:
            put(email, wanted.lead, "synced" if email in members else "queued", None)
    for email, (reason, lead) in desired.held.items():
        stays = reason in _KEPT_WHEN_HELD and email in members
        put(email, lead, "synced" if stays else "held", reason)
    for email, entry in old.items():
        if email in entries:
            continue
        if email in suppressed:
            entries[email] = replace(entry, state="held", reason=f"suppressed: {strongest(suppressed[email])}")
        elif email not in members and entry.state != "withdrawn":
            entries[email] = replace(entry, state="withdrawn", reason=reasons[email])
    return entries


def _ours(attribs: Mapping[str, Any]) -> dict[str, Any]:
    names = ("frn", "frns", "company", "codes", "sure_codes", "severity", "check_url", "as_of")
    return {name: attribs[name] for name in names if name in attribs}


def _book(
    db: Database,
    plan: _Plan,
    outcome: Outcome,
    *,
    sent: list[Campaign] | None,
    run_id: int,
    settings: Settings,
    now: datetime,
    today: date,
    started: float,
) -> SyncReport:
    """Writes down what was done, whole or cut short, and the run's counts."""
    with db.connect(application="pw-leads") as connection:
        refusals = suppression.opinions_read_back(outcome.opted_out.values(), (), plan.suppressed, now)
        newly = suppression.record(connection, refusals)
        unused = {wanted.email for wanted in plan.admission.places} & {*outcome.opted_out, *outcome.refused}
        books.give_back_places(connection, unused, day=today)
        books.write_entries(connection, _done(connection, plan, outcome, now))
        quota = read_quota(connection, settings=settings, now=now, today=today)
        report = _report(plan, outcome, quota, run_id=run_id, newly=newly, seconds=time.monotonic() - started)
        counted = {} if sent is None else {mail_days.KEY: mail_days.book(connection, sent, now=now, today=today)}
        books.end_run(
            connection,
            run_id,
            ended_at=settings.clock.now(),
            counts={**report.counts(), **counted},
            error=str(outcome.failure) if outcome.failure else None,
        )
    return report


def _done(connection: Connection, plan: _Plan, outcome: Outcome, now: datetime) -> Iterable[Entry]:
    """The rows of our books that the writes changed."""
    wanted = plan.desired.wanted
    for email, listmonk_id in {**outcome.created, **outcome.joined}.items():
        yield replace(
            plan.entries[email],
            state="synced",
            listmonk_id=listmonk_id,
            attribs=wanted[email].attribs,
            synced_at=plan.entries[email].synced_at or now,
        )
    for email in outcome.updated:
        yield replace(plan.entries[email], attribs=wanted[email].attribs)
    for email in outcome.opted_out:
        yield replace(plan.entries[email], state="held", reason="opted out in Listmonk", admitted_on=None)
    for email, refusal in outcome.refused.items():
        if plan.entries[email].state == "synced":  # an update was refused; the person is on the list all the same
            yield replace(plan.entries[email], reason=refusal)
        else:
            yield replace(plan.entries[email], state="held", reason=refusal, admitted_on=None)
    stored = books.read_entries(connection)
    for email, reason in outcome.removed.items():
        if email in stored:
            yield replace(stored[email], state="withdrawn", reason=reason)
    for email, reason in outcome.unsubscribed.items():
        if email in stored:
            yield replace(stored[email], state="held", reason=f"suppressed: {reason}")


def _report(plan: _Plan, outcome: Outcome, quota: Quota, *, run_id: int, newly: int, seconds: float) -> SyncReport:
    changes = plan.changes
    wished = {email: wanted for email, wanted in plan.desired.wanted.items() if email not in plan.suppressed}
    placed = len(outcome.created) + len(outcome.joined)
    return SyncReport(
        run_id=run_id,
        leads=plan.desired.leads,
        desired=len(wished),
        already_there=len(changes.untouched) + len(changes.update),
        created=len(outcome.created),
        joined=len(outcome.joined),
        updated=len(outcome.updated),
        withdrawn=_tally(outcome.removed.values()),
        unsubscribed=_tally(outcome.unsubscribed.values()),
        held=_tally(reason for reason, _ in plan.desired.held.values()),
        suppressed=_tally(
            strongest(plan.suppressed[email]) for email in plan.desired.wanted if email in plan.suppressed
        ),
        refused=_tally(outcome.refused.values()),
        queued=len(changes.join) - placed - len(outcome.opted_out) - len(outcome.refused.keys() & _joining(changes)),
        strangers=len(changes.strangers),
        new_suppressions=plan.new_suppressions + newly,
        new_bounces=plan.new_bounces,
        quota=QuotaUse(
            day=quota.day,
            per_day=quota.per_day,
            limit=quota.limit,
            used=sum(quota.used.values()),
            left=quota.left,
            by_provider=quota.used,
            caps=quota.caps,
            reasons=quota.reasons,
        ),
        seconds=round(seconds, 3),
    )


def _joining(changes: Changes) -> set[str]:
    return {wanted.email for wanted in changes.join}


def _tally(reasons: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(reasons).items()))

"""The schedules, in New York's time. On unless somebody switches them off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from pw_pipelines.errors import SourceUnavailable
from pw_pipelines.filling import is_being_filled
from pw_pipelines.jobs.automatic import AUTOMATIC, TIMEZONE, allowed
from pw_pipelines.schedules import backups, drills, registers, requests
from pw_pipelines.schedules.past import FILLING, past_of
from pw_pipelines.settings import Settings

Outcome = list[dg.RunRequest] | dg.SkipReason
# (Dagster's books, the house's resources, the house's day) -> what to start
Ask = Callable[[dg.DagsterInstance, Any, date], Outcome]


def ask_acquire(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Today's acquisition, unless it is done or under way."""
    past = past_of(instance, "acquire", today.isoformat(), by_partition=True)
    if past.done or past.open:
        return dg.SkipReason(f"The acquisition of {today} is {'done' if past.done else 'under way'}.")
    return [requests.acquire(today, past.next_try)]


def ask_bdc(instance: dg.DagsterInstance, resources: Any, today: date) -> Outcome:
    """Vintages we lack, and the newest again."""
    past = past_of(instance, "refresh_bdc", today.isoformat())
    if past.open:
        return dg.SkipReason("Vintages are being read already.")
    try:
        wanted = requests.bdc(resources.db, resources.fcc, today, past.next_try)
    except SourceUnavailable as error:
        return dg.SkipReason(f"The list of vintages could not be had: {error} It is asked again tomorrow.")
    return wanted or dg.SkipReason("No vintage is published.")


def ask_listmonk(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Today's reconciliation, unless it is done or under way."""
    past = past_of(instance, "sync_listmonk", today.isoformat())
    if past.done or past.open:
        return dg.SkipReason(f"The lead list of {today} is {'done' if past.done else 'under way'}.")
    return [requests.of_today("sync_listmonk", today, past.next_try)]


def ask_retention(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Tonight's sweep, unless one is under way."""
    past = past_of(instance, "retention", today.isoformat())
    if past.open:
        return dg.SkipReason("Sweeping is under way.")
    return [requests.of_today("retention", today, past.next_try)]


def ask_erasure(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Tonight's erasure of personal data, unless one is under way."""
    past = past_of(instance, "erase_private_data", today.isoformat())
    if past.open:
        return dg.SkipReason("Erasing is under way.")
    return [requests.of_today("erase_private_data", today, past.next_try)]


def ask_expiry(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Tonight's end of unpaid orders, unless one is under way."""
    past = past_of(instance, "expire_orders", today.isoformat())
    if past.open:
        return dg.SkipReason("Unpaid orders are being ended.")
    return [requests.of_today("expire_orders", today, past.next_try)]


def ask_commissions(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Today's look at the commissions, unless it is done or under way."""
    past = past_of(instance, "commissions", today.isoformat())
    if past.done or past.open:
        return dg.SkipReason(f"The commissions of {today} are {'settled' if past.done else 'being settled'}.")
    return [requests.of_today("commissions", today, past.next_try)]


def ask_books(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Today's proof of orders and money, unless it is done or under way."""
    past = past_of(instance, "prove_books", today.isoformat())
    if past.done or past.open:
        return dg.SkipReason(f"The books of {today} are {'proved' if past.done else 'being proved'}.")
    return [requests.of_today("prove_books", today, past.next_try)]


def ask_renewals(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Today's renewals, unless they are raised or under way."""
    past = past_of(instance, "raise_renewals", today.isoformat())
    if past.done or past.open:
        return dg.SkipReason(f"The renewals of {today} are {'raised' if past.done else 'being raised'}.")
    return [requests.of_today("raise_renewals", today, past.next_try)]


def ask_portals(instance: dg.DagsterInstance, _resources: Any, today: date) -> Outcome:
    """Today's look at the portals, unless it is done or under way."""
    past = past_of(instance, "probe_portals", today.isoformat(), by_partition=True)
    if past.done or past.open:
        return dg.SkipReason(f"The portals of {today} were looked at or are being looked at.")
    return [requests.portals(today, past.next_try)]


ASKS: dict[str, tuple[Ask, frozenset[str]]] = {
    "retention_nightly": (ask_retention, frozenset({"settings"})),
    "erasure_nightly": (ask_erasure, frozenset({"settings"})),
    "expiry_nightly": (ask_expiry, frozenset({"settings"})),
    "bdc_daily": (ask_bdc, frozenset({"settings", "db", "fcc"})),
    "acquire_daily": (ask_acquire, frozenset({"settings"})),
    "commissions_daily": (ask_commissions, frozenset({"settings"})),
    "renewals_daily": (ask_renewals, frozenset({"settings"})),
    "books_daily": (ask_books, frozenset({"settings"})),
    "restore_drill_weekly": (drills.ask_drill, frozenset({"settings", "db"})),
    "portals_daily": (ask_portals, frozenset({"settings"})),
    "listmonk_daily": (ask_listmonk, frozenset({"settings"})),
    **backups.asks(),
    **{name: (partial(registers.ask, name), frozenset({"settings"})) for name in registers.EVERY_DAYS},
}


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Those allowed in this mode."""
    return [_schedule(name, *how) for name, how in ASKS.items() if allowed(name, settings.mode)]


def _schedule(name: str, ask: Ask, resources: frozenset[str]) -> dg.ScheduleDefinition:
    entry = AUTOMATIC[name]

    def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        settings: Settings = context.resources.settings
        if is_being_filled(settings.home):
            yield dg.SkipReason(FILLING)
            return
        outcome = ask(context.instance, context.resources, settings.clock.today())
        yield from [outcome] if isinstance(outcome, dg.SkipReason) else outcome

    return dg.ScheduleDefinition(
        name=name,
        job_name=entry.job,
        cron_schedule=entry.cron,
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=entry.why,
        execution_fn=tick,
        required_resource_keys=set(resources),
    )

"""What the invented world knows about who neglects what on a day: the truth behind the public records.

A reader of the records should find about these carriers; names that only a person could match, and dates that a
record does not show, make the two differ a little.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pw_pipelines.clock import EASTERN
from pw_pipelines.sandbox.bdc_register import VINTAGES
from pw_pipelines.sandbox.carriers import Cohort
from pw_pipelines.sandbox.fcc_cores import is_unknown
from pw_pipelines.sandbox.form499_register import updated_on
from pw_pipelines.sandbox.rmd_register import due_day
from pw_pipelines.sandbox.streams import day

if TYPE_CHECKING:
    from pw_pipelines.sandbox.world import World

Neglect = dict[str, set[int]]


def neglect(world: World, on: date) -> Neglect:
    """Kind of neglect -> carriers (indices). Kinds are those of the duties, in our words."""
    return {**_rmd(world, on), **_cpni(world, on), **_form499(world, on), **_others(world, on)}


def _rmd(world: World, on: date) -> Neglect:
    ordinal, window, due = on.toordinal(), day(on.year, 2, 1), due_day(on.year, 3)
    found: Neglect = {"rmd_not_recertified": set(), "rmd_recertified_late": set(), "rmd_never_updated": set()}
    for filing in world.rmd.listed(ordinal):
        updated, recertified = world.rmd.dates(filing, ordinal)
        if not updated:
            found["rmd_never_updated"].add(filing.carrier)
        if ordinal > due and filing.filed_on < window and recertified < window:
            found["rmd_not_recertified"].add(filing.carrier)
        if recertified > due:
            found["rmd_recertified_late"].add(filing.carrier)
    listed = {filing.carrier for filing in world.rmd.listed(ordinal)}
    found["rmd_missing"] = {
        carrier.index
        for carrier in world.carriers
        if carrier.cohort in (Cohort.UNLISTED, Cohort.REMOVED)
        and carrier.index not in listed
        and world.form499.is_active(carrier.index, ordinal)
    }
    return found


def _cpni(world: World, on: date) -> Neglect:
    """Of carriers with an active Form 499 on the due day; nothing before it has passed."""
    due = due_day(on.year, 3)
    found: Neglect = {"cpni_missing": set(), "cpni_late": set()}
    if on.toordinal() <= due:
        return found
    first: dict[int, int] = {}
    for filing in world.cpni.received(on.toordinal()):
        if filing.received.year == on.year:
            for index in filing.covered:
                first.setdefault(index, filing.received.astimezone(EASTERN).toordinal())
    for carrier in world.carriers:
        if world.cpni.has_duty(carrier) and world.form499.is_active(carrier.index, due):
            received = first.get(carrier.index, 0)
            if not received:
                found["cpni_missing"].add(carrier.index)
            elif received > due:
                found["cpni_late"].add(carrier.index)
    return found


def _form499(world: World, on: date) -> Neglect:
    """Cycles count from 1 April on; the margin a reader leaves is the reader's."""
    monday = updated_on(on).toordinal()
    cycle = day(on.year if on.month >= 4 else on.year - 1, 4, 1)
    best: dict[int, int] = {}
    for filer in world.form499.present(monday):
        if filer.frn and filer.carrier >= 0 and filer.ended_on > monday:
            current = world.form499.current_as_of(filer, monday)
            best[filer.carrier] = max(best.get(filer.carrier, 0), current)
    return {"form499_stale": {carrier for carrier, current in best.items() if current < cycle}}


def _others(world: World, on: date) -> Neglect:
    published = [vintage for vintage in VINTAGES if vintage.published(on)]
    dropped: set[int] = set()
    if len(published) > 1:
        before, latest = ({row.carrier for row in world.bdc.listed(item, 9)} for item in published[-2:])
        dropped = before - latest
    lost = {
        carrier.index
        for carrier in world.carriers
        if carrier.registered_on <= on.toordinal() and carrier.rmd_filed_on and is_unknown(world, carrier)
    }
    return {"bdc_dropped": dropped, "cores_unknown": lost}

"""What has to change in Listmonk: the difference between who should be on the list and who is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pw_pipelines.leads.desired import RECALLED, Wanted
from pw_pipelines.leads.suppression import REMEMBERED_THERE, Suppressed, strongest
from pw_pipelines.resources.listmonk import Subscriber


@dataclass(frozen=True)
class Update:
    """Attributes of a member that differ from what is wanted, and only those."""

    member: Subscriber
    attribs: Mapping[str, Any]


@dataclass(frozen=True)
class Departure:
    """A member who leaves the list, and why."""

    member: Subscriber
    reason: str


@dataclass(frozen=True)
class Changes:
    """`join`: not on the list yet, in no order. `untouched`: on it and right. `strangers`: put there by others."""

    join: tuple[Wanted, ...] = ()
    update: tuple[Update, ...] = ()
    remove: tuple[Departure, ...] = ()
    unsubscribe: tuple[Departure, ...] = ()
    untouched: tuple[Subscriber, ...] = ()
    left_alone: tuple[Subscriber, ...] = ()
    strangers: tuple[Subscriber, ...] = ()


def subscribers_to_change(
    desired: Mapping[str, Wanted],
    actual: Mapping[str, Subscriber],
    suppressed: Suppressed,
    *,
    list_id: int,
    kept: Collection[str] = (),
    ours: Mapping[str, str] | None = None,
) -> Changes:
    """Compares `desired` with `actual` (every row of the list, the unsubscribed included).

    A suppression, a status other than `enabled` or an unsubscription always wins over a wish. `kept`: addresses
    that are not desired now but may stay if they are there. `ours`: addresses we once put there -> why they are no
    longer desired. A member who is neither desired nor ours was put there by somebody else and stays.
    """
    reasons = ours or {}
    update: list[Update] = []
    departures: dict[str, list[Departure]] = {"remove": [], "unsubscribe": []}
    staying: dict[str, list[Subscriber]] = {"untouched": [], "left_alone": [], "strangers": []}
    for email, member in actual.items():
        is_ours = email in reasons or bool(member.attribs.get("frn"))
        fate = _fate(
            member,
            list_id=list_id,
            against=suppressed.get(email, frozenset()),
            is_wanted=email in desired,
            is_kept=email in kept,
            is_ours=is_ours,
        )
        if fate in departures:
            against = suppressed.get(email)
            reason = strongest(against) if against else reasons.get(email, "no lead")
            departures[fate].append(Departure(member, reason))
        elif fate == "wanted" and (differing := _differing(desired[email], member)):
            update.append(Update(member, differing))
        else:
            staying["untouched" if fate == "wanted" else fate].append(member)
    return Changes(
        join=tuple(wish for email, wish in desired.items() if email not in actual and email not in suppressed),
        update=tuple(update),
        remove=tuple(departures["remove"]),
        unsubscribe=tuple(departures["unsubscribe"]),
        untouched=tuple(staying["untouched"]),
        left_alone=tuple(staying["left_alone"]),
        strangers=tuple(staying["strangers"]),
    )


def _fate(
    member: Subscriber, *, list_id: int, against: Collection[str], is_wanted: bool, is_kept: bool, is_ours: bool
) -> str:
    """wanted | left_alone | strangers | remove | unsubscribe; the first rule that fits."""
    if member.status != "enabled" or member.subscriptions.get(list_id) == "unsubscribed":
        return "left_alone"  # its row is Listmonk's memory of the opt-out
    if not REMEMBERED_THERE.isdisjoint(against):
        return "unsubscribe"
    if is_wanted and not against:
        return "wanted"
    if is_kept and not against:
        return "left_alone"
    return "remove" if is_ours else "strangers"


def _differing(wish: Wanted, member: Subscriber) -> dict[str, Any]:
    return {name: value for name, value in wish.attribs.items() if member.attribs.get(name) != value}


def why_gone(
    *,
    frn: str,
    snapshot_ids: Collection[str],
    recalled: Collection[str],
    deficient: Collection[str],
    leads: Collection[str],
) -> str:
    """Why an address of ours is no longer desired.

    `recalled`: snapshot ids that were recalled; `deficient`: FRNs with findings; `leads`: FRNs that still have a lead.
    """
    if any(snapshot_id in recalled for snapshot_id in snapshot_ids):
        return RECALLED
    if frn in leads:
        return "contact changed"
    if frn in deficient:
        return "no contact any more"
    return "cured"

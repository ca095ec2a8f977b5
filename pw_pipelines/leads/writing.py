"""Carrying changes out in Listmonk: a few calls at a time, stopping at the first sign that it cannot go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pw_pipelines.errors import OutsideError
from pw_pipelines.leads.changes import Changes, Departure, Update
from pw_pipelines.leads.desired import Wanted
from pw_pipelines.resources.listmonk import (
    IDS_PER_CALL,
    Listmonk,
    ListmonkForbidden,
    ListmonkRefused,
    ListmonkUnavailable,
    Subscriber,
)

THREADS = 8

_T = TypeVar("_T")


@dataclass
class Outcome:
    """What was done, by address. `failure` is what ended it early; then the rest is simply not done yet."""

    created: dict[str, int] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)
    updated: set[str] = field(default_factory=set)
    removed: dict[str, str] = field(default_factory=dict)
    unsubscribed: dict[str, str] = field(default_factory=dict)
    opted_out: dict[str, Subscriber] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    failure: OutsideError | None = None


def carry_out(listmonk: Listmonk, changes: Changes, admitted: Sequence[Wanted], list_id: int) -> Outcome:
    """Departures first, then updates, then the admitted. Returns what happened, also when it ended early."""
    outcome = Outcome()
    try:
        _depart(listmonk.unsubscribe, changes.unsubscribe, list_id, outcome.unsubscribed)
        _depart(listmonk.remove_from_list, changes.remove, list_id, outcome.removed)
    except (ListmonkUnavailable, ListmonkRefused) as error:
        outcome.failure = error
        return outcome

    def refresh(update: Update) -> None:
        listmonk.merge_attribs(update.member.id, update.attribs)
        outcome.updated.add(update.member.email)

    def place(wanted: Wanted) -> None:
        _place(listmonk, wanted, list_id, outcome)

    _each(refresh, changes.update, lambda update: update.member.email, outcome)
    _each(place, admitted, lambda wanted: wanted.email, outcome)
    return outcome


def _depart(
    call: Callable[[Sequence[int], int], None],
    departures: Sequence[Departure],
    list_id: int,
    done: dict[str, str],
) -> None:
    for start in range(0, len(departures), IDS_PER_CALL):
        batch = departures[start : start + IDS_PER_CALL]
        call([departure.member.id for departure in batch], list_id)
        done.update({departure.member.email: departure.reason for departure in batch})


def _place(listmonk: Listmonk, wanted: Wanted, list_id: int, outcome: Outcome) -> None:
    """Creates the person; somebody who is in Listmonk already is asked first whether mail is welcome."""
    made = listmonk.create(wanted.email, wanted.name, wanted.attribs, list_id)
    if made is not None:
        outcome.created[wanted.email] = made
        return
    person = listmonk.by_email(wanted.email)
    if person is None:
        raise ListmonkRefused(f"Listmonk says {wanted.email} is there but does not show it.", status=409)
    if person.status != "enabled" or "unsubscribed" in person.subscriptions.values():
        outcome.opted_out[wanted.email] = person
        return
    if any(person.attribs.get(name) != value for name, value in wanted.attribs.items()):
        listmonk.merge_attribs(person.id, wanted.attribs)
    if list_id not in person.subscriptions:
        listmonk.add_to_list([person.id], list_id)
    outcome.joined[wanted.email] = person.id


def _each(work: Callable[[_T], None], items: Iterable[_T], address: Callable[[_T], str], outcome: Outcome) -> None:
    """`work` on every item, THREADS at a time. A refusal of one person is noted; anything wider ends all."""
    if outcome.failure is not None:
        return
    stop = threading.Event()
    lock = threading.Lock()

    def guarded(item: _T) -> None:
        if stop.is_set():
            return
        try:
            work(item)
        except (ListmonkUnavailable, ListmonkForbidden) as error:
            stop.set()
            with lock:
                outcome.failure = outcome.failure or error
        except ListmonkRefused as error:
            outcome.refused[address(item)] = str(error)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(THREADS, thread_name_prefix="leads-sync") as pool:
        for done in [pool.submit(guarded, item) for item in items]:
            done.result()

"""How far each public record can be relied on for one answer: which copy, how old, good enough or not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from pw_pipelines.clock import eastern_day
from pw_pipelines.compliance.check_books import SOURCES, Books, CoresRow
from pw_pipelines.compliance.check_result import SourceState
from pw_pipelines.compliance.live import Answers, LiveAnswer, Unread
from pw_pipelines.compliance.live_effect import publisher_said
from pw_pipelines.sources.contract import SourceContract, contract

# The record that shows whether a duty was met.
SOURCE_OF_DUTY = {"rmd": "fcc_rmd", "cpni": "fcc_cpni", "form499": "fcc_form499", "bdc": "fcc_bdc"}
# The lists that duties are read from: without them nobody can say that there is no duty.
LISTS = frozenset({"fcc_rmd", "fcc_form499", "fcc_bdc"})


def needed_sources(duties: Iterable[str]) -> frozenset[str]:
    """What must be current before "nothing found" may be said of a carrier with these duties.

    The RMD and the Form 499 list always are: they say which duties there are.
    """
    return frozenset({"fcc_rmd", "fcc_form499"} | {SOURCE_OF_DUTY[duty] for duty in duties if duty in SOURCE_OF_DUTY})


def source_states(
    books: Books, *, moment: datetime, needed: frozenset[str], answers: Answers, cores: CoresRow | None
) -> list[SourceState]:
    """One state for each source, in a fixed order, as of `moment` (UTC)."""
    states = []
    for source in SOURCES:
        promise = contract(source)
        if source == "fcc_cores":
            states.append(_cores_state(promise, cores, answers.get(source), moment, source in needed))
        else:
            states.append(_list_state(promise, books, answers.get(source), moment, source in needed))
    return states


def _list_state(
    promise: SourceContract, books: Books, answer: LiveAnswer | Unread | None, moment: datetime, is_needed: bool
) -> SourceState:
    copy = books.in_force.get(promise.source)
    newest = books.newest.get(promise.source)
    age = copy.age_hours(moment) if copy else None
    is_current = age is not None and age <= promise.freshness.fail_hours
    notes = []
    if copy is None or age is None:
        notes.append("No usable copy is in hand, so nothing is said from this record.")
    elif not is_current:
        notes.append(f"The copy is {in_days(age)} old; at most {in_days(promise.freshness.fail_hours)} is promised.")
    elif copy.grade == "partial":
        notes.append("The copy is partial: that something is not on it proves nothing.")
    if newest is not None and (copy is None or newest.snapshot_id != copy.snapshot_id):
        if newest.grade in {"rejected", "recalled"}:
            notes.append(f"The newest copy, of {newest.as_of}, was {newest.grade} and is not used.")
        elif newest.grade in {"complete", "partial"} and copy is not None and newest.fetched_at > copy.fetched_at:
            notes.append("A newer copy is in hand and counts from the next rebuild.")
    live = isinstance(answer, LiveAnswer)
    if isinstance(answer, LiveAnswer):
        notes.append(publisher_said(answer))
    elif isinstance(answer, Unread):
        notes.append(could_not_be_read(answer) + (" The stored copy stays in force." if copy else ""))
    read_at = answer.read_at if isinstance(answer, LiveAnswer) else None
    return SourceState(
        source=promise.source,
        title=promise.title,
        publisher=promise.publisher,
        landing_page=promise.landing_page,
        as_of=eastern_day(read_at) if read_at else copy.as_of if copy else None,
        live=live,
        grade=copy.grade if copy else None,
        age_hours=round(age, 1) if age is not None else None,
        is_current=is_current,
        is_needed=is_needed,
        note=" ".join(notes),
        snapshot_id=copy.snapshot_id if copy else None,
        read_at=read_at,
        edition=copy.edition if copy else None,
        fetched_at=copy.fetched_at if copy else None,
    )


def _cores_state(
    promise: SourceContract,
    cores: CoresRow | None,
    answer: LiveAnswer | Unread | None,
    moment: datetime,
    is_needed: bool,
) -> SourceState:
    """CORES is looked up one FRN at a time: what counts is this FRN's page, not a list."""
    copy = cores.copy if cores else None
    age = copy.age_hours(moment) if copy else None
    read_at = cores.read_at if cores else None
    is_current = read_at is not None or (age is not None and age <= promise.freshness.fail_hours)
    notes = [_registration(cores)] if cores else ["This FRN was not looked up."]
    if isinstance(answer, Unread):
        notes.append(could_not_be_read(answer))
    elif read_at is not None:
        notes.append("Read just now.")
    return SourceState(
        source=promise.source,
        title=promise.title,
        publisher=promise.publisher,
        landing_page=promise.landing_page,
        as_of=eastern_day(read_at) if read_at else copy.as_of if copy else None,
        live=read_at is not None,
        grade=copy.grade if copy else None,
        age_hours=round(age, 1) if age is not None else None,
        is_current=is_current,
        is_needed=is_needed,
        note=" ".join(notes),
        snapshot_id=copy.snapshot_id if copy else None,
        read_at=read_at,
        edition=copy.edition if copy else None,
        fetched_at=copy.fetched_at if copy else None,
    )


def _registration(cores: CoresRow) -> str:
    if not cores.is_found:
        return "The page for this FRN is empty."
    if cores.is_person:
        return "Registered to an individual."
    words = f"Registered to {cores.entity_name}" if cores.entity_name else "Registered"
    kind = f" ({cores.entity_type.replace(' ,', ',')})" if cores.entity_type else ""
    updated = f", last updated {cores.updated_on}" if cores.updated_on else ""
    return f"{words}{kind}{updated}."


def could_not_be_read(answer: Unread) -> str:
    """One sentence; a failure is never worded as absence."""
    return f"It could not be read now: {answer.why}."


def dates_in_words(edition: str | None, as_of: date, fetched_at: datetime, *, day: Callable[[date], str] = str) -> str:
    """Both dates of a copy, always in this order: "edition of 2026-11-16, read on 2026-11-22".

    A copy without an edition says when it was read, and which day it speaks for if that is another. `day` writes days.
    """
    read_on = eastern_day(fetched_at)
    read = f"read on {day(read_on)}"
    if edition is not None:
        try:
            return f"edition of {day(date.fromisoformat(edition))}, {read}"
        except ValueError:  # a name, not a day
            return f"edition {edition}, {read}"
    return read if as_of == read_on else f"of {day(as_of)}, {read}"


def state_dates_in_words(state: SourceState, *, day: Callable[[date], str] = str) -> str:
    """`dates_in_words` of one record as an answer used it; a dash when no copy was."""
    if state.read_at is not None:
        return f"read on {day(eastern_day(state.read_at))}"
    if state.as_of is None or state.fetched_at is None:
        return "—"
    return dates_in_words(state.edition, state.as_of, state.fetched_at, day=day)


def in_days(hours: float) -> str:
    """Hours in words people use: "7 hours", "1 day", "12 days"."""
    if hours < 48:
        whole = round(hours)
        return f"{whole} hour" + ("" if whole == 1 else "s")
    return f"{round(hours / 24)} days"

"""The free compliance check of one FRN.

It reads what the bulk rebuild wrote, so a carrier is told the same thing everywhere, and it says what it does
not know: a record that is missing, too old or out of reach makes the answer "cannot say", never "nothing
found" and never an accusation.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from uuid import UUID, uuid4

from psycopg import Connection

from pw_pipelines import frn as frns
from pw_pipelines.clock import EASTERN, Clock, eastern_day
from pw_pipelines.compliance import check_log
from pw_pipelines.compliance.check_books import Books, CoresRow, read_books
from pw_pipelines.compliance.check_result import CheckResult, Finding
from pw_pipelines.compliance.check_sources import LISTS, needed_sources, source_states
from pw_pipelines.compliance.check_verdict import Case, verdict
from pw_pipelines.compliance.live import Answers, LiveAnswer, LiveRecord, Subject
from pw_pipelines.compliance.live_effect import Carrier, apply_live
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import BadFrn, UsageError

LIVE_SOURCES = ("fcc_cores", "fcc_form499", "fcc_cpni")
_LABEL = re.compile(r"^\s*frn\b[\s:#.]*", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—.]+")
_NEGATIVE = re.compile(r"\s*[\-‐‑‒–—−]")


def read_frn(asked: str) -> tuple[str, list[str]]:
    """(FRN, remarks on how it was read). Blanks, hyphens and a leading "FRN" are dropped, lost zeros restored.

    Raises BadFrn, with a remedy, for everything else; a hyphen before the first digit makes a negative number of it.
    """
    digits = "" if _NEGATIVE.match(asked) else _SEPARATORS.sub("", _LABEL.sub("", asked))
    try:
        frn = frns.pad(digits)
    except BadFrn:
        shown = asked.strip()[:40]
        raise BadFrn(
            f"“{shown}” is not an FRN. An FCC Registration Number is 10 digits, such as 0012345678; "
            "yours stands on every FCC filing and in CORES."
        ) from None
    if len(digits) < frns.LENGTH:
        return frn, [f"Read as {frn}: leading zeros, which spreadsheets drop, were restored."]
    return frn, []


@dataclass(frozen=True)
class Pending:
    """A check that waits for other people's servers. `finish()` asks them, logs the check and gives the answer."""

    finish: Callable[[], CheckResult]


def check(
    db: Database,
    asked: str,
    *,
    clock: Clock,
    as_of: date | None = None,
    channel: str,
    utm: Mapping[str, str] | None = None,
    live: LiveRecord | None = None,
    when_unknown: LiveRecord | None = None,
) -> CheckResult:
    """Checks one carrier and logs the question: `begin_check`, and the waiting if there is any."""
    begun = begin_check(
        db, asked, clock=clock, as_of=as_of, channel=channel, utm=utm, live=live, when_unknown=when_unknown
    )
    return begun.finish() if isinstance(begun, Pending) else begun


def begin_check(
    db: Database,
    asked: str,
    *,
    clock: Clock,
    as_of: date | None = None,
    channel: str,
    utm: Mapping[str, str] | None = None,
    live: LiveRecord | None = None,
    when_unknown: LiveRecord | None = None,
) -> CheckResult | Pending:
    """As `check`, except that a check that needs the outside world comes back Pending, before it has waited.

    channel       page, api or cli
    as_of         answer as of a past day (America/New_York), from the history; None: now
    live          read CORES, Form 499 and ECFS now, on top of the stored copies
    when_unknown  ask CORES alone, and only when the FRN stands on no list and no stored look-up found it

    Raises BadFrn (logged) for text that is no FRN, UsageError for a day in the future.
    """
    begun = time.perf_counter()
    now, check_id = clock.now(), uuid4()
    today = eastern_day(now)
    if as_of is not None and as_of > today:
        raise UsageError(
            f"{as_of} is in the future (today is {today}); the record can be asked about past days only.",
            field="as_of",
            remedy="Ask about today or a day in the past, as YYYY-MM-DD.",
        )

    def log(
        connection: Connection[dict[str, object]], frn: str | None, answer: str, result: CheckResult | None
    ) -> None:
        check_log.record(
            connection,
            check_id=check_id,
            checked_at=now,
            channel=channel,
            asked=asked,
            frn=frn,
            as_of=as_of or today,
            answer=answer,
            codes=[finding.code for finding in result.findings] if result else (),
            live_sources=[state.source for state in result.sources if state.live] if result else (),
            utm=utm,
            duration_ms=round((time.perf_counter() - begun) * 1000, 3),
        )

    try:
        frn, notes = read_frn(asked)
    except BadFrn:
        with db.connect() as connection:
            log(connection, None, check_log.MALFORMED, None)
        raise

    def answered(books: Books, answers: Answers) -> CheckResult:
        return judge(
            books, answers, check_id=check_id, asked=asked, frn=frn, notes=notes, as_of=as_of, now=now, today=today
        )

    with db.connect() as connection:
        books = read_books(connection, frn, as_of=as_of)
        outside, sources = _to_read(books, as_of=as_of, live=live, when_unknown=when_unknown)
        if outside is None:
            result = answered(books, {})
            log(connection, frn, result.answer, result)
            return result

    def finish() -> CheckResult:
        """No connection is held while other people's servers are waited for."""
        result = answered(books, outside.read(_subject(frn, books, today), sources))
        with db.connect() as connection:
            log(connection, frn, result.answer, result)
        return result

    return Pending(finish)


def is_on_file(db: Database, asked: str) -> bool:
    """Whether our books alone can say who this is: a carrier of the marts, or found in CORES before.

    Raises BadFrn as `check` does, without a log row.
    """
    frn, _ = read_frn(asked)
    with db.connect() as connection:
        return not _is_unknown(read_books(connection, frn, as_of=None))


def _is_unknown(books: Books) -> bool:
    return books.carrier is None and not (books.cores and books.cores.is_found)


def _to_read(
    books: Books, *, as_of: date | None, live: LiveRecord | None, when_unknown: LiveRecord | None
) -> tuple[LiveRecord | None, tuple[str, ...]]:
    """Which live record to ask, and for what. The past can't be read live."""
    if as_of is not None:
        return None, ()
    if live is not None:
        return live, LIVE_SOURCES
    if _is_unknown(books):
        return when_unknown, ("fcc_cores",)
    return None, ()


def _subject(frn: str, books: Books, today: date) -> Subject:
    """Whom to ask about. CPNI filings are searched from 1 January of the year whose duty is open."""
    missing = [finding.due_on for finding in books.findings if finding.code == "CPNI_MISSING" and finding.due_on]
    year = min(missing, default=today).year
    name = books.carrier["name"] if books.carrier else None
    return Subject(frn, name, date(year, 1, 1))


def judge(
    books: Books,
    answers: Answers,
    *,
    check_id: UUID,
    asked: str,
    frn: str,
    notes: list[str],
    as_of: date | None,
    now: datetime,
    today: date,
) -> CheckResult:
    """The answer from what is on file and what was read now. Pure."""
    moment = now if as_of is None else min(now, datetime.combine(as_of + timedelta(days=1), time_of_day(), EASTERN))
    carrier = books.carrier
    cores = _cores(books, answers)
    duties = list(carrier["duties"] or []) if carrier else []
    needed = needed_sources(duties) if carrier else LISTS | {"fcc_cores"}
    states = source_states(books, moment=moment, needed=needed, answers=answers, cores=cores)
    current = {state.source for state in states if state.is_current}
    findings = [replace(finding, is_aged=_is_aged(finding, current)) for finding in books.findings]
    keys = frozenset((carrier["name_keys"] or []) if carrier else [])
    findings, cleared = apply_live(findings, answers, Carrier(keys), today=today)
    answer, summary = verdict(Case(books, findings, states, duties, cores, answers))
    is_foreign = bool(carrier and carrier["is_foreign"])
    remarks = [*notes]
    if is_foreign:
        remarks.append(
            "The RMD lists this as a foreign voice provider. A foreign provider does not owe Form 499 or CPNI "
            "filings by that fact alone."
        )
    if books.unsettled:
        points = "One point" if books.unsettled == 1 else f"{books.unsettled} points"
        remarks.append(f"{points} could not be settled from public data alone, so nothing is said about it here.")
    if as_of is not None and books.build is not None:
        remarks.append(f"As of {as_of}: answered from the rebuild of {books.build.as_of}. Name and duties are today's.")
    return CheckResult(
        check_id=check_id,
        asked=asked,
        frn=frn,
        name=_name(books, cores),
        answer=answer,
        summary=summary,
        as_of=books.build.as_of if books.build else None,
        checked_at=now,
        sources=states,
        findings=findings,
        cleared=cleared,
        questions=books.questions,
        notes=remarks,
        duties=duties,
        services=list(dict.fromkeys(one.service for one in findings if one.service and not one.is_aged)),
        unsettled=books.unsettled,
        is_foreign=is_foreign,
    )


def _cores(books: Books, answers: Answers) -> CoresRow | None:
    """What CORES shows: read now where it could be, else the stored look-up."""
    answer = answers.get("fcc_cores")
    if isinstance(answer, LiveAnswer) and answer.cores is not None:
        return answer.cores
    return books.cores


def _is_aged(finding: Finding, current: set[str]) -> bool:
    """Whether a list it was concluded from is missing or too old. CORES pages are looked up rarely, by design."""
    return any(source not in current for source in finding.sources if source != "fcc_cores")


def _name(books: Books, cores: CoresRow | None) -> str | None:
    """The carrier's name; a private person's is not repeated."""
    if books.carrier and books.carrier["name"]:
        return str(books.carrier["name"])
    if cores and cores.is_found and not cores.is_person:
        return cores.entity_name
    return None

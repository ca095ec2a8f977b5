"""What a live reading may do to an answer: clear a finding, confirm it, never make one. Pure.

Only a positive sight clears: the filing that was missing is there now. Anything less leaves the finding as the
stored copies gave it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from pw_pipelines.compliance.check_result import Cleared, Finding
from pw_pipelines.compliance.live import Answers, Filer, LiveAnswer
from pw_pipelines.sources.contract import contract

_F499_STALE = frozenset({"F499A_STALE", "F499A_VERY_STALE"})
_F499_ABSENT = frozenset({"F499_MISSING", "F499_ENDED_BUT_ACTIVE"})


@dataclass(frozen=True)
class Carrier:
    """What a live reading is compared with: the carrier's comparison keys (`names.key`)."""

    name_keys: frozenset[str]


def apply_live(
    findings: list[Finding], answers: Answers, carrier: Carrier, *, today: date
) -> tuple[list[Finding], list[Cleared]]:
    """(findings that stand, findings cleared). A finding that was looked at and stands says so in its note."""
    standing: list[Finding] = []
    cleared: list[Cleared] = []
    for finding in findings:
        source, why = _cure(finding, answers, carrier, today)
        if source is None:
            standing.append(finding)
        elif why is None:
            standing.append(replace(finding, note="Read again just now: still so.", is_aged=False))
        else:
            cleared.append(Cleared(finding.code, finding.title, source, why))
    return standing, cleared


def _cure(finding: Finding, answers: Answers, carrier: Carrier, today: date) -> tuple[str | None, str | None]:
    """(source that was read for it or None, why it is cured or None)."""
    code = finding.code
    if code == "CORES_UNKNOWN":
        answer = answers.get("fcc_cores")
        if isinstance(answer, LiveAnswer) and answer.cores is not None:
            return "fcc_cores", "CORES shows this FRN as registered now." if answer.cores.is_found else None
    elif code == "CPNI_MISSING":
        answer = answers.get("fcc_cpni")
        if isinstance(answer, LiveAnswer):
            return "fcc_cpni", _cpni_cure(finding, answer, carrier, today)
    elif code in _F499_ABSENT | _F499_STALE or code == "DC_AGENT_MISSING":
        answer = answers.get("fcc_form499")
        if isinstance(answer, LiveAnswer):
            return "fcc_form499", _form499_cure(finding, answer.filers, today)
    return None, None


def _cpni_cure(finding: Finding, answer: LiveAnswer, carrier: Carrier, today: date) -> str | None:
    """A filing received in the year of the duty, under one of the carrier's own names."""
    year = (finding.due_on or today).year
    received = [
        filing.received_on
        for filing in answer.cpni
        if filing.received_on >= date(year, 1, 1) and carrier.name_keys.intersection(filing.filer_keys)
    ]
    if not received:
        return None
    return f"A CPNI filing received {min(received).isoformat()} is now there."


def _form499_cure(finding: Finding, filers: tuple[Filer, ...], today: date) -> str | None:
    active = [filer for filer in filers if filer.is_active]
    if not active:
        return None
    if finding.code in _F499_ABSENT:
        return f"Form 499 filer {active[0].filer_id} is now listed as active with this FRN."
    if finding.code in _F499_STALE:
        cycle = last_cycle(finding.due_on or today)
        current = [filer for filer in active if filer.current_as_of and filer.current_as_of >= cycle]
        if current:
            return f"Form 499 filer {current[0].filer_id} is now shown as current as of {current[0].current_as_of}."
        return None
    if all(filer.dc_agent and filer.dc_agent_state == "DC" for filer in active):
        return "A District of Columbia agent is now listed."
    return None


def last_cycle(day: date) -> date:
    """1 April of the newest Form 499-A cycle that had begun on `day` (47 CFR 54.711)."""
    this_year = date(day.year, 4, 1)
    return this_year if day >= this_year else date(day.year - 1, 4, 1)


def publisher_said(answer: LiveAnswer) -> str:
    """One sentence on what the source showed just now."""
    title = contract(answer.source).title
    if answer.source == "fcc_cores":
        found = answer.cores is not None and answer.cores.is_found
        return "Read just now: registered." if found else "Read just now: the page for this FRN is empty."
    if answer.source == "fcc_form499":
        active = sum(filer.is_active for filer in answer.filers)
        return f"Read just now: {len(answer.filers)} filer(s) with this FRN, {active} active."
    if answer.source == "fcc_cpni":
        return f"Read just now: {len(answer.cpni)} filing(s) found by name."
    return f"{title}: read just now."

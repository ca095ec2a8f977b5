"""The five answers of a compliance check and the careful sentence that goes with each. Pure.

"deficient" needs a finding that is sure or probable and stands on copies that are still good. "cannot say"
comes before "nothing found" and "no filing duty visible": what could not be looked at is not clean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pw_pipelines.compliance.check_books import Books, CoresRow
from pw_pipelines.compliance.check_result import (
    CANNOT_SAY,
    DEFICIENT,
    NO_DUTY,
    NOTHING_FOUND,
    UNKNOWN_FRN,
    Answer,
    Finding,
    SourceState,
)
from pw_pipelines.compliance.check_sources import in_days
from pw_pipelines.compliance.live import Answers, Unread

NOT_IN_CORES = "CORES, the FCC’s registration system, shows nothing under this number."
COMPARE = "Please compare it with the one on your FCC filings."


@dataclass(frozen=True)
class Case:
    """What a verdict is made from. `findings` are those that stand; `cores` what CORES shows, if anybody looked."""

    books: Books
    findings: list[Finding]
    states: list[SourceState]
    duties: list[str]
    cores: CoresRow | None
    answers: Answers


def verdict(case: Case) -> tuple[Answer, str]:
    """(answer, one sentence for the carrier)."""
    counted = [finding for finding in case.findings if finding.is_deficiency and not finding.is_aged]
    if counted:
        return DEFICIENT, deficient_in_words(counted)
    if case.books.carrier is None:
        return _not_on_a_list(case)
    if lacking := _lacking(case):
        return CANNOT_SAY, f"We cannot say: {_lacking_in_words(lacking)}."
    if not case.duties:
        return _no_duty()
    remarks = " What is listed below is a remark." if case.findings else ""
    return NOTHING_FOUND, f"Nothing found that needs mending in the public record.{remarks}"


def _not_on_a_list(case: Case) -> tuple[Answer, str]:
    """For an FRN that is no carrier in our marts: CORES decides whether it exists at all."""
    if case.cores is not None and not case.cores.is_found:
        return UNKNOWN_FRN, f"{NOT_IN_CORES} {COMPARE}"
    if case.books.build is None:
        return CANNOT_SAY, "We cannot say: the public record has not been judged yet for the day asked about."
    if case.cores is None:
        tried = case.answers.get("fcc_cores")
        why = f"CORES could not be read now ({tried.why})" if isinstance(tried, Unread) else "CORES was not looked up"
        return CANNOT_SAY, f"We cannot say: this FRN stands on no list we hold, and {why}."
    if lacking := _lacking(case):
        return CANNOT_SAY, f"We cannot say: {_lacking_in_words(lacking)}."
    return _no_duty()


def _no_duty() -> tuple[Answer, str]:
    return NO_DUTY, (
        "No filing duty is visible: this FRN is not in the Robocall Mitigation Database, not a Form 499 filer and not "
        "among the broadband data filers. Private persons and holders of a licence usually owe none of these filings."
    )


def _lacking(case: Case) -> list[SourceState]:
    """Lists the verdict needs and does not have. CORES is a page of one FRN, judged by itself."""
    return [state for state in case.states if state.is_needed and not state.is_current and state.source != "fcc_cores"]


def deficient_in_words(findings: list[Finding]) -> str:
    """How many, how sure, in words that do not say more than the record does."""
    sure = sum(finding.certainty == "sure" for finding in findings)
    probable = len(findings) - sure
    counts = " and ".join(f"{n} {word}" for n, word in ((sure, "certain"), (probable, "probable")) if n)
    text = f"The public record shows {counts} {'issue' if len(findings) == 1 else 'issues'}"
    text += ", of low severity." if all(finding.severity == "low" for finding in findings) else "."
    if probable:
        text += " A probable issue can have an innocent reason, such as a filing under an affiliate’s name."
    return text


def _lacking_in_words(lacking: Iterable[SourceState]) -> str:
    def why(state: SourceState) -> str:
        if state.age_hours is None:
            return "no usable copy is in hand"
        return f"our copy of it is {in_days(state.age_hours)} old, too old to rely on"

    return "; ".join(f"this needs {state.title}, and {why(state)}" for state in lacking)

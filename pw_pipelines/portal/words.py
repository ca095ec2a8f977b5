"""The check's codes in words that a carrier's owner understands, and figures as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from pw_pipelines.clock import EASTERN
from pw_pipelines.compliance.check_books import Copy
from pw_pipelines.compliance.check_result import SourceState
from pw_pipelines.compliance.check_sources import dates_in_words, in_days, state_dates_in_words

SEVERITY = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low", "information": "For information"}
CERTAINTY = {
    "sure": "Certain: read directly from the public record",
    "probable": "Probable: concluded from the public record, worth confirming",
}
DUTY = {
    "rmd": "Robocall Mitigation Database",
    "cpni": "CPNI certification",
    "form499": "Form 499",
    "bdc": "Broadband Data Collection",
}
ANSWER = {
    "deficient": "Issues found",
    "nothing found": "Nothing found",
    "no filing duty visible": "No filing duty visible",
    "unknown FRN": "Unknown FRN",
    "cannot say": "We cannot say yet",
}
# How an answer looks: the class of its card.
TONE = {
    "deficient": "alert",
    "nothing found": "good",
    "no filing duty visible": "calm",
    "unknown FRN": "warn",
    "cannot say": "warn",
}
_CFR_PART = re.compile(r"\b47 CFR §?\s?(\d+\.\d+)")


@dataclass(frozen=True)
class Part:
    """A piece of a citation; `url` where the rule can be read."""

    text: str
    url: str | None = None


def citation_parts(citation: str) -> list[Part]:
    """The citation with each section of title 47 CFR linked to eCFR."""
    parts: list[Part] = []
    end = 0
    for found in _CFR_PART.finditer(citation):
        if found.start() > end:
            parts.append(Part(citation[end : found.start()]))
        parts.append(Part(found.group(), f"https://www.ecfr.gov/current/title-47/section-{found.group(1)}"))
        end = found.end()
    if end < len(citation):
        parts.append(Part(citation[end:]))
    return parts


def day(value: date | None) -> str:
    """2026-03-02 as "Mar 2, 2026"; a moment as its day in New York."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = value.astimezone(EASTERN).date()
    return f"{value:%b} {value.day}, {value.year}"


def moment(value: datetime | None) -> str:
    """A moment in New York: "Nov 22, 2026, 8:05 AM ET"."""
    if value is None:
        return "—"
    local = value.astimezone(EASTERN)
    return f"{day(local)}, {local.hour % 12 or 12}:{local:%M %p} ET"


def copy_dates(copy: Copy) -> str:
    """The dates of a copy: "edition of Nov 16, 2026, read on Nov 22, 2026"."""
    return dates_in_words(copy.edition, copy.as_of, copy.fetched_at, day=day)


def source_dates(state: SourceState) -> str:
    """The dates of a record as an answer used it, worded as `copy_dates`."""
    return state_dates_in_words(state, day=day)


def age(hours: float | None) -> str:
    """Hours as "3 hours" or "12 days"."""
    if hours is None:
        return "—"
    return "under an hour" if hours < 1 else in_days(hours)


def price(value: object) -> str:
    """An amount in US dollars, or "by quote"."""
    return f"${value:,.2f}" if isinstance(value, Decimal) else "by quote"


def money(value: Decimal) -> str:
    """An amount without its currency, negative ones with a minus sign."""
    return f"{'−' if value < 0 else ''}{abs(value):,.2f}"


def number(value: object) -> str:
    """12345 as "12,345"; nothing known as a dash."""
    return f"{value:,}" if isinstance(value, int) else "—"


def evidence_rows(evidence: Mapping[str, object]) -> list[tuple[str, str]]:
    """Evidence as (what, value) in words, in the order it was given."""
    return [(label[:1].upper() + label[1:].replace("_", " "), _value(value)) for label, value in evidence.items()]


def _value(value: object) -> str:
    if value is None or value == "":
        return "blank"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Mapping):
        return "; ".join(f"{label}: {_value(item)}" for label, item in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(_value(item) for item in value) or "none"
    return str(value)

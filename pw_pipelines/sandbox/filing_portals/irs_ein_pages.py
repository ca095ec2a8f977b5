"""The questions of the IRS assistant's stand-in, page by page: the lines of Form SS-4 in the assistant's order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Question:
    """One question. choices: (value, label) of a choice. pattern: what an answer must be, whole."""

    name: str
    label: str
    kind: Literal["text", "area", "ssn", "radio", "select", "state"] = "text"
    choices: tuple[tuple[str, str], ...] = ()
    pattern: str | None = None
    optional: bool = False

    def complaint(self, given: str) -> str:
        """What is wrong with an answer; empty when nothing is."""
        if not given:
            return "" if self.optional else f"{self.label}: an answer is required."
        if self.choices and given not in dict(self.choices):
            return f"{self.label}: choose one of the answers."
        pattern = r"\d{3}-?\d{2}-?\d{4}" if self.kind == "ssn" else self.pattern
        return "" if pattern is None or re.fullmatch(pattern, given) else f"{self.label}: this is not valid."


@dataclass(frozen=True)
class Page:
    """One page: its address, its title, its questions."""

    name: str
    title: str
    questions: tuple[Question, ...]


_YES_NO = (("yes", "Yes"), ("no", "No"))
_MONTHS = tuple(
    (month, month)
    for month in "January February March April May June July August September October November December".split()
)
_STRUCTURES = (
    ("sole", "Sole proprietor"), ("partnership", "Partnership"), ("corporation", "Corporation"),
    ("llc", "Limited liability company (LLC)"), ("estate", "Estate"), ("trust", "Trust"),
    ("other", "Another kind"),
)  # fmt: skip
_REASONS = (
    ("started", "Started a new business"), ("hired", "Hired employees"), ("banking", "Banking purposes"),
    ("changed", "Changed the kind of organization"), ("purchased", "Purchased an active business"),
)  # fmt: skip
_TRADES = (
    ("construction", "Construction"), ("finance", "Finance"), ("insurance", "Insurance"), ("retail", "Retail"),
    ("realestate", "Real estate"), ("transport", "Transportation"), ("wholesale", "Wholesale"), ("other", "Other"),
)  # fmt: skip
_COUNT = r"\d{1,6}"
_NO_BOX = r"(?is)(?!.*p\.?\s?o\.?\s?box).+"

PAGES = (
    Page("structure", "What kind of organization is applying?", (
        Question("structure", "Kind of organization", "radio", _STRUCTURES),
    )),
    Page("llc", "Tell us about the members of the LLC", (
        Question("members", "Number of members", pattern=_COUNT),
        Question("located", "State where the LLC is located", "state"),
    )),
    Page("reason", "Why is an EIN requested?", (Question("reason", "Reason", "radio", _REASONS),)),
    Page("responsible", "Tell us about the responsible party", (
        Question("responsibleName", "Full name of the responsible party (a natural person)"),
        Question("ssn", "SSN or ITIN", "ssn"),
        Question("role", "Who is applying", "radio", (
            ("member", "I am an owner, a member or the manager"),
            ("designee", "I am a third party applying for the LLC, with its signed authorization"),
        )),
    )),
    Page("designee", "Tell us about the third-party designee", (
        Question("designeeName", "Name of the designee"),
        Question("designeeAddress", "Address of the designee", "area"),
    )),
    Page("address", "Where is the LLC located?", (
        Question("address", "Street address (no P.O. box), city, state, ZIP code", "area", pattern=_NO_BOX),
        Question("mailing", "Mailing address", "area"),
    )),
    Page("details", "Tell us about the LLC", (
        Question("legalName", "Legal name of the LLC"),
        Question("tradeName", "Trade name, if any", optional=True),
        Question("county", "County and state of the principal business"),
        Question("organizedIn", "State where the articles are filed", "state"),
        Question("startDate", "Day the business began (MM/DD/YYYY)", pattern=r"(0[1-9]|1[0-2])/([0-2]\d|3[01])/\d{4}"),
        Question("closingMonth", "Closing month of the accounting year", "select", _MONTHS),
    )),
    Page("activities", "Tell us more about the business", (
        Question("truck", "Does it own a highway vehicle of 55,000 pounds or more?", "radio", _YES_NO),
        Question("gambling", "Does it involve gambling?", "radio", _YES_NO),
        Question("excise", "Does it need to file Form 720 (excise tax)?", "radio", _YES_NO),
        Question("employees", "Highest number of employees expected in the next 12 months", pattern=_COUNT),
    )),
    Page("business", "What does the business do?", (
        Question("trade", "Trade", "radio", _TRADES),
        Question("activity", "Principal activity"),
        Question("product", "Principal product or service"),
    )),
    Page("letter", "How do you want the confirmation letter?", (
        Question("letter", "Confirmation letter", "radio", (
            ("online", "Online: I can open and save a PDF now"), ("mail", "By mail, within four weeks"),
        )),
    )),
)  # fmt: skip


def page_after(name: str, answers: Mapping[str, str]) -> str:
    """The page that follows; the last is the summary. Only a third party is asked for the designee."""
    names = [page.name for page in PAGES if page.name != "designee" or answers.get("role") == "designee"]
    return [*names, "summary"][names.index(name) + 1]

"""A jurisdiction as data: what `data/*.yaml` may say, checked when it loads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pw_pipelines.jurisdictions.features import Feature
from pw_pipelines.sources.register import NameKind
from pw_pipelines.yaml_data import Strict

Confidence = Literal["high", "medium", "low", "unknown"]
Sentence = Annotated[str, Field(min_length=3)]
Family = Literal[
    "distinguishable", "deceptively_similar", "substantially_identical", "likely_to_confuse", "graded"
]  # fmt: skip
Effect = Literal["blocks", "frees", "unknown"]
FeeName = Literal[
    "llc_formation", "corporation_formation", "annual_report", "corporation_annual_report",
    "franchise_tax_minimum", "name_reservation", "name_approval", "name_change", "notice_of_alteration",
    "unlimited_liability_formation", "priority_service", "certificate", "search", "future_effective_date",
]  # fmt: skip
# What every jurisdiction must speak of, be it to say that the amount is unknown.
EVERYWHERE: tuple[FeeName, ...] = (
    "llc_formation", "corporation_formation", "annual_report", "franchise_tax_minimum", "name_reservation",
)  # fmt: skip


def _written_as_text(value: object) -> object:
    """Cents stand in quotes: YAML would read a bare 138.75 as a binary float."""
    if isinstance(value, float):
        raise ValueError(f"{value} is not in quotes; write cents as text, such as '138.75'")  # noqa: TRY004
    return value


Money = Annotated[
    Annotated[Decimal, Field(ge=0, decimal_places=2)] | None,
    BeforeValidator(_written_as_text),
]


class Amount(Strict):
    """A fee in the jurisdiction's currency. value None: unknown; then `words` says why.

    source      key in the file's `sources`
    checked_on  day the source read the official page, where it says so
    """

    value: Money
    source: str
    confidence: Confidence
    checked_on: date | None = None
    words: str | None = None

    @model_validator(mode="after")
    def _unknown_is_explained(self) -> Amount:
        if (self.value is None) != (self.confidence == "unknown"):
            raise ValueError("value is null exactly where confidence is `unknown`")
        if self.value is None and not self.words:
            raise ValueError("an unknown amount needs `words` that say why")
        return self


class Stated(Strict):
    """Something said in words, with its source."""

    words: Sentence
    source: str
    confidence: Confidence


class Option(Strict):
    """One step of expedited service; amount None where the source gives a range or no number."""

    words: Sentence
    amount: Money = None


class Expedited(Stated):
    """Faster service. options: empty where none is offered or the words can't be cut into steps."""

    options: tuple[Option, ...] = ()


class Publication(Stated):
    """Notice in newspapers. required_for: which forms; empty: none."""

    required_for: tuple[Literal["llc", "corporation"], ...] = ()


class Search(Strict):
    """How a person searches names. method: `file` when the register is read here as a whole, `portal` otherwise."""

    method: Literal["file", "portal"]
    url: str = Field(pattern=r"^https://")


class Automation(Strict):
    """Whether a program may ask the state's portal.

    open        a person has read its terms and robots.txt: allowed
    challenge   it puts a captcha or a bot check in the way: left to a person
    forbidden   its terms or robots.txt forbid it
    unverified  nobody has read them: not automated until somebody has
    """

    stance: Literal["open", "challenge", "forbidden", "unverified"]
    reason: Sentence
    source: str


class Freed(Strict):
    """What becomes of names whose holder is gone.

    status      words of the record's status it speaks of, lower case; empty: every status that is not live
    forms       kinds of holder it speaks of; empty: all
    after_days  days after the change of status from which on the name is free; before, it blocks. 0: at once
    """

    status: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    after_days: int = Field(ge=0)
    words: Sentence


class Blocks(Strict):
    """Which records stand in a name's way. kinds: those not named are unknown (legal names block everywhere)."""

    kinds: dict[NameKind, Effect] = Field(default_factory=dict)
    freed: tuple[Freed, ...] = ()
    words: str | None = None


class NameTest(Strict):
    """A state's test of two names.

    ignores      surely makes no difference; `only` narrows a feature to what is surely ignored of it
    honours      surely makes a difference; `parts` of an otherwise ignored feature that do
    unconfirmed  may be ignored; no text about it was read
    statute      the rule for LLCs
    corporation_statute  the rule for corporations, where it was read and says the same; None: it was not read
    compared     `all` types of entity together, or the `same form` only
    state_words  what `state_words` means here
    near_is_judged          a person judges names that are only like another (a slip of the pen, sound, word order)
    approval_is_compulsory  nobody but the office can call a name free
    """

    family: Family
    statute: Sentence
    corporation_statute: Sentence | None = None
    summary: Sentence
    source: str
    confidence: Confidence
    ignores: tuple[Feature, ...]
    honours: tuple[Feature, ...]
    unconfirmed: tuple[Feature, ...]
    only: dict[Feature, str] = Field(default_factory=dict)
    parts: dict[Feature, str] = Field(default_factory=dict)
    compared: Literal["all", "same form"] = "all"
    blocks: Blocks
    consent: str | None = None
    max_length: int | None = Field(default=None, gt=0)
    state_words: tuple[str, ...] = ()
    near_is_judged: bool = False
    approval_is_compulsory: bool = False

    def statute_for(self, form: Literal["llc", "corporation"]) -> str:
        """The rule to cite for a form: the one for corporations where it was read, else the one for LLCs."""
        return (self.corporation_statute if form == "corporation" else None) or self.statute

    @model_validator(mode="after")
    def _every_feature_once(self) -> NameTest:
        said = [*self.ignores, *self.honours, *self.unconfirmed]
        twice = sorted({one.value for one in said if said.count(one) > 1})
        missing = sorted(one.value for one in Feature if one not in said)
        if twice or missing:
            raise ValueError(
                f"every feature stands in one of ignores, honours, unconfirmed; twice: {twice}, nowhere: {missing}"
            )
        stray = sorted(one.value for one in {*self.only, *self.parts} if one not in self.ignores)
        if stray:
            raise ValueError(f"`only` and `parts` speak of ignored features; these are not: {stray}")
        if (Feature.STATE_WORDS in self.ignores) != bool(self.state_words):
            raise ValueError("state_words are named exactly where the state ignores them")
        near = {Feature.SOUND, Feature.WORD_ORDER} & set(self.ignores)
        if near:
            raise ValueError(f"{sorted(near)} make no comparison key: leave them unconfirmed, then a person looks")
        return self


class Word(Strict):
    """A word that needs leave or is barred. kind: `consent` of an authority; `other form`: it says another form."""

    word: Annotated[str, Field(min_length=2)]
    kind: Literal["consent", "other form"]


class RestrictedWords(Strict):
    """Words barred or controlled in the state. was_read False: no list was read, which is not "none"."""

    was_read: bool
    is_complete: bool = False
    words: tuple[Word, ...] = ()
    other_forms_barred: bool | None = None

    @model_validator(mode="after")
    def _unread_is_empty(self) -> RestrictedWords:
        if not self.was_read and (self.words or self.is_complete):
            raise ValueError("words from a list nobody read")
        return self


class DataSource(Strict):
    """Sources of the register read here for this state (empty: none), and what they leave out, in sentences."""

    sources: tuple[str, ...] = ()
    gaps: tuple[Sentence, ...] = ()


class Jurisdiction(Strict):
    """One of the 52."""

    code: str = Field(pattern=r"^[A-Z]{2}$")
    name: Sentence
    agency: Sentence
    currency: Literal["USD", "CAD"] = "USD"
    sources: dict[str, Sentence]
    search: Search
    filing_url: str = Field(pattern=r"^https://")
    automation: Automation
    fees: dict[FeeName, Amount]
    annual_report_due: Stated
    expedited: Expedited
    publication: Publication
    reservation_term: Stated
    name_test: NameTest
    restricted_words: RestrictedWords
    data_source: DataSource
    notes: str

    @model_validator(mode="after")
    def _is_whole(self) -> Jurisdiction:
        missing = [fee for fee in EVERYWHERE if fee not in self.fees]
        if missing:
            raise ValueError(f"fees: {missing} missing; an unknown fee is said with value null")
        used = {
            "automation": self.automation.source, "annual_report_due": self.annual_report_due.source,
            "expedited": self.expedited.source, "publication": self.publication.source,
            "reservation_term": self.reservation_term.source, "name_test": self.name_test.source,
            **{f"fees.{fee}": amount.source for fee, amount in self.fees.items()},
        }  # fmt: skip
        stray = {field: key for field, key in used.items() if key not in self.sources}
        if stray:
            raise ValueError(f"sources that are not in `sources`: {stray}")
        return self

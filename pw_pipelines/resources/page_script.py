"""How a search page is driven and read, as data: steps, patterns, fields. No trade meaning, no state.

Selectors are CSS. A pattern or row counts only when a person would see it: what is hidden is not there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from pw_pipelines.errors import ConfigError

NAME = "{name}"


class Strict(BaseModel):
    """A model that knows every key it may have."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _regex(value: str | None) -> str | None:
    if value is not None:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
    return value


class Pattern(Strict):
    """Something to be seen: an element, words (regular expression, case ignored) on the page, or words in it."""

    selector: str | None = None
    text: str | None = None

    _is_regex = field_validator("text")(_regex)

    @model_validator(mode="after")
    def _says_something(self) -> Pattern:
        if self.selector is None and self.text is None:
            raise ValueError("a pattern needs `selector`, `text` or both")
        return self


class Reading(Strict):
    """Where a value stands: in an element (of the row, where a row is read), in its text or an attribute.

    pattern   regular expression with one group that cuts the value out; where it does not fit there is no value
    required  a row without the value is not one we can read: the page has changed
    """

    selector: str | None = None
    attribute: str | None = None
    pattern: str | None = None
    required: bool = True

    @field_validator("pattern")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if _regex(value) is not None and re.compile(str(value)).groups != 1:
            raise ValueError(f"{value!r} needs exactly one group (…)")
        return value

    def cut(self, text: str | None) -> str | None:
        """The value in what stood there; None when there is none."""
        if text is None:
            return None
        text = re.sub(r"\s+", " ", text).strip()
        if self.pattern is not None:
            found = re.search(self.pattern, text)
            text = found.group(1).strip() if found and found.group(1) else ""
        return text or None


class Step(Strict):
    """One thing a person does before the results show. `until`: what must be seen before the next step."""

    do: Literal["fill", "select", "check", "click", "press", "wait"]
    at: str | None = None
    value: str | None = None
    until: Pattern | None = None

    @model_validator(mode="after")
    def _whole(self) -> Step:
        if self.do == "wait":
            if self.until is None:
                raise ValueError("`wait` needs `until`")
        elif self.at is None:
            raise ValueError(f"`{self.do}` needs `at`, the selector of what is meant")
        if (self.value is not None) != (self.do in ("fill", "select", "press")):
            raise ValueError(f"`{self.do}` {'has no' if self.value is not None else 'needs a'} `value`")
        return self


class Problem(Strict):
    """What the page shows instead of an answer.

    challenge    asks whether a human is there; never answered by us
    refused      says that we are not welcome
    maintenance  is closed for now
    error        its own failure
    """

    kind: Literal["challenge", "refused", "maintenance", "error"]
    selector: str | None = None
    text: str | None = None

    @model_validator(mode="after")
    def _is_pattern(self) -> Problem:
        Pattern(selector=self.selector, text=self.text)
        return self


class Results(Strict):
    """How the answer is read.

    rows        one element per result; fields: what is read of each
    nothing     what the page shows when there is no result. Rows that fail to come are no proof of that
    too_many    what it shows when it cuts the list short
    total       number of results the page states; rows read must come to it
    asked       what the page says it was asked; must be what we asked
    busy        seen while the answer is being fetched
    following   the link or button to the next page, seen (and enabled) while there is one
    page        number of the page shown
    """

    rows: str
    fields: dict[str, Reading]
    nothing: Pattern
    too_many: Pattern | None = None
    total: Reading | None = None
    asked: Reading | None = None
    busy: str | None = None
    following: str | None = None
    page: Reading | None = None
    most_pages: int = Field(default=20, ge=1, le=200)

    @model_validator(mode="after")
    def _pages_are_numbered(self) -> Results:
        if self.following is not None and self.page is None:
            raise ValueError("`following` needs `page`: without a number a page not turned looks like the next one")
        if missing := {"id", "name"} - self.fields.keys():
            raise ValueError(f"`fields` needs {' and '.join(sorted(missing))}")
        return self


class PageScript(Strict):
    """A search page: what is done on it, and how its answer is read. Seconds are waited at most, for each thing."""

    steps: tuple[Step, ...] = Field(min_length=1)
    results: Results
    problems: tuple[Problem, ...] = ()
    timeout_seconds: float = Field(default=20.0, gt=0, le=120)

    @model_validator(mode="after")
    def _asks_once(self) -> PageScript:
        if sum(NAME in (step.value or "") for step in self.steps) != 1:
            raise ValueError(f"exactly one step must fill in {NAME}")
        return self


@lru_cache(maxsize=1)
def known_problems() -> tuple[Problem, ...]:
    """`page_problems.yaml`. Raises ConfigError naming the field that is wrong."""
    text = (resources.files("pw_pipelines.resources") / "page_problems.yaml").read_text(encoding="utf-8")
    try:
        return TypeAdapter(tuple[Problem, ...]).validate_python(yaml.safe_load(text))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigError(f"resources/page_problems.yaml is not valid: {error}") from error

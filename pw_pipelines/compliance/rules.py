"""The deficiency rules as data: `rules.yaml`, checked when it loads, in the order of the file."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Literal

from pydantic import Field, model_validator

from pw_pipelines.errors import UsageError
from pw_pipelines.yaml_data import Strict, read_entries

Kind = Literal["finding", "question"]
Severity = Literal["critical", "high", "medium", "low", "information"]
Certainty = Literal["sure", "probable", "ask"]
Duty = Literal["rmd_recertification", "cpni", "form499a", "form499q", "bdc"]

SEVERITY_RANK: dict[str, int] = {"critical": 1, "high": 2, "medium": 3, "low": 4, "information": 5}
FILE = "rules.yaml"


class Due(Strict):
    """When the duty falls due, in words; `duty` where calendar.py computes the day, `on` where it is one fixed day."""

    words: str = Field(min_length=3)
    duty: Duty | None = None
    on: date | None = None


class Rule(Strict):
    """One deficiency rule.

    scope        whom it binds, in words; the rule's SQL decides row by row
    sources      public records its verdict is read from
    service      code in commerce/catalogue.yaml of what cures it
    question     what the carrier is asked (questions only)
    detection    why public data cannot decide it, or what the judgement leans on
    enabled      false: neither findings nor questions are made; `detection` says why
    """

    code: str = Field(pattern=r"^[A-Z0-9]+(_[A-Z0-9]+)+$")
    kind: Kind
    title: str
    severity: Severity
    certainty: Certainty
    scope: str
    citation: str
    due: Due
    explanation: str
    remedy: str
    service: str | None
    sources: tuple[str, ...] = Field(min_length=1)
    question: str | None = None
    detection: str | None = None
    enabled: bool = True

    @property
    def severity_rank(self) -> int:
        """1 critical … 5 information."""
        return SEVERITY_RANK[self.severity]

    @model_validator(mode="after")
    def _questions_ask(self) -> Rule:
        if (self.kind == "question") != (self.certainty == "ask"):
            raise ValueError(f"{self.code}: a question has certainty `ask`, and nothing else has")
        if (self.kind == "question") != (self.question is not None):
            raise ValueError(f"{self.code}: a question needs its text in `question`, and a finding has none")
        if self.detection is None and (self.kind == "question" or not self.enabled):
            raise ValueError(f"{self.code}: `detection` must say why public data does not decide it")
        return self


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Every rule by its code. Raises ConfigError naming the rule and the field that is wrong."""
    text = (resources.files("pw_pipelines.compliance") / FILE).read_text(encoding="utf-8")
    return parse_rules(text)


def parse_rules(text: str) -> dict[str, Rule]:
    """Rules from YAML text. Raises ConfigError when a field is wrong or a code stands twice."""
    return read_entries(text, Rule, file=f"compliance/{FILE}", key="code", what="rules")


def rule(code: str) -> Rule:
    """One rule. Raises UsageError naming the known codes."""
    try:
        return rules()[code]
    except KeyError:
        raise UsageError(f"There is no rule {code!r}; known: {', '.join(rules())}.") from None

"""The table of what an outcome means (`rules.yaml`), checked when it is read, and its one question: which rule fits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints, model_validator

from pw_pipelines.errors import ConfigError
from pw_pipelines.yaml_data import Strict, read_entries

FILE = Path(__file__).with_name("rules.yaml")
Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
Phrase = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9 '.:-]*\*?$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[245]\.(\d{1,3}\.(\d{1,3})?)?$")]
# What names a person or machine is no word of the server's: user@nospam.example is no spam.
_NAMES = re.compile(r"\S*@\S*|https?://\S+|\b[\w-]+(\.[\w-]+)*\.[a-z]{2,}\b|\[[0-9a-fA-F.:]+\]", re.IGNORECASE)
_MOST_OF_AN_ANSWER, _LONGEST_WORD = 2_000, 200
_LEAST_TELLING = re.compile(r"[245]\.[05]\.0$")


class Rule(Strict):
    """One rule. Every criterion that is given must fit; a rule without one fits everything."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]+$")]
    class_: Literal["hard", "disabled", "full", "soft", "policy", "delayed", "delivered", "unknown"]
    action: tuple[Action, ...] = ()
    status: tuple[Prefix, ...] = ()
    text: tuple[Phrase, ...] = ()
    citation: Annotated[str, StringConstraints(min_length=8)]

    @model_validator(mode="before")
    @classmethod
    def _named_class(cls, value: object) -> object:
        return {("class_" if key == "class" else key): item for key, item in value.items()} \
            if isinstance(value, dict) else value  # fmt: skip

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if not self.text:
            return None
        phrases = (re.escape(phrase.rstrip("*")) + ("" if phrase.endswith("*") else r"(?!\w)") for phrase in self.text)
        return re.compile(r"(?<!\w)(?:" + "|".join(phrases) + ")")

    def fits(self, action: str, statuses: Sequence[str], text: str) -> bool:
        """text: as `words_of` gives it."""
        if self.action and action not in self.action:
            return False
        if self.status and not any(_begins(status, prefix) for status in statuses for prefix in self.status):
            return False
        return self._pattern is None or self._pattern.search(text) is not None


def _begins(status: str, prefix: str) -> bool:
    return status.startswith(prefix) if prefix.endswith(".") else status == prefix


@lru_cache(maxsize=1)
def rules(file: Path = FILE) -> tuple[Rule, ...]:
    """The rules in the file's order. ConfigError names the file, the rule and the fault."""
    found = read_entries(file.read_text(encoding="utf-8"), Rule, file=f"bounces/{file.name}", key="name", what="rules")
    if found and any((rule := list(found.values())[-1]).model_dump(include={"action", "status", "text"}).values()):
        raise ConfigError(f"bounces/{file.name}, {rule.name}: the last rule must fit whatever is left; give it none.")
    return tuple(found.values())


@lru_cache(maxsize=64)
def words_of(text: str) -> str:
    """A server's answer as its words: lower case, one line, without addresses, hosts and links; bounded."""
    words = " ".join(word[:_LONGEST_WORD] for word in text[:_MOST_OF_AN_ANSWER].replace("\u2019", "'").split())
    return " ".join(_NAMES.sub(" ", words).lower().split())


def rule_for(action: str, statuses: Iterable[str], text: str) -> Rule:
    """The first rule that fits. `statuses`: the report's own and the answer's; `text`: the answer as it stands."""
    given = list(dict.fromkeys(status for status in statuses if status))
    telling = [status for status in given if not _LEAST_TELLING.match(status)] or given
    words = words_of(text)
    return next(rule for rule in rules() if rule.fits(action, telling, words))

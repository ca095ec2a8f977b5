"""`words.yaml`, read once: the words that name comparison treats specially."""

from __future__ import annotations

from functools import cached_property, lru_cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from pw_pipelines.errors import ConfigError
from pw_pipelines.yaml_data import load_yaml

WordSet = frozenset[str]


class Words(BaseModel):
    """Sets of words, and maps from a variant to what it is taken for. designators: phrase -> form it says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    designators: dict[str, str]
    articles: WordSet
    foreign_articles: WordSet
    conjunctions: WordSet
    foreign_conjunctions: WordSet
    prepositions: WordSet
    foreign_prepositions: WordSet
    dotcom: WordSet
    numbers: dict[str, str]
    abbreviations: dict[str, str]
    spellings: dict[str, str]
    irregular_plurals: dict[str, str]
    contractions: dict[str, str]
    no_plurals: WordSet
    tenses: dict[str, str]

    @field_validator(
        "articles", "foreign_articles", "conjunctions",
        "foreign_conjunctions", "prepositions", "foreign_prepositions", "dotcom", "no_plurals",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(value.split()) if isinstance(value, str) else value

    @field_validator(
        "numbers", "abbreviations", "spellings", "irregular_plurals", "contractions", "tenses", mode="before"
    )
    @classmethod
    def _turned(cls, value: object) -> object:
        """{word: "variant variant"} -> {variant: word}; a variant of two words is an error."""
        if not isinstance(value, dict):
            return value
        turned: dict[str, str] = {}
        for word, variants in value.items():
            for variant in str(variants).split():
                if variant in turned:
                    raise ValueError(f"{variant!r} is taken for {turned[variant]!r} and for {word!r}")
                turned[variant] = str(word)
        return turned

    @field_validator("designators", mode="before")
    @classmethod
    def _phrases(cls, value: object) -> object:
        """{form: "phrase, phrase"} -> {phrase: form}."""
        if not isinstance(value, dict):
            return value
        return {" ".join(phrase.split()): str(form) for form, said in value.items() for phrase in said.split(",")}

    @cached_property
    def compound_numbers(self) -> dict[str, str]:
        """Number words of two parts, written together -> digits: `twentyone`, `onehundred`."""
        spelt = {said: int(digits) for said, digits in self.numbers.items() if digits.isdigit() and len(said) > 2}
        ones = {said: value for said, value in spelt.items() if value < 10}
        tens = {said: value for said, value in spelt.items() if value >= 20 and value % 10 == 0}
        found = {ten + one: str(tens[ten] + ones[one]) for ten in tens for one in ones if ones[one]}
        for large, times in (("hundred", 100), ("thousand", 1000)):
            found |= {said + large: str(value * times) for said, value in spelt.items() if 0 < value < 100}
        return found

    @cached_property
    def designator_ends(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Last word of a designator -> the designators that end so, word by word, the longest first."""
        ends: dict[str, list[tuple[str, ...]]] = {}
        for phrase in self.designators:
            parts = tuple(phrase.split())
            ends.setdefault(parts[-1], []).append(parts)
        return {word: tuple(sorted(found, key=len, reverse=True)) for word, found in ends.items()}

    @property
    def little(self) -> WordSet:
        """Articles, conjunctions and prepositions, foreign ones too."""
        return (
            self.articles | self.foreign_articles | self.conjunctions
            | self.foreign_conjunctions | self.prepositions | self.foreign_prepositions
        )  # fmt: skip


@lru_cache(maxsize=1)
def words() -> Words:
    """The words. Raises ConfigError naming what is wrong in the file."""
    text = (resources.files("pw_pipelines.registry") / "words.yaml").read_text(encoding="utf-8")
    try:
        return Words.model_validate(load_yaml(text))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigError(f"registry/words.yaml is not valid: {error}") from error

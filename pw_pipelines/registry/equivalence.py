"""A state's own test of two names, as a comparison key: names the state holds to be the same have the same key.

The strict key leaves out what the state surely ignores, the loose key also what it may ignore (`unconfirmed`).
Same strict key: the state holds the two to be the same. Same loose key only: a person must look.

`registry.keys` finds the names to compare: those of one strict or loose key stand under `lookup_keys`. Differences
of sound and word order make no key; names that differ in them alone are found as near names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Literal

from pw_pipelines.jurisdictions.features import FOUND_NEAR, Feature
from pw_pipelines.jurisdictions.model import NameTest
from pw_pipelines.registry import keys, lookup, stems
from pw_pipelines.registry.comparison import Reading, beside_state_words, is_number, key, reading_of
from pw_pipelines.registry.words import words

Sameness = Literal["same", "perhaps", "different"]

_MOST_NUMBERS = 20  # added numbers that are looked for: up to this


def strict_key(rule: NameTest, name: str) -> str:
    """The name without what the state surely ignores."""
    return key(reading_of(rule, is_loose=False), name)


def loose_key(rule: NameTest, name: str) -> str:
    """The name without what the state surely ignores or may ignore."""
    return key(reading_of(rule, is_loose=True), name)


class Asked:
    """A name asked for under a rule, its keys made once, to be compared with many."""

    def __init__(self, rule: NameTest, name: str) -> None:
        self._strict, self._loose = reading_of(rule, is_loose=False), reading_of(rule, is_loose=True)
        self._sure, self._unsure = _ways(self._strict, name), _ways(self._loose, name)

    def compare(self, name: str) -> Sameness:
        """`same`: the state surely holds both to be one name; `perhaps`: it does if it ignores what is unconfirmed."""
        if self._sure.meet(_ways(self._strict, name)):
            return "same"
        return "perhaps" if self._unsure.meet(_ways(self._loose, name)) else "different"


def compare(rule: NameTest, one: str, other: str) -> Sameness:
    """As `Asked.compare`, for two names."""
    return Asked(rule, one).compare(other)


def differ_in(rule: NameTest, one: str, other: str) -> tuple[Feature, ...]:
    """Of names with one strict key: the features without which they would have two."""
    reading = reading_of(rule, is_loose=False)
    left_out = [feature for feature in Feature if feature in reading.left_out]
    return tuple(feature for feature in left_out if not _are_one(_less(reading, feature), one, other))


def unconfirmed_between(rule: NameTest, one: str, other: str) -> tuple[Feature, ...]:
    """Of names with one loose key only: what must be ignored, beyond what surely is, for them to be the same."""
    unsure = {*rule.unconfirmed, *rule.only}
    return tuple(one for one in _needed(reading_of(rule, is_loose=True), one, other) if one in unsure)


def honoured_between(rule: NameTest, one: str, other: str) -> tuple[Feature, ...]:
    """What tells two names apart that would be the same if the state ignored everything; empty: not that alike."""
    everything = replace(
        reading_of(rule, is_loose=True), left_out=frozenset(Feature) - FOUND_NEAR, kept_marks=frozenset()
    )
    return _needed(everything, one, other) if _are_one(everything, one, other) else ()


def _needed(reading: Reading, one: str, other: str) -> tuple[Feature, ...]:
    """A smallest set of features that, left out, makes the two names the same; they are, with all of `reading`."""
    reading = _without_idle(reading, [feature for feature in Feature if feature in reading.left_out], one, other)
    return tuple(feature for feature in Feature if feature in reading.left_out)


def _without_idle(reading: Reading, features: list[Feature], one: str, other: str) -> Reading:
    """The reading less those of `features` that are not needed, later ones first; by halves, for few are needed."""
    less = _less(reading, *features)
    if not features or _are_one(less, one, other):
        return less
    if len(features) == 1:
        return reading
    half = len(features) // 2
    return _without_idle(_without_idle(reading, features[half:], one, other), features[:half], one, other)


def _less(reading: Reading, *features: Feature) -> Reading:
    return replace(reading, left_out=reading.left_out - set(features))


# What changes how a name is written, but none of its words.
_WRITING = frozenset(
    {Feature.CASE, Feature.ACCENTS, Feature.PUNCTUATION, Feature.AMPERSAND, Feature.DESIGNATOR, Feature.SPACES,
     Feature.INITIALS}
)  # fmt: skip


class _Ways:
    """The ways to read one name under one reading.

    Where spaces count for nothing, also by its letters alone, with its designator and without: words can't be told
    in THEFOX, ON YX or FOXLLC. There, and
    loosely everywhere, a mark between two words is read both ways: SMITH.JONES is SMITHJONES, and SMITH JONES.
    """

    def __init__(self, reading: Reading, name: str) -> None:
        self.keys = _keys(reading, name)
        self._reading, self._name = reading, name

    @cached_property
    def letters(self) -> frozenset[str]:
        if Feature.SPACES not in self._reading.left_out:
            return frozenset()
        written = self._reading.left_out & _WRITING
        return frozenset().union(
            *(
                _keys(replace(self._reading, left_out=one), self._name)
                for one in (written, written - {Feature.DESIGNATOR})
            )
        )

    def meet(self, other: _Ways) -> bool:
        """Whether a way to read the one is a way to read the other."""
        return bool(self.keys & other.keys) or bool(self.letters & other.letters)


@lru_cache(maxsize=4_096)  # one verdict compares the same few names over and over
def _ways(reading: Reading, name: str) -> _Ways:
    return _Ways(reading, name)


def _are_one(reading: Reading, one: str, other: str) -> bool:
    return _ways(reading, one).meet(_ways(reading, other))


def _keys(reading: Reading, name: str) -> frozenset[str]:
    if (not reading.is_loose and Feature.SPACES not in reading.left_out) or _has_no_marks(name):
        return frozenset({key(reading, name)})
    return frozenset({key(replace(reading, marks_part=part), name) for part in (True, False)})


def _has_no_marks(name: str) -> bool:
    """Whether nothing stands in the name that could part two words, or not: then it is read in one way."""
    return name.isascii() and name.replace(" ", "").isalnum()


def lookup_keys(rule: NameTest, name: str) -> tuple[str, ...]:
    """The `name_key`s under which every name of the same strict or loose key stands, the name's own first.

    Where the state ignores its own words or an added number, those are put in and left out. Bounded: an added
    number above 20 is found as a near name at best.
    """
    found = dict.fromkeys(lookup.lookup_keys(name))
    parts = keys.body(name)
    may_ignore = {*rule.ignores, *rule.unconfirmed}
    if Feature.STATE_WORDS in rule.ignores:
        bare = [parts[at] for at in beside_state_words(parts, rule.state_words)]
        found |= dict.fromkeys(lookup.lookup_keys(" ".join(bare)))
        for phrase in rule.state_words:
            found.setdefault(keys.name_keys(" ".join([phrase, *bare]))[0])
            found.setdefault(keys.name_keys(" ".join([*bare, phrase]))[0])
    if Feature.ADDED_NUMBER in may_ignore:
        bare = list(parts)
        while len(bare) > 1 and is_number(bare[-1]):
            bare.pop()
        found.setdefault(keys.name_keys(" ".join(bare))[0])
        for number in range(1, _MOST_NUMBERS + 1):
            found.setdefault(keys.name_keys(" ".join([*bare, str(number)]))[0])
    if Feature.POSSESSIVE in may_ignore:
        for other in _with_and_without_possessive(parts):
            found.setdefault(keys.name_keys(" ".join(other))[0])
    if Feature.NUMERALS in may_ignore:
        for at, part in enumerate(parts):
            for said in _number_words().get(stems.perhaps_number(part), ()):
                found.setdefault(keys.name_keys(" ".join([*parts[:at], said, *parts[at + 1 :]]))[0])
    return tuple(key for key in found if key)


def _with_and_without_possessive(parts: list[str]) -> Iterator[list[str]]:
    """One word, or all, with the s of a possessive taken off or put on. Of most words that changes no key; but EL and X
    are an article and a number, and ELS and XS words."""
    for at, part in enumerate(parts):
        for other in (part + "s", part.removesuffix("s")):
            if other not in ("", part):
                yield [*parts[:at], other, *parts[at + 1 :]]
    yield [part.removesuffix("s") or part for part in parts]


@lru_cache(maxsize=1)
def _number_words() -> dict[str, tuple[str, ...]]:
    """Digits -> the words of a number of two words, apart: 21, twenty one."""
    ends = sorted({*words().numbers, "hundred", "thousand"}, key=len, reverse=True)
    found: dict[str, tuple[str, ...]] = {}
    for joined, digits in words().compound_numbers.items():
        end = next(one for one in ends if joined.endswith(one) and joined != one)
        found[digits] = (*found.get(digits, ()), f"{joined.removesuffix(end)} {end}")
    return found

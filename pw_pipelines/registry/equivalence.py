"""A state's own test of two names, as a comparison key: names the state holds to be the same have the same key.

The strict key leaves out what the state surely ignores, the loose key also what it may ignore (`unconfirmed`).
Same strict key: the state holds the two to be the same. Same loose key only: a person must look.

`registry.keys` finds the names to compare: those of one strict or loose key stand under `lookup_keys`. Differences
of sound and word order make no key; names that differ in them alone are found as near names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from pw_pipelines.jurisdictions.features import FOUND_NEAR, Feature
from pw_pipelines.jurisdictions.model import NameTest
from pw_pipelines.registry import keys
from pw_pipelines.registry.words import words

Sameness = Literal["same", "perhaps", "different"]

_PIECE = re.compile(r"[^\W_](?:['`]*[^\W_])*|[&+]")
_BLANKS = re.compile(r"\s+")
_BELONG_TO_DESIGNATOR = " ,.;:-/()\"'`\t\n"  # when it goes, these before it go with it
_MOST_NUMBERS = 20  # added numbers that are looked for: up to this


@dataclass(frozen=True)
class _Token:
    """One word. raw: as written but for capitals; plain: ASCII, closed up; gap: what stands before it."""

    raw: str
    plain: str
    gap: str
    kept: bool = False  # a single letter among others: no article


@dataclass(frozen=True)
class _Reading:
    """What of a rule's features one key leaves out. marks: punctuation left out; None: all of it."""

    left_out: frozenset[Feature]
    marks: frozenset[str] | None
    kept_marks: frozenset[str]
    only: dict[Feature, frozenset[str]]
    state_words: tuple[str, ...]
    is_loose: bool
    parts: bool  # whether an ignored mark without a blank beside it parts two words


def strict_key(rule: NameTest, name: str) -> str:
    """The name without what the state surely ignores."""
    return _key(_reading(rule, is_loose=False), name)


def loose_key(rule: NameTest, name: str) -> str:
    """The name without what the state surely ignores or may ignore."""
    return _key(_reading(rule, is_loose=True), name)


class Asked:
    """A name asked for under a rule, its keys made once, to be compared with many."""

    def __init__(self, rule: NameTest, name: str) -> None:
        self._strict, self._loose = _reading(rule, is_loose=False), _reading(rule, is_loose=True)
        self._sure, self._unsure = _Ways(self._strict, name), _Ways(self._loose, name)

    def compare(self, name: str) -> Sameness:
        """`same`: the state surely holds both to be one name; `perhaps`: it does if it ignores what is unconfirmed."""
        if self._sure.meet(_Ways(self._strict, name)):
            return "same"
        return "perhaps" if self._unsure.meet(_Ways(self._loose, name)) else "different"


def compare(rule: NameTest, one: str, other: str) -> Sameness:
    """As `Asked.compare`, for two names."""
    return Asked(rule, one).compare(other)


def differ_in(rule: NameTest, one: str, other: str) -> tuple[Feature, ...]:
    """Of names with one strict key: the features without which they would have two."""
    reading = _reading(rule, is_loose=False)
    left_out = [feature for feature in Feature if feature in reading.left_out]
    return tuple(feature for feature in left_out if not _are_one(_less(reading, feature), one, other))


def unconfirmed_between(rule: NameTest, one: str, other: str) -> tuple[Feature, ...]:
    """Of names with one loose key only: what must be ignored, beyond what surely is, for them to be the same."""
    unsure = {*rule.unconfirmed, *rule.only}
    return tuple(one for one in _needed(_reading(rule, is_loose=True), one, other) if one in unsure)


def honoured_between(rule: NameTest, one: str, other: str) -> tuple[Feature, ...]:
    """What tells two names apart that would be the same if the state ignored everything; empty: not that alike."""
    everything = replace(
        _reading(rule, is_loose=True), left_out=frozenset(Feature) - FOUND_NEAR, kept_marks=frozenset()
    )
    return _needed(everything, one, other) if _are_one(everything, one, other) else ()


def _needed(reading: _Reading, one: str, other: str) -> tuple[Feature, ...]:
    """A smallest set of features that, left out, makes the two names the same; they are, with all of `reading`."""
    reading = _without_idle(reading, [feature for feature in Feature if feature in reading.left_out], one, other)
    return tuple(feature for feature in Feature if feature in reading.left_out)


def _without_idle(reading: _Reading, features: list[Feature], one: str, other: str) -> _Reading:
    """The reading less those of `features` that are not needed, later ones first; by halves, for few are needed."""
    less = _less(reading, *features)
    if not features or _are_one(less, one, other):
        return less
    if len(features) == 1:
        return reading
    half = len(features) // 2
    return _without_idle(_without_idle(reading, features[half:], one, other), features[:half], one, other)


def _less(reading: _Reading, *features: Feature) -> _Reading:
    return replace(reading, left_out=reading.left_out - set(features))


# What changes how a name is written, but none of its words.
_WRITING = frozenset(
    {Feature.CASE, Feature.ACCENTS, Feature.PUNCTUATION, Feature.AMPERSAND, Feature.DESIGNATOR, Feature.SPACES,
     Feature.INITIALS}
)  # fmt: skip


class _Ways:
    """The ways to read one name under one reading.

    Where spaces count for nothing, also by its letters alone: words can't be told in THEFOX, or ON YX. There, and
    loosely everywhere, a mark between two words is read both ways: SMITH.JONES is SMITHJONES, and SMITH JONES.
    """

    def __init__(self, reading: _Reading, name: str) -> None:
        self.keys = _keys(reading, name)
        self._reading, self._name = reading, name

    @cached_property
    def letters(self) -> frozenset[str]:
        if Feature.SPACES not in self._reading.left_out:
            return frozenset()
        return _keys(replace(self._reading, left_out=self._reading.left_out & _WRITING), self._name)

    def meet(self, other: _Ways) -> bool:
        """Whether a way to read the one is a way to read the other."""
        return bool(self.keys & other.keys) or bool(self.letters & other.letters)


def _are_one(reading: _Reading, one: str, other: str) -> bool:
    return _Ways(reading, one).meet(_Ways(reading, other))


def _keys(reading: _Reading, name: str) -> frozenset[str]:
    if not reading.is_loose and Feature.SPACES not in reading.left_out:
        return frozenset({_key(reading, name)})
    return frozenset({_key(replace(reading, parts=parts), name) for parts in (True, False)})


def lookup_keys(rule: NameTest, name: str) -> tuple[str, ...]:
    """The `name_key`s under which every name of the same strict or loose key stands, the name's own first.

    Where the state ignores its own words or an added number, those are put in and left out. Bounded: an added
    number above 20 is found as a near name at best.
    """
    found = dict.fromkeys(keys.lookup_keys(name))
    parts = keys.body(name)
    may_ignore = {*rule.ignores, *rule.unconfirmed}
    if Feature.STATE_WORDS in rule.ignores:
        bare = [parts[at] for at in _beside_state_words(parts, rule.state_words)]
        found |= dict.fromkeys(keys.lookup_keys(" ".join(bare)))
        for phrase in rule.state_words:
            found.setdefault(keys.name_keys(" ".join([phrase, *bare]))[0])
            found.setdefault(keys.name_keys(" ".join([*bare, phrase]))[0])
    if Feature.ADDED_NUMBER in may_ignore:
        bare = list(parts)
        while len(bare) > 1 and _is_number(bare[-1]):
            bare.pop()
        found.setdefault(keys.name_keys(" ".join(bare))[0])
        for number in range(1, _MOST_NUMBERS + 1):
            found.setdefault(keys.name_keys(" ".join([*bare, str(number)]))[0])
    return tuple(key for key in found if key)


def _reading(rule: NameTest, *, is_loose: bool) -> _Reading:
    left_out = frozenset(rule.ignores) | (frozenset(rule.unconfirmed) if is_loose else frozenset())
    only = {} if is_loose else {feature: frozenset(text.split()) for feature, text in rule.only.items()}
    return _Reading(
        left_out=left_out - FOUND_NEAR,
        marks=only.get(Feature.PUNCTUATION),
        kept_marks=frozenset(rule.parts.get(Feature.PUNCTUATION, "").split()),
        only=only,
        state_words=rule.state_words,
        is_loose=is_loose,
        parts=is_loose,
    )


def _key(reading: _Reading, name: str) -> str:
    left_out = reading.left_out
    tokens, tail = _tokens(reading, name)
    if Feature.DESIGNATOR in left_out:
        tokens, tail = _without_designator(reading, tokens, tail)
    if Feature.DOTCOM in left_out:
        tokens = _without_dotcom(tokens)
    if not reading.parts:
        tokens = _closed_up_by_marks(reading, tokens)
    if Feature.INITIALS in left_out:
        tokens = _initials_together(tokens)
    if Feature.POSSESSIVE in left_out:
        tokens = [_not_possessive(token) for token in tokens]
    if any(token.kept or not keys.is_little(token.plain) for token in tokens):  # else the little words are the name
        tokens = [token for token in tokens if token.kept or not _is_left_out(reading, token)]
        if Feature.STATE_WORDS in left_out and reading.state_words:
            places = _beside_state_words([token.plain for token in tokens], reading.state_words)
            tokens = [tokens[at] for at in places]
        if Feature.ADDED_NUMBER in left_out:
            while len(tokens) > 1 and _is_number(tokens[-1].plain):
                tokens = tokens[:-1]
    tokens = [_word_made_one(reading, token) for token in tokens]
    return _written(reading, tokens, tail)


def _tokens(reading: _Reading, name: str) -> tuple[list[_Token], str]:
    """The words of the name, and what stands after the last."""
    text = keys.plain_marks(name)
    if Feature.CASE in reading.left_out:
        text = text.lower()
    found: list[_Token] = []
    end = 0
    for match in _PIECE.finditer(text):
        raw, gap = match.group(), text[end : match.start()]
        if raw in "&+":
            if Feature.AMPERSAND in reading.left_out:
                raw, gap = "and", gap or " "
            plain = "and"
        else:
            plain = "".join(keys.plain_words(raw))
        end = match.end()
        if not plain:
            continue
        if found and found[-1].plain == "and" and text[match.start() - 1] in "&+" and not gap:
            gap = " " if Feature.AMPERSAND in reading.left_out else ""
        found.append(_Token(raw, plain, gap))
    for run in keys.initials(keys.without_designator([token.plain for token in found])):
        for at in run:
            if found[at].plain != "and":
                found[at] = replace(found[at], kept=True)
    return found, text[end:]


def _closed_up_by_marks(reading: _Reading, tokens: list[_Token]) -> list[_Token]:
    """Words with nothing but ignored marks between them as one: `A.B.C.`, `WAL-MART`."""
    closed: list[_Token] = []
    for token in tokens:
        is_sign = token.raw in "&+" or (closed and closed[-1].raw in "&+")
        if closed and token.gap and not is_sign and all(_is_ignored(reading, mark) for mark in token.gap):
            last = closed.pop()
            closed.append(_Token(last.raw + token.raw, last.plain + token.plain, last.gap))
        else:
            closed.append(token)
    return closed


def _is_ignored(reading: _Reading, mark: str) -> bool:
    """Whether a mark of punctuation is left out."""
    if Feature.PUNCTUATION not in reading.left_out or mark.isspace() or mark in "&+":
        return False
    return mark not in reading.kept_marks and (reading.marks is None or mark in reading.marks)


def _without_designator(reading: _Reading, tokens: list[_Token], tail: str) -> tuple[list[_Token], str]:
    """Without the designator at the end; loosely without every one: COMPANY, LLC is one designator or two."""
    forms = reading.only.get(Feature.DESIGNATOR)
    while True:
        plains = [token.plain for token in tokens]
        width = keys.designator_width(plains)
        said = designator_form(plains[-width:]) if width else None
        if not width or (forms is not None and said not in forms):
            return tokens, tail
        tail = "".join(mark for mark in tokens[-width].gap if mark not in _BELONG_TO_DESIGNATOR)
        tokens = tokens[:-width]
        if not reading.is_loose:
            return tokens, tail


def designator_form(parts: list[str]) -> str | None:
    """The form a designator says (llc, corporation, partnership, any), by its words or its letters set apart."""
    known = words().designators
    return known.get(" ".join(parts)) or known.get("".join(parts))


def _without_dotcom(tokens: list[_Token]) -> list[_Token]:
    known = words().dotcom
    if len(tokens) > 1 and tokens[0].plain == "www":
        tokens = tokens[1:]
    end = len(tokens)
    while end > 1:
        width = keys.designator_width([token.plain for token in tokens[:end]])
        if not width:
            break
        end -= width
    at = end
    while at > 1 and tokens[at - 1].plain in known and "." in tokens[at - 1].gap:
        at -= 1
    return tokens[:at] + tokens[end:]


def _initials_together(tokens: list[_Token]) -> list[_Token]:
    """Single letters as one word, without the full stops after them."""
    together: list[_Token] = []
    was_letter = False
    for token in tokens:
        if was_letter and token.kept:
            last = together.pop()
            together.append(_Token(last.raw + token.raw, last.plain + token.plain, last.gap))
        elif was_letter:
            together.append(replace(token, gap=token.gap.lstrip(".")))
        else:
            together.append(token)
        was_letter = token.kept
    return together


def _not_possessive(token: _Token) -> _Token:
    for ending, left in (("'s", ""), ("`s", ""), ("s'", "s"), ("s`", "s")):
        if token.raw.endswith(ending) and len(token.raw) > len(ending):
            raw = token.raw[: -len(ending)] + left
            return replace(token, raw=raw, plain="".join(keys.plain_words(raw)))
    return token


def _is_left_out(reading: _Reading, token: _Token) -> bool:
    known = words()
    kinds = (
        (Feature.ARTICLES, known.articles),
        (Feature.FOREIGN_ARTICLES, known.foreign_articles | known.foreign_conjunctions | known.foreign_prepositions),
        (Feature.CONJUNCTIONS, known.conjunctions),
        (Feature.PREPOSITIONS, known.prepositions),
        (Feature.COMPANY_WORDS, frozenset({"company", "limited", "liability"})),
    )
    for feature, listed in kinds:
        if feature in reading.left_out and token.plain in reading.only.get(feature, listed):
            return token.raw not in {"&", "+"}
    return False


def _beside_state_words(parts: list[str], phrases: tuple[str, ...]) -> list[int]:
    """Places of the words that are no words for the state; all, if it would leave none."""
    places = list(range(len(parts)))
    for phrase in sorted(phrases, key=len, reverse=True):
        said = phrase.split()
        for at in range(len(places) - len(said), -1, -1):
            if len(places) > len(said) and [parts[place] for place in places[at : at + len(said)]] == said:
                del places[at : at + len(said)]
    return places


def _is_number(plain: str) -> bool:
    return keys.as_number(plain).isdigit()


def _contracted_apart(word: str) -> str:
    return words().contractions.get(word, word)


_WORD_FEATURES: tuple[tuple[Feature, Callable[[str], str]], ...] = (
    (Feature.SPELLING, keys.spelt),
    (Feature.CONTRACTION, _contracted_apart),
    (Feature.ABBREVIATIONS, keys.unabbreviated),
    (Feature.NUMERALS, keys.as_number),
    (Feature.PLURAL, keys.singular),
    (Feature.TENSE, keys.untensed),
)


def _word_made_one(reading: _Reading, token: _Token) -> _Token:
    """The word as every other way of writing it that is ignored."""
    if token.kept or token.raw in "&+":
        return token
    word = token.plain
    for feature, step in _WORD_FEATURES:
        if feature in reading.left_out:
            word = step(word)
    return token if word == token.plain else replace(token, raw=word, plain=word)


def _written(reading: _Reading, tokens: list[_Token], tail: str) -> str:
    text = "".join(_gap(reading, token.gap) + _raw(reading, token) for token in tokens) + _gap(reading, tail)
    return text.strip()


def _gap(reading: _Reading, gap: str) -> str:
    blank = " " if reading.parts else ""
    kept = "".join(blank if _is_ignored(reading, mark) else mark for mark in gap)
    return _BLANKS.sub("" if Feature.SPACES in reading.left_out else " ", kept)


def _raw(reading: _Reading, token: _Token) -> str:
    raw = token.raw.replace(" ", "") if Feature.SPACES in reading.left_out else token.raw
    if Feature.ACCENTS in reading.left_out:
        raw = keys.plain_letters(raw)
    return "".join(letter for letter in raw if letter not in keys.CLOSES_UP or not _is_ignored(reading, letter))

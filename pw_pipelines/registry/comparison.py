"""One name under one reading of a state's rule: word by word, without what the reading leaves out.

What follows is textual and knows no state: `Reading` says what is left out, `key` leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pw_pipelines.jurisdictions.features import FOUND_NEAR, Feature
from pw_pipelines.jurisdictions.model import NameTest
from pw_pipelines.registry import keys, stems
from pw_pipelines.registry.words import words

_PIECE = re.compile(r"[^\W_](?:['`]*[^\W_])*|[&+]")
_BLANKS = re.compile(r"\s+")
_BELONG_TO_DESIGNATOR = " ,.;:-/()\"'`\t\n"  # when it goes, these before it go with it


class _Token(NamedTuple):
    """One word. raw: as written but for capitals; plain: ASCII, closed up; gap: what stands before it."""

    raw: str
    plain: str
    gap: str
    kept: bool = False  # a single letter among others: no article


@dataclass(frozen=True)
class Reading:
    """What of a rule's features one key leaves out.

    marks       punctuation left out; None: all of it but `kept_marks`
    only        feature -> the words of it that are left out, where not all are
    marks_part  whether a mark that is left out parts two words (SMITH.JONES as SMITH JONES) or not (SMITHJONES)
    """

    left_out: frozenset[Feature]
    marks: frozenset[str] | None
    kept_marks: frozenset[str]
    only: tuple[tuple[Feature, frozenset[str]], ...]
    state_words: tuple[str, ...]
    is_loose: bool
    marks_part: bool


_READINGS: dict[tuple[int, bool], tuple[NameTest, Reading]] = {}  # by identity: a rule has no hash


def reading_of(rule: NameTest, *, is_loose: bool) -> Reading:
    """What a rule surely leaves out, loosely also what it may. Never sound and word order: those make no key."""
    kept = _READINGS.get((id(rule), is_loose))
    if kept is None or kept[0] is not rule:
        if len(_READINGS) > 1_000:  # 52 rules live as long as the process; tests make more
            _READINGS.clear()
        kept = _READINGS[id(rule), is_loose] = (rule, _reading(rule, is_loose=is_loose))
    return kept[1]


def _reading(rule: NameTest, *, is_loose: bool) -> Reading:
    left_out = frozenset(rule.ignores) | (frozenset(rule.unconfirmed) if is_loose else frozenset())
    only = {} if is_loose else {feature: frozenset(text.split()) for feature, text in rule.only.items()}
    return Reading(
        left_out=left_out - FOUND_NEAR,
        marks=only.get(Feature.PUNCTUATION),
        kept_marks=frozenset(rule.parts.get(Feature.PUNCTUATION, "").split()),
        only=tuple(only.items()),
        state_words=rule.state_words,
        is_loose=is_loose,
        marks_part=is_loose,
    )


@lru_cache(maxsize=4_096)  # one verdict reads the same few names under the same few readings again and again
def key(reading: Reading, name: str) -> str:
    """The name without what the reading leaves out; readable, for it is shown beside the verdict."""
    left_out = reading.left_out
    told, tail = _tokens(name, is_lower=Feature.CASE in left_out, signs_are_words=Feature.AMPERSAND in left_out)
    tokens = list(told)
    if Feature.DESIGNATOR in left_out:
        tokens, tail = _without_designator(reading, *_without_article_behind(reading, tokens, tail))
    if Feature.DOTCOM in left_out:
        tokens = _without_dotcom(tokens)
    if not reading.marks_part:
        tokens = _closed_up_by_marks(reading, tokens)
    if Feature.INITIALS in left_out:
        tokens = _initials_together(tokens)
    if Feature.POSSESSIVE in left_out:
        contractions = words().contractions if Feature.CONTRACTION in left_out else {}
        tokens = [token if token.plain in contractions else _not_possessive(token) for token in tokens]
    if any(token.kept or not stems.is_little(token.plain) for token in tokens):  # else the little words are the name
        tokens = [token for token in tokens if token.kept or not _is_left_out(reading, token)]
        if Feature.STATE_WORDS in left_out and reading.state_words:
            places = beside_state_words([token.plain for token in tokens], reading.state_words)
            tokens = [tokens[at] for at in places]
        if Feature.ADDED_NUMBER in left_out:
            while len(tokens) > 1 and is_number(tokens[-1].plain):
                tokens = tokens[:-1]
    if Feature.NUMERALS in left_out:
        tokens = _numbers_together(tokens)
    tokens = [_word_made_one(reading, token) for token in tokens]
    return _written(reading, tokens, tail)


@lru_cache(maxsize=4_096)
def _tokens(name: str, *, is_lower: bool, signs_are_words: bool) -> tuple[tuple[_Token, ...], str]:
    """The words of the name, and what stands after the last."""
    text = keys.plain_marks(name)
    if is_lower:
        text = text.lower()
    found: list[_Token] = []
    end = 0
    for match in _PIECE.finditer(text):
        raw, gap = match.group(), text[end : match.start()]
        if raw in "&+":
            if signs_are_words:
                raw, gap = "and", gap or " "
            plain = "and"
        else:
            plain = "".join(keys.plain_words(raw))
        end = match.end()
        if not plain:
            continue
        if found and found[-1].plain == "and" and text[match.start() - 1] in "&+" and not gap:
            gap = " " if signs_are_words else ""
        found.append(_Token(raw, plain, gap))
    for run in keys.initials(keys.without_designator([token.plain for token in found])):
        for at in run:
            if found[at].plain != "and":
                found[at] = found[at]._replace(kept=True)
    return tuple(found), text[end:]


def _closed_up_by_marks(reading: Reading, tokens: list[_Token]) -> list[_Token]:
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


def _is_ignored(reading: Reading, mark: str) -> bool:
    """Whether a mark of punctuation is left out."""
    if Feature.PUNCTUATION not in reading.left_out or mark.isspace() or mark in "&+":
        return False
    return mark not in reading.kept_marks and (reading.marks is None or mark in reading.marks)


def _without_article_behind(reading: Reading, tokens: list[_Token], tail: str) -> tuple[list[_Token], str]:
    """Without an article that is left out anyway and stands behind the designator: FOX, INC., THE is THE FOX, INC."""
    end = keys.before_article([token.plain for token in tokens])
    if end < len(tokens) and all(_is_left_out(reading, token) for token in tokens[end:]):
        return tokens[:end], tokens[end].gap
    return tokens, tail


def _without_designator(reading: Reading, tokens: list[_Token], tail: str) -> tuple[list[_Token], str]:
    """Without the designator at the end; loosely without every one: COMPANY, LLC is one designator or two."""
    forms = dict(reading.only).get(Feature.DESIGNATOR)
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
            together.append(token._replace(gap=token.gap.lstrip(".")))
        else:
            together.append(token)
        was_letter = token.kept
    return together


def _numbers_together(tokens: list[_Token]) -> list[_Token]:
    """TWENTY ONE and ONE HUNDRED as one word each."""
    known = words().compound_numbers
    together: list[_Token] = []
    for token in tokens:
        if together and together[-1].plain + token.plain in known:
            last = together.pop()
            joined = last.plain + token.plain
            together.append(_Token(joined, joined, last.gap))
        else:
            together.append(token)
    return together


def _not_possessive(token: _Token) -> _Token:
    for ending, left in (("'s", ""), ("`s", ""), ("s'", "s"), ("s`", "s")):
        if token.raw.endswith(ending) and len(token.raw) > len(ending):
            raw = token.raw[: -len(ending)] + left
            return token._replace(raw=raw, plain="".join(keys.plain_words(raw)))
    return token


@lru_cache(maxsize=1_000)
def _words_left_out(left_out: frozenset[Feature], only: tuple[tuple[Feature, frozenset[str]], ...]) -> frozenset[str]:
    """The words that are left out wherever they stand."""
    known, narrowed = words(), dict(only)
    kinds = {
        Feature.ARTICLES: known.articles,
        Feature.FOREIGN_ARTICLES: known.foreign_articles | known.foreign_conjunctions | known.foreign_prepositions,
        Feature.CONJUNCTIONS: known.conjunctions,
        Feature.PREPOSITIONS: known.prepositions,
        Feature.COMPANY_WORDS: frozenset({"company", "limited", "liability"}),
    }
    return frozenset().union(*(narrowed.get(kind, listed) for kind, listed in kinds.items() if kind in left_out))


def _is_left_out(reading: Reading, token: _Token) -> bool:
    listed = _words_left_out(reading.left_out, reading.only)
    if not listed or token.raw in {"&", "+"}:
        return False
    if token.plain in listed:
        return True
    return Feature.ABBREVIATIONS in reading.left_out and stems.unabbreviated(token.plain) in listed  # CO. is COMPANY


def beside_state_words(parts: list[str], phrases: tuple[str, ...]) -> list[int]:
    """Places of the words that are no words for the state; all, if it would leave none."""
    places = list(range(len(parts)))
    for phrase in sorted(phrases, key=len, reverse=True):
        said = phrase.split()
        for at in range(len(places) - len(said), -1, -1):
            if len(places) > len(said) and [parts[place] for place in places[at : at + len(said)]] == said:
                del places[at : at + len(said)]
    return places


def is_number(plain: str) -> bool:
    return stems.as_number(plain).isdigit()


def _contracted_apart(word: str) -> str:
    return words().contractions.get(word, word)


_WORD_FEATURES: tuple[tuple[Feature, Callable[[str], str]], ...] = (
    (Feature.SPELLING, stems.spelt),
    (Feature.CONTRACTION, _contracted_apart),
    (Feature.ABBREVIATIONS, stems.unabbreviated),
    (Feature.NUMERALS, stems.as_number),
    (Feature.PLURAL, stems.singular),
    (Feature.TENSE, stems.untensed),
)
# Loosely also where the word may be something else: CANVAS is perhaps several CANVA, V perhaps five.
_PERHAPS: dict[Feature, Callable[[str], str]] = {
    Feature.PLURAL: stems.perhaps_singular,
    Feature.NUMERALS: stems.perhaps_number,
}


def _word_made_one(reading: Reading, token: _Token) -> _Token:
    """The word as every other way of writing it that is ignored."""
    if token.kept or token.raw in "&+":
        return token
    word = _made_one(reading.left_out, reading.is_loose, token.plain)
    return token if word == token.plain else token._replace(raw=word, plain=word)


@lru_cache(maxsize=8_192)
def _made_one(left_out: frozenset[Feature], is_loose: bool, word: str) -> str:
    for feature, sure in _WORD_FEATURES:
        if feature in left_out:
            step = _PERHAPS.get(feature, sure) if is_loose else sure
            word = " ".join(map(step, word.split(" ")))  # a contraction's words each for itself
    return word


def _written(reading: Reading, tokens: list[_Token], tail: str) -> str:
    text = "".join(_gap(reading, token.gap) + _raw(reading, token) for token in tokens) + _gap(reading, tail)
    return text.strip()


def _gap(reading: Reading, gap: str) -> str:
    if not gap or gap == " ":
        return "" if Feature.SPACES in reading.left_out else gap
    blank = " " if reading.marks_part else ""
    kept = "".join(blank if _is_ignored(reading, mark) else mark for mark in gap)
    return _BLANKS.sub("" if Feature.SPACES in reading.left_out else " ", kept)


def _raw(reading: Reading, token: _Token) -> str:
    raw = token.raw.replace(" ", "") if Feature.SPACES in reading.left_out else token.raw
    if Feature.ACCENTS in reading.left_out:
        raw = keys.plain_letters(raw)
    for mark in keys.CLOSES_UP:
        if mark in raw and _is_ignored(reading, mark):
            raw = raw.replace(mark, "")
    return raw

"""What to type into a portal's search so that every name a state may hold to be the same is in its answer.

A portal compares letters, states compare less than that: "The Blue Foxes, Inc." may be "Blue Fox LLC". So a word is
asked for, cut back to the letters its plural and possessive share, and a further question covers the name in
which that word is written apart or punctuated ("Black-Bird" for "Blackbird"). Written apart in two places, a name
may escape; so may an accented letter where the portal does not fold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pw_pipelines.errors import UsageError
from pw_pipelines.registry import keys
from pw_pipelines.registry.words import words

Match = Literal["contains", "starts_with"]

SHORTEST = 3  # letters that may be asked for
SPLIT_FROM = 5  # letters of a word whose halves are asked for too
MOST_QUESTIONS = 4
COMMON = frozenset(
    """associates building capital center company construction consulting design development electric energy
    engineering enterprise enterprises farm farms financial foundation global group health holding holdings home homes
    industries insurance international investment investments management marketing medical partners properties
    property ranch real estate realty rental rentals services service solutions systems technologies technology trading
    transport trucking trust venture ventures wellness""".split()
)
"""Words so many names hold that a portal's list would be cut short; asked for only beside a better one, or alone."""


@dataclass(frozen=True)
class Plan:
    """Questions to ask, in order, and what names they may miss all the same (then absence proves nothing)."""

    questions: tuple[str, ...]
    unseen: str | None = None


def plan(name: str, match: Match = "contains") -> Plan:
    """What to ask a portal for `name`. Raises UsageError for a name without a letter or digit."""
    parts = keys.plain_words(name)
    if not parts:
        raise UsageError(f"{name!r} has no letter or digit to search for.")
    telling = [part for part in keys.without_designator(parts) if part not in words().little]
    if not telling:
        return Plan((parts[0].upper(),), "The name has no word that tells it from others.")
    parts = telling
    if match == "starts_with":
        first = _safe(parts[0]) or parts[0]
        asked = tuple(f"{article}{first}".upper() for article in ("", "the ", "a "))
        return Plan(asked, "This portal finds names by their beginning only: a name that begins otherwise is not seen.")
    safe = [cut for cut in dict.fromkeys(_safe(part) for part in parts) if cut]
    safe.sort(key=lambda cut: (cut in _common(), -len(cut)))
    if not safe:
        return _unsafe(parts)
    best, *others = safe
    if others and (others[0] not in _common() or len(best) < SPLIT_FROM):
        questions: tuple[str, ...] = (best, others[0])
    elif len(best) >= SPLIT_FROM:
        half = (len(best) + 1) // 2
        questions = (best, best[:half], best[min(half, len(best) - SHORTEST) :])
    else:
        questions = _set_apart(best) if len(parts) == 1 else (best,)
    return Plan(tuple(question.upper() for question in questions))


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(_cut(word) for word in COMMON)


def _safe(word: str) -> str | None:
    """The letters that the word's plural and possessive share with it; None when it has other forms, or too few."""
    if not word.isalpha() or variants(word) != {word}:
        return None
    cut = _cut(word)
    return cut if len(cut) >= SHORTEST else None


def _cut(word: str) -> str:
    for ending in ("ies", "ves", "ys", "fes", "fs", "fe", "y", "f"):  # city, cities; wolf, wolves; Mary's
        if len(word) > SHORTEST and word.endswith(ending):
            return word[: -len(ending)]
    if len(word) > SHORTEST + 1 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if word.endswith("sss"):  # glass's
        return word[:-1]
    return word[:-1] if len(word) > SHORTEST and word.endswith("s") and not word.endswith("ss") else word


def variants(word: str) -> set[str]:
    """The word and every other way of writing it that name rules know: numbers, abbreviations, spellings."""
    known, found = words(), {word}
    for table in (known.spellings, known.irregular_plurals, known.numbers, known.abbreviations):
        for meant in {table.get(one, one) for one in found}:
            found |= {meant, *(variant for variant, usual in table.items() if usual == meant)}
    return found


def _unsafe(parts: list[str]) -> Plan:
    """A name of nothing but numbers, abbreviations and words that have other forms."""
    for part in sorted(parts, key=lambda part: (part in COMMON, -len(part))):
        forms = sorted(variants(part), key=lambda form: (form != part, form))
        if 1 < len(forms) <= MOST_QUESTIONS or (forms == [part] and not part.isalpha()):
            return Plan(tuple(form.upper() for form in forms))
        if forms == [part] and len(part) <= SHORTEST:
            return Plan(tuple(question.upper() for question in _set_apart(part)))
    return Plan((parts[0].upper(),), f"{parts[0].upper()} is written in more ways than can be asked for.")


def _set_apart(word: str) -> tuple[str, ...]:
    """A short word, and its letters with stops and with blanks between them (I.B.M., I B M)."""
    return tuple(dict.fromkeys((word, ".".join(word), " ".join(word))))

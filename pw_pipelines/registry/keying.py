"""`keys.name_keys` for millions of names: the very same keys, many times as quickly where there is compiled code.

That puts a name together from what is known of each word. A name that has more to it than its words one by one
(initials, a designator of several words, letters with accents) goes the plain way.
"""

from __future__ import annotations

from functools import lru_cache

from pw_pipelines import native
from pw_pipelines.registry import keys, stems
from pw_pipelines.registry.words import words

_LARGEST_BOOK = 300_000  # words kept, some 60 MB; a state's names have millions, and most of them once
_PLAIN, _FORM, _LOOK_AROUND = range(3)  # the kinds of native.words


def many(names: list[str] | list[str | None]) -> tuple[list[str | None], list[str | None]]:
    """`name_key` and `near_key` of many names; None for no name and for one without a letter or digit."""
    if not native.IS_COMPILED:
        return keys.many(names)
    name_keys, near_keys, others = _keyer().keys(names)
    for number in others:
        plain, near = keys.name_keys(names[number] or "")
        name_keys[number], near_keys[number] = plain or None, near or None
    if len(keys.BOOK) > _LARGEST_BOOK:
        keys.BOOK.clear()
    return name_keys, near_keys


@lru_cache(maxsize=1)
def _keyer() -> native.words.Keyer:
    """What this process knows of words."""
    letters = list(map(chr, range(128)))
    folded = [keys.FOLD.get(ord(one), one) for one in letters]
    return native.words.Keyer(
        fold=bytes(0 if one is None else 1 if len(one) > 1 else ord(one) for one in folded),
        coarse=bytes(ord(keys.coarse_inside(one) or "\0") for one in letters),
        sounds=bytes(1 if one in stems.VOWELS else ord(stems.heard(one) or "\0") for one in letters),
        heard_as=stems.HEARD_AS,
        telltale=bytes(one in stems.TELLTALE for one in letters),
        asked=stems.spoken_of() | _endings()[0] | {"www", *letters},
        learn=_learn,
    )


def _learn(word: str) -> tuple[int, str]:
    """A word's kind and stem."""
    return _kind(word), stems.telling(word)


def _kind(word: str) -> int:
    parts, forms = _endings()
    if (len(word) == 1 and word.isalpha()) or word == "www":
        return _LOOK_AROUND
    if word in parts:
        return _FORM if word in forms else _LOOK_AROUND
    return _PLAIN


@lru_cache(maxsize=1)
def _endings() -> tuple[frozenset[str], frozenset[str]]:
    """Words of designators and internet endings; and those that say one alone, whatever stands before them."""
    ends, dotcom = words().designator_ends, words().dotcom
    parts = frozenset(part for phrases in ends.values() for phrase in phrases for part in phrase) | dotcom
    return parts, frozenset(word for word in parts if word in dotcom or (word,) in ends.get(word, ()))

"""Names like the one asked for: the same words in another order, words that sound alike, a slip of the pen.

For people to look at. They are ranked among candidates that the index gives quickly; a name that is unlike in both
of its halves is not among those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import DamerauLevenshtein

from pw_pipelines.registry.keys import body, name_keys
from pw_pipelines.registry.model import Near, Record
from pw_pipelines.registry.stems import is_little, sound, stem

SHOWN = 10
MOST_EDITS = 2
SHORT_NAME = 6  # names up to this many letters may differ by one edit only
SHORT_KEY = 5  # the same of keys, which are shorter, when candidates are looked for
LEAST_SPELT = 0.75  # share of the letters that must be the same for a slip of the pen
LEAST_SOUNDING = 0.6  # and for names that sound alike, unless their consonants are heard the same one by one
SAME_WORDS, SAME_SOUND = 98.0, 90.0  # scores: the first always, the second at best

_HEARD = (("ph", "f"), ("ck", "k"), ("qu", "k"), ("ce", "se"), ("ci", "si"), ("cy", "sy"), ("kn", "n"), ("wr", "r"),
          ("ch", "#"), ("sh", "#"), ("c", "k"), ("q", "k"), ("x", "ks"), ("z", "s"))  # fmt: skip
_VOWELS = frozenset("aeiouy")
_NOT_HEARD = _VOWELS | frozenset("wh")
_DOUBLED = re.compile(r"(.)\1+")


class Candidate(NamedTuple):
    """A record that may be like the asked name."""

    id: str
    name: str
    status: str | None
    name_key: str
    near_key: str


def rank(name: str, records: Iterable[Record]) -> list[Near]:
    """The names of `records` that are like `name`, the most like first, at most ten; those of the same key are none."""
    return ranked(
        name,
        [Candidate(one.record_id, one.name, one.status, one.name_key, name_keys(one.name)[1]) for one in records],
    )


def ranked(name: str, candidates: Iterable[Candidate]) -> list[Near]:
    """As `rank`, for what the index gave."""
    key, near_key = name_keys(name)
    told = _telling(name)
    letters, words, spoken = "".join(told), _words(told), _spoken(told)
    found: dict[str, Near] = {}
    for one in candidates:
        if one.name_key == key or not one.name_key or one.id in found:
            continue
        theirs = _telling(one.name)
        alike = _slip(letters, "".join(theirs))
        sounds_so = one.near_key == near_key and near_key
        if sounds_so and len(theirs) == len(words) and _words(theirs) == words:
            how, score = "word order", SAME_WORDS
        elif sounds_so and (similar := _sounds(spoken, _spoken(theirs))) is not None:
            how, score = "sound", max(alike or 0.0, SAME_SOUND * similar)
        elif alike is not None:
            how, score = "typo", alike
        else:
            continue
        found[one.id] = Near(one.id, one.name, one.status, how, round(score, 1))
    return sorted(found.values(), key=lambda one: (-one.score, one.name, one.id))[:SHOWN]


def _slip(letters: str, theirs: str) -> float | None:
    """How like two names are (0 to 100) of which a slip of the pen makes one the other; None: none does.

    The letters as they are written are compared, not those of the key: a key leaves out so many that two edits of it
    make BESTAFOX of BLUE FOX.
    """
    length = max(len(letters), len(theirs))
    most = 1 if length <= SHORT_NAME else MOST_EDITS
    edits = DamerauLevenshtein.distance(letters, theirs, score_cutoff=most)
    if edits > most or not length:
        return None
    alike = 1 - edits / length
    return 100.0 * alike if alike >= LEAST_SPELT else None


def _sounds(spoken: str, theirs: str) -> float | None:
    """How like (0 to 1) two names of one sound key are written; None: too little for an ear to take one for the other.

    A sound key is coarse (ZAOVA and CISVEVFOV share one): what is written must be like too, or the consonants that
    are heard the same one by one.
    """
    similar = DamerauLevenshtein.normalized_similarity(spoken, theirs)
    return similar if similar >= LEAST_SOUNDING or _skeleton(spoken) == _skeleton(theirs) else None


def _skeleton(letters: str) -> str:
    """The consonants as they are heard, doubled ones once, after a mark where a vowel comes first."""
    heard = letters
    for written, said in _HEARD:
        heard = heard.replace(written, said)
    consonants = _DOUBLED.sub(r"\1", "".join(one for one in heard if one not in _NOT_HEARD))
    return ("*" if heard[:1] in _VOWELS else "") + consonants


def _telling(name: str) -> list[str]:
    """The words of a name that tell it from others; all, where none does."""
    parts = body(name)
    return [word for word in parts if not is_little(word)] or parts


@lru_cache(maxsize=20_000)  # candidates share their words
def _stem(word: str) -> str:
    return stem(word)


@lru_cache(maxsize=20_000)
def _sound(word: str) -> str:
    return sound(_stem(word))


def _words(telling: list[str]) -> list[str]:
    return sorted(map(_stem, telling))


def _spoken(telling: list[str]) -> str:
    """The letters with the words in the order of their sound: names of one sound key have them in one order then."""
    return "".join(sorted(telling, key=lambda word: (_sound(word), word)))


def most_edits(key: str) -> int:
    """How many letters may differ before a key is no slip of the pen any more."""
    return 1 if len(key) <= SHORT_KEY else MOST_EDITS


def length_range(key: str) -> range:
    """Lengths of the keys among which slips of the pen are looked for."""
    widest = most_edits(key) + (1 if len(key) > SHORT_KEY else 0)
    return range(max(1, len(key) - widest), len(key) + widest + 1)

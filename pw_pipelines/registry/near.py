"""Names like the one asked for: the same words in another order, words that sound alike, a slip of the pen.

For people to look at. They are ranked among candidates that the index gives quickly; a name that is unlike in both
of its halves is not among those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import DamerauLevenshtein

from pw_pipelines.registry.keys import body, is_little, name_keys, stem
from pw_pipelines.registry.model import Near, Record

SHOWN = 10
MOST_EDITS = 2
SLIP_OF_ENDING = 3  # further edits of a key that one slip may cause: ING, IES and the like are left out of it
SHORT_KEY = 5  # keys up to here may differ by one edit only
SAME_WORDS, SAME_SOUND = 98.0, 90.0  # scores: the first always, the second at best


@dataclass(frozen=True)
class Candidate:
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
    letters, words = "".join(body(name)), _words(name)
    found: dict[str, Near] = {}
    for one in candidates:
        if one.name_key == key or not one.name_key or one.id in found:
            continue
        slips, alike = _slips(key, letters, one)
        if one.near_key == near_key and near_key:
            if _words(one.name) == words:
                how, score = "word order", SAME_WORDS
            else:
                similar = DamerauLevenshtein.normalized_similarity(key, one.name_key)
                how, score = "sound", max(alike if slips else 0.0, SAME_SOUND * similar)
        elif slips:
            how, score = "typo", alike
        else:
            continue
        found[one.id] = Near(one.id, one.name, one.status, how, round(score, 1))
    return sorted(found.values(), key=lambda one: (-one.score, one.name, one.id))[:SHOWN]


def _slips(key: str, letters: str, one: Candidate) -> tuple[bool, float]:
    """Whether a slip of the pen makes one name of the other, and how like they are then (0 to 100).

    A slip in an ending that the key leaves out (PLUMBNIG) shows in the letters as they are written.
    """
    most = most_edits(key)
    edits = DamerauLevenshtein.distance(key, one.name_key, score_cutoff=most + SLIP_OF_ENDING)
    length = max(len(key), len(one.name_key))
    if most < edits <= most + SLIP_OF_ENDING:
        theirs = "".join(body(one.name))
        edits = DamerauLevenshtein.distance(letters, theirs, score_cutoff=most)
        length = max(len(letters), len(theirs))
    return edits <= most, 100.0 * (1 - edits / length)


def most_edits(key: str) -> int:
    """How many letters may differ before a key is no slip of the pen any more."""
    return 1 if len(key) <= SHORT_KEY else MOST_EDITS


def length_range(key: str) -> range:
    """Lengths of the keys among which slips of the pen are looked for."""
    widest = most_edits(key) + (1 if len(key) > SHORT_KEY else 0)
    return range(max(1, len(key) - widest), len(key) + widest + 1)


def _words(name: str) -> list[str]:
    return sorted(stem(word) for word in body(name) if not is_little(word))

"""Names like the one asked for: the same words in another order, words that sound alike, a slip of the pen.

For people to look at. They are ranked among candidates that the index gives quickly; a name that is unlike in both
of its halves is not among those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import DamerauLevenshtein

from pw_pipelines.registry.keys import name_keys, plain_words, stem, without_designator
from pw_pipelines.registry.model import Near, Record

SHOWN = 10
MOST_EDITS = 2
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
    words = _words(name)
    most = most_edits(key)
    found: dict[str, Near] = {}
    for one in candidates:
        if one.name_key == key or not one.name_key or one.id in found:
            continue
        edits = DamerauLevenshtein.distance(key, one.name_key, score_cutoff=most)
        score = 100.0 * (1 - edits / max(len(key), len(one.name_key)))
        if one.near_key == near_key and near_key:
            if _words(one.name) == words:
                how, score = "word order", SAME_WORDS
            else:
                similar = DamerauLevenshtein.normalized_similarity(key, one.name_key)
                how, score = "sound", max(score if edits <= most else 0.0, SAME_SOUND * similar)
        elif edits <= most:
            how = "typo"
        else:
            continue
        found[one.id] = Near(one.id, one.name, one.status, how, round(score, 1))
    return sorted(found.values(), key=lambda one: (-one.score, one.name, one.id))[:SHOWN]


def most_edits(key: str) -> int:
    """How many letters may differ before a key is no slip of the pen any more."""
    return 1 if len(key) <= SHORT_KEY else MOST_EDITS


def _words(name: str) -> list[str]:
    return sorted(stem(word) for word in without_designator(plain_words(name)))

"""Similar names: which filing's name looks like which carrier's, though no key is shared. Proof of nothing.

Bounded work: names are compared, in compiled code, with those that begin or end a word alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pw_pipelines.compliance.matching_names import TRADE_WORDS, CarrierName, Filing

# Similarity of the letters, 0 to 100. A filing that carries another carrier's very name has an owner: only a
# close look-alike makes it anyone else's question.
CUTOFF = 86
CUTOFF_OWNED = 93
CONTAINED = 90.0  # similarity given when one name holds all words of the other
CONTAINED_WORDS = 2  # … and they are at least so many
SAME_CORE = 92.0  # … when the same words are left without those of the trade (Acme Wireless, Acme Telecom)
SQUEEZED = 97.0  # … when only the blanks differ (AcmeTel, Acme Tel)
END = 4  # letters at a word's beginning or end that a look-alike keeps: a slip of the pen rarely hits both
SHORT = 7  # letters of a name so short that one slip can hit both


@dataclass(frozen=True)
class NearName:
    """One name in one filing. `is_owned`: some carrier was found for the filing already."""

    filing: Filing
    name: str
    key: str
    is_owned: bool


@dataclass(frozen=True)
class Near:
    """A look-alike. similarity: 0 to 100."""

    filing: Filing
    name: str
    carrier: CarrierName
    similarity: float


def nearest(filed: Iterable[NearName], carriers: Iterable[CarrierName]) -> Iterator[Near]:
    """For each carrier name the most similar filed name, if any is similar enough."""
    by_key: dict[str, NearName] = {}
    for name in filed:
        if name.key and (name.key not in by_key or by_key[name.key].is_owned > name.is_owned):
            by_key[name.key] = name
    mine: dict[str, list[CarrierName]] = defaultdict(list)
    for carrier in carriers:
        mine[carrier.key].append(carrier)
    if not by_key or not mine:
        return
    best = _by_similarity(by_key, list(mine))
    for found in (
        _by_containment(by_key, mine),
        _by_form(by_key, mine, _core, SAME_CORE),
        _by_form(by_key, mine, _squeezed, SQUEEZED),
    ):
        for key, (filed_key, similarity) in found.items():
            if key not in best or best[key][1] < similarity:
                best[key] = (filed_key, similarity)
    for key, (filed_key, similarity) in best.items():
        name = by_key[filed_key]
        for carrier in mine[key]:
            yield Near(name.filing, name.name, carrier, similarity)


def _by_similarity(by_key: dict[str, NearName], keys: list[str]) -> dict[str, tuple[str, float]]:
    from rapidfuzz import fuzz, process

    blocks: dict[str, list[str]] = defaultdict(list)
    for key in by_key:
        for block in _blocks(key):
            blocks[block].append(key)
    best: dict[str, tuple[str, float]] = {}
    for key in keys:
        candidates = {other for block in _blocks(key) for other in blocks.get(block, ())}
        for form in (str, _in_order):  # as written, and whatever the order of the words
            asked = form(key)
            for is_owned, cutoff in ((False, CUTOFF), (True, CUTOFF_OWNED)):
                choices = {other: form(other) for other in candidates if by_key[other].is_owned is is_owned}
                found = process.extractOne(asked, choices, scorer=fuzz.ratio, score_cutoff=cutoff)
                if found is not None and (key not in best or found[1] > best[key][1]):
                    best[key] = (found[2], float(found[1]))
    return best


def _blocks(key: str) -> set[str]:
    """What two look-alikes have in common at least once: how a word begins or ends, or, in a short name, one letter.

    Comparing only within blocks takes 15,000 × 11,000 names from 165 million comparisons to some hundred thousand.
    """
    core = [word for word in key.split() if word not in TRADE_WORDS] or key.split()
    found = {f"{word[:END]}…" for word in core} | {f"…{word[-END:]}" for word in core}
    letters = "".join(core)
    if len(letters) <= SHORT:
        found |= {f"short {letters[:1]}…", f"short …{letters[-1:]}"}
    return found


def _in_order(key: str) -> str:
    return " ".join(sorted(key.split()))


def _by_containment(by_key: dict[str, NearName], keys: Iterable[str]) -> dict[str, tuple[str, float]]:
    """Names of which one has all the words of the other: a subsidiary's or a division's, perhaps."""
    postings: dict[str, set[str]] = defaultdict(set)
    words_of = {key: frozenset(key.split()) for key in by_key}
    for key, words in words_of.items():
        for word in words:
            postings[word].add(key)
    found: dict[str, tuple[str, float]] = {}
    for key in keys:
        words = frozenset(key.split())
        known = sorted((postings[word] for word in words if word in postings), key=len)
        candidates: set[str] = set()
        if known and len(known) == len(words) and _names_somebody(words):
            candidates = set.intersection(*known)  # filed names that hold every word of the carrier's
        # filed names all of whose words the carrier's has: one of them at least is no word of the trade
        for other in set().union(*(postings.get(word, set()) for word in words - TRADE_WORDS)):
            if words_of[other] <= words and _names_somebody(words_of[other]):
                candidates.add(other)
        if candidates:
            found[key] = (min(candidates, key=lambda other: (abs(len(words_of[other]) - len(words)), other)), CONTAINED)
    return found


def _by_form(
    by_key: dict[str, NearName], keys: Iterable[str], form: Callable[[str], str], similarity: float
) -> dict[str, tuple[str, float]]:
    """Names that are the same once brought to `form`."""
    filed = {form(key): key for key in sorted(by_key, reverse=True)}
    filed.pop("", None)
    return {key: (filed[form(key)], similarity) for key in keys if form(key) in filed}


def _core(key: str) -> str:
    return " ".join(sorted(set(key.split()) - TRADE_WORDS))


def _squeezed(key: str) -> str:
    return key.replace(" ", "")


def _names_somebody(words: frozenset[str]) -> bool:
    """Two words or more, not all of them words of the trade."""
    return len(words) >= CONTAINED_WORDS and not words <= TRADE_WORDS

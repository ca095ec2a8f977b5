"""Similar names: which filing's name looks like which carrier's, though no key is shared. Proof of nothing.

Bounded work: names are compared, in compiled code, with those that begin or end a word alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pw_pipelines.compliance.matching_names import TRADE_WORDS, CarrierName, Filing, is_trade, spelled

# Similarity of the letters, 0 to 100. A name that is another carrier's very own has an owner: only a close look-alike
# makes it anyone else's question.
CUTOFF = 86
CUTOFF_OWNED = 93
CONTAINED = 90.0  # similarity given when one name holds all words of the other
CONTAINED_WORDS = 2  # … and they are at least so many
SAME_CORE = 92.0  # … when the same words are left without those of the trade (Acme Wireless, Acme Telecom)
SQUEEZED = 97.0  # … when only the blanks differ (AcmeTel, Acme Tel)
END = 4  # letters at a word's beginning or end that a look-alike keeps: a slip of the pen rarely hits both
ALONE = 4  # letters of a word that, alone, may be somebody's name in a filing nobody was found for
RARE = 5  # carriers at most in whose names a word is that two look-alikes may have in common and nothing else
RARE_LETTERS = 5  # … and its letters at least
COMMON = 20  # carriers in whose names a word may be that, alone, still says who it is
SHARED = 86.0  # … and the similarity given
SHORT = 7  # letters of a name so short that one slip can hit both


@dataclass(frozen=True)
class NearName:
    """One name in one filing, or in a document's file name. `is_owned`: it is, or holds, some carrier's very name."""

    filing: Filing
    name: str
    key: str
    is_owned: bool


@dataclass(frozen=True)
class Near:
    """A look-alike. similarity: 0 to 100. is_owned: the filed name is another's very own."""

    filing: Filing
    name: str
    carrier: CarrierName
    similarity: float
    is_owned: bool


def nearest(
    filed: Iterable[NearName], carriers: Iterable[CarrierName], *, bearers: Mapping[str, int]
) -> Iterator[Near]:
    """For each carrier name the most similar filed name, if any is similar enough.

    bearers: word -> how many carriers of all have it in a name.
    """
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
        _by_rare_word(by_key, mine, bearers),
        _by_form(by_key, mine, spelled, SQUEEZED),
        _by_form(by_key, mine, _core, SAME_CORE, says=lambda core, other: _says(core, by_key[other], bearers)),
        _by_form(by_key, mine, _squeezed, SQUEEZED),
    ):
        for key, (filed_key, similarity) in found.items():
            if key not in best or best[key][1] < similarity:
                best[key] = (filed_key, similarity)
    for key, (filed_key, similarity) in best.items():
        name = by_key[filed_key]
        for carrier in mine[key]:
            yield Near(name.filing, name.name, carrier, similarity, name.is_owned)


def _by_similarity(by_key: dict[str, NearName], keys: list[str]) -> dict[str, tuple[str, float]]:
    from rapidfuzz import fuzz, process

    blocks: dict[str, list[str]] = defaultdict(list)
    for key in by_key:
        for block in _blocks(key):
            blocks[block].append(key)
    best: dict[str, tuple[str, float]] = {}
    for key in keys:
        candidates = {other for block in _blocks(key) for other in blocks.get(block, ())}
        # as written, whatever the order of the words, abbreviations written out, without the words of the trade
        for form in (str, _in_order, spelled, _core):
            asked = form(key)
            for is_owned, cutoff in ((False, CUTOFF), (True, CUTOFF_OWNED)):
                if form is _core and (is_owned or len(asked) < RARE_LETTERS):
                    continue
                choices = {other: form(other) for other in candidates if by_key[other].is_owned is is_owned}
                found = process.extractOne(asked, choices, scorer=fuzz.ratio, score_cutoff=cutoff)
                if found is not None and (key not in best or found[1] > best[key][1]):
                    best[key] = (found[2], float(found[1]))
    return best


def _blocks(key: str) -> set[str]:
    """What two look-alikes have in common at least once: how a word begins or ends, or, in a short name, one letter.

    Comparing only within blocks takes 15,000 × 11,000 names from 165 million comparisons to some hundred thousand.
    """
    core = _core(key).split() or key.split()
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
        if known and len(known) == len(words):  # filed names that hold every word of the carrier's
            candidates = {
                other
                for other in set.intersection(*known)
                if _names_somebody(words) or (not by_key[other].is_owned and _stands_alone(words))
            }
        # filed names all of whose words the carrier's has: one of them at least is no word of the trade
        for other in set().union(*(postings.get(word, set()) for word in words - TRADE_WORDS)):
            few = words_of[other]
            if few <= words and (_names_somebody(few) or (not by_key[other].is_owned and _stands_alone(few))):
                candidates.add(other)
        if candidates:
            found[key] = (min(candidates, key=lambda other: (abs(len(words_of[other]) - len(words)), other)), CONTAINED)
    return found


def _by_rare_word(
    by_key: dict[str, NearName], keys: Iterable[str], bearers: Mapping[str, int]
) -> dict[str, tuple[str, float]]:
    """Names nobody was found for that share a word with a carrier's which hardly any other carrier has."""
    filed: dict[str, str] = {}
    for key in sorted(by_key, reverse=True):
        if not by_key[key].is_owned:
            filed.update((word, key) for word in key.split() if len(word) >= RARE_LETTERS and not is_trade(word))
    return {
        key: (filed[word], SHARED)
        for key in keys
        for word in key.split()
        if word in filed and bearers.get(word, RARE + 1) <= RARE
    }


def _by_form(
    by_key: dict[str, NearName],
    keys: Iterable[str],
    form: Callable[[str], str],
    similarity: float,
    *,
    says: Callable[[str, str], bool] = lambda key, other: True,
) -> dict[str, tuple[str, float]]:
    """Names that are the same once brought to `form`; says: whether that tells anything (form, filed name)."""
    filed = {form(key): key for key in sorted(by_key, key=lambda key: (by_key[key].is_owned, key), reverse=True)}
    filed.pop("", None)
    return {
        key: (filed[asked], similarity) for key in keys if (asked := form(key)) in filed and says(asked, filed[asked])
    }


def _says(core: str, filed: NearName, bearers: Mapping[str, int]) -> bool:
    """A word that many carriers have (Global, Summit) does not, alone, liken one to another's very own name."""
    return not filed.is_owned or " " in core or bearers.get(core, 0) <= COMMON


def _core(key: str) -> str:
    return " ".join(sorted({word for word in key.split() if not is_trade(word)}))


def _squeezed(key: str) -> str:
    return key.replace(" ", "")


def _names_somebody(words: frozenset[str]) -> bool:
    """Two words or more, not all of them words of the trade."""
    return len(words) >= CONTAINED_WORDS and not words <= TRADE_WORDS


def _stands_alone(words: frozenset[str]) -> bool:
    """Some word that is no word of the trade is long enough to be a name."""
    return any(len(word) >= ALONE and not word.isdigit() and not is_trade(word) for word in words)

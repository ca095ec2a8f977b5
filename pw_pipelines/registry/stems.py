"""What a word is taken for, whatever the state: its spelling, abbreviation, number, plural and tense made one, and its
sound. Words are lower case ASCII without punctuation, as `keys.plain_words` gives them."""

from __future__ import annotations

import re
from functools import lru_cache

from pw_pipelines.registry.words import words

# sound: one letter per group of consonants that are heard alike; vowels, h, w and y are not heard
_SOUND, _UNHEARD = bytes.maketrans(b"bpfvcgjkqsxzdt", b"ppffkkkkkssstt"), b"aeiouhwy"
HEARD_AS = (("ph", "f"), ("ck", "k"), ("ght", "t"), ("kn", "n"), ("wr", "r"), ("x", "ks"),
             ("ce", "se"), ("ci", "si"), ("cy", "sy"))  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")


def spelt(word: str) -> str:
    """The usual spelling."""
    return words().spellings.get(word, word)


def singular(word: str) -> str:
    """The word in the singular, by rule of thumb and a list of those that have none."""
    listed = words()
    known = listed.irregular_plurals.get(word)
    if known is not None:
        return known
    if not word.endswith(_PLURAL_ENDS) or not word.isalpha() or word in listed.no_plurals:
        return word
    for ending, put, shortest in _ENDINGS_LIKE.get(word[-2:], _ONLY_S):
        if word.endswith(ending) and len(word) >= shortest:
            return word.removesuffix(ending) + put
    return word


# ending of a plural, what stands there in the singular, and from what length on; the first that fits
_PLURAL_ENDINGS = (
    ("children", "child", 8), ("men", "man", 6), ("ies", "y", 4), ("oes", "o", 6),
    ("ches", "ch", 4), ("shes", "sh", 4), ("sses", "ss", 4), ("xes", "x", 4), ("zzes", "zz", 4),
    ("ss", "ss", 4), ("us", "us", 4), ("is", "is", 4), ("s", "", 4),
)  # fmt: skip
_ONLY_S = _PLURAL_ENDINGS[-1:]
_ENDINGS_LIKE = {
    last_two: tuple(one for one in _PLURAL_ENDINGS if last_two.endswith(one[0][-2:]))
    for last_two in {ending[-2:] for ending, _, _ in _PLURAL_ENDINGS}
}
_PLURAL_ENDS = ("s", *(ending for ending, _, _ in _PLURAL_ENDINGS if not ending.endswith("s")))


def perhaps_singular(word: str) -> str:
    """The singular, and without an s at its end that may be no plural's: CANVAS, CDS, 1980S; IRISES as IRIS."""
    word = singular(word)
    is_short = len(word) <= 3
    if word.endswith("se"):
        word = word[:-1]
    if len(word) > 1 and word.endswith("s") and (is_short or word in words().no_plurals or word[-2].isdigit()):
        word = word[:-1]
    return word


def unabbreviated(word: str) -> str:
    """The long form of an abbreviation, in the singular when a plural was abbreviated."""
    known = words().abbreviations
    return known.get(word) or known.get(singular(word), word)


def as_number(word: str) -> str:
    """A number word or Roman number in digits."""
    known = words().numbers
    return known.get(word) or words().compound_numbers.get(word) or known.get(singular(word), word)


_ROMAN = {letter * times + rest: str(value) for letter, times, rest, value in (
    ("x", tens, ones, 10 * tens + place)
    for tens in range(4) for place, ones in enumerate(("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"))
) if value}  # fmt: skip


def perhaps_number(word: str) -> str:
    """As `as_number`, and single letters and further Roman numbers: I, V, X, XXI; up to 39."""
    return _ROMAN.get(word) or as_number(word)


def uncontracted(word: str) -> str:
    """A contraction's words, written together."""
    return "".join(map(perhaps_number, words().contractions.get(word, word).split()))


@lru_cache(maxsize=1)
def _listed() -> frozenset[str]:
    """Words some list speaks of: their endings are their own."""
    known = words()
    tables = (known.spellings, known.irregular_plurals, known.contractions, known.abbreviations, known.numbers,
              known.tenses)  # fmt: skip
    spoken = {part for table in tables for pair in table.items() for text in pair for part in text.split()}
    return frozenset(spoken) | _never_telling()


VOWELS = frozenset("aeiouy")


def untensed(word: str) -> str:
    """What tenses of a word have in common; coarse, for it knows no verb from a noun: `hous` of house and housing."""
    listed = _listed()
    word = words().tenses.get(word, word)
    if word in listed or not word.isalpha():
        return word
    if word.endswith(("ing", "ed")):
        root = word[:-3] if word.endswith("ing") else word[:-2]
        if len(root) >= 3 and not VOWELS.isdisjoint(root):
            word = root[:-1] if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz" else root
            if word in listed:
                return word
    if (longer := word + "e") in listed:
        return longer
    if word.endswith("i") and (longer := word[:-1] + "y") in listed:
        return longer
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 2 and word.endswith("y") else word


@lru_cache(maxsize=1)
def _variants() -> frozenset[str]:
    """Words that stand for others: what is not among them, nor its singular, is changed by `singular` and `untensed`
    only."""
    known = words()
    tables = (known.spellings, known.contractions, known.abbreviations, known.numbers, known.compound_numbers,
              known.irregular_plurals, _ROMAN)  # fmt: skip
    return frozenset(word for table in tables for word in table)


# What a word is taken for, whatever the state: in this order, again and again until nothing changes.
WORD_STEPS = (spelt, uncontracted, unabbreviated, perhaps_number, singular, untensed)


def stem(word: str) -> str:
    """The word without what makes it plural or a tense; spelling, abbreviation, contraction and number made one."""
    variants = _variants()
    for _ in range(6):
        before, single = word, singular(word)
        if word in variants or single in variants:
            for step in WORD_STEPS:
                word = step(word)
        else:  # the other steps would leave it as it is; most words of a register are rare names
            word = untensed(single)
        if word == before:
            break
    return word


def sound(word: str) -> str:
    """How a (stemmed) word sounds: whether it begins with a vowel, and its consonants by group. Digits stay."""
    for written, spoken in HEARD_AS:
        if written in word:
            word = word.replace(written, spoken)
    return ("a" if word[0] in VOWELS else "") + _DOUBLED.sub(r"\1", heard(word)) or word[0]


def heard(text: str) -> str:
    """What each letter is heard as; of many nothing."""
    return text.encode().translate(_SOUND, _UNHEARD).decode()


# Letters at which the ends of plurals and tenses end.
TELLTALE = frozenset({ending[-1] for ending in _PLURAL_ENDS} | set("gdeyi"))


def telling(word: str) -> str:
    """The word's stem; empty for a word that some state ignores wherever it stands: articles, prepositions and the
    like."""
    if word[-1:] not in TELLTALE and word not in spoken_of():
        return word  # as below; most pieces of a name that is written apart are such
    stemmed = stem(word)
    return stemmed if _never_telling().isdisjoint((word, stemmed, singular(word))) else ""


@lru_cache(maxsize=1)
def spoken_of() -> frozenset[str]:
    """Words that may be taken for others, or be left out, although they do not end as such words do."""
    without_e = frozenset(word[:-1] for word in _listed() if word.endswith("e"))
    return _variants() | _never_telling() | frozenset(words().tenses) | without_e


@lru_cache(maxsize=1)
def _never_telling() -> frozenset[str]:
    return words().little | {"company", "limited", "liability"}  # Illinois ignores the three wherever they stand


@lru_cache(maxsize=100_000)
def is_little(word: str) -> bool:
    """Whether some state ignores the word wherever it stands."""
    return not telling(word)

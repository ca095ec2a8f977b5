"""The two keys every name in the register is found by. They find candidates; they never decide.

`name_key` is coarser than every state's own test: names that any state holds to be the same have the same key
(but for sound and word order), so a rule can be changed without keying ten million names anew. What the state
itself says about two names of one key is decided by `registry.equivalence`.

`near_key` says how a name sounds, in whatever order its words stand: the sound codes of its words, sorted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from pw_pipelines.registry.words import words

_PUNCTUATION = "".join(map(chr, [*range(33, 48), *range(58, 65), *range(91, 97), *range(123, 127)]))
_KEPT_OUT = "'`\"*"  # closes up: O'BRIEN = OBRIEN, "LLC" = LLC
_FOLD = {
    **{ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **dict.fromkeys(map(ord, _PUNCTUATION), " "),
    **dict.fromkeys(range(32), " "),
}
_CLOSE_UP = str.maketrans("", "", _KEPT_OUT)
_NOT_ASCII_WORD = re.compile(r"[^\x20-\x7e]+")
_LETTERS_PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l",
                                "Ł": "L", "đ": "d", "Đ": "D", "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-",
                                "—": "-"})  # fmt: skip

# sound: one letter per group of consonants that are heard alike; vowels, h, w and y are not heard
_SOUND = str.maketrans("bpfvcgjkqsxzdtlmnr", "ppffkkkkkssstt" + "lmnr", "aeiouhwy")
_HEARD_AS = (("ph", "f"), ("ck", "k"), ("ght", "t"), ("kn", "n"), ("wr", "r"), ("x", "ks"),
             ("ce", "se"), ("ci", "si"), ("cy", "sy"))  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")


def plain_words(name: str) -> list[str]:
    """The words of a name: lower case ASCII, accents and punctuation gone, `&` and `+` read as `and`."""
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name.translate(_LETTERS_PLAIN))
        name = _NOT_ASCII_WORD.sub("", name)
    if "&" in name:
        name = name.replace("&", " and ")
    if "+" in name:
        name = name.replace("+", " and ")
    return name.translate(_CLOSE_UP).translate(_FOLD).split()


def stem(word: str) -> str:
    """The word without what makes it plural, possessive or a tense; spelling, abbreviation and number made one."""
    known = words()
    word = known.spellings.get(word, word)
    word = known.irregular_plurals.get(word, word)
    if word in known.numbers:
        return known.numbers[word]
    singular = _singular(word)
    return _untensed(_singular(known.abbreviations.get(word, known.abbreviations.get(singular, singular))))


def _singular(word: str) -> str:
    if len(word) < 4 or not word.isalpha():
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("ves"):
        return word[:-3] + "f"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _untensed(word: str) -> str:
    """Coarse on purpose: `movie`/`movies`, `clean`/`cleaned`/`cleaning`, `house`/`housing` end alike."""
    if word.isalpha():
        for ending in ("ing", "ed"):
            root = word[: -len(ending)]
            if word.endswith(ending) and len(root) >= 3 and any(vowel in root for vowel in "aeiouy"):
                word = root[:-1] if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz" else root
                break
        if len(word) > 3 and word.endswith(("ie", "fe", "e")):
            word = word[:-1]
        if len(word) > 2 and word.endswith("y"):
            word = word[:-1] + "i"
    return word


def sound(word: str) -> str:
    """How a (stemmed) word sounds: first letter's group and the consonants after it. Digits stay."""
    for written, heard in _HEARD_AS:
        if written in word:
            word = word.replace(written, heard)
    first = word[0] if word[0] in "aeiouy" else ""
    code = _DOUBLED.sub(r"\1", word.translate(_SOUND))
    return ("a" if first else "") + code or word[0]


_WORD, _FORM_WORD, _COMPANION, _LETTER = range(4)


class _Book(dict[str, tuple[str, str, int]]):
    """word -> (stem, sound, what it may be at a name's end), kept: names repeat their words.

    Stem and sound are empty for words that never tell names apart.
    """

    LARGEST = 400_000

    def __missing__(self, word: str) -> tuple[str, str, int]:
        if len(self) >= self.LARGEST:
            self.clear()
        known = words()
        stemmed = "" if word in known.little or word in _IN_DESIGNATORS else stem(word)
        at_end = _WORD
        if word in known.designators or word in known.dotcom:
            at_end = _FORM_WORD
        elif word in known.designator_companions:
            at_end = _COMPANION
        elif len(word) == 1:
            at_end = _LETTER
        self[word] = found = (stemmed, sound(stemmed) if stemmed else "", at_end)
        return found


_IN_DESIGNATORS = ("company", "limited", "liability")  # Illinois ignores them wherever they stand
_BOOK = _Book()


def without_designator(parts: list[str]) -> list[str]:
    """The words before the designator at the end, at least one; letters set apart (`l l c`) are read as one."""
    return parts[: _end(parts, [_BOOK[part][2] for part in parts])]


def _end(parts: list[str], kinds: list[int]) -> int:
    """How many words stand before the designator."""
    end = len(parts)
    while end > 1:
        kind = kinds[end - 1]
        if kind == _FORM_WORD or (kind == _COMPANION and (end < len(parts) or kinds[end - 2] == _FORM_WORD)):
            end -= 1  # a companion counts beside a form word only: "limited partnership", "professional corporation"
        elif kind == _LETTER and (width := _spelt_out(parts, end)):
            end -= width
        else:
            break
    return end


def _spelt_out(parts: list[str], end: int) -> int:
    """How many single letters before `end` spell a designator (`l l c`), or 0."""
    start = end
    while start > 1 and end - start < 4 and len(parts[start - 1]) == 1:
        start -= 1
    while end - start > 1:
        if "".join(parts[start:end]) in words().designators:
            return end - start
        start += 1
    return 0


def name_keys(name: str) -> tuple[str, str]:
    """(`name_key`, `near_key`) of a name; empty for a name without a letter or digit."""
    parts = plain_words(name)
    if not parts:
        return "", ""
    found = [_BOOK[part] for part in parts]
    if found[-1][2]:
        end = _end(parts, [one[2] for one in found])
        parts, found = parts[:end], found[:end]
    key = "".join([one[0] for one in found])
    if key:
        return key, " ".join(sorted([one[1] for one in found if one[1]]))
    stems = [stem(part) for part in parts]  # nothing but little words: then they are the name
    return "".join(stems), " ".join(sorted(map(sound, stems)))


def many(names: Iterable[str | None]) -> tuple[list[str | None], list[str | None]]:
    """The keys of many names, in two columns; None for no name and for one without a letter or digit."""
    keys: list[str | None] = []
    nears: list[str | None] = []
    for name in names:
        key, near = name_keys(name) if name else ("", "")
        keys.append(key or None)
        nears.append(near or None)
    return keys, nears

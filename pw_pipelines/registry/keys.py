"""The two keys every name in the register is found by. They find candidates; they never decide.

`name_key` is coarser than every state's own test, so a rule can be changed without keying ten million names anew:
names that any state holds to be the same have the same key, or one is found under the other's `lookup_keys` (words
written together or apart, which one key cannot follow: THE FOX, THEFOX). What the state itself says about two names
is decided by `registry.equivalence`.

`near_key` says how a name sounds, in whatever order its words stand: the sound codes of its words, sorted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from pw_pipelines.registry.words import words

CLOSES_UP = "'`"  # inside a word: O'BRIEN = OBRIEN
_PUNCTUATION = "".join(map(chr, [*range(33, 48), *range(58, 65), *range(91, 97), *range(123, 127)]))
_FOLD: dict[int, str | None] = {
    **{ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **dict.fromkeys(map(ord, _PUNCTUATION), " "),
    **dict.fromkeys(range(32), " "),
    127: " ",
    ord("&"): " and ",
    ord("+"): " and ",
    **dict.fromkeys(map(ord, CLOSES_UP), None),
}
_NOT_ASCII = re.compile(r"[^\x20-\x7e]+")
_LETTERS_PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l",
                                "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "þ": "th", "Þ": "Th",
                                "ð": "d", "Ð": "D"})  # fmt: skip
_MARKS_PLAIN = str.maketrans({"’": "'", "‘": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-",
                              "‐": "-", "‑": "-", "−": "-", "•": "-", "·": "-", "™": " ", "®": " ", "©": " ", "℠": " ",
                              "…": " ", "\xa0": " ", "＆": "&"})  # fmt: skip

# What is left of the letters after the first, once the words are joined: no plural can be seen in it.
_COARSE = str.maketrans({"e": None, "s": None, "y": "i", "v": "f"})

# sound: one letter per group of consonants that are heard alike; vowels, h, w and y are not heard
_SOUND = str.maketrans("bpfvcgjkqsxzdtlmnr", "ppffkkkkkssstt" + "lmnr", "aeiouhwy")
_HEARD_AS = (("ph", "f"), ("ck", "k"), ("ght", "t"), ("kn", "n"), ("wr", "r"), ("x", "ks"),
             ("ce", "se"), ("ci", "si"), ("cy", "sy"))  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")


def plain_marks(name: str) -> str:
    """The name with typographic quotes, dashes and blanks as on a typewriter."""
    return name if name.isascii() else name.translate(_MARKS_PLAIN)


def plain_letters(text: str) -> str:
    """Letters without accents; what is no letter of the Latin alphabet is left out."""
    if text.isascii():
        return text
    return _NOT_ASCII.sub("", unicodedata.normalize("NFKD", text.translate(_LETTERS_PLAIN)))


def plain_words(name: str) -> list[str]:
    """The words of a name: lower case ASCII, accents and punctuation gone, `&` and `+` read as `and`."""
    return (name if name.isascii() else plain_letters(plain_marks(name))).translate(_FOLD).split()


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
    for ending, put, shortest in _PLURAL_ENDINGS:
        if word.endswith(ending) and len(word) >= shortest:
            return word.removesuffix(ending) + put
    return word


# ending of a plural, what stands there in the singular, and from what length on; the first that fits
_PLURAL_ENDINGS = (
    ("children", "child", 8), ("men", "man", 6), ("ies", "y", 4), ("oes", "o", 6),
    ("ches", "ch", 4), ("shes", "sh", 4), ("sses", "ss", 4), ("xes", "x", 4), ("zzes", "zz", 4),
    ("ss", "ss", 4), ("us", "us", 4), ("is", "is", 4), ("s", "", 4),
)  # fmt: skip
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


def untensed(word: str) -> str:
    """What tenses of a word have in common; coarse, for it knows no verb from a noun: `hous` of house and housing."""
    listed = _listed()
    word = words().tenses.get(word, word)
    if word in listed or not word.isalpha():
        return word
    for ending in ("ing", "ed"):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= 3 and any(vowel in root for vowel in "aeiouy"):
            word = root[:-1] if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz" else root
            break
    for one in (word, f"{word}e", f"{word[:-1]}y" if word.endswith("i") else ""):
        if one in listed:
            return one
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 2 and word.endswith("y") else word


@lru_cache(maxsize=1)
def _variants() -> frozenset[str]:
    """Words that stand for others: what is not among them and no plural is changed by no step but `untensed`."""
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
        before = word
        if word in variants or word.endswith(_PLURAL_ENDS):
            for step in WORD_STEPS:
                word = step(word)
        else:  # the other steps would leave it as it is; most words of a register are rare names
            word = untensed(word)
        if word == before:
            break
    return word


def sound(word: str) -> str:
    """How a (stemmed) word sounds: whether it begins with a vowel, and its consonants by group. Digits stay."""
    for written, heard in _HEARD_AS:
        if written in word:
            word = word.replace(written, heard)
    first = word[0] if word[0] in "aeiouy" else ""
    code = _DOUBLED.sub(r"\1", word.translate(_SOUND))
    return ("a" if first else "") + code or word[0]


_PLAIN, _ENDS_FORM, _LETTER = range(3)
_AND = "and"


class _Book(dict[str, tuple[str, str, int]]):
    """word -> (stem, sound, what it may be), kept: names repeat their words.

    Stem and sound are empty for words that never tell names apart.
    """

    LARGEST = 400_000

    def __missing__(self, word: str) -> tuple[str, str, int]:
        if len(self) >= self.LARGEST:
            self.clear()
        stemmed = "" if is_little(word) else stem(word)
        kind = _PLAIN
        if len(word) == 1:
            kind = _LETTER
        elif word in words().designator_ends or word in words().dotcom:
            kind = _ENDS_FORM
        self[word] = found = (stemmed, sound(stemmed) if stemmed else "", kind)
        return found


@lru_cache(maxsize=1)
def _never_telling() -> frozenset[str]:
    return words().little | {"company", "limited", "liability"}  # Illinois ignores the three wherever they stand


@lru_cache(maxsize=100_000)
def is_little(word: str) -> bool:
    """Whether some state ignores the word wherever it stands: articles, conjunctions, prepositions and the like."""
    known = _never_telling()
    return word in known or singular(word) in known or stem(word) in known


_BOOK = _Book()


def designator_width(parts: Sequence[str]) -> int:
    """How many words at the end say the legal form (the longest one known, or letters set apart: l l c); 0: none.

    Always leaves a word before it.
    """
    if len(parts) < 2:
        return 0
    last = parts[-1]
    for phrase in words().designator_ends.get(last, ()):
        if len(phrase) < len(parts) and tuple(parts[-len(phrase) :]) == phrase:
            return len(phrase)
    if len(last) == 1:
        for width in range(min(4, len(parts) - 1), 1, -1):
            letters = parts[-width:]
            if all(len(one) == 1 for one in letters) and "".join(letters) in words().designators:
                return width
    return 0


def without_designator(parts: list[str]) -> list[str]:
    """The words before every designator and internet ending at the end, at least one."""
    end = len(parts)
    while end > 1:
        width = designator_width(parts[:end]) or (1 if parts[end - 1] in words().dotcom else 0)
        if not width:
            break
        end -= width
    return parts[:end]


def initials(parts: Sequence[str]) -> list[list[int]]:
    """Runs of single letters (`a b c`; `a and b`), by the places of their words, the `and` between them included."""
    runs: list[list[int]] = []
    at = 0
    while at < len(parts):
        run = [at]
        if len(parts[at]) == 1 and parts[at].isalpha():
            while True:
                if run[-1] + 1 < len(parts) and _is_letter(parts[run[-1] + 1]):
                    run.append(run[-1] + 1)
                elif run[-1] + 2 < len(parts) and parts[run[-1] + 1] == _AND and _is_letter(parts[run[-1] + 2]):
                    run += [run[-1] + 1, run[-1] + 2]
                else:
                    break
            if len(run) > 1:
                runs.append(run)
        at = run[-1] + 1
    return runs


def _is_letter(part: str) -> bool:
    return len(part) == 1 and part.isalpha()


def _initials_closed_up(parts: list[str]) -> list[str]:
    for run in reversed(initials(parts)):
        parts = [*parts[: run[0]], "".join(parts[at] for at in run if parts[at] != _AND), *parts[run[-1] + 1 :]]
    return parts


def body(name: str) -> list[str]:
    """The words that are compared: no designator, no internet ending, no www; initials closed up."""
    return _body_of(plain_words(name))


def _body_of(parts: list[str]) -> list[str]:
    if not parts:
        return parts
    if _BOOK[parts[-1]][2]:
        parts = without_designator(parts)
    if parts[0] == "www" and len(parts) > 1:
        parts = parts[1:]
    if min(map(len, parts)) == 1:
        parts = _initials_closed_up(parts)
    return parts


def _key(parts: list[str]) -> str:
    """The name key of the words of a name's body."""
    joined = "".join([_BOOK[part][0] for part in parts]) or "".join(parts)  # nothing but little words: then those
    return joined[:1] + joined[1:].translate(_COARSE)


def name_keys(name: str) -> tuple[str, str]:
    """(`name_key`, `near_key`) of a name; empty for a name without a letter or digit."""
    parts = body(name)
    if not parts:
        return "", ""
    found = [_BOOK[part] for part in parts]
    joined = "".join([one[0] for one in found])
    if joined:
        return joined[0] + joined[1:].translate(_COARSE), " ".join(sorted([one[1] for one in found if one[1]]))
    return _key(parts), " ".join(sorted(map(sound, parts)))


def is_all_little(name: str) -> bool:
    """Whether the name is nothing but words that some state ignores; then nothing of it is left out."""
    return not any(_BOOK[part][0] for part in body(name))


MOST_LOOKUPS = 120
_LONGEST_IN_THIRDS = 24


def lookup_keys(name: str) -> tuple[str, ...]:
    """The keys under which a name that differs in spaces may stand, its own first: words written together or apart.

    Covers any of the words written together, one word written as two, the whole written together and then as two or
    three words, and the name's end written together with its designator (FOXLLC; FOX.COM as FOXCOM). No more than
    MOST_LOOKUPS, the likelier first.
    """
    parts = body(name)
    if not parts:
        return ()
    found: dict[str, None] = {_key(parts): None}
    whole = plain_words(name)
    for ways in (_with_end(whole), _together(parts), _apart(parts), _apart(["".join(parts)])):
        for way in ways:
            found.setdefault(_key(_initials_closed_up(way) if min(map(len, way)) == 1 else way))
            if _BOOK[way[-1]][2] or way[0] == "www":
                found.setdefault(_key(_body_of(way)))
            if len(found) >= MOST_LOOKUPS:
                return tuple(found)
    for key in _keys_of_thirds("".join(parts)):
        found.setdefault(key)
        if len(found) >= MOST_LOOKUPS:
            break
    return tuple(found)


def _with_end(whole: list[str]) -> Iterable[list[str]]:
    """The last word before the designators and internet endings written together with them, one by one."""
    end = len(without_designator(whole))
    for upto in range(end + 1, len(whole) + 1):
        yield [*whole[: end - 1], "".join(whole[end - 1 : upto]), *whole[upto:]]
    if len(whole) > 1 and whole[0] == "www":
        yield [whole[0] + whole[1], *whole[2:end]]


def _together(parts: list[str]) -> Iterable[list[str]]:
    """Every way to write neighbours together; of long names only one pair, and all."""
    yield ["".join(parts)]
    borders = len(parts) - 1
    choices = range(1, 2**borders) if borders <= 6 else [1 << at for at in range(borders)]
    for choice in choices:
        way = [parts[0]]
        for at, part in enumerate(parts[1:]):
            if choice >> at & 1:
                way[-1] += part
            else:
                way.append(part)
        yield way


def _apart(parts: list[str]) -> Iterable[list[str]]:
    """One word written as two."""
    for at, part in enumerate(parts):
        for cut in range(1, len(part)):
            yield [*parts[:at], part[:cut], part[cut:], *parts[at + 1 :]]


def _keys_of_thirds(word: str) -> Iterable[str]:
    """The keys of one long word written as three, each made from what is known of its pieces; there are hundreds."""
    length = len(word)
    if length > _LONGEST_IN_THIRDS:
        return
    ends = [_BOOK[word[second:]] for second in range(2, length)]
    for first in range(1, length - 1):
        start = word[:first]
        begun = _BOOK[start][0]
        for second in range(first + 1, length):
            middle = word[first:second]
            end, _, ends_a_name = ends[second - 2]
            if (second == first + 1 and (first == 1 or second == length - 1)) or start == "www" or ends_a_name:
                # Single letters side by side are initials, and an end may be a designator: read as a name is.
                way = _initials_closed_up([start, middle, word[second:]])
                yield _key(way)
                yield _key(_body_of(way))
            elif joined := begun + _BOOK[middle][0] + end:
                yield joined[0] + joined[1:].translate(_COARSE)
            else:
                yield _key([start, middle, word[second:]])


def many(names: Iterable[str | None]) -> tuple[list[str | None], list[str | None]]:
    """The keys of many names, in two columns; None for no name and for one without a letter or digit."""
    keys: list[str | None] = []
    nears: list[str | None] = []
    for name in names:
        key, near = name_keys(name) if name else ("", "")
        keys.append(key or None)
        nears.append(near or None)
    return keys, nears

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

from pw_pipelines.registry.stems import sound, telling
from pw_pipelines.registry.words import words

CLOSES_UP = "'`"  # inside a word: O'BRIEN = OBRIEN
_PUNCTUATION = "".join(map(chr, [*range(33, 48), *range(58, 65), *range(91, 97), *range(123, 127)]))
FOLD: dict[int, str | None] = {
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

# What becomes of the letters after the first, once the words are joined: no plural can be seen in them.
_COARSE, _GONE_INSIDE = bytes.maketrans(b"yv", b"if"), b"es"


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
    return (name if name.isascii() else plain_letters(plain_marks(name))).translate(FOLD).split()


_PLAIN, _ENDS_FORM, _LETTER = range(3)
_AND = "and"


class _Book(dict[str, tuple[str, int]]):
    """word -> (stem, what it may be), kept: names repeat their words. No stem: the word never tells names apart."""

    LARGEST = 400_000

    def __missing__(self, word: str) -> tuple[str, int]:
        if len(self) >= self.LARGEST:
            self.clear()
        kind = _PLAIN
        if len(word) == 1:
            kind = _LETTER
        elif word in words().designator_ends or word in words().dotcom or word in words().articles:
            kind = _ENDS_FORM
        self[word] = found = (telling(word), kind)
        return found


BOOK = _Book()
_heard = lru_cache(maxsize=200_000)(sound)


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


def before_article(parts: Sequence[str]) -> int:
    """Where the articles behind a designator begin, as they stand in names sorted without (FOX, INC., THE): what they
    are to a name is said before it. The number of words where there are none."""
    end = len(parts)
    while end > 1 and parts[end - 1] in words().articles:
        end -= 1
    return end if designator_width(parts[:end]) else len(parts)


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


def initials_closed_up(parts: list[str]) -> list[str]:
    for run in reversed(initials(parts)):
        parts = [*parts[: run[0]], "".join(parts[at] for at in run if parts[at] != _AND), *parts[run[-1] + 1 :]]
    return parts


def body(name: str) -> list[str]:
    """The words that are compared: no designator, no internet ending, no www; initials closed up."""
    return body_of(plain_words(name))


def body_of(parts: list[str]) -> list[str]:
    if not parts:
        return parts
    if BOOK[parts[-1]][1]:
        parts = without_designator(parts[: before_article(parts)])
    if parts[0] == "www" and len(parts) > 1:
        parts = parts[1:]
    if min(map(len, parts)) == 1:
        parts = initials_closed_up(parts)
    return parts


def coarse_inside(text: str) -> str:
    """Letters that do not begin a name, as they stand in its key: no plural can be seen in them."""
    return text.encode().translate(_COARSE, _GONE_INSIDE).decode()


def coarse(text: str) -> str:
    """A name's joined words as its key."""
    return text[:1] + coarse_inside(text[1:])


def stems_of(parts: Sequence[str]) -> str:
    """The stems of the words of a name's body, together; of nothing but little words, those."""
    return "".join([BOOK[part][0] for part in parts]) or "".join(parts)


def key_of(parts: Sequence[str]) -> str:
    """The name key of the words of a name's body."""
    return coarse(stems_of(parts))


def name_keys(name: str) -> tuple[str, str]:
    """(`name_key`, `near_key`) of a name; empty for a name without a letter or digit."""
    parts = body(name)
    if not parts:
        return "", ""
    found = [BOOK[part][0] for part in parts]
    joined = "".join(found)
    if joined:
        return coarse(joined), " ".join(sorted([_heard(one) for one in found if one]))
    return key_of(parts), " ".join(sorted(map(_heard, parts)))


def is_all_little(name: str) -> bool:
    """Whether the name is nothing but words that some state ignores; then nothing of it is left out."""
    return not any(BOOK[part][0] for part in body(name))


def many(names: Iterable[str | None]) -> tuple[list[str | None], list[str | None]]:
    """The keys of many names, in two columns; None for no name and for one without a letter or digit."""
    keys: list[str | None] = []
    nears: list[str | None] = []
    for name in names:
        key, near = name_keys(name) if name else ("", "")
        keys.append(key or None)
        nears.append(near or None)
    return keys, nears

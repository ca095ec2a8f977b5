"""`keys.name_keys` for millions of names: the very same keys, several times as quickly.

A block's names are folded in one go, and a name whose words are all of the plain kind is put together from what is
known of each word. Every other name (initials, a designator of several words, a foreign letter) goes the plain way.
"""

from __future__ import annotations

from collections.abc import Sequence

from pw_pipelines.registry import keys
from pw_pipelines.registry.words import words

_SEPARATOR = "\n"
_FOLD = bytes(
    10
    if code == 10
    else ord(folded)
    if isinstance(folded := keys._FOLD.get(code, chr(code)), str) and len(folded) == 1
    else 32
    for code in range(256)
)
_GONE = "".join(chr(code) for code in range(128) if keys._FOLD.get(code, "") is None).encode()
_SPELT_OUT = [(chr(code).encode(), folded.encode()) for code, folded in keys._FOLD.items()
              if isinstance(folded, str) and len(folded) > 1]  # fmt: skip

_AWKWARD = "\0"  # a word that must be looked at with its neighbours spoils the key, which is then made the plain way
_NOT_BEFORE_LAST, _ENDS_ALONE, _NOT_LAST = 1, 2, 4


class _Book(dict[str, tuple[str, str, str, int]]):
    """word -> (what it gives the key at its beginning, further on, its sound, where it may not stand on this way)."""

    LARGEST = 150_000  # some 60 MB; a state's names have millions of words, and most of them once

    def __missing__(self, word: str) -> tuple[str, str, str, int]:
        if len(self) >= self.LARGEST:
            self.clear()
        stem, sound, _kind = keys._BOOK[word]
        head, rest = stem[:1] + stem[1:].translate(keys._COARSE), stem.translate(keys._COARSE)
        if len(word) == 1 or word == "www":
            head = rest = _AWKWARD
        self[word] = found = (head, rest, sound, _places(word))
        if len(keys._BOOK) > self.LARGEST:
            keys._BOOK.clear()
        return found


def _places(word: str) -> int:
    ends = words().designator_ends
    places = 0
    is_ending = word in ends or word in words().dotcom
    if is_ending or any(word in phrase for phrases in ends.values() for phrase in phrases):
        places |= _NOT_BEFORE_LAST
    if (word,) in ends.get(word, ()) or word in words().dotcom:
        places |= _ENDS_ALONE
    elif is_ending:
        places |= _NOT_LAST
    return places


_BOOK = _Book()


def many(names: Sequence[str | None]) -> tuple[list[str | None], list[str | None]]:
    """`name_key` and `near_key` of many names; None for no name and for one without a letter or digit."""
    plain = [name or "" for name in names]
    text = _SEPARATOR.join(plain)
    if not text.isascii():
        plain = [name if name.isascii() else keys.plain_letters(keys.plain_marks(name)) for name in plain]
        text = _SEPARATOR.join(plain)
    if text.count(_SEPARATOR) != len(plain) - 1:
        return keys.many(names)
    folded = text.encode()
    for mark, spelt in _SPELT_OUT:
        if mark in folded:
            folded = folded.replace(mark, spelt)
    name_keys: list[str | None] = []
    near_keys: list[str | None] = []
    add_key, add_near, book = name_keys.append, near_keys.append, _BOOK.__getitem__
    for place, line in enumerate(folded.translate(_FOLD, _GONE).decode("ascii").split(_SEPARATOR)):
        found = list(map(book, line.split()))
        key = near = ""
        count = len(found)
        if count > 1 and (last := found[-1][3] | found[-2][3] & _NOT_BEFORE_LAST):
            if last == _ENDS_ALONE | _NOT_BEFORE_LAST and not found[-2][3]:
                del found[-1]
                count -= 1
            else:
                found.clear()
        if found and (key := found[0][0]):
            near = found[0][2]
            if count > 1:
                key += "".join([one[1] for one in found[1:]])
                near = " ".join(sorted([one[2] for one in found if one[2]]))
            if _AWKWARD in key:
                key = ""
        if not key:
            key, near = keys.name_keys(names[place] or "")
        add_key(key or None)
        add_near(near or None)
    return name_keys, near_keys

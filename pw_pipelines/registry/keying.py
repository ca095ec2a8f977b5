"""`keys.name_keys` for millions of names: the very same keys, several times as quickly.

A block's names are folded in one go, and a name whose words are all of the plain kind is put together from what is
known of each word. Every other name (initials, a designator of several words, a foreign letter) goes the plain way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

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

_CHANGED_FIRST = tuple(chr(code) for code in keys._COARSE)
_AWKWARD = "\0"  # a word that must be looked at with its neighbours spoils the key, which is then made the plain way
_NOT_BEFORE_LAST, _ENDS_ALONE, _NOT_LAST = 1, 2, 4


class _Book:
    """word -> what it gives the key at its beginning, further on, and its sound: three books that grow together."""

    LARGEST = 150_000  # some 60 MB; a state's names have millions of words, and most of them once

    def __init__(self) -> None:
        self.head, self.rest, self.sound = _Page(self, 0), _Page(self, 1), _Page(self, 2)

    def learn(self, word: str) -> tuple[str, str, str]:
        """Enters a word."""
        if len(self.rest) >= self.LARGEST:
            for page in (self.head, self.rest, self.sound):
                page.clear()
        stem = keys.stem(word)
        if not keys._never_telling().isdisjoint(
            (word, stem, keys.singular(word))
        ):  # as keys.is_little, the stem made once
            stem = ""
        sound = keys.sound(stem) if stem else ""
        rest = stem.translate(keys._COARSE)
        head = stem[:1] + stem[1:].translate(keys._COARSE) if stem.startswith(_CHANGED_FIRST) else rest
        if rest == word:  # one text for both: less to keep, and it is at hand when the word was found
            head, rest = word if head == rest else head, word
        if (len(word) == 1 and word.isalpha()) or word == "www":
            head = rest = _AWKWARD
        self.head[word], self.rest[word], self.sound[word] = head, rest, sound
        return head, rest, sound


class _Page(dict[str, str]):
    def __init__(self, book: _Book, which: int) -> None:
        super().__init__()
        self._book, self._which = book, which

    def __missing__(self, word: str) -> str:
        return self._book.learn(word)[self._which]


_BOOK = _Book()


@lru_cache(maxsize=1)
def _places() -> dict[str, int]:
    """Where words of designators and internet endings may not stand if a name is to be put together this way."""
    ends, dotcom = words().designator_ends, words().dotcom
    places: dict[str, int] = {}
    for word in {part for phrases in ends.values() for phrase in phrases for part in phrase} | dotcom:
        places[word] = _NOT_BEFORE_LAST
        if (word,) in ends.get(word, ()) or word in dotcom:
            places[word] |= _ENDS_ALONE
        elif word in ends:
            places[word] |= _NOT_LAST
    return places


def many(names: Sequence[str | None]) -> tuple[list[str | None], list[str | None]]:
    """`name_key` and `near_key` of many names; None for no name and for one without a letter or digit."""
    lines = _folded(names)
    if lines is None:
        return keys.many(names)
    name_keys: list[str | None] = []
    near_keys: list[str | None] = []
    add_key, add_near, places = name_keys.append, near_keys.append, _places().get
    head, rest, sound = _BOOK.head.__getitem__, _BOOK.rest.__getitem__, _BOOK.sound.__getitem__
    for number, line in enumerate(lines):
        parts = line.split()
        key = ""
        if len(parts) > 1:
            last = places(parts[-1], 0)
            if not last & _NOT_LAST and not places(parts[-2]):
                if last & _ENDS_ALONE:
                    parts.pop()
                if key := head(parts[0]):
                    key += "".join(map(rest, parts[1:]))
        elif parts:
            key = head(parts[0])
        if key and _AWKWARD not in key:
            add_key(key)
            add_near(" ".join(sorted(map(sound, parts))).lstrip() if len(parts) > 1 else sound(parts[0]))
            continue
        key, near = keys.name_keys(names[number] or "")
        if len(keys._BOOK) > _Book.LARGEST:
            keys._BOOK.clear()
        add_key(key or None)
        add_near(near or None)
    return name_keys, near_keys


def _folded(names: Sequence[str | None]) -> list[str] | None:
    """The names as plain words with blanks between them; None when a name has a line end in it."""
    plain = [name or "" for name in names]
    text = _SEPARATOR.join(plain)
    if not text.isascii():
        plain = [name if name.isascii() else keys.plain_letters(keys.plain_marks(name)) for name in plain]
        text = _SEPARATOR.join(plain)
    if text.count(_SEPARATOR) != len(plain) - 1:
        return None
    folded = text.encode()
    for mark, spelt in _SPELT_OUT:
        if mark in folded:
            folded = folded.replace(mark, spelt)
    return folded.translate(_FOLD, _GONE).decode("ascii").split(_SEPARATOR)

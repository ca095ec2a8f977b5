"""`keys.name_keys` for millions of names: the very same keys, several times as quickly.

A block's names are folded and put together in one go, from what is known of each word. A name that has more to it than
its words one by one (initials, a designator of several words) goes the plain way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pw_pipelines.registry import keys, stems
from pw_pipelines.registry.words import words

_SEPARATOR = "\n"
_FOLD = bytes(
    10
    if code == 10
    else ord(folded)
    if isinstance(folded := keys.FOLD.get(code, chr(code)), str) and len(folded) == 1
    else 32
    for code in range(256)
)
_GONE = "".join(chr(code) for code in range(128) if keys.FOLD.get(code, "") is None).encode()
_SPELT_OUT = [(chr(code).encode(), folded.encode()) for code, folded in keys.FOLD.items()
              if isinstance(folded, str) and len(folded) > 1]  # fmt: skip

_FIRST, _LAST = "\n", "\t"  # before the first word of a name, whose first letter stays as it is, and after the last
_AWKWARD = "\0"  # what must be looked at with its neighbours spoils the key, which is then made the plain way


class _Book:
    """Two pages that grow together: a word with its marks, and what it gives the key and the near key."""

    LARGEST = 300_000  # some 60 MB; a state's names have millions of words, and most of them once

    def __init__(self) -> None:
        self.keys, self.sounds = _Page(self), _Page(self)

    def learn(self, marked: str) -> None:
        """Enters a word."""
        if len(self.keys) >= self.LARGEST:
            self.keys.clear()
            self.sounds.clear()
        word = marked.strip(_FIRST + _LAST)
        first = _FIRST if marked.startswith(_FIRST) else ""
        is_alone = bool(first) and marked.endswith(_LAST)
        parts, designators = _endings()
        key, sound = _AWKWARD, ""
        if word in designators and marked.endswith(_LAST) and not is_alone:
            key = ""
        elif word and not (len(word) == 1 and word.isalpha()) and word != "www" and (is_alone or word not in parts):
            stem = stems.telling(word)
            key = (keys.coarse(stem) or _AWKWARD) if first else keys.coarse_inside(stem)
            sound = stems.sound(stem) if stem else ""
        self.keys[marked], self.sounds[marked] = first + key, first + sound


class _Page(dict[str, str]):
    def __init__(self, book: _Book) -> None:
        super().__init__()
        self._book = book

    def __missing__(self, marked: str) -> str:
        self._book.learn(marked)
        return self[marked]


_BOOK = _Book()


@lru_cache(maxsize=1)
def _endings() -> tuple[frozenset[str], frozenset[str]]:
    """Words of designators and internet endings; and those that say one alone, whatever stands before them."""
    ends, dotcom = words().designator_ends, words().dotcom
    parts = frozenset(part for phrases in ends.values() for phrase in phrases for part in phrase) | dotcom
    return parts, frozenset(word for word in parts if word in dotcom or (word,) in ends.get(word, ()))


def many(names: Sequence[str | None]) -> tuple[list[str | None], list[str | None]]:
    """`name_key` and `near_key` of many names; None for no name and for one without a letter or digit."""
    text = _folded(names)
    if text is None:
        return keys.many(names)
    marked = (_FIRST + text.replace(_SEPARATOR, f"{_LAST} {_FIRST}") + _LAST).split(" ")
    joined = "".join(map(_BOOK.keys.__getitem__, marked))
    heard = " ".join(map(_BOOK.sounds.__getitem__, marked))
    name_keys: list[str | None] = [*joined.split(_FIRST)[1:]]
    near_keys: list[str | None] = [" ".join(sorted(sounds.split())) for sounds in heard.split(_FIRST)[1:]]
    if _AWKWARD in joined:
        for number, key in enumerate(name_keys):
            if key is not None and _AWKWARD in key:
                plain, near = keys.name_keys(names[number] or "")
                name_keys[number], near_keys[number] = plain or None, near or None
    if len(keys.BOOK) > _Book.LARGEST:
        keys.BOOK.clear()
    return name_keys, near_keys


def _folded(names: Sequence[str | None]) -> str | None:
    """The names as plain words with one blank between them, a line each; None when a name has a line end in it."""
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
    folded = folded.translate(_FOLD, _GONE)
    while b"  " in folded:
        folded = folded.replace(b"  ", b" ")
    folded = folded.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")
    return folded.decode("ascii")

"""Company names as the public record writes them, brought to comparison keys.

The same firm is written differently in RMD, Form 499, BDC, CORES and ECFS. A key is for *finding* the
same firm, never for saying that two firms are one: what was matched, how, and how surely travels with it.
"""

from __future__ import annotations

import re
import unicodedata

# Words that say the legal form, not who it is. Dropped only at the end of a name.
_LEGAL_FORMS = frozenset(
    """inc incorporated corp corporation co company llc lc ltd limited lp llp lllp plc pllc pc pa gmbh sa
    consolidated""".split()
)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_DOTTED = re.compile(r"\b(?:[a-z]\.){2,}", re.IGNORECASE)
# What joins the names of one firm.
_ALIAS = re.compile(
    r",?\s*(?:\b(?:[dfan]\s?/\s?[bk]\s?/\s?a|dba|fka|nka)\b\.?:?|\b(?:doing business|also known|now known) as\b"
    r"|\bformerly(?: known as| d/b/a)?\b)\s*",
    re.IGNORECASE,
)


def aliases(text: str) -> tuple[str, ...]:
    """A firm's name as given, and the names around `d/b/a`, `f/k/a`, `formerly` … in it."""
    return tuple(dict.fromkeys(part for part in (text, *(one.strip(" ,.-()") for one in _ALIAS.split(text))) if part))


def plain(name: str) -> str:
    """Lower case, accents and punctuation gone, `&` read as `and`, blanks single.

    A leading apostrophe (the RMD export's formula guard) is dropped; dotted forms such as `L.L.C.` close up.
    """
    text = _DOTTED.sub(lambda found: found.group().replace(".", ""), name.strip().lstrip("'"))
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    text = text.replace("&", " and ").replace("'", "")
    return _NOT_WORD.sub(" ", text).strip()


def key(name: str | None) -> str:
    """Comparison key: `plain` without a leading `the` and trailing legal forms. Empty for an empty name."""
    return " ".join(key_words(plain(name).split())) if name else ""


def key_words(words: list[str]) -> list[str]:
    """The words of a key, of the words of a `plain` name."""
    start, end = 0, len(words)
    if end > 1 and words[0] == "the":
        start = 1
    while end - start > 1 and words[end - 1] in _LEGAL_FORMS:
        end -= 1
    return words[start:end]

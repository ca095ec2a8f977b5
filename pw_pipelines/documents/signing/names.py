"""Whether a typed name is the signer's."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 150
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_MARKS = dict.fromkeys(map(ord, "’‘ʼ`´"), "'")


def fits(typed: str, name: str) -> bool:
    """Same letters in the same order; capitals, blanks, dots, commas and the shape of dashes do not matter."""
    wanted = _plain(name)
    return bool(wanted) and _plain(typed) == wanted


def clean(text: str) -> str:
    """One line without control characters, at most LONGEST characters."""
    kept = "".join(" " if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co") else one for one in text)
    return " ".join(kept.split())[:LONGEST]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return re.sub(r"[\s.,]+", "", clean(folded).translate(_DASHES).translate(_MARKS))

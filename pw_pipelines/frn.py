"""The FCC Registration Number: 10 digits, text, zero-padded (47 CFR 1.8001)."""

from __future__ import annotations

import re

from pw_pipelines.errors import BadFrn

LENGTH = 10
_FULL = re.compile(r"\d{10}", re.ASCII)
_SHORT = re.compile(r"\d{1,10}", re.ASCII)
_EMBEDDED = re.compile(r"(?<!\d)\d{10}(?!\d)", re.ASCII)


def is_frn(text: str) -> bool:
    """True for exactly ten ASCII digits. Says nothing about whether the FCC ever issued the number."""
    return _FULL.fullmatch(text) is not None


def pad(text: str) -> str:
    """`text` as an FRN, leading zeros restored (spreadsheets lose them).

    Raises BadFrn for anything that is not 1 to 10 digits after trimming blanks.
    """
    trimmed = text.strip()
    if _SHORT.fullmatch(trimmed) is None:
        raise BadFrn(f"{text!r} is not an FRN: an FRN is 10 digits, such as 0012345678.")
    return trimmed.zfill(LENGTH)


def find_all(text: str) -> tuple[str, ...]:
    """Every ten-digit number standing alone in free text, in order, each once."""
    return tuple(dict.fromkeys(_EMBEDDED.findall(text)))

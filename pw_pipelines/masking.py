"""Takes personal data out of text that many can read: logs, tracebacks, what Dagster keeps of a run.

Two things are masked: numbers that look like an SSN or ITIN, and whatever the vault handed out in this process
(fulfillment/private_data.py calls `never_say`), in the ways it may be written in a log.
"""

from __future__ import annotations

import html
import json
import os
import re
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote, quote_plus

MASK = "***"
_T = TypeVar("_T")
MOST = 2_000  # values remembered; the one not seen longest is forgotten first
SHORTEST = 3  # shorter ones are in every other word
# 3-2-4 digits with one kind of dash, dot or blank between them; 9 digits on end only where the words before say so.
_DASHES = "[-.\u2010\u2011\u2012\u2013 \u00a0]"
_NUMBER = re.compile(rf"(?<![\d-])\d{{3}}({_DASHES})\d{{2}}\1\d{{4}}(?![\d-])")
_NAMED = re.compile(r"(?P<name>\b(?:ssn|itin|social security(?: number)?|responsible_ssn)\b\W{0,5})\d{9}\b", re.I)


class _Hidden:
    """The values this process must not say, and one expression that finds any of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: OrderedDict[str, None] = OrderedDict()
        self._pattern: re.Pattern[str] | None = None
        os.register_at_fork(after_in_child=self._renew_lock)  # another thread may hold it at that moment

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def add(self, forms: set[str]) -> None:
        with self._lock:
            for form in forms:
                if form in self._values:
                    self._values.move_to_end(form)
                else:
                    self._values[form] = None
                    self._pattern = None
            while len(self._values) > MOST:
                self._values.popitem(last=False)
                self._pattern = None

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._pattern = None

    def pattern(self) -> re.Pattern[str] | None:
        with self._lock:
            if self._pattern is None and self._values:
                longest_first = sorted(self._values, key=len, reverse=True)
                self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.I)
            return self._pattern


_hidden = _Hidden()


def never_say(value: str) -> None:
    """Masks `value` from now on in whatever this process logs. Very short values are left: they are everywhere."""
    _hidden.add(_forms(value))


def mask(text: str) -> str:
    """`text` without SSN-like numbers and without what this process was told never to say."""
    pattern = _hidden.pattern()
    if pattern is not None:
        text = pattern.sub(MASK, text)
    text = _NUMBER.sub(MASK, text)
    return _NAMED.sub(rf"\g<name>{MASK}", text)


class Masked(Exception):
    """An error in words that may be kept: its kind, sentence and place, without personal data."""


def nothing_personal(work: Callable[[], _T]) -> _T:
    """What `work` returns. Its error is raised as Masked when its words would tell something personal, else unchanged.

    For doors whose errors are kept and read by many: Dagster's event log keeps the whole chain of causes.
    """
    try:
        return work()
    except Exception as error:
        whole = "".join(traceback.format_exception(error))
        told = mask(whole)
        if told == whole:
            raise
    raise Masked(told)  # out here, so that no cause hangs on it that would be kept too


def forget_all() -> None:
    """Forgets every value: a process goes on to another run."""
    _hidden.clear()


def _forms(value: str) -> set[str]:
    """How a value may be written: whole, by its lines, escaped for HTML, JSON and addresses, a number by its digits."""
    pieces = {value.strip(), *(line.strip() for line in value.splitlines())}
    digits = re.sub(r"\D", "", value)
    if len(digits) == 9 and re.fullmatch(r"[\d\W]+", value.strip()):
        pieces |= {digits, f"{digits[:3]}-{digits[3:5]}-{digits[5:]}", f"{digits[:3]} {digits[3:5]} {digits[5:]}"}
    forms = set()
    for piece in pieces:
        forms |= {
            piece, " ".join(piece.split()), html.escape(piece), quote(piece), quote(piece, safe=""),
            quote_plus(piece), json.dumps(piece)[1:-1], repr(piece)[1:-1],
        }  # fmt: skip
    return {form for form in forms if len(form) >= SHORTEST}

"""Machines that answer for people: out of office, challenges, tickets, receipts (RFC 3834, 8098). Never a bounce."""

from __future__ import annotations

import re
import unicodedata
from email.message import Message
from email.utils import getaddresses
from functools import lru_cache
from pathlib import Path

from pydantic import field_validator

from pw_pipelines.bounces.model import quote
from pw_pipelines.bounces.parts import header
from pw_pipelines.yaml_data import Strict, read_entry

FILE = Path(__file__).with_name("auto_replies.yaml")
DISPOSITION = "message/disposition-notification"
_DAEMONS = frozenset({"mailer-daemon", "mailerdaemon", "mail-daemon", "postmaster", "mailer_daemon", "daemon"})
_REPLY_MARKS = re.compile(
    r"^((re|aw|antw|sv|vs|res|rif|odp|ynt|fw|fwd|wg|tr|rv|enc|回复|答复|回覆|رد)\s*(\[\d+\])?\s*[:\uff1a]\s*)+",
    re.IGNORECASE,
)


class _Signs(Strict):
    headers: dict[str, str]
    subjects: tuple[str, ...]
    anywhere: tuple[str, ...]

    @field_validator("subjects", "anywhere")
    @classmethod
    def _are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no pattern: {error}") from error
        return value


@lru_cache(maxsize=1)
def _signs() -> tuple[dict[str, re.Pattern[str]], re.Pattern[str], re.Pattern[str]]:
    signs = read_entry(FILE.read_text(encoding="utf-8"), _Signs, file=f"bounces/{FILE.name}")
    headers = {name: re.compile(value, re.IGNORECASE) for name, value in signs.headers.items()}
    begins = re.compile("|".join(f"(?:{_bare(one)})" for one in signs.subjects), re.IGNORECASE)
    anywhere = re.compile("|".join(f"(?:{_bare(one)})" for one in signs.anywhere), re.IGNORECASE)
    return headers, begins, anywhere


def sign_of(message: Message) -> str | None:
    """The line that shows an automatic answer; None if nothing does."""
    if sign := own_sign_of(message):
        return sign
    submitted = header(message, "Auto-Submitted").lower()
    if submitted.startswith("auto-") and not is_from_server(message):
        return quote(f"Auto-Submitted: {submitted}")
    return None


def own_sign_of(message: Message) -> str | None:
    """The line that no mail server writes on a report of its own."""
    headers, begins, anywhere = _signs()
    for name, pattern in headers.items():
        value = message.get(name)
        if value is not None and pattern.match(" ".join(str(value).split())):
            return quote(f"{name}: {header(message, name)}")
    subject = header(message, "Subject")
    plain = _bare(_REPLY_MARKS.sub("", subject.strip())).lstrip(" \"'*-\u2013[(")
    if begins.match(plain) or begins.match(_bare(subject)) or anywhere.search(_bare(subject)):
        return quote(f"Subject: {subject}")
    return None


def is_from_server(message: Message) -> bool:
    """Whether a mail server signs as the writer: MAILER-DAEMON, postmaster, or its own mark of failed recipients."""
    if message.get("X-Failed-Recipients"):
        return True
    writers = getaddresses([header(message, name) for name in ("From", "Sender") if message.get(name)])
    return any(_plain_local(address) in _DAEMONS for _, address in writers)


def _plain_local(address: str) -> str:
    return address.strip().lower().partition("@")[0].strip("<>\"' ")


def _bare(text: str) -> str:
    """Without combining accents that a sender may have written apart, lower case."""
    return unicodedata.normalize("NFC", text.replace("\u2019", "'")).casefold()

"""Where a visitor came from: the campaign parameters of the first page and of the last link, in one first-party cookie.

No cookie without a campaign to keep, none for who asks not to be tracked (DNT, Sec-GPC), and nothing in it but what
the link itself said and a random word that joins one visit's events. It is for attribution alone: nobody is known by
it, nothing is decided by it, and whoever changes it changes our figures and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

COOKIE = "pw_campaign"
COOKIE_SECONDS = 30 * 86_400
# What Umami attributes by (its version 3.1), read from the query of an event's address alone.
PARAMETERS = (
    "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "gclid", "fbclid", "msclkid", "ttclid",
    "li_fat_id", "twclid",
)  # fmt: skip
LONGEST_VALUE = 100
_LONGEST_COOKIE = 3_000
_VISITOR = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Who does not look like a browser is none: programs, link checkers of mail servers, search engines.
_BROWSER = re.compile(r"^Mozilla/5\.0 \(")
_BOT = re.compile(r"bot\b|bot/|crawl|spider|slurp|preview|scan|monitor|headless|fetch|http[sx]?://", re.IGNORECASE)
Touch = Mapping[str, str]


@dataclass(frozen=True)
class Visit:
    """One browser's visit. `visitor`: a word of 32 hex digits, empty where nothing joins its pages; `first` and `last`:
    the campaign parameters of its first page and of the last link that had some."""

    first: Touch = field(default_factory=dict)
    last: Touch = field(default_factory=dict)
    visitor: str = ""

    def url(self, path: str) -> str:
        """The address an event is told under: the page with the last link's parameters."""
        return f"{path}?{urlencode(self.last)}" if self.last else path

    def visitor_of(self, subject: str) -> str:
        """Who did it, for Umami: the visit, or, where nothing joins pages, the deed alone."""
        return self.visitor or hashed(f"visit:{subject}")

    def as_cookie(self) -> str:
        """What the cookie holds; '' when there is nothing to keep."""
        if not self.last:
            return ""
        said = json.dumps({"v": self.visitor, "f": dict(self.first), "l": dict(self.last)}, separators=(",", ":"))
        cookie = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
        return cookie if len(cookie) <= _LONGEST_COOKIE else replace(self, first=self.last)._short()

    def _short(self) -> str:
        said = json.dumps({"v": self.visitor, "l": dict(self.last)}, separators=(",", ":"))
        cookie = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
        return cookie if len(cookie) <= _LONGEST_COOKIE else ""


# The visit of the request that is answered now; None: no browser's, or one that asked not to be tracked.
CURRENT: ContextVar[Visit | None] = ContextVar("visit", default=None)


def hashed(text: str) -> str:
    """32 hex digits that do not lead back."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def campaign(query: Mapping[str, str]) -> dict[str, str]:
    """The known parameters of a link, cut to length, without NUL and empty ones; an address of mail is no campaign
    and is left out."""
    cleaned = {name: str(query.get(name, "")).replace("\0", "").strip()[:LONGEST_VALUE] for name in PARAMETERS}
    return {name: value for name, value in cleaned.items() if value and "@" not in value}


def is_opted_out(headers: Mapping[str, str]) -> bool:
    """Whether the browser asks not to be tracked (names of `headers` in lower case, or a mapping that ignores it)."""
    return headers.get("dnt", "").strip() == "1" or headers.get("sec-gpc", "").strip() == "1"


def is_browser(user_agent: str) -> bool:
    """Whether this looks like a person's browser."""
    return bool(_BROWSER.match(user_agent)) and not _BOT.search(user_agent)


def of_request(query: Mapping[str, str], cookie: str, headers: Mapping[str, str]) -> Visit | None:
    """The visit that a request belongs to, with the link's own parameters taken in; None for nobody's."""
    if is_opted_out(headers) or not is_browser(headers.get("user-agent", "")):
        return None
    known = _read(cookie)
    if not (new := campaign(query)):
        return known
    if known.last:
        return replace(known, last=new)
    return Visit(first=new, last=new, visitor=secrets.token_hex(16))


def _read(cookie: str) -> Visit:
    """What the cookie says; an empty visit for what is none of ours."""
    if not cookie or len(cookie) > _LONGEST_COOKIE:
        return Visit()
    try:
        said: Any = json.loads(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return Visit()
    if not isinstance(said, dict) or not _VISITOR.fullmatch(str(said.get("v", ""))):
        return Visit()
    last = campaign(said["l"]) if isinstance(said.get("l"), dict) else {}
    first = campaign(said["f"]) if isinstance(said.get("f"), dict) else last
    return Visit(first=first, last=last, visitor=said["v"]) if last else Visit()

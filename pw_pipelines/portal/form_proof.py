"""That a form was sent from our own page: same-site by the browser's word, and a proof only our page could hold.

The cookie is a random value, the form's hidden field an HMAC made with it. Another site can make a browser send the
cookie (where the browser knows no SameSite) but can't read it, so it can't make the field. Nothing is kept here.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

FIELD = "proof"
_NAME = "pw_form"
_SOUND = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_OURS = {"same-origin", "same-site", "none"}  # none: typed or reloaded by the customer


class FormProof:
    """The proof of one browser. Read from a request's cookie, made anew where there is none."""

    def __init__(self, request: Request, *, https: bool) -> None:
        self._cookie = f"__Host-{_NAME}" if https else _NAME
        self._https = https
        held = request.cookies.get(self._cookie, "")
        self._is_held = _SOUND.fullmatch(held) is not None
        self._value = held if self._is_held else secrets.token_urlsafe(32)

    @property
    def field(self) -> str:
        """What the form's hidden field holds."""
        return hmac.digest(self._value.encode(), b"a form of ours", "sha256").hex()

    def keep(self, reply: Response) -> None:
        """Gives the browser its cookie, if it has none yet."""
        if not self._is_held:
            reply.set_cookie(self._cookie, self._value, path="/", httponly=True, secure=self._https, samesite="lax")

    def is_proved(self, request: Request, form: Mapping[str, str], *, hidden_origin: bool = False) -> bool:
        """Whether the form comes from a page of ours that this browser was given.

        hidden_origin: the page says `Referrer-Policy: no-referrer`, whose forms come with `Origin: null`; the cookie
        and the field must tell then.
        """
        said = request.headers
        is_hidden = hidden_origin and "sec-fetch-site" not in said and said.get("origin") == "null"
        return (is_hidden or is_same_site(request)) and self._is_held and self._is_field(form.get(FIELD, ""))

    def _is_field(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.field.encode())


def is_same_site(request: Request) -> bool:
    """What the browser says of where the form stood; browsers that say nothing are believed to be old."""
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        return said in _OURS
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")

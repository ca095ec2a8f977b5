"""What a page carries of its own past, sealed: answers given on earlier pages come back with every post.

As ASP.NET's view state: whoever posts without the one a page was given is refused; an old page posted again does again
what it did.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

_SECRET = b"the stand-ins' machine key"


def seal(state: dict[str, Any]) -> str:
    """State as text for a hidden field."""
    body = json.dumps(state, sort_keys=True).encode()
    return base64.b64encode(hmac.digest(_SECRET, body, "sha256") + body).decode()


def digest(state: dict[str, Any]) -> str:
    """What goes beside the sealed state where a page carries a second field to hold it to."""
    return base64.b64encode(hashlib.sha256(_SECRET + seal(state).encode()).digest()).decode()


def opened(sealed: str) -> dict[str, Any] | None:
    """The state a page was given; None when it is not one of ours."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except binascii.Error:
        return None
    if not hmac.compare_digest(raw[:32], hmac.digest(_SECRET, raw[32:], "sha256")):
        return None
    state: dict[str, Any] = json.loads(raw[32:])
    return state

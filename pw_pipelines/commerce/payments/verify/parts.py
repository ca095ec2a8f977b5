"""What every verification does: look up a header, compare in constant time, read JSON that may be anything."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pw_pipelines.commerce.payments.events import LONGEST_TEXT, Forged


def header(headers: Mapping[str, str], name: str) -> str:
    """The header's value; names in any letter case. Raises Forged when it is missing or empty."""
    wanted = name.lower()
    found = next((value for key, value in headers.items() if key.lower() == wanted), "")
    if not found:
        raise Forged(f"no header {name}")
    return found


def some_equal(expected: Iterable[str], given: Iterable[str]) -> bool:
    """Whether any of `given` is any of `expected`. Constant time in where they differ; all pairs are compared."""
    pairs = [(one.encode(), other.encode("utf-8", "replace")) for one in expected for other in given]
    return sum(hmac.compare_digest(one, other) for one, other in pairs) > 0


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """The raw digest."""
    return hmac.new(key, message, hashlib.sha256).digest()


def json_object(raw: bytes) -> dict[str, Any] | None:
    """The body as a JSON object; None for whatever else was signed."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text(value: object) -> str | None:
    """A value as a short text that a database takes; None for nothing and for what is no text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    cleaned = str(value).replace("\x00", "").strip()[:LONGEST_TEXT]
    return cleaned.encode("utf-8", "replace").decode() or None


def digest_key(raw: bytes) -> str:
    """A dedupe key for a body without an id of its own: the same bytes are the same fact."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"

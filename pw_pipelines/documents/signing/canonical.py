"""One way of writing a value as bytes, so that everybody computes the same SHA-256 of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no blanks, UTF-8. Raises TypeError for what JSON does not have, ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: Any) -> str:
    """SHA-256 (64 hex digits) of a value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def sha256(content: bytes) -> str:
    """SHA-256 of bytes as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def moment(at: datetime) -> str:
    """An aware moment as it stands in digests: UTC with microseconds, `2026-11-22T15:30:00.000000Z`."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

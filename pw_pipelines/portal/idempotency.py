"""The same POST sent again gets the same answer: Idempotency-Key, kept with what it brought about.

Key and deed are one transaction: whoever brings the same key meanwhile waits for its end, a crash leaves neither, and
what was refused leaves no key, so that it can be mended and sent again.

An answer may hold an order's secret link, of which the books keep only a hash. So the answer is stored encrypted
under a key made from what the client sent (AES-256-GCM), and the client's key as its SHA-256: the table alone opens
nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Header
from psycopg import Connection

from pw_pipelines import faults
from pw_pipelines.errors import UsageError

HEADER = "Idempotency-Key"
KEPT = timedelta(days=30)
SHORTEST, LONGEST = 16, 128
PATTERN = rf"^[!-~]{{{SHORTEST},{LONGEST}}}$"
REMEDY = f"Send a fresh random value, such as a UUID ({SHORTEST} to {LONGEST} printable characters), with each order."
_PURGED_AT_ONCE = 50
_NONCE_BYTES = 12

IdempotencyKey = Annotated[
    str,
    Header(
        alias=HEADER,
        pattern=PATTERN,
        description="A fresh random value (a UUID) for each new request. The same request sent again with the same "
        "key gets the answer of the first, and nothing is done twice. Kept for 30 days.",
        examples=["9f1c1f0e-3c1b-4f57-8f0e-2f1f6f6d3a10"],
    ),
]


class KeyUsedBefore(UsageError):
    """The key came with another request before."""

    def __init__(self) -> None:
        super().__init__(
            f"This {HEADER} came with another request before; nothing was done now.",
            field=HEADER,
            remedy="Send a fresh key for a new request, or the very same request to get its answer again.",
        )


@dataclass(frozen=True)
class Answer:
    """What was answered: HTTP status and body. `is_again`: it was given before, and nothing was done now."""

    status: int
    body: bytes
    is_again: bool = False


def check_key(key: str) -> str:
    """The key as given. Raises UsageError when it is none."""
    if not re.fullmatch(PATTERN, key, re.ASCII):
        raise UsageError(f"This is no {HEADER}.", field=HEADER, remedy=REMEDY)
    return key


@dataclass(frozen=True)
class Asked:
    """One request under its key, as the table knows it: hashes, and the secret its answer is sealed with."""

    named: str
    route: str
    digest: str
    secret: bytes

    @classmethod
    def of(cls, *, key: str, route: str, request: bytes) -> Asked:
        """`request`: what must be the same when the key is. Raises UsageError when the key is none."""
        named = hashlib.sha256(check_key(key).encode()).hexdigest()
        secret = hmac.digest(key.encode(), b"answer\0" + route.encode() + b"\0" + request, "sha256")
        return cls(named, route, hashlib.sha256(request).hexdigest(), secret)


def once(connection: Connection[Any], asked: Asked, deed: Callable[[], Answer], *, now: datetime) -> Answer:
    """Does `deed` in the caller's transaction, or gives the answer it gave before.

    Two at once: the second waits for the first's transaction. Raises KeyUsedBefore when the key came with another
    request; what `deed` raises must end the transaction.
    """
    _purge(connection, now)
    fresh = connection.execute(
        "insert into pw.idempotency_keys (key, route, request_digest, created_at) values (%s, %s, %s, %s) "
        "on conflict (key, route) do nothing",
        (asked.named, asked.route, asked.digest, now),
    )
    if fresh.rowcount == 0:
        given = given_before(connection, asked)
        if given is None:  # purged between the two statements
            raise KeyUsedBefore
        return given
    answer = deed()
    faults.point("portal.idempotency.before_answer")
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + AESGCM(asked.secret).encrypt(nonce, answer.body, asked.digest.encode())
    connection.execute(
        "update pw.idempotency_keys set status = %s, body = %s where key = %s and route = %s",
        (answer.status, sealed, asked.named, asked.route),
    )
    faults.point("portal.idempotency.before_commit")
    return answer


def given_before(connection: Connection[Any], asked: Asked) -> Answer | None:
    """The answer this request got; None when its key is new. Raises KeyUsedBefore as `once` does."""
    row = connection.execute(
        "select request_digest, status, body from pw.idempotency_keys where key = %s and route = %s",
        (asked.named, asked.route),
    ).fetchone()
    if row is None:
        return None
    if row["request_digest"] != asked.digest:
        raise KeyUsedBefore
    sealed = bytes(row["body"])
    body = AESGCM(asked.secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], asked.digest.encode())
    return Answer(int(row["status"]), body, is_again=True)


def _purge(connection: Connection[Any], now: datetime) -> None:
    """Forgets a few old keys; each request forgets more than it adds."""
    connection.execute(
        "delete from pw.idempotency_keys where (key, route) in (select key, route from pw.idempotency_keys "
        "where created_at < %s order by created_at limit %s for update skip locked)",
        (now - KEPT, _PURGED_AT_ONCE),
    )

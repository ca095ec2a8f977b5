"""The link a signer gets: a JWT that says who may sign what, for whom, until when, and is made of what the books say.

    iss, aud   who made it and for what      sub   the signer's id            jti   the link's own id, drawn from the
    iat, nbf, exp                            itm, req, pur   item, request, purpose     secret and the request
    dig        SHA-256 over the exact PDFs (base64url)

One algorithm, one key, one form of header: what a token says of itself chooses nothing. The same row and the same
secret make the same token, so a link that may not have been sent is sent again without having been kept.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import jwt

from pw_pipelines.documents.signing.canonical import sha256
from pw_pipelines.documents.signing.keys import LinkKeys, base64url
from pw_pipelines.errors import UsageError

ALGORITHM = "HS256"
ISSUER = "performance-west"
AUDIENCE = "pw-sign"
LEEWAY_SECONDS = 30  # between the machine that made the link and the one that reads it
LONGEST = 700
_HEADER = {"alg": ALGORITHM, "typ": "JWT"}
_CLAIMS = frozenset("iss aud sub jti iat nbf exp itm req pur dig".split())
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)

Refusal = Literal["unsound", "early", "expired", "signed", "declined", "revoked", "changed"]
REFUSALS: dict[Refusal, str] = {
    "unsound": "This link is not valid. It may have been cut off or changed on its way: open it from the mail itself.",
    "early": "This link is not valid yet.",
    "expired": "This link has expired.",
    "signed": "This has been signed. Nothing more is needed from you.",
    "declined": "You declined to sign. A person of ours writes to you.",
    "revoked": "This link has been replaced or withdrawn.",
    "changed": "What is to be signed has changed since this link was sent. You get a new link by mail.",
}


class LinkRefused(UsageError):
    """A link that opens nothing (any more); `kind` says why, the message says it to the signer."""

    def __init__(self, kind: Refusal) -> None:
        super().__init__(REFUSALS[kind])
        self.kind = kind


@dataclass(frozen=True)
class Claims:
    """What a link says. Times are whole seconds."""

    request_id: int
    item_id: int
    purpose: str
    signer_id: str
    documents_digest: str
    issued_at: datetime
    expires_at: datetime


def jti_of(claims: Claims, keys: LinkKeys) -> str:
    """The link's id, which only the secret can make: the books keep its SHA-256 alone."""
    return keys.id_of("jti", claims.request_id, claims.item_id, claims.purpose, claims.signer_id)


def jti_hash(claims: Claims, keys: LinkKeys) -> str:
    """SHA-256 of the link's id, as it stands in pw.signature_requests."""
    return sha256(jti_of(claims, keys).encode())


def make_token(claims: Claims, keys: LinkKeys) -> str:
    """The token, always the same for the same claims and secret."""
    issued = int(claims.issued_at.timestamp())
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.signer_id,
        "jti": jti_of(claims, keys),
        "iat": issued,
        "nbf": issued,
        "exp": int(claims.expires_at.timestamp()),
        "itm": claims.item_id,
        "req": claims.request_id,
        "pur": claims.purpose,
        "dig": base64url(bytes.fromhex(claims.documents_digest)),
    }
    return jwt.encode(payload, keys.tokens, algorithm=ALGORITHM, headers=dict(_HEADER))


def request_of(token: str, keys: LinkKeys, now: datetime) -> int:
    """The request a token is for, once its signature, header, claims and times are sound.

    Raises LinkRefused. Whether the request still stands is the books' to say.
    """
    claims = _payload(token, keys)
    at = int(now.timestamp())
    if claims["nbf"] > at + LEEWAY_SECONDS or claims["iat"] > at + LEEWAY_SECONDS:
        raise LinkRefused("early")
    if claims["exp"] <= at - LEEWAY_SECONDS:
        raise LinkRefused("expired")
    return int(claims["req"])


def is_token_of(token: str, claims: Claims, keys: LinkKeys) -> bool:
    """Whether the token is, byte for byte, the one these claims make."""
    return hmac.compare_digest(token.encode("utf-8", "replace"), make_token(claims, keys).encode())


def _payload(token: str, keys: LinkKeys) -> dict[str, Any]:
    if len(token) > LONGEST or _SHAPE.fullmatch(token) is None:
        raise LinkRefused("unsound")
    try:
        # PyJWT asks the machine for the time; ours may stand elsewhere in the sandbox, so times are checked by us.
        found = jwt.decode_complete(
            token, keys.tokens, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER,
            options={
                "require": ["exp", "iat", "nbf", "jti", "sub", "aud", "iss"], "verify_exp": False,
                "verify_nbf": False, "verify_iat": False, "strict_aud": True, "enforce_minimum_key_length": True,
            },
        )  # fmt: skip
    except jwt.PyJWTError:
        raise LinkRefused("unsound") from None
    payload: dict[str, Any] = found["payload"]
    if found["header"] != _HEADER or payload.keys() != _CLAIMS:
        raise LinkRefused("unsound")
    if any(type(payload[name]) is not int for name in ("iat", "nbf", "exp", "req", "itm")):
        raise LinkRefused("unsound")
    return payload


def whole_second(at: datetime) -> datetime:
    """`at` without its fraction, UTC: the times a token can carry."""
    return at.astimezone(UTC).replace(microsecond=0)

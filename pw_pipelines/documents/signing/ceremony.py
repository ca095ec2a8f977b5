"""The act itself: a link is opened, signed once, or declined. Callers hold the transaction.

Looking changes nothing but a line in the chain, because mail programs open links before people do. Signing is one
conditional UPDATE: of any number of presses, at once or later, one signs.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from pw_pipelines.documents.signing import chain, names, requests
from pw_pipelines.documents.signing.canonical import canonical, digest_of, moment
from pw_pipelines.documents.signing.chain import Connection
from pw_pipelines.documents.signing.consent import INTENT_WORDS, PERJURY_WORDS, consent
from pw_pipelines.documents.signing.keys import LinkKeys
from pw_pipelines.documents.signing.links import LinkRefused, Refusal, is_token_of, request_of
from pw_pipelines.documents.signing.marks import Kind
from pw_pipelines.documents.signing.requests import Request
from pw_pipelines.errors import UsageError

BY = "signature page"
MOST_OPENINGS = 20  # lines in the chain per link; a mail gateway may open one for ever
LONGEST_REASON = 1_000
LONGEST_AGENT = 300
_STATES: dict[str, Refusal] = {
    "signed": "signed", "declined": "declined", "revoked": "revoked", "expired": "expired",
}  # fmt: skip
Outcome = Literal["signed", "name_differs", "used_up"]


class Vault(Protocol):
    """What keeps personal values, encrypted (fulfillment/private_data.py)."""

    def get(
        self, connection: Connection, item_id: int, name: str, *, by: str, why: str, now: datetime
    ) -> str | None: ...

    def put(self, connection: Connection, item_id: int, name: str, value: str, *, now: datetime) -> None: ...


@dataclass(frozen=True)
class Signing:
    """What a signer sent. `strokes`: the drawing as the page sent it, empty for a typed name."""

    typed_name: str
    strokes: str
    consents: bool
    declares: bool
    ip: str
    user_agent: str

    @property
    def kind(self) -> Kind:
        return "drawn" if self.strokes.strip() else "typed"


def open_link(connection: Connection, keys: LinkKeys, token: str, *, now: datetime) -> Request:
    """The request a link is for, still open, its documents still those that were made. Changes nothing.

    Raises LinkRefused, whose kind says why.
    """
    request_id = request_of(token, keys, now)
    try:
        request = requests.read(connection, request_id)
    except UsageError:
        raise LinkRefused("unsound") from None
    if not is_token_of(token, request.claims, keys) or not requests.is_of_key(request, keys):
        raise LinkRefused("unsound")
    if request.state != "open":
        raise LinkRefused(_STATES[request.state])
    if request.is_over(now):
        raise LinkRefused("expired")
    if requests.digest_over(requests.documents_of(connection, request.item_id)) != request.documents_digest:
        raise LinkRefused("changed")
    return request


def note_opened(connection: Connection, request: Request, *, now: datetime) -> None:
    """Says in the chain that the link was opened: by whom or what is not known, so it is not called seen."""
    chain.lock_item(connection, request.item_id)
    row = connection.execute(
        "select count(*)::int as n from pw.signature_events where request_id = %s and type = 'link_opened'",
        (request.request_id,),
    ).fetchone()
    assert row is not None
    if row["n"] < MOST_OPENINGS:
        chain.append(connection, request.item_id, "link_opened", {}, request_id=request.request_id, now=now)


def sign(
    connection: Connection, keys: LinkKeys, vault: Vault, token: str, sent: Signing, *, now: datetime
) -> tuple[Request, Outcome]:
    """Signs the documents of a link, once.

    The consent, and the declaration where one is asked, must have been given; the caller says so kindly before. A name
    that is not the signer's costs an attempt; after the last the link is dead. Raises LinkRefused as `open_link` does,
    also for whoever comes second.
    """
    request = open_link(connection, keys, token, now=now)
    if not sent.consents or (request.needs_perjury_statement and not sent.declares):
        raise UsageError("The statements to agree to must be ticked before signing.")
    chain.lock_item(connection, request.item_id)
    signer = _signer(connection, keys, vault, request, now=now)
    if not names.fits(sent.typed_name, signer["name"]):
        return request, _missed(connection, request, now=now)
    record = _record(request, sent, signer, now)
    done = connection.execute(
        """update pw.signature_requests set state = 'signed', signed_at = %s
           where request_id = %s and jti_hash = %s and documents_digest = %s
             and state = 'open' and attempts_left > 0 and expires_at > %s""",
        (now, request.request_id, request.jti_hash, request.documents_digest, now),
    )
    if done.rowcount != 1:
        raise LinkRefused(_STATES.get(requests.read(connection, request.request_id).state, "expired"))
    vault.put(connection, request.item_id, record_name(request), canonical(record).decode(), now=now)
    _add_events(connection, request, sent, record, now=now)
    return request, "signed"


def decline(connection: Connection, keys: LinkKeys, vault: Vault, token: str, reason: str, *, now: datetime) -> Request:
    """Ends the request without a signature; the reason is kept with the personal data, the chain has its digest."""
    request = open_link(connection, keys, token, now=now)
    chain.lock_item(connection, request.item_id)
    reason = "\n".join(names.clean(line) for line in reason[:LONGEST_REASON].splitlines()).strip()
    if not requests.close(connection, request, "declined", why="declined", now=now, has_reason=bool(reason)):
        raise LinkRefused(_STATES[requests.read(connection, request.request_id).state])
    if reason:
        vault.put(connection, request.item_id, reason_name(request), reason, now=now)
    return request


def record_name(request: Request) -> str:
    """Under which name the vault keeps what was signed: name, mark, address, browser."""
    return f"signature_{request.request_id}"


def reason_name(request: Request) -> str:
    """Under which name the vault keeps why somebody declined."""
    return f"decline_reason_{request.request_id}"


def record_of(connection: Connection, vault: Vault, request: Request, *, by: str, why: str, now: datetime) -> Any:
    """The record of a signature as it was signed; None once it was erased."""
    kept = vault.get(connection, request.item_id, record_name(request), by=by, why=why, now=now)
    return None if kept is None else json.loads(kept)


def _signer(connection: Connection, keys: LinkKeys, vault: Vault, request: Request, *, now: datetime) -> dict[str, str]:
    """Who is to sign, by the books of this moment. Raises LinkRefused where that is not who was asked."""
    found = {
        name: vault.get(connection, request.item_id, f"signer_{name}", by=BY, why="the signer signs", now=now)
        for name in ("name", "email")
    }
    name, email = found["name"], found["email"]
    if not name or not email or requests.signer_id_of(keys, request.item_id, name, email) != request.signer_id:
        raise LinkRefused("changed")
    title = connection.execute(
        "select value from pw.item_answers where item_id = %s and name = 'signer_title'", (request.item_id,)
    ).fetchone()
    return {"name": name, "email": email, "title": str(title["value"]) if title else ""}


def _missed(connection: Connection, request: Request, *, now: datetime) -> Outcome:
    row = connection.execute(
        "update pw.signature_requests set attempts_left = attempts_left - 1 "
        "where request_id = %s and state = 'open' and attempts_left > 0 returning attempts_left",
        (request.request_id,),
    ).fetchone()
    if row is None:
        raise LinkRefused(_STATES.get(requests.read(connection, request.request_id).state, "revoked"))
    chain.append(
        connection, request.item_id, "name_differs", {"attempts_left": row["attempts_left"]},
        request_id=request.request_id, now=now,
    )  # fmt: skip
    if row["attempts_left"]:
        return "name_differs"
    chain.append(connection, request.item_id, "attempts_used_up", {}, request_id=request.request_id, now=now)
    requests.close(connection, request, "revoked", why="attempts", now=now)
    return "used_up"


def _record(request: Request, sent: Signing, signer: dict[str, str], now: datetime) -> dict[str, Any]:
    """What was signed, by whom and from where. The nonce keeps its digest from being guessed."""
    return {
        "request_id": request.request_id,
        "signer_id": request.signer_id,
        "documents_digest": request.documents_digest,
        "name": names.clean(signer["name"]),
        "title": names.clean(signer["title"]),
        "email": signer["email"],
        "typed_name": names.clean(sent.typed_name),
        "kind": sent.kind,
        "strokes": sent.strokes.strip(),
        "ip": names.clean(sent.ip)[:60],
        "user_agent": names.clean(sent.user_agent[:LONGEST_AGENT]),
        "signed_at": moment(now),
        "nonce": secrets.token_hex(16),
    }


def _add_events(
    connection: Connection, request: Request, sent: Signing, record: dict[str, Any], *, now: datetime
) -> None:
    def add(type: chain.EventType, data: dict[str, Any]) -> None:
        chain.append(connection, request.item_id, type, data, request_id=request.request_id, now=now)

    add("consented", {"version": consent().version, "digest": consent().digest})
    if request.needs_perjury_statement:
        add("perjury_declared", {"version": PERJURY_WORDS.version, "digest": PERJURY_WORDS.digest})
    add(
        "signed",
        {
            "kind": sent.kind, "record_digest": digest_of(record), "documents_digest": request.documents_digest,
            "signer_id": request.signer_id, "jti_hash": request.jti_hash, "intent": INTENT_WORDS.digest,
        },
    )  # fmt: skip

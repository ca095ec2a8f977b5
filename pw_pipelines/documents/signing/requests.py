"""Requests for a signature: one open per item and purpose, each with one link. Callers hold the transaction.

A request is never opened again: a new link is a new row, and the old one is revoked in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from pw_pipelines.clock import EASTERN
from pw_pipelines.documents.signing import chain
from pw_pipelines.documents.signing.canonical import canonical, digest_of, moment
from pw_pipelines.documents.signing.chain import Connection
from pw_pipelines.documents.signing.keys import LinkKeys
from pw_pipelines.documents.signing.links import Claims, jti_hash, make_token, whole_second
from pw_pipelines.errors import UsageError

PURPOSE = "documents"
ATTEMPTS = 5
PATH = "/sign"
Closed = Literal["revoked", "expired", "declined"]
# Why a request was closed, as `closed_why` has it. Those of _FOR_A_PERSON are not followed by a new link by itself.
Why = Literal["replaced", "documents_changed", "signer_changed", "key_changed", "attempts", "time", "declined"]


@dataclass(frozen=True)
class SignedDocument:
    """One document to be signed, as the request holds it: `digest` is the SHA-256 of its PDF."""

    document_id: int
    template: str
    title: str
    pages: int
    digest: str


@dataclass(frozen=True)
class Request:
    """One row of pw.signature_requests."""

    request_id: int
    item_id: int
    purpose: str
    signer_id: str
    jti_hash: str
    documents: tuple[SignedDocument, ...]
    documents_digest: str
    needs_perjury_statement: bool
    state: str
    attempts_left: int
    created_at: datetime
    expires_at: datetime
    signed_at: datetime | None
    closed_why: str | None
    reminders_sent: int
    reminded_at: datetime | None

    @property
    def claims(self) -> Claims:
        return Claims(
            self.request_id, self.item_id, self.purpose, self.signer_id, self.documents_digest, self.created_at,
            self.expires_at,
        )  # fmt: skip

    def is_over(self, now: datetime) -> bool:
        return now >= self.expires_at


def documents_of(connection: Connection, item_id: int) -> tuple[SignedDocument, ...]:
    """The newest edition of every document of the item that is to be signed, in the order they were drawn up."""
    rows = connection.execute(
        """select document_id, template, title, pages, digest from (
             select distinct on (template) document_id, template, title, pages, pdf_digest as digest,
                    is_signed_by_customer
             from pw.item_documents where item_id = %s and withdrawn_at is null order by template, edition desc
           ) newest where is_signed_by_customer order by document_id""",
        (item_id,),
    ).fetchall()
    return tuple(SignedDocument(**row) for row in rows)


def digest_over(documents: Sequence[SignedDocument]) -> str:
    """SHA-256 over the exact PDFs, in their order."""
    return digest_of([[one.template, one.digest] for one in documents])


def signer_id_of(keys: LinkKeys, item_id: int, name: str, email: str) -> str:
    """Who is asked, without saying who: another name or address is another signer."""
    return keys.id_of("signer", item_id, canonical([" ".join(name.split()), email.strip().lower()]).decode())


def expiry(now: datetime, *, days: int, due_on: date | None) -> datetime:
    """When a link made now ends: after `days`, or with the filing's last day (America/New_York) if that is sooner.

    A last day that is over bounds nothing: what is late is still to be filed.
    """
    ends = whole_second(now) + timedelta(days=days)
    if due_on is not None:
        last = datetime.combine(due_on, time(23, 59, 59), EASTERN)
        if last > now:
            ends = min(ends, whole_second(last))
    return ends


def issue(
    connection: Connection,
    keys: LinkKeys,
    *,
    item_id: int,
    signer_id: str,
    documents: Sequence[SignedDocument],
    needs_perjury_statement: bool,
    expires_at: datetime,
    now: datetime,
    purpose: str = PURPOSE,
) -> Request:
    """A new request, in place of one that may be open. Raises UsageError without a document."""
    if not documents:
        raise UsageError(f"Item {item_id} has no document to be signed.")
    chain.lock_item(connection, item_id)
    before = latest(connection, item_id, purpose)
    if before is not None and before.state == "open":
        close(connection, before, "revoked", why="replaced", now=now)
    row = connection.execute(
        "select nextval(pg_get_serial_sequence('pw.signature_requests', 'request_id')) as request_id"
    ).fetchone()
    assert row is not None
    created = whole_second(now)
    digest = digest_over(documents)
    claims = Claims(int(row["request_id"]), item_id, purpose, signer_id, digest, created, whole_second(expires_at))
    listed = [vars(one) for one in documents]
    connection.execute(
        """insert into pw.signature_requests (request_id, item_id, purpose, signer_id, jti_hash, documents,
             documents_digest, needs_perjury_statement, attempts_left, created_at, expires_at)
           overriding system value values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            claims.request_id, item_id, purpose, signer_id, jti_hash(claims, keys), Jsonb(listed), digest,
            needs_perjury_statement, ATTEMPTS, created, claims.expires_at,
        ),
    )  # fmt: skip
    made = read(connection, claims.request_id)
    chain.append(
        connection, item_id, "requested",
        {
            "purpose": purpose, "signer_id": signer_id, "jti_hash": made.jti_hash, "documents_digest": digest,
            "documents": [[one.document_id, one.template, one.digest] for one in documents],
            "perjury": needs_perjury_statement, "expires_at": moment(claims.expires_at),
        },
        request_id=claims.request_id, now=now,
    )  # fmt: skip
    return made


def read(connection: Connection, request_id: int) -> Request:
    """One request. Raises UsageError when there is none."""
    row = connection.execute("select * from pw.signature_requests where request_id = %s", (request_id,)).fetchone()
    if row is None:
        raise UsageError(f"There is no signature request {request_id}.")
    return _request(row)


def latest(connection: Connection, item_id: int, purpose: str = PURPOSE) -> Request | None:
    """The newest request of an item."""
    row = connection.execute(
        "select * from pw.signature_requests where item_id = %s and purpose = %s order by request_id desc limit 1",
        (item_id, purpose),
    ).fetchone()
    return _request(row) if row else None


def how_many_expired(connection: Connection, item_id: int, documents_digest: str) -> int:
    """How many links for these very documents ran out unanswered."""
    row = connection.execute(
        "select count(*)::int as n from pw.signature_requests "
        "where item_id = %s and documents_digest = %s and state = 'expired'",
        (item_id, documents_digest),
    ).fetchone()
    assert row is not None
    return int(row["n"])


def close(connection: Connection, request: Request, state: Closed, *, why: Why, now: datetime, **data: Any) -> bool:
    """Ends an open request without a signature; False when it is not open any more."""
    chain.lock_item(connection, request.item_id)
    done = connection.execute(
        "update pw.signature_requests set state = %s, closed_why = %s where request_id = %s and state = 'open'",
        (state, why, request.request_id),
    )
    if done.rowcount:
        chain.append(connection, request.item_id, state, {"why": why, **data}, request_id=request.request_id, now=now)
    return bool(done.rowcount)


def note_reminder(connection: Connection, request: Request, number: int, *, now: datetime) -> None:
    """Books that reminder `number` was sent, once."""
    chain.lock_item(connection, request.item_id)
    done = connection.execute(
        "update pw.signature_requests set reminders_sent = %s, reminded_at = %s "
        "where request_id = %s and reminders_sent < %s",
        (number, now, request.request_id, number),
    )
    if done.rowcount:
        chain.append(
            connection, request.item_id, "reminded", {"number": number}, request_id=request.request_id, now=now
        )


def note_once(connection: Connection, request: Request, type: chain.EventType, *, now: datetime) -> None:
    """Adds an event of this type unless the request has one."""
    chain.lock_item(connection, request.item_id)
    there = connection.execute(
        "select 1 from pw.signature_events where request_id = %s and type = %s limit 1", (request.request_id, type)
    ).fetchone()
    if there is None:
        chain.append(connection, request.item_id, type, {}, request_id=request.request_id, now=now)


def is_of_key(request: Request, keys: LinkKeys) -> bool:
    """Whether the link can be made again: false once PW_LINK_KEY is another."""
    return jti_hash(request.claims, keys) == request.jti_hash


def link_of(request: Request, keys: LinkKeys, public_url: str) -> str:
    """The link, made anew from the row and the secret. It is kept nowhere; only the signer's mail holds it."""
    return f"{public_url.rstrip('/')}{PATH}/{make_token(request.claims, keys)}"


def _request(row: dict[str, Any]) -> Request:
    documents = tuple(SignedDocument(**one) for one in row["documents"])
    return Request(**{**row, "documents": documents})

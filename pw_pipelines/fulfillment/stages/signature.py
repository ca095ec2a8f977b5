"""Stage `signature`: asks the signer by a link of their own, reminds, and once all is signed stamps and seals it.

The run ends at the gate `signature`; signing on the page opens it. Whatever the stage finds done it does not do again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pw_pipelines import faults
from pw_pipelines.clock import EASTERN
from pw_pipelines.documents.signing import requests
from pw_pipelines.documents.signing.keys import LinkKeys, link_keys
from pw_pipelines.documents.signing.requests import Request, SignedDocument
from pw_pipelines.fulfillment import mails
from pw_pipelines.fulfillment.model import Connection, FulfillmentError, Gate
from pw_pipelines.fulfillment.sealed import seal_documents
from pw_pipelines.fulfillment.work import Work

REMIND_AFTER = (timedelta(days=3), timedelta(days=7))
MOST_UNANSWERED = 3  # links that ran out, after which a person looks
BY = "signature stage"


@dataclass(frozen=True)
class Signer:
    """Who is asked: from the vault, for this run alone."""

    signer_id: str
    name: str
    email: str


def run(work: Work) -> str:
    """Raises Gate: `signature` while it is open, `details` without a signer, `held` when a person has to look."""
    keys = link_keys(work.settings)
    with work.connect() as connection:
        documents = requests.documents_of(connection, work.item.item_id)
        request = requests.latest(connection, work.item.item_id)
    if not documents:
        raise FulfillmentError("No document to be signed was drawn up; retry the item from the stage `documents`.")
    signer = _signer(work, keys)
    if request is not None and _is_signed(request, documents):
        digests = seal_documents(work, request)
        _send_copy(work, request, signer, digests)
        return f"Signed; {len(digests)} documents sealed."
    if request is not None:
        request = _still_open(work, keys, request, signer, documents)
    if request is None:
        request = _issue(work, keys, signer, documents)
        faults.point("signature.request.made")
    _send_link(work, keys, request, signer)
    _remind(work, keys, request, signer)
    with work.connect() as connection:
        if requests.read(connection, request.request_id).state != "open":  # quicker than we are
            raise Gate("retry", "The request was settled at this moment.", not_before=work.now())
    raise Gate(
        "signature",
        f"The signer is asked to sign {len(documents)} documents, until {_until(request.expires_at)}.",
        detail={"request_id": request.request_id, "documents": [one.title for one in documents]},
    )


def _is_signed(request: Request, documents: Sequence[SignedDocument]) -> bool:
    return request.state == "signed" and request.documents_digest == requests.digest_over(documents)


def _signer(work: Work, keys: LinkKeys) -> Signer:
    item_id, now = work.item.item_id, work.now()
    with work.connect() as connection:
        name, email = (
            work.ground.vault.get(connection, item_id, fact, by=BY, why="whom to ask for the signature", now=now)
            for fact in ("signer_name", "signer_email")
        )
    missing = [fact for fact, value in (("signer_name", name), ("signer_email", email)) if not value]
    if missing or name is None or email is None:
        raise Gate("details", "It is not known who signs.", detail={"missing": missing})
    return Signer(requests.signer_id_of(keys, item_id, name, email), name, email)


def _still_open(
    work: Work, keys: LinkKeys, request: Request, signer: Signer, documents: Sequence[SignedDocument]
) -> Request | None:
    """The request as long as it stands; None where a new one is to be made. Raises Gate where a person decides."""
    now = work.now()
    with work.connect() as connection:
        if request.state == "open":
            if request.is_over(now):
                requests.close(connection, request, "expired", why="time", now=now)
            elif request.documents_digest != requests.digest_over(documents):
                requests.close(connection, request, "revoked", why="documents_changed", now=now)
            elif not requests.is_of_key(request, keys):
                requests.close(connection, request, "revoked", why="key_changed", now=now)
            elif request.signer_id != signer.signer_id:
                requests.close(connection, request, "revoked", why="signer_changed", now=now)
            request = requests.read(connection, request.request_id)  # it may have been signed meanwhile
        if request.state == "open":
            return request
        why = _why_a_person(connection, request)
        told = why is not None and _was_held(connection, request)
    if why is not None and not told:
        if request.state == "declined":
            _tell_declined(work, request)
        raise Gate("held", why, detail={"request_id": request.request_id, "state": request.state})
    if request.state == "signed" and _is_signed(request, documents):
        raise Gate("retry", "The request was settled at this moment.", not_before=now)
    return None


def _why_a_person(connection: Connection, request: Request) -> str | None:
    if request.state == "declined":
        return "The signer declined to sign; the reason, where one was given, is among the item's personal data."
    if request.closed_why == "attempts":
        return f"A name that is not the signer's was typed {requests.ATTEMPTS} times; the link was withdrawn."
    expired = requests.how_many_expired(connection, request.item_id, request.documents_digest)
    if request.state == "expired" and expired >= MOST_UNANSWERED:
        return f"The signer let {expired} links run out."
    return None


def _was_held(connection: Connection, request: Request) -> bool:
    """Whether the item was held for it already: then whoever lets it go on wants it asked anew."""
    row = connection.execute(
        """select exists (
             select from pw.item_events e where e.item_id = %(item)s and e.what = 'gate' and e.gate = 'held'
               and e.by = 'run' and e.stage = 'signature'
               and e.at >= (select max(at) from pw.signature_events where request_id = %(request)s
                            and type in ('declined', 'revoked', 'expired'))
           ) as held""",
        {"item": request.item_id, "request": request.request_id},
    ).fetchone()
    assert row is not None
    return bool(row["held"])


def _issue(work: Work, keys: LinkKeys, signer: Signer, documents: Sequence[SignedDocument]) -> Request:
    now = work.now()
    with work.connect() as connection:
        request = requests.issue(
            connection, keys, item_id=work.item.item_id, signer_id=signer.signer_id, documents=documents,
            needs_perjury_statement=work.playbook.perjury, now=now,
            expires_at=requests.expiry(now, days=work.settings.signature_days, due_on=work.item.due_on),
        )  # fmt: skip
    work.log(f"item {work.item.item_id}: signature request {request.request_id}")
    return request


def _send_link(work: Work, keys: LinkKeys, request: Request, signer: Signer) -> None:
    with work.connect() as connection:
        before = connection.execute(
            "select 1 from pw.signature_requests where item_id = %s and request_id < %s limit 1",
            (request.item_id, request.request_id),
        ).fetchone()
    _send(
        work, keys, "signature_request", request, signer, purpose="link", again=before is not None,
        perjury=request.needs_perjury_statement,
    )  # fmt: skip
    with work.connect(patiently=True) as connection:
        requests.note_once(connection, request, "link_mailed", now=work.now())


def _remind(work: Work, keys: LinkKeys, request: Request, signer: Signer) -> None:
    due = reminders_due(request, work.now())
    if due <= request.reminders_sent:
        return
    _send(work, keys, "signature_reminder", request, signer, purpose=f"reminder:{due}")
    with work.connect(patiently=True) as connection:
        requests.note_reminder(connection, request, due, now=work.now())


def reminders_due(request: Request, now: datetime) -> int:
    """The number of the last reminder that is due; of several missed only the last is sent."""
    return sum(now >= request.created_at + after for after in REMIND_AFTER)


def _send(
    work: Work, keys: LinkKeys, name: str, request: Request, signer: Signer, *, purpose: str, **more: object
) -> None:
    text = mails.text_of(
        name,
        {
            **_values(work, request), "name": signer.name, "until": _until(request.expires_at),
            "link": requests.link_of(request, keys, work.settings.public_url), **more,
        },
    )  # fmt: skip
    mails.send_once(
        work, f"{name}_mail", signer.email, text.subject, text,
        purpose=f"signature:{request.request_id}:{purpose}",
    )  # fmt: skip


def _send_copy(work: Work, request: Request, signer: Signer, digests: Sequence[tuple[SignedDocument, str]]) -> None:
    """The copy that the signer may keep (15 USC 7001(e))."""
    text = mails.text_of("signed_copy", {**_values(work, request), "name": signer.name})
    attached = [
        (f"{document.template}-signed.pdf", "application/pdf", work.object(digest)) for document, digest in digests
    ]
    mails.send_once(
        work, "signed_copy_mail", signer.email, text.subject, text.text, text.html, attached,
        purpose=f"signature:{request.request_id}:copy",
    )  # fmt: skip
    with work.connect(patiently=True) as connection:
        requests.note_once(connection, request, "copy_mailed", now=work.now())


def _tell_declined(work: Work, request: Request) -> None:
    text = mails.text_of("signature_declined", _values(work, request))
    mails.send_once(
        work, "signature_declined_mail", work.item.customer_email, text.subject, text.text, text.html,
        purpose=f"signature:{request.request_id}:declined",
    )  # fmt: skip


def _values(work: Work, request: Request) -> dict[str, object]:
    return {
        "service": work.item.title,
        "order_number": work.item.order_number,
        "company": work.item.company_name,
        "titles": [one.title for one in request.documents],
    }


def _until(at: datetime) -> str:
    """A moment as people of the firm's country read it."""
    local = at.astimezone(EASTERN)
    return f"{local:%B} {local.day}, {local.year}, {local:%-I:%M %p} Eastern time"

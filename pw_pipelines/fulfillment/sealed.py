"""Signed documents: the mark stamped, the certificate behind it, the seal on top; each booked once, by digest."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pw_pipelines import faults
from pw_pipelines.documents.signing import ceremony, chain, requests
from pw_pipelines.documents.signing.canonical import digest_of, sha256
from pw_pipelines.documents.signing.certificate import certificate_pages
from pw_pipelines.documents.signing.consent import PERJURY
from pw_pipelines.documents.signing.marks import strokes_of
from pw_pipelines.documents.signing.requests import Request, SignedDocument
from pw_pipelines.documents.signing.sealing import Seal, look_at
from pw_pipelines.documents.signing.stamping import Mark, signed_pdf
from pw_pipelines.fulfillment.model import FulfillmentError
from pw_pipelines.fulfillment.work import Work

BY = "signature stage"


def seal_documents(work: Work, request: Request) -> list[tuple[SignedDocument, str]]:
    """Every document of a signed request with the digest of its signed PDF; what is sealed already stays as it is.

    Raises FulfillmentError where what was signed is not what was made, or the trail of the signature is broken.
    """
    record = _record(work, request)
    sealed = []
    for document in request.documents:
        digest = _sealed_before(work, document)
        if digest is None:
            digest = _seal(work, request, document, record)
        work.keep(
            work.object(digest), kind="signed_document", title=f"{document.title}, signed", media_type="application/pdf"
        )
        sealed.append((document, digest))
    return sealed


def _record(work: Work, request: Request) -> Mapping[str, Any]:
    """What the signer sent, held against the chain."""
    with work.connect() as connection:
        events = chain.read_chain(connection, request.item_id)
        record: Mapping[str, Any] | None = ceremony.record_of(
            connection, work.ground.vault, request, by=BY, why="the mark is stamped on the documents", now=work.now()
        )
    if broken := chain.breaks(events):
        raise FulfillmentError(f"The trail of signatures of item {request.item_id} is broken: {broken[0]}")
    signed = [one for one in events if one.request_id == request.request_id and one.type == "signed"]
    if len(signed) != 1:
        raise FulfillmentError(f"Request {request.request_id} is booked as signed {len(signed)} times in its trail.")
    if record is None or digest_of(record) != signed[0].data["record_digest"]:
        raise FulfillmentError(f"The record of signature request {request.request_id} is not what was signed.")
    if signed[0].data["documents_digest"] != requests.digest_over(request.documents):
        raise FulfillmentError(f"The documents of signature request {request.request_id} are not those signed.")
    return record


def _sealed_before(work: Work, document: SignedDocument) -> str | None:
    [row] = work.rows(
        "select pdf_digest, signed_digest from pw.item_documents where document_id = %s", document.document_id
    )
    if row["pdf_digest"] != document.digest:
        raise FulfillmentError(f"Document {document.document_id} is not the one that was signed.")
    return None if row["signed_digest"] is None else str(row["signed_digest"])


def _seal(work: Work, request: Request, document: SignedDocument, record: Mapping[str, Any]) -> str:
    made = work.object(document.digest)
    if sha256(made) != document.digest:
        raise FulfillmentError(f"The PDF of document {document.document_id} is damaged in the object store.")
    seal, now = Seal(work.settings), work.now()
    with work.connect() as connection:
        events = chain.read_chain(connection, request.item_id)
    signed = signed_pdf(
        made, _mark(request, record), certificate_pages(request, document, record, events), seal,
        title=document.title, reason=reason_of(request, events[-1].hash), now=now,
    )  # fmt: skip
    seen = look_at(signed)
    if seen.faults or seen.fingerprint != seal.fingerprint or not signed.startswith(made):
        raise FulfillmentError(f"The seal on document {document.document_id} does not hold: {' '.join(seen.faults)}")
    digest = _put(work, signed)
    faults.point("signature.seal.kept")
    with work.connect(patiently=True) as connection:
        chain.lock_item(connection, request.item_id)
        booked = connection.execute(
            "update pw.item_documents set signed_digest = %s where document_id = %s and signed_digest is null",
            (digest, document.document_id),
        )
        if booked.rowcount:
            chain.append(
                connection, request.item_id, "sealed",
                {
                    "document_id": document.document_id, "template": document.template,
                    "digest_before": document.digest, "bytes_before": len(made), "digest_after": digest,
                    "seal": seal.fingerprint, "trail": events[-1].hash,
                },
                request_id=request.request_id, now=now,
            )  # fmt: skip
    booked_before = _sealed_before(work, document)
    assert booked_before is not None
    return booked_before


def reason_of(request: Request, trail: str) -> str:
    """What the seal says: whose signature it closes, and the last hash of the trail up to then."""
    return f"Signature request {request.request_id}; audit trail {trail}"


def _mark(request: Request, record: Mapping[str, Any]) -> Mark:
    return Mark(
        name=record["name"], typed_name=record["typed_name"], title=record["title"],
        strokes=strokes_of(record["strokes"]), signed_at=datetime.fromisoformat(record["signed_at"]),
        request_id=request.request_id, said=PERJURY if request.needs_perjury_statement else "",
    )  # fmt: skip


def _put(work: Work, content: bytes) -> str:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return work.ground.objects.put(Path(file.name))

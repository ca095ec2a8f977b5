"""One document on its way over the DocServer: handing it in, fetching what became of it, publishing a result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from pw_pipelines.documents.docserver import FAILED, RESULTS, WAITING, Claim, DocServer, is_job, now_text
from pw_pipelines.documents.pdf import BadPdf, check_whole, pages_of
from pw_pipelines.errors import UsageError


@dataclass(frozen=True)
class Result:
    """A PDF that came back, looked at."""

    pdf: bytes
    pages: int
    worker: str


def job_name(job: str, docx: bytes) -> str:
    """The name a document goes by: what the caller calls it, and the beginning of its digest, so that a result of an
    older edition has another name. Raises UsageError for a name that is not plain."""
    if not is_job(job):
        raise UsageError(f"{job!r} is no name for a document's job: letters, digits, dot, dash and _ only.")
    return f"{job[:100]}-{digest_of(docx)[:8]}"


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def hand_in(server: DocServer, name: str, docx: bytes) -> None:
    """Puts a document where the worker looks."""
    server.publish(WAITING, f"{name}.docx", docx)


def result_of(server: DocServer, name: str, docx: bytes) -> Result | None:
    """What came of this very document: a whole PDF whose digest the worker stated. Anything else is no result."""
    found = published(server, name, docx)
    if found is None:
        return None
    pdf, worker = found
    try:
        return Result(pdf, pages_of(pdf), worker)
    except BadPdf:
        return None


def published(server: DocServer, name: str, docx: bytes) -> tuple[bytes, str] | None:
    """The PDF and its worker as `result_of`, without opening the PDF."""
    said = _said(server, f"{RESULTS}/{name}.json")
    if said is None or said.get("docx_sha256") != digest_of(docx):
        return None
    file = str(said.get("pdf", f"{name}.pdf"))
    pdf = server.get(f"{RESULTS}/{file}") if is_job(file) else None
    if pdf is None or digest_of(pdf) != said.get("pdf_sha256"):
        return None
    return pdf, str(said.get("worker"))


def failure_of(server: DocServer, name: str, docx: bytes) -> str | None:
    """Why the worker could not make a PDF of this very document; None when it did not say so."""
    said = _said(server, f"{FAILED}/{name}.json")
    if said is None or said.get("docx_sha256") != digest_of(docx):
        return None
    return str(said.get("reason"))


def publish_result(server: DocServer, claim: Claim, docx: bytes, pdf: bytes) -> bool:
    """The worker's PDF, then its JSON, then the source goes: a crash repeats, and loses nothing.

    False when somebody took the job over, or another's result was there first. Raises BadPdf for what is no whole PDF.
    """
    check_whole(pdf)
    if not server.holds(claim):
        return False
    said = {
        "job": claim.job, "docx_sha256": digest_of(docx), "pdf": claim.pdf, "pdf_sha256": digest_of(pdf),
        "worker": claim.worker, "at": now_text(),
    }  # fmt: skip
    server.publish(RESULTS, claim.pdf, pdf)
    # Somebody may have taken it over since we looked. Of two results the first stands, whole.
    key, content = f"{RESULTS}/{claim.job}.json", json.dumps(said).encode()
    stands = server.create(key, content)
    if not stands and published(server, claim.job, docx) is None:
        server.put(key, content)  # what is there is of no use
        stands = True
    server.delete(f"{WAITING}/{claim.job}.docx")
    return stands


def publish_failure(server: DocServer, claim: Claim, docx: bytes, reason: str) -> None:
    """The document goes to failed/ with the reason, so that it is not tried for ever; unless another took it over."""
    if not server.holds(claim):
        return
    said = {"job": claim.job, "docx_sha256": digest_of(docx), "reason": reason, "worker": claim.worker}
    server.publish(FAILED, f"{claim.job}.docx", docx)
    server.publish(FAILED, f"{claim.job}.json", json.dumps({**said, "at": now_text()}).encode())
    server.delete(f"{WAITING}/{claim.job}.docx")


def _said(server: DocServer, key: str) -> dict[str, object] | None:
    content = server.get(key)
    if content is None:
        return None
    try:
        said = json.loads(content)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None

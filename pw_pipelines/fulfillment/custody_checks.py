"""Examines an evidence file offline: no database, no object store, no network, no secret.

What is shown: the trail of the signature is unbroken; signed = made, uploaded = signed, confirmed = uploaded, delivered
= signed, by SHA-256; each signed PDF begins with the made one and its seal covers all of it; the texts agreed to are
those that were shown. Whose seal it is is told by its fingerprint: give the firm's to have it compared.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pw_pipelines.documents.signing import chain, sealing
from pw_pipelines.documents.signing.canonical import canonical, digest_of, sha256
from pw_pipelines.documents.signing.consent import PERJURY_WORDS, consent

FORMAT = "pw-evidence-1"
LIST, SIGNATURE = "evidence.json", "evidence.p7s"
LARGEST_BYTES = 200 * 1024 * 1024  # of one member; more is not read
_OBJECT = re.compile(r"objects/([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True)
class Check:
    """One thing looked at. `text`: what was found, in a sentence."""

    name: str
    ok: bool
    text: str


class _Unreadable(Exception):
    """The file can't be examined; the message says why."""


@dataclass(frozen=True)
class _File:
    """What is in it. Nothing is ever unpacked to disk."""

    listed: bytes
    signature: bytes
    content: Mapping[str, Any]
    objects: Mapping[str, Callable[[], bytes]]

    def object(self, digest: str) -> bytes | None:
        found = self.objects.get(digest)
        content = found() if found else None
        return content if content is not None and sha256(content) == digest else None


def verify(path: Path, *, seals: Collection[str] = ()) -> list[Check]:
    """Every check of an evidence file or of a folder it was unpacked into; good when all are ok.

    seals: SHA-256 fingerprints of the firm's certificates, with or without colons; without one the seal's own is told,
    not judged.
    """
    seals = {one.replace(":", "").strip().lower() for one in seals}
    try:
        file = _read(path)
    except _Unreadable as error:
        return [Check("file", False, str(error))]
    steps: tuple[Callable[[_File, Collection[str]], Iterator[Check]], ...] = (
        _objects, _list_signature, _trail, _statements, _requests, _documents, _filed, _delivered,
    )  # fmt: skip
    found: list[Check] = []
    for step in steps:
        try:
            found += step(file, seals)
        except _Unreadable as error:
            found.append(Check(step.__name__.strip("_"), False, str(error)))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            name = step.__name__.strip("_")
            found.append(Check(name, False, f"{LIST} lacks what is needed for this ({type(error).__name__})."))
    return found


def _objects(file: _File, _seals: Collection[str]) -> Iterator[Check]:
    listed = set(file.content["objects"])
    missing = sorted(listed - file.objects.keys())
    damaged = sorted(digest for digest in listed & file.objects.keys() if file.object(digest) is None)
    more = sorted(file.objects.keys() - listed)
    wrong = [f"missing {one[:12]}…" for one in missing] + [f"damaged {one[:12]}…" for one in damaged]
    wrong += [f"not listed {one[:12]}…" for one in more]
    yield _check("objects", wrong, f"All {len(listed)} objects are what their digests say.")


def _list_signature(file: _File, seals: Collection[str]) -> Iterator[Check]:
    by = sealing.signed_by(file.listed, file.signature)
    if by is None:
        yield Check("list", False, f"{SIGNATURE} does not hold for {LIST}: the list was changed, or never signed.")
    else:
        yield Check("list", not seals or by in seals, f"{LIST} is signed by the certificate {by}{_whose(by, seals)}.")


def _trail(file: _File, _seals: Collection[str]) -> Iterator[Check]:
    events = _events(file)
    of_others = [f"Event {one.seq} is of item {one.item_id}." for one in events if one.item_id != _item_id(file)]
    if not events:
        yield Check("trail", not file.content["requests"], "No signature was asked for.")
        return
    good = f"{len(events)} events, each following the one before; the last hash is {events[-1].hash}."
    yield _check("trail", chain.breaks(events) + of_others, good)


def _statements(file: _File, _seals: Collection[str]) -> Iterator[Check]:
    """The texts agreed to: as they are in the file, as the trail has them, and as this edition of ours knows them."""
    wrong = []
    for event in _events(file):
        if event.type not in ("consented", "perjury_declared"):
            continue
        version, digest = event.data["version"], event.data["digest"]
        text = file.content["texts"].get(version, {}).get("text", "")
        if sha256(text.encode()) != digest:
            wrong.append(f"The text {version} in the file is not the one that was agreed to.")
        elif (known := _known(version)) is not None and known != digest:
            wrong.append(f"The text {version} that was agreed to is not the one this project has under that name.")
    yield _check("statements", wrong, "The texts agreed to are those that were shown.")


def _requests(file: _File, _seals: Collection[str]) -> Iterator[Check]:
    for request in file.content["requests"]:
        if request["state"] == "signed":
            number = request["request_id"]
            yield _check(f"signature {number}", list(_wrong_with(file, request)), _how_signed(file, request))


def _wrong_with(file: _File, request: Mapping[str, Any]) -> Iterator[str]:
    """What speaks against one signature."""
    events = [one for one in _events(file) if one.request_id == request["request_id"]]
    of = {kind: [one for one in events if one.type == kind] for kind in ("requested", "consented", "signed")}
    if any(len(found) != 1 for found in of.values()):
        yield "It was not asked for, agreed to and signed exactly once."
        return
    asked, agreed, signed = of["requested"][0], of["consented"][0], of["signed"][0]
    if not asked.seq < agreed.seq < signed.seq:
        yield "The order of its events is wrong."
    if signed.at >= datetime.fromisoformat(asked.data["expires_at"]) or signed.at < asked.at:
        yield "It was signed outside the time the link was good for."
    declared = [one for one in events if one.type == "perjury_declared" and one.seq < signed.seq]
    if asked.data["perjury"] and not declared:
        yield "The declaration under penalty of perjury is missing."
    texts = file.content["texts"].values()
    if signed.data["intent"] not in {sha256(one["text"].encode()) for one in texts}:
        yield "The words above the button are not in the file."
    documents = digest_of([[template, digest] for _, template, digest in asked.data["documents"]])
    row = digest_of([[one["template"], one["digest"]] for one in request["documents"]])
    for digest in (asked.data["documents_digest"], signed.data["documents_digest"], request["documents_digest"], row):
        if digest != documents:
            yield "The documents signed are not the documents asked for."
            break
    if len({asked.data["jti_hash"], signed.data["jti_hash"], request["jti_hash"]}) != 1:
        yield "It was signed by another link than the one that was sent."
    if len({asked.data["signer_id"], signed.data["signer_id"], request["signer_id"]}) != 1:
        yield "It was signed by another than was asked."
    record = file.content["records"].get(str(request["request_id"]))
    if record is not None and digest_of(record) != signed.data["record_digest"]:
        yield "What the signer sent is not what the trail has the digest of."


def _how_signed(file: _File, request: Mapping[str, Any]) -> str:
    record = file.content["records"].get(str(request["request_id"]))
    what = f"{len(request['documents'])} documents, signed {request['signed_at']}"
    return f"{what}, with the signer's record." if record else f"{what}; the signer's record was erased."


def _documents(file: _File, seals: Collection[str]) -> Iterator[Check]:
    """Signed = made: each signed PDF begins with the made one, is sealed, and is the one the trail says."""
    sealed = {one.data["document_id"]: one for one in _events(file) if one.type == "sealed"}
    signed_requests = [one for one in file.content["requests"] if one["state"] == "signed"]
    wanted = {one["document_id"]: one["digest"] for request in signed_requests for one in request["documents"]}
    rows = {row["document_id"]: row for row in file.content["documents"]}
    for document_id, row in rows.items():
        if row["signed_digest"] is not None:
            wrong = _wrong_with_document(file, row, sealed.get(document_id), wanted.get(document_id), seals)
            yield _check(f"document {row['template']} {row['edition']}", list(wrong), _sealed_words(row))
    lacking = [f"Document {one} was signed and is not in the file." for one in wanted if one not in rows]
    lacking += [f"Document {one} is in the trail as sealed, and its row is not." for one in sealed if one not in rows]
    lacking += [
        f"{rows[one]['title']} was sealed by the trail, and its row has no signed PDF."
        for one in sealed
        if one in rows and rows[one]["signed_digest"] is None
    ]
    yield _check("documents", lacking, f"{len(sealed)} documents are sealed.")


def _wrong_with_document(
    file: _File, row: Mapping[str, Any], sealed: chain.Event | None, wanted: str | None, seals: Collection[str]
) -> Iterator[str]:
    made, signed = file.object(row["pdf_digest"]), file.object(row["signed_digest"])
    if made is None or signed is None:
        yield "Its PDF is missing or damaged."
        return
    if sealed is None:
        yield "The trail does not say that it was sealed."
        return
    said = sealed.data
    if wanted != row["pdf_digest"] or said["digest_before"] != row["pdf_digest"]:
        yield "The PDF that was signed is not the one that was made."
    if said["digest_after"] != row["signed_digest"]:
        yield "The signed PDF is not the one the trail has the digest of."
    if not signed.startswith(made) or said["bytes_before"] != len(made):
        yield "The signed PDF does not begin with the PDF that was made."
    seen = sealing.look_at(signed)
    yield from seen.faults
    if seen.fingerprint != said["seal"]:
        yield f"It is sealed by another certificate ({seen.fingerprint[:16]}…) than the trail says."
    elif seals and seen.fingerprint not in seals:
        yield f"It is sealed by the certificate {seen.fingerprint[:16]}…, which is none of the firm's."
    trail = [one.hash for one in _events(file) if one.seq < sealed.seq]
    if said["trail"] not in trail or not seen.reason.endswith(said["trail"]):
        yield "The seal closes another trail than this one."


def _sealed_words(row: Mapping[str, Any]) -> str:
    return f"{row['title']}: the signed PDF {row['signed_digest'][:16]}… begins with the made one and is sealed whole."


def _filed(file: _File, _seals: Collection[str]) -> Iterator[Check]:
    """Uploaded = signed, confirmed = uploaded."""
    filings = [one for one in file.content["effects"] if one["kind"] == "filing" and one["state"] == "done"]
    if not filings:
        yield Check("filed", True, "Nothing was filed through a portal (yet).")
    final = _final(file)
    for filing in filings:
        uploads: Mapping[str, str] = filing["detail"].get("uploads") or {}
        wrong = [
            f"{template} was uploaded as {digest[:12]}…, which is not what was signed."
            for template, digest in sorted(uploads.items())
            if final.get(template) != digest
        ]
        yield _check(
            "filed", wrong, f"{len(uploads)} documents uploaded as signed; confirmation {filing['reference']}."
        )
        yield _confirmed(file, filing, set(uploads.values()), set(final.values()))


def _confirmed(file: _File, filing: Mapping[str, Any], uploaded: set[str], final: set[str]) -> Check:
    """What the portal showed when it was read back: all that was uploaded, and nothing that was not signed."""
    shown: set[str] = set()
    is_shown = False
    for row in file.content["evidence"]:
        of_it = row["effect_id"] == filing["effect_id"] and row["kind"] == "confirmation"
        if of_it and row["media_type"] == "application/json":
            content = file.object(row["digest"])
            if content is None:
                return Check("confirmed", False, "What the portal showed is missing or damaged.")
            shown |= set(json.loads(content)["digests"])
            is_shown = True
    if not is_shown:
        return Check("confirmed", True, "The portal showed no digests of what it got; see the pages kept of it.")
    wrong = [f"The portal does not show {one[:12]}…, which was uploaded." for one in sorted(uploaded - shown)]
    wrong += [f"The portal shows {one[:12]}…, which nobody signed." for one in sorted(shown - final)]
    return _check("confirmed", wrong, f"The portal shows {len(shown)} documents, all of them as signed.")


def _delivered(file: _File, _seals: Collection[str]) -> Iterator[Check]:
    """Delivered = signed."""
    mails = [one for one in file.content["effects"] if one["kind"] == "delivery_mail" and one["state"] == "done"]
    if not mails:
        yield Check("delivered", True, "Nothing was delivered (yet).")
    final = _final(file)
    for mail in mails:
        said = [one for one in mail["detail"].get("delivered", []) if one.get("template") in final]
        wrong = [
            f"{one['template']} was delivered as {one['digest'][:12]}…, which is not what was signed."
            for one in said
            if final[one["template"]] != one["digest"]
        ]
        yield _check("delivered", wrong, f"{len(said)} documents delivered as signed, by the mail {mail['reference']}.")


def _final(file: _File) -> dict[str, str]:
    """The digest of each document in force: signed where it was signed."""
    rows = sorted(file.content["documents"], key=lambda row: int(row["edition"]))
    return {row["template"]: row["signed_digest"] or row["pdf_digest"] for row in rows if row["withdrawn_at"] is None}


def _events(file: _File) -> list[chain.Event]:
    return [chain.event_of(row) for row in file.content["events"]]


def _item_id(file: _File) -> int:
    return int(file.content["item"]["item_id"])


def _known(version: str) -> str | None:
    """The digest of a text as this edition of the project has it."""
    if version == PERJURY_WORDS.version:
        return PERJURY_WORDS.digest
    if re.fullmatch(r"consent-\d{1,4}", version, re.ASCII) is None:
        return None
    try:
        return consent(version).digest
    except FileNotFoundError:
        return None


def _check(name: str, wrong: Sequence[str], good: str) -> Check:
    return Check(name, not wrong, " ".join(wrong) if wrong else good)


def _whose(fingerprint: str, seals: Collection[str]) -> str:
    if not seals:
        return "; compare it with the firm's"
    return ", the firm's" if fingerprint in seals else ", which is none of the firm's"


def _read(path: Path) -> _File:
    if path.is_dir():
        members = {one.relative_to(path).as_posix(): _of_folder(one) for one in path.rglob("*") if one.is_file()}
    else:
        members = _of_zip(path)
    if LIST not in members:
        raise _Unreadable(f"{path} holds no {LIST}; it is no evidence file.")
    listed = members[LIST]()
    try:
        content = json.loads(listed)
        written = canonical(content)
    except (ValueError, RecursionError):
        raise _Unreadable(f"{LIST} is no JSON.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _Unreadable(f"{LIST} is not of the format {FORMAT}.")
    if written != listed:
        raise _Unreadable(f"{LIST} is not written as it was: something in it was changed or stands twice.")
    objects = {found[1]: read for name, read in members.items() if (found := _OBJECT.fullmatch(name))}
    return _File(listed, members[SIGNATURE]() if SIGNATURE in members else b"", content, objects)


def _of_folder(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        if path.is_symlink() or path.stat().st_size > LARGEST_BYTES:
            raise _Unreadable(f"{path} is too large, or leads elsewhere.")
        return path.read_bytes()

    return read


def _of_zip(path: Path) -> dict[str, Callable[[], bytes]]:
    try:
        archive = zipfile.ZipFile(path)
        entries = archive.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise _Unreadable(f"{path} can't be read as a ZIP: {error}") from None
    if len({one.filename for one in entries}) != len(entries):
        raise _Unreadable(f"{path} has a member twice.")

    def reader(entry: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            if entry.file_size > LARGEST_BYTES:
                raise _Unreadable(f"{entry.filename} is larger than {LARGEST_BYTES:,} bytes.")
            try:
                with archive.open(entry) as member:
                    return member.read(LARGEST_BYTES + 1)
            except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
                raise _Unreadable(f"{entry.filename} can't be read: {error}") from None

        return read

    return {one.filename: reader(one) for one in entries}

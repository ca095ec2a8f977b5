"""Evidence and documents of an item, by digest. What was captured elsewhere is shown as what it is, and never run.

Pictures are shown, PDFs as pictures of their pages or downloaded, everything else (a portal's HTML first of all) is
plain text or a download. A digest opens nothing unless it is of this very item.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from psycopg.types.json import Jsonb

from pw_pipelines.errors import SnapshotError, UsageError
from pw_pipelines.fulfillment import board, deeds, items
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.portal.desk_pages import ItemId, SiteHere, books, objects_of, page
from pw_pipelines.portal.desk_session import Session, may
from pw_pipelines.portal.problems import NotFound
from pw_pipelines.portal.site import Site

router = APIRouter(include_in_schema=False)
Opener = Annotated[Session, Depends(may("open"))]
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_TEXTS = ("text/", "application/json", "application/xml", "application/xhtml")
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
LARGEST = 64 * 2**20
MOST_PAGES = 100  # of a document, on one page of the desk
# Even if a browser took it for a page: no script, no form, nothing loaded, an origin of its own.
STRICT = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
}
_FILE_OF = """
    select media_type, title from (
      select media_type, title from pw.evidence where item_id = %(item)s and digest = %(digest)s
      union all select 'application/pdf', title from pw.item_documents
        where item_id = %(item)s and %(digest)s in (pdf_digest, signed_digest)
      union all select %(docx)s, title from pw.item_documents where item_id = %(item)s and docx_digest = %(digest)s
    ) found limit 1
"""


def file_of(connection: Connection, item_id: int, digest: str) -> tuple[str, str]:
    """Media type and title of what is kept under this digest for this item. Raises NotFound for another's."""
    row = None
    if _DIGEST.fullmatch(digest):
        row = connection.execute(_FILE_OF, {"item": item_id, "digest": digest, "docx": DOCX}).fetchone()
    if row is None:
        raise NotFound("Item and digest do not go together.")
    return str(row["media_type"]), str(row["title"])


def content_of(site: Site, digest: str) -> bytes:
    """The bytes. Raises NotFound when they are not in the object store."""
    try:
        objects = objects_of(site)
        if objects.size(digest) > LARGEST:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The file is too large to be shown here.")
        with objects.open(digest) as file:
            return file.read()
    except SnapshotError as error:
        raise NotFound(str(error)) from error


def reply_with(content: bytes, media_type: str, title: str) -> Response:
    """The bytes with headers under which nothing in them can run. PDFs and the unknown are downloads."""
    media_type = media_type.partition(";")[0].strip().lower()
    if content.startswith(PICTURES.get(media_type, b"\0 no picture")):
        return Response(content, media_type=media_type, headers=STRICT)
    if media_type.startswith(_TEXTS):
        return Response(content, media_type="text/plain; charset=utf-8", headers=STRICT)
    known = media_type in (PDF, DOCX, "application/zip")
    name = file_name(title, {PDF: ".pdf", DOCX: ".docx", "application/zip": ".zip"}.get(media_type, ".bin"))
    return Response(
        content, media_type=media_type if known else "application/octet-stream",
        headers={**STRICT, "Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def file_name(title: str, ending: str) -> str:
    """A title as a file's name: letters, digits and dashes, whatever stands in the title."""
    return (re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")[:80] or "file") + ending


@router.get("/desk/items/{item_id}/files/{digest}")
def open_file(item_id: ItemId, digest: str, request: Request, site: SiteHere, session: Opener) -> Response:
    """One file; that it was opened is in the log of deeds."""
    with books(site) as connection:
        media_type, title = file_of(connection, item_id, digest)
        # The pictures of a page of the desk: that page was opened, and its line is in the log.
        note_opened(
            connection, session, item_id, digest, now=site.clock.now(),
            is_part=request.headers.get("sec-fetch-dest") == "image",
        )  # fmt: skip
    return reply_with(content_of(site, digest), media_type, title)


def note_opened(
    connection: Connection, session: Session, item_id: int, digest: str, *, now: datetime, is_part: bool = False
) -> None:
    """One line in the log of deeds for each file that somebody looks at, however often it is asked for meanwhile.

    is_part: it stands on a page of the desk; whatever of the item they opened lately is that page's line.
    """
    connection.execute(
        """insert into pw.staff_actions (at, "by", what, item_id, detail)
           select %(now)s, %(by)s, 'opened', %(item)s, %(detail)s where not exists (
             select from pw.staff_actions where item_id = %(item)s and "by" = %(by)s and what = 'opened'
               and at > %(since)s and (%(part)s or detail ->> 'digest' = %(digest)s))""",
        {
            "now": now, "by": session.user.name, "item": item_id, "detail": Jsonb({"digest": digest}),
            "since": now - deeds.SAME_LOOK, "part": is_part, "digest": digest,
        },
    )  # fmt: skip


@router.get("/desk/items/{item_id}/files/{digest}/view")
def view(item_id: ItemId, digest: str, request: Request, site: SiteHere, session: Opener) -> HTMLResponse:
    """All pages of a PDF, one below the other, as pictures: to be read without a download, on a phone too."""
    from pw_pipelines.documents.signing.pictures import page_sizes

    with books(site) as connection:
        item = items.read_item(connection, item_id)
        media_type, title = file_of(connection, item_id, digest)
        if media_type != PDF:
            raise NotFound("This is no PDF.")
        note_opened(connection, session, item_id, digest, now=site.clock.now())
    try:
        sizes = [(round(width), round(height)) for width, height in page_sizes(content_of(site, digest))]
    except RuntimeError as error:  # PDFium's own error
        raise NotFound("This document can't be shown; download the file.") from error
    return page(
        request, site, session, "desk_document.html", item=item, title=title, digest=digest, sizes=sizes,
        shown=min(len(sizes), MOST_PAGES),
    )  # fmt: skip


@router.get("/desk/items/{item_id}/files/{digest}/pages/{number}")
def open_page(item_id: ItemId, digest: str, number: int, site: SiteHere, session: Opener) -> Response:
    """One page of a PDF as a picture, from 1."""
    with books(site) as connection:
        media_type, _ = file_of(connection, item_id, digest)
        note_opened(connection, session, item_id, digest, now=site.clock.now())
    if media_type != PDF:
        raise NotFound("This is no PDF.")
    return Response(page_picture(content_of(site, digest), number), media_type="image/png", headers=STRICT)


def page_picture(pdf: bytes, number: int) -> bytes:
    """Page `number`, from 1, as PNG. Raises NotFound for one that is not there or a PDF that can't be read."""
    from pw_pipelines.documents.signing.pictures import picture_of

    try:
        return picture_of(pdf, number - 1).png
    except (UsageError, RuntimeError) as error:  # PDFium's own error is a RuntimeError
        raise NotFound("This page can't be shown; download the file.") from error


@router.get("/desk/items/{item_id}/packet")
def packet(item_id: ItemId, site: SiteHere, session: Annotated[Session, Depends(may("work"))]) -> Response:
    """Everything a person needs to file by hand, as a ZIP: documents, signed where they are, and the answers."""
    now = site.clock.now()
    with books(site) as connection:
        shown = board.item_page(connection, item_id)
        deeds.record(connection, by=session.user.name, what="packet", item_id=item_id, now=now)
    content = packet_of(site, shown, now=now)
    name = file_name(f"{shown.item.order_number} {shown.item.title}", ".zip")
    return Response(
        content, media_type="application/zip",
        headers={**STRICT, "Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def packet_of(site: Site, shown: board.ItemPage, *, now: datetime) -> bytes:
    """The ZIP. Private values are not in it: the documents carry what the form needs of them."""
    out = io.BytesIO()
    named: set[str] = set()

    def entry(title: str, ending: str, content: bytes) -> None:
        name = file_name(title, ending)
        stem, number = PurePosixPath(name).stem, 2
        while name in named:
            name, number = f"{stem}-{number}{ending}", number + 1
        named.add(name)
        zipped.writestr(zipfile.ZipInfo(name, date_time=now.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)

    with zipfile.ZipFile(out, "w") as zipped:
        for one in shown.documents:
            if one["withdrawn_at"] is None:
                signed = one["signed_digest"]
                title = f"{one['title']} {'signed' if signed else 'unsigned'}"
                entry(title, ".pdf", content_of(site, signed or one["pdf_digest"]))
        for one in shown.evidence:
            if one["kind"] == "packet" and shown.row["gate_detail"].get("packet", one["digest"]) == one["digest"]:
                ending = ".pdf" if one["media_type"] == PDF else ".txt"
                entry(one["title"], ending, content_of(site, one["digest"]))
        answers = {board.question_of(one["name"]): one["value"] for one in shown.answers}
        about: dict[str, Any] = {
            "order": shown.item.order_number, "item": shown.item.item_id, "service": shown.item.service,
            "for": shown.item.subject, "why by hand": shown.playbook.packet_why, "answers": answers,
        }  # fmt: skip
        entry("answers", ".json", json.dumps(about, indent=2, ensure_ascii=False).encode())
    return out.getvalue()

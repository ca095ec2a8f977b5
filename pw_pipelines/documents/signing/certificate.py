"""The certificate: pages behind a signed document that say how it was signed, made from the rows of the chain."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pw_pipelines.documents.signing.chain import Event
from pw_pipelines.documents.signing.consent import INTENT, PERJURY, consent
from pw_pipelines.documents.signing.fonts import Style, font_for
from pw_pipelines.documents.signing.requests import Request, SignedDocument

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

WIDE, TALL, MARGIN = 612.0, 792.0, 54.0
_EVENT_WORDS = {
    "requested": "Signature requested",
    "link_mailed": "Link sent to the signer's e-mail address",
    "reminded": "Reminder sent",
    "link_opened": "Link opened",
    "name_differs": "A name was typed that is not the signer's",
    "attempts_used_up": "All attempts used up",
    "consented": "Agreed to sign electronically",
    "perjury_declared": "Declared under penalty of perjury",
    "signed": "Signed",
    "declined": "Declined",
    "revoked": "Link withdrawn",
    "expired": "Link expired",
    "sealed": "Document sealed",
    "copy_mailed": "Signed copy sent to the signer",
}


@dataclass
class _Sheet:
    """Lines from top to bottom, on as many pages as they need."""

    canvas: Canvas
    foot: str
    y: float = TALL - MARGIN

    def line(
        self, text: str, *, size: float = 9.0, style: Style = "plain", x: float = MARGIN, gap: float = 3.5
    ) -> None:
        from reportlab.lib.utils import simpleSplit

        if not text:
            return
        font = font_for(text, style)
        for part in simpleSplit(text, font, size, WIDE - MARGIN - x):
            for piece in _cut(part, font, size, WIDE - MARGIN - x):
                self._room(size + gap)
                self.canvas.setFont(font, size)
                self.canvas.drawString(x, self.y, piece)

    def field(self, name: str, value: str, *, style: Style = "plain") -> None:
        if not value:
            return
        self._room(12.5)
        self.canvas.setFillGray(0.35)
        self.canvas.setFont(font_for(name), 8.5)
        self.canvas.drawString(MARGIN, self.y, name)
        self.canvas.setFillGray(0)
        self.y += 12.5
        self.line(value, size=8.5, style=style, x=MARGIN + 118, gap=4)

    def heading(self, text: str) -> None:
        self._room(40)
        self.y += 14
        self.line(text, size=11, style="bold")
        self.y -= 2

    def end(self) -> None:
        self.canvas.setFillGray(0.4)
        self.canvas.setFont(font_for(self.foot), 7.5)
        self.canvas.drawString(MARGIN, 30, self.foot)
        self.canvas.setFillGray(0)
        self.canvas.showPage()

    def _room(self, needed: float) -> None:
        if self.y - needed < MARGIN:
            self.end()
            self.y = TALL - MARGIN
        self.y -= needed


def certificate_pages(
    request: Request, document: SignedDocument, record: Mapping[str, Any], events: Sequence[Event]
) -> bytes:
    """The pages as PDF. `record`: what the signer sent, as the vault kept it; `events`: the chain up to now.

    The texts a signer wrote are drawn as they are, never read as markup.
    """
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDE, TALL), invariant=1, pageCompression=1)
    sheet = _Sheet(canvas, f"Certificate of signature request {request.request_id}. Kept by Performance West.")
    sheet.line("Certificate of signature", size=16, style="bold", gap=8)
    sheet.line(
        "The pages before this one were signed electronically. This page was made from the audit trail of that "
        "signature; the seal on the file covers it too."
    )
    sheet.heading("Document")
    sheet.field("Title", document.title)
    sheet.field("Pages", str(document.pages))
    sheet.field("SHA-256 before", document.digest, style="mono")
    sheet.field("Signed together", f"{len(request.documents)} documents; SHA-256 over theirs:")
    sheet.field("SHA-256 of all", request.documents_digest, style="mono")
    sheet.heading("Signer")
    sheet.field("Name", str(record["name"]))
    sheet.field("Title", str(record["title"]))
    sheet.field("E-mail", str(record["email"]))
    sheet.field("Signed by", "Drawing on the page" if record["kind"] == "drawn" else "Typing the name")
    sheet.field("Name as typed", str(record["typed_name"]))
    sheet.field("Time", _time(str(record["signed_at"])))
    sheet.field("IP address", str(record["ip"]))
    sheet.field("Browser", str(record["user_agent"]))
    sheet.field("Link", f"one-use, SHA-256 of its id {request.jti_hash[:32]}…", style="plain")
    sheet.heading("Agreed to")
    sheet.field("Electronic signature", f"{consent().version}, SHA-256 {consent().digest}")
    if request.needs_perjury_statement:
        sheet.field("Declaration", PERJURY)
    sheet.field("On signing", INTENT)
    sheet.heading("Audit trail")
    for event in events:
        sheet.line(f"{event.seq:>3}  {_time_of(event)}  {_EVENT_WORDS.get(event.type, event.type)}", size=8.5)
        sheet.line(event.hash, size=6.5, style="mono", x=MARGIN + 22, gap=2.5)
    sheet.line(
        "Each line's SHA-256 is made over the line and the SHA-256 before it: a line that is changed, left out or "
        "added breaks all after it. The last one above also stands in the seal; the SHA-256 of this file as sealed "
        "stands in the trail's next line.",
        size=8, gap=4,
    )  # fmt: skip
    sheet.end()
    canvas.save()
    return out.getvalue()


def _time_of(event: Event) -> str:
    return f"{event.at:%Y-%m-%d %H:%M:%S} UTC"


def _time(text: str) -> str:
    return f"{text[:10]} {text[11:19]} UTC"


def _cut(text: str, font: str, size: float, wide: float) -> list[str]:
    """A word longer than the line, in pieces."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    pieces, rest = [], text
    while stringWidth(rest, font, size) > wide:
        fitting = next(n for n in range(len(rest) - 1, 0, -1) if stringWidth(rest[:n], font, size) <= wide)
        pieces.append(rest[:fitting])
        rest = rest[fitting:]
    return [*pieces, rest]

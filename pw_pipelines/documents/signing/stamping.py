"""Puts a signature on a PDF: mark, name, title, time and request where the document asks for them, then the
certificate's pages, then the seal.

Everything is added behind the document as it was made, as an incremental update: the first bytes of the signed PDF
are the made one, to the bit, and anybody can check that.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pw_pipelines.documents.signing.fonts import font_for
from pw_pipelines.documents.signing.marks import PAD, Strokes
from pw_pipelines.documents.signing.pictures import Place, page_sizes, places_of
from pw_pipelines.documents.signing.sealing import Seal
from pw_pipelines.errors import UsageError

if TYPE_CHECKING:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from reportlab.pdfgen.canvas import Canvas

LETTER = (612.0, 792.0)
WIDE, HIGH = 220.0, 36.0  # the box of the mark, in points
RULE = 4.3  # the documents' rule lies this far below the marker's base line
_INK = (0.05, 0.12, 0.36)


@dataclass(frozen=True)
class Mark:
    """What is stamped. `strokes` empty: the typed name is the mark. `said`: what else was declared, for a page of its
    own where the document has no place for the signature."""

    name: str
    typed_name: str
    title: str
    strokes: Strokes
    signed_at: datetime
    request_id: int
    said: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        who = ", ".join(filter(None, [self.name, self.title]))
        at = f"{self.signed_at:%Y-%m-%d %H:%M:%S} UTC"
        return (who, f"Signed electronically {at}, request {self.request_id}")


def signed_pdf(
    pdf: bytes, mark: Mark, certificate: bytes, seal: Seal, *, title: str, reason: str, now: datetime
) -> bytes:
    """The PDF with the mark at its places (or on a page of its own), the certificate's pages, and the seal.

    Raises UsageError when `pdf` is none, or is signed already.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.misc import PdfReadError

    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        if writer.prev.embedded_signatures:
            raise UsageError(f"{title} is signed already; a second signature does not go on top of it.")
    except PdfReadError as error:
        raise UsageError(f"{title} is no PDF that can be signed: {error}") from error
    places = places_of(pdf)
    if places:
        _stamp(writer, page_sizes(pdf), places, mark)
    else:
        append_pages(writer, signature_page(mark, title))
    append_pages(writer, certificate)
    return seal.put_on(writer, reason=reason, now=now)


def signature_page(mark: Mark, title: str) -> bytes:
    """A page of its own for the signature of a document that has no place for it."""

    def draw(canvas: Canvas) -> None:
        _text(canvas, 72, 700, f"Signature page of: {title}", size=14, bold=True)
        y = 670.0
        for line in _wrapped(mark.said, 468, 10.5):
            _text(canvas, 72, y, line, size=10.5)
            y -= 15
        canvas.setStrokeGray(0.45)
        canvas.line(72, y - 66 - RULE, 72 + WIDE + 40, y - 66 - RULE)
        _draw_mark(canvas, 72, y - 66, WIDE + 40, mark)

    return _drawn(LETTER, draw)


def append_pages(writer: IncrementalPdfFileWriter, pdf: bytes) -> None:
    """Adds every page of `pdf` at the end."""
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import PageObject

    reader = PdfFileReader(io.BytesIO(pdf))
    for number, (width, height) in enumerate(page_sizes(pdf)):
        drawing = writer.import_page_as_xobject(reader, page_ix=number)
        resources = generic.DictionaryObject({generic.pdf_name("/XObject"): generic.DictionaryObject()})
        resources["/XObject"][generic.pdf_name("/PwPage")] = drawing
        content = writer.add_object(generic.StreamObject(stream_data=b"q /PwPage Do Q"))
        writer.insert_page(PageObject(content, [0, 0, width, height], resources))


def _stamp(
    writer: IncrementalPdfFileWriter, sizes: Sequence[tuple[float, float]], places: Sequence[Place], mark: Mark
) -> None:
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.reader import PdfFileReader

    by_page = defaultdict(list)
    for place in places:
        by_page[place.page].append(place)
    for page, on_it in by_page.items():

        def draw(canvas: Canvas, on_it: Sequence[Place] = on_it) -> None:
            for place in on_it:
                _draw_mark(canvas, place.x, place.y, min(WIDE, place.width - place.x - 18), mark)

        reader = PdfFileReader(io.BytesIO(_drawn(sizes[page], draw)))
        drawing = writer.import_page_as_xobject(reader)
        resources = generic.DictionaryObject({generic.pdf_name("/XObject"): generic.DictionaryObject()})
        resources["/XObject"][generic.pdf_name("/PwMark")] = drawing
        # What the page left behind (a moved origin, a colour) must not reach the mark, so both are fenced off.
        opened = writer.add_object(generic.StreamObject(stream_data=b"q\n"))
        closed = writer.add_object(generic.StreamObject(stream_data=b"\nQ q /PwMark Do Q\n"))
        writer.add_stream_to_page(page, opened, prepend=True)
        writer.add_stream_to_page(page, closed, resources=resources)


def _draw_mark(canvas: Canvas, x: float, y: float, wide: float, mark: Mark) -> None:
    """The mark above the rule, which lies a little below y; in small letters below that who signed and when."""
    canvas.saveState()
    canvas.setFillColorRGB(*_INK)
    canvas.setStrokeColorRGB(*_INK)
    if mark.strokes:
        _draw_strokes(canvas, x, y, wide, mark.strokes)
    else:
        font = font_for(mark.typed_name, "hand")
        canvas.setFont(font, _fitting(mark.typed_name, font, wide, 20))
        canvas.drawString(x, y + 5, mark.typed_name)
    canvas.setFillGray(0.3)
    for number, line in enumerate(mark.lines, 1):
        font = font_for(line)
        canvas.setFont(font, _fitting(line, font, wide, 6.3))
        canvas.drawString(x, y - RULE - 7.2 * number, line)
    canvas.restoreState()


def _draw_strokes(canvas: Canvas, x: float, y: float, wide: float, strokes: Strokes) -> None:
    points = [point for stroke in strokes for point in stroke]
    left, top = min(one[0] for one in points), min(one[1] for one in points)
    across = max(1, max(one[0] for one in points) - left)
    down = max(1, max(one[1] for one in points) - top)
    scale = min(wide / across, HIGH / down, wide / PAD[0] * 1.6)
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    canvas.setLineWidth(1.15)
    for stroke in strokes:
        path = canvas.beginPath()
        for number, (at_x, at_y) in enumerate([*stroke, stroke[-1]]):
            to = (x + (at_x - left) * scale, y + 1 + (down - (at_y - top)) * scale)
            (path.lineTo if number else path.moveTo)(*to)
        canvas.drawPath(path, stroke=1, fill=0)


def _drawn(size: tuple[float, float], draw: object) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=size, invariant=1, pageCompression=1)
    draw(canvas)  # type: ignore[operator]  # a function of the canvas, whose library is not typed
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _text(canvas: Canvas, x: float, y: float, text: str, *, size: float, bold: bool = False) -> None:
    canvas.setFont(font_for(text, "bold" if bold else "plain"), size)
    canvas.drawString(x, y, text)


def _wrapped(text: str, wide: float, size: float) -> list[str]:
    from reportlab.lib.utils import simpleSplit

    return list(simpleSplit(text, font_for(text), size, wide)) if text else []


def _fitting(text: str, font: str, wide: float, size: float) -> float:
    """`size`, or as much smaller as the text needs to fit into `wide`."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    needed = stringWidth(text, font, size)
    return size if needed <= wide else max(2.5, size * wide / needed)

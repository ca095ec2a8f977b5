"""Pages of a PDF as pictures, and the places in it where a signature goes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from pw_pipelines.errors import UsageError

if TYPE_CHECKING:
    import pypdfium2

MARKER = "[[signature]]"
DOTS_PER_POINT = 1.7  # 1,040 dots across a letter page: sharp on a phone's screen, light on its line
MOST_DOTS = 20_000_000  # of one picture
_one_at_a_time = Lock()  # PDFium is not made for threads


@dataclass(frozen=True)
class Place:
    """Where a signature goes: page from 0, the left end of the marker's base line in points, and the page's width."""

    page: int
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Picture:
    """One page as PNG, with its size in dots."""

    png: bytes
    width: int
    height: int


def picture_of(pdf: bytes, page: int) -> Picture:
    """One page, from 0. Raises UsageError for a page that is not there."""
    with _opened(pdf) as document:
        if not 0 <= page < len(document):
            raise UsageError(f"The document has {len(document)} pages; there is no page {page + 1}.")
        width, height = document[page].get_size()  # as large as whoever made the file says; memory is ours
        scale = min(DOTS_PER_POINT, math.sqrt(MOST_DOTS / max(width * height, 1.0)))
        image = document[page].render(scale=scale, grayscale=True).to_pil()
    out = io.BytesIO()
    image.quantize(16).save(out, "PNG", optimize=False, compress_level=6)
    return Picture(out.getvalue(), image.width, image.height)


def page_sizes(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of every page in points."""
    with _opened(pdf) as document:
        return [(float(width), float(height)) for width, height in (page.get_size() for page in document)]


def places_of(pdf: bytes, marker: str = MARKER) -> list[Place]:
    """Where the marker stands, in reading order; empty when it is nowhere."""
    found = []
    with _opened(pdf) as document:
        for number, page in enumerate(document):
            text = page.get_textpage()
            search = text.search(marker, match_case=True)
            while hit := search.get_next():
                left, bottom, _, _ = text.get_charbox(hit[0], loose=True)
                found.append(Place(number, float(left), float(bottom), float(page.get_width())))
    return found


@contextmanager
def _opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    import pypdfium2

    with _one_at_a_time:
        document = pypdfium2.PdfDocument(pdf)
        try:
            yield document
        finally:
            document.close()

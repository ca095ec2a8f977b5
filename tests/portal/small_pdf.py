"""A real PDF of one page, for tests."""

from __future__ import annotations

import io
from functools import lru_cache

from reportlab.pdfgen.canvas import Canvas


@lru_cache(maxsize=32)
def small_pdf(text: str) -> bytes:
    """The same text gives the same bytes."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(612, 792), invariant=True)
    canvas.drawString(72, 700, text)
    canvas.save()
    return out.getvalue()

"""Certificates and letters as PDF, as a register hands them out. The same words are the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib.pagesizes import LETTER
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

_LEFT, _TOP, _WIDTH = 72.0, 720.0, 468.0


def paper(office: str, title: str, lines: Sequence[str]) -> bytes:
    """One page: the office, the title, and one paragraph per line."""
    held = io.BytesIO()
    canvas = Canvas(held, pagesize=LETTER, invariant=1)
    canvas.setTitle(title)
    canvas.setFont("Times-Bold", 15)
    canvas.drawCentredString(LETTER[0] / 2, _TOP, office)
    canvas.setFont("Times-Roman", 13)
    canvas.drawCentredString(LETTER[0] / 2, _TOP - 26, title)
    height = _TOP - 70
    for line in lines:
        canvas.setFont("Times-Roman", 11)
        for part in simpleSplit(line, "Times-Roman", 11, _WIDTH) or [""]:
            canvas.drawString(_LEFT, height, part)
            height -= 15
        height -= 6
    canvas.setFont("Times-Italic", 9)
    canvas.drawString(_LEFT, 54, "Made by a stand-in of the sandbox. Of no legal effect.")
    canvas.save()
    return held.getvalue()

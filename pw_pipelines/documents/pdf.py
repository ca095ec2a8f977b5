"""Looking at a PDF that somebody made: whether it is whole, and how many pages it has."""

from __future__ import annotations

import re

from pw_pipelines.errors import PwError

TAIL = 1024  # within which the end mark must stand
_START_OF_TABLE = re.compile(rb"startxref\s+(\d+)\s+%%EOF")


class BadPdf(PwError):
    """Bytes that are no whole PDF."""


def check_whole(pdf: bytes) -> None:
    """Raises BadPdf for what is empty, cut off or not a PDF. Needs no library; whoever receives it opens it as well."""
    if not pdf.startswith(b"%PDF-"):
        raise BadPdf(f"{len(pdf):,} bytes that are no PDF.")
    if b"%%EOF" not in pdf[-TAIL:]:
        raise BadPdf(f"A PDF of {len(pdf):,} bytes without its end.")
    table = _START_OF_TABLE.search(pdf[-TAIL:])
    if table is None or not 0 < int(table[1]) < len(pdf):
        raise BadPdf(f"A PDF of {len(pdf):,} bytes without its table of objects.")


def pages_of(pdf: bytes) -> int:
    """The number of pages, at least 1. Raises BadPdf for what is empty, cut off or not a PDF."""
    check_whole(pdf)
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        raise BadPdf(f"A PDF of {len(pdf):,} bytes that can't be opened: {error}.") from None
    try:
        pages = len(document)
    finally:
        document.close()
    if not pages:
        raise BadPdf("A PDF without pages.")
    return pages

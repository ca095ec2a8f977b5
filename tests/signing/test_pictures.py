"""Pages as pictures, whatever size a file says its page has."""

from __future__ import annotations

import io

import pypdfium2

from pw_pipelines.documents.signing.pictures import MOST_DOTS, picture_of


def pdf_of(width: float, height: float) -> bytes:
    document = pypdfium2.PdfDocument.new()
    document.new_page(width, height)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_a_page_as_large_as_a_house_takes_no_more_memory_than_others() -> None:
    picture = picture_of(pdf_of(14_400, 14_400), 0)
    assert picture.width * picture.height <= MOST_DOTS * 1.01


def test_a_letter_page_is_drawn_in_full() -> None:
    picture = picture_of(pdf_of(612, 792), 0)
    assert picture.width > 612

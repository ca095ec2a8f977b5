"""Form 499 filer database: one row per filer ID. Which export it is, is decided by the first bytes."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import form499_workbook, form499_xml
from pw_pipelines.sources.body import ZIP_MAGICS, opened
from pw_pipelines.sources.form499_row import COLUMNS
from pw_pipelines.sources.report import ReadReport

_OLD_EXCEL_MAGIC = b"\xd0\xcf\x11\xe0"


class Form499Reader:
    """Reads the XML list (or one query's reply) and the 122-column workbook."""

    source = "fcc_form499"
    table = "fcc_form499_filers"
    columns = COLUMNS

    def __call__(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
        stream, head = opened(raw, self.source)
        if head.startswith((*ZIP_MAGICS, _OLD_EXCEL_MAGIC)):
            seekable = stream if stream.seekable() else io.BytesIO(stream.read())
            yield from form499_workbook.read(seekable, report)
        elif head.lstrip().startswith((b"<", b"\xef\xbb\xbf<")) or form499_xml.error_code(head) is not None:
            yield from form499_xml.read(stream, head, report)
        elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise SourceRejected(
                "UTF-16 text; the list is ISO-8859-1. Save the file as it was sent, without converting it.",
                source=self.source,
            )
        else:
            shown = head[:60].decode("latin-1")
            raise SourceRejected(f"Neither XML nor an Excel workbook: begins with {shown!r}.", source=self.source)

"""The reader of each source, by the source's key."""

from __future__ import annotations

import io

from pw_pipelines.errors import UsageError
from pw_pipelines.sources.fcc_bdc import BdcReader
from pw_pipelines.sources.fcc_cores import CoresReader
from pw_pipelines.sources.fcc_cpni import CpniReader
from pw_pipelines.sources.fcc_form499 import Form499Reader
from pw_pipelines.sources.fcc_rmd import RmdReader
from pw_pipelines.sources.report import Reader, ReadReport

_READERS: dict[str, Reader] = {
    each.source: each for each in (RmdReader(), Form499Reader(), CpniReader(), BdcReader(), CoresReader())
}
SOURCES = tuple(_READERS)


def reader(source: str) -> Reader:
    """The reader of `source`. Raises UsageError naming the known ones."""
    try:
        return _READERS[source]
    except KeyError:
        raise UsageError(f"There is no source {source!r}; known: {', '.join(SOURCES)}.") from None


def read_reply(source: str, body: bytes, *, file_name: str | None = None) -> tuple[list[dict[str, object]], ReadReport]:
    """A small reply as dictionaries by column, read by the very reader that reads whole copies: for live look-ups.

    Raises SourceRejected like the reader.
    """
    chosen, report = reader(source), ReadReport(file_name=file_name)
    return [dict(zip(chosen.columns, row, strict=True)) for row in chosen(io.BytesIO(body), report)], report

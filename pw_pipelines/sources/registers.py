"""The reader of each state's register, by the source's key, and which of them a file is for."""

from __future__ import annotations

from functools import cache

from pw_pipelines.errors import SourceRejected, UsageError
from pw_pipelines.sources import florida, illinois, iowa, socrata
from pw_pipelines.sources.body import is_html, title
from pw_pipelines.sources.fixed_width import excerpt
from pw_pipelines.sources.register import RegisterReader
from pw_pipelines.sources.socrata_datasets import gone

_ALL: tuple[tuple[RegisterReader, ...], ...] = (
    florida.READERS,
    socrata.READERS,
    iowa.READERS,
    illinois.READERS,
)
REGISTERS: dict[str, RegisterReader] = {each.source: each for some in _ALL for each in some}


def register(source: str) -> RegisterReader:
    """The reader of `source`. Raises UsageError naming the known ones."""
    try:
        return REGISTERS[source]
    except KeyError:
        raise UsageError(f"There is no register {source!r}; known: {', '.join(REGISTERS)}.") from None


@cache
def registers_of(state: str) -> tuple[RegisterReader, ...]:
    """The readers of one state's register files, in the order they are tried; none for a state without files."""
    return tuple(each for each in REGISTERS.values() if each.state == state.upper())


def recognise(state: str, head: bytes, file_name: str) -> RegisterReader:
    """The reader a file is for. `head`: its first bytes, 4 KiB or more where there are.

    Raises SourceRejected saying what was found and which files of that state can be read.
    """
    known = registers_of(state)
    for each in known:
        if each.recognises(head, file_name):
            return each
    raise SourceRejected(
        f"{_found(head, file_name)} {_readable(state, known)}", source=known[0].source if known else ""
    )


def _found(head: bytes, file_name: str) -> str:
    if not head:
        return f"{file_name} is empty: 0 bytes."
    if is_html(head):
        return f"{file_name} is an HTML page: {title(head)}."
    line = head.split(b"\n", 1)[0].rstrip(b"\r")
    return f"{file_name} begins with {excerpt(head[:60])!r}; its first line has {len(line):,} bytes."


def _readable(state: str, known: tuple[RegisterReader, ...]) -> str:
    if known:
        names = ", ".join(each.source for each in known)
        return f"That is none of the files of {state.upper()} that can be read: {names}."
    said = f"No register file of {state.upper()} can be read."
    for one in gone(state):
        return f"{said} Its open-data set ({one.id} on {one.domain}) answers {one.answers}; use {one.instead}"
    return said

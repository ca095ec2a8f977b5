"""Blocks of fixed-width records cut into columns, and columns joined to what COPY takes.

A block is records of `stride` bytes one after the other, line ends included. ValueError: a field that is not in them.
"""

def stride_of(data: bytes, width: int) -> int:
    """Bytes from one record to the next when every line has `width` bytes and ends alike, LF or CRLF; 0 otherwise."""

def texts(data: bytes, stride: int, begin: int, end: int) -> list[str] | None:
    """One field of every record as latin-1 without the blanks and NUL around it; None when one holds anything else that
    is not printable."""

class Repeating:
    """A field whose values repeat, each looked up by its bytes: the latest are at hand, others are asked of `known`,
    which makes what it lacks. Values whose field is in `doubtful` are asked for each time."""

    def __init__(self, known: dict[str | bytes, str | None], doubtful: set[str | bytes]) -> None: ...
    def column(self, data: bytes, stride: int, begin: int, end: int) -> tuple[list[str | None], int]:
        """What each record's field gives, and how many were doubtful."""

def joined(columns: list[list[str] | list[str | None] | str], count: int) -> bytes | None:
    """`count` records as COPY text in UTF-8, a line each; a str holds for every record, None is empty.

    None when a value holds what cannot be kept as text: NUL, or half a character.
    """

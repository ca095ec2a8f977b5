"""A mail taken apart: the parts a report is made of, their text whatever the charset, and headers quoted in a text.

Only what a report needs is read: the first MOST_BYTES of a mail, at most MOST_PARTS parts, and nothing inside the
mail that was returned, for that is somebody's own words. Anybody may write to the mailbox, so every line, field and
header is bounded before a pattern sees it: no mail may keep the ones behind it waiting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

MOST_BYTES = 1_000_000
MOST_PARTS = 60
MOST_DEPTH = 8
MOST_LINES = 20_000  # of a mail, and of a part as decoded
LONGEST_LINE = 4_000  # RFC 5322 allows 998
LONGEST_FIELD = 4_000  # of a field's value with the lines folded into it
LONGEST_HEADER = 10_000
RETURNED = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/partial"}
)
_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")  # no database takes these; a charset of a liar's choice may give them
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*(.*)", re.DOTALL)


def parsed(content: bytes) -> Message:
    """The mail, read as far as MOST_BYTES and MOST_LINES; never raises for what a mail may hold."""
    lines = content[:MOST_BYTES].replace(b"\0", b"").splitlines(keepends=True)
    return message_from_bytes(b"".join(lines[:MOST_LINES]), policy=compat32)


def parts_of(message: Message) -> Iterator[Message]:
    """Every part, the mail itself included, those inside a returned mail excluded."""
    stack = [(message, 0)]
    for _ in range(MOST_PARTS):
        if not stack:
            return
        part, depth = stack.pop()
        yield part
        inside = part.get_payload()
        if depth < MOST_DEPTH and part.get_content_maintype() == "multipart" and isinstance(inside, list):
            stack.extend((each, depth + 1) for each in reversed(inside) if isinstance(each, Message))


def text_of(part: Message) -> str:
    """The part's text, bounded. A wrong or unknown charset costs letters, never the report."""
    lines = re.split(r"\r\n|\r|\n", _UNKEEPABLE.sub("\ufffd", _text_of(part)), maxsplit=MOST_LINES)[:MOST_LINES]
    return "\n".join(line[:LONGEST_LINE] for line in lines)


def _text_of(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):  # the library has taken message/* apart already
        blocks = [_plain(block) for block in payload if isinstance(block, Message)]
        text = "\n\n".join(blocks)
        encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
        return _decoded_again(text, encoding) if encoding in {"base64", "quoted-printable"} else text
    raw = part.get_payload(decode=True)
    content = raw if isinstance(raw, bytes) else str(payload or "").encode("utf-8", "surrogateescape")
    return _decoded(content, part.get_content_charset())


def _plain(block: Message) -> str:
    try:
        content = block.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError):  # the library can't write what it could read
        lines = [f"{name}: {value}" for name, value in block.items()]
        return "\n".join([*lines, str(block.get_payload() or "")])
    return _decoded(content, None).strip("\r\n")


def _decoded_again(text: str, encoding: str) -> str:
    whole = Message()
    whole["Content-Transfer-Encoding"] = encoding
    whole.set_payload(text)
    raw = whole.get_payload(decode=True)
    return _decoded(raw, None) if isinstance(raw, bytes) else text


def _decoded(content: bytes, charset: str | None) -> str:
    for name in dict.fromkeys(filter(None, (charset, "utf-8"))):
        try:
            return content.decode(name)
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    return content.decode("latin-1")


def header(message: Message, name: str) -> str:
    """A header as one line of text, its encoded words read, bounded; empty where there is none."""
    from email.errors import HeaderParseError
    from email.header import decode_header

    value = message.get(name)
    if value is None:
        return ""
    try:
        pieces = decode_header(str(value)[:LONGEST_HEADER])
        text = "".join(_decoded(piece, charset) if isinstance(piece, bytes) else piece for piece, charset in pieces)
    except (ValueError, LookupError, TypeError, AttributeError, HeaderParseError):  # base64 that is none, too
        text = str(value)[:LONGEST_HEADER]
    return " ".join(_UNKEEPABLE.sub("\ufffd", text).split())


def fields_in(text: str) -> list[list[tuple[str, str, str]]]:
    """Blocks of header fields in a text: (lower-cased name, unfolded value, the line as it stands).

    Blocks end at an empty line. What is no field and no continuation of one is passed over.
    """
    blocks: list[list[tuple[str, str, str]]] = [[]]
    for line in re.split(r"\r\n|\r|\n", text):
        if not line.strip():
            blocks.append([])
        elif line[0] in " \t" and blocks[-1]:
            name, value, raw = blocks[-1][-1]
            if len(raw) < LONGEST_FIELD:
                blocks[-1][-1] = (name, f"{value} {line.strip()}".strip(), f"{raw} {line.strip()}")
        elif found := _FIELD.match(line):
            blocks[-1].append((found.group(1).lower(), found.group(2).strip(), line.strip()))
    return [block for block in blocks if block]

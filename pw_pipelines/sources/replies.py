"""A source that takes several requests, as its replies: a bundle's members, or the one file saved by hand."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.body import ZIP_MAGICS, peek
from pw_pipelines.sources.bundle import INDEX, Member, read_bundle

MOST_REPLY_BYTES = 256 << 20  # one reply held in memory; the largest expected (10,000 filings) is about 30 MB


def is_zip(raw: BinaryIO) -> bool:
    """Whether the bytes are a ZIP of any kind."""
    return peek(raw, 4) in ZIP_MAGICS


def is_bundle(raw: BinaryIO, source: str) -> bool:
    """Whether the bytes are one of our bundles. Raises SourceRejected for a damaged ZIP."""
    if not is_zip(raw):
        return False
    try:
        with zipfile.ZipFile(raw) as archive:
            return INDEX in archive.namelist()
    except zipfile.BadZipFile as error:
        raise SourceRejected(f"The ZIP is cut short or damaged ({error}).", source=source) from error
    finally:
        raw.seek(0)


def members(raw: BinaryIO, source: str) -> Iterator[tuple[Member, bytes]]:
    """A bundle's replies in order. Raises SourceRejected when it is not whole or holds a reply of another status."""
    try:
        for member, body in read_bundle(raw):
            if member.status != 200:
                raise SourceRejected(f"The reply {member.name} has status {member.status}, not 200.", source=source)
            if len(body) > MOST_REPLY_BYTES:
                raise SourceRejected(f"The reply {member.name} has {len(body):,} bytes.", source=source)
            yield member, body
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise SourceRejected(f"The bundle of replies is cut short or damaged ({error}).", source=source) from error


def whole(stream: BinaryIO, source: str) -> bytes:
    """A reply saved as one file. Raises SourceRejected when it is too large to be one."""
    body = stream.read(MOST_REPLY_BYTES + 1)
    if len(body) > MOST_REPLY_BYTES:
        raise SourceRejected(f"One reply of more than {MOST_REPLY_BYTES:,} bytes.", source=source)
    return body

"""Small invented register files in each state's own format, and a reader run over them the way the road does."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import inflate64

from pw_pipelines.sources.bundle import BundleWriter, Member
from pw_pipelines.sources.fixed_width import layout
from pw_pipelines.sources.register import EntityColumns, EventColumns, RegisterFacts
from pw_pipelines.sources.registers import REGISTERS, recognise
from pw_pipelines.sources.report import Reject


class Read:
    """What a reader made of a file: rows as dictionaries, rejects, notes, facts."""

    def __init__(self, source: str, raw: bytes, file_name: str) -> None:
        reader = REGISTERS[source]
        self.source = source
        self.facts = RegisterFacts()
        self.rows: list[dict[str, Any]] = []
        self.read = self.rejected = 0
        self.rejects: list[Reject] = []
        self.notes: dict[str, int] = {}
        for block in reader.blocks(io.BytesIO(raw), self.facts, file_name=file_name):
            parsed = reader.parse(block)
            rows = rows_of(parsed.rows)
            assert parsed.read == len(rows) + parsed.rejected
            self.rows += rows
            self.read += parsed.read
            self.rejected += parsed.rejected
            self.rejects += parsed.rejects
            for what, count in parsed.notes.items():
                self.notes[what] = self.notes.get(what, 0) + count

    @property
    def only(self) -> dict[str, Any]:
        (row,) = self.rows
        return row

    def by_id(self) -> dict[str, dict[str, Any]]:
        return {row["record_id"]: row for row in self.rows}


def rows_of(columns: EntityColumns | EventColumns) -> list[dict[str, Any]]:
    names = list(columns.__dataclass_fields__)
    told = {name: getattr(columns, name) for name in names}
    return [
        {name: value[at] if isinstance(value, list) else value for name, value in told.items()}
        for at in range(len(columns))
    ]


def read_source(source: str, raw: bytes, file_name: str = "") -> Read:
    return Read(source, raw, file_name)


def read_file(state: str, raw: bytes, file_name: str) -> Read:
    """By the reader that a person's file would be given to."""
    return Read(recognise(state, raw[:4096], file_name).source, raw, file_name)


# --- fixed width ------------------------------------------------------------------------------------


def record(layout_name: str, **fields: str) -> bytes:
    """One record with these fields, blanks elsewhere."""
    at = layout(layout_name)
    made = bytearray(b" " * at.length)
    for name, value in fields.items():
        where, encoded = at[name], value.encode("latin-1")
        assert len(encoded) <= where.stop - where.start, name
        made[where.start : where.start + len(encoded)] = encoded
    return bytes(made)


def corporation(number: str = "L26000435750", name: str = "INVENTED MARINE LLC", **fields: str) -> bytes:
    """A record of Florida's corporate files, filler of NUL bytes included."""
    told = {"status": "A", "filing_type": "FLAL", "file_date": "09292023", "state_country": "FL", "filler": "\0" * 4}
    return record("florida_cordata", corporation_number=number, corporation_name=name, **(told | fields))


def lines(records: Iterable[bytes], end: bytes = b"\r\n") -> bytes:
    return b"".join(one + end for one in records)


def illinois(label: str, records: Sequence[bytes], *, count: int | None = None, day: str = "20261007") -> bytes:
    """A data file of the Illinois Secretary of State."""
    head = f"RUN DATE={day}   FILE:{label}".encode()
    tail = f"END OF FILE RECORD COUNT= {len(records) if count is None else count:07d}".encode()
    return lines([head, *records, tail])


# --- ZIPs -------------------------------------------------------------------------------------------


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return sink.getvalue()


def _deflate64(body: bytes) -> bytes:
    """Packed by inflate64's own packer, which loses 258 bytes of some inputs (seen in 1.0.4, also by Info-ZIP's
    unzip); then without any repeats, which is Deflate and Deflate64 alike."""
    deflater = inflate64.Deflater()
    packed = deflater.deflate(body) + deflater.flush()
    if inflate64.Inflater().inflate(packed) == body:
        return bytes(packed)
    plain = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    return plain.compress(body) + plain.flush()


def deflate64_zip(members: Mapping[str, bytes]) -> bytes:
    """A ZIP of method 9: made as a stored one, with packed bodies and their headers put right."""
    packed = {name: _deflate64(body) for name, body in members.items()}
    made = bytearray(zipped(packed, zipfile.ZIP_STORED))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        starts = {one.filename: one.header_offset for one in archive.infolist()}
        directory = archive.start_dir
    for name, body in members.items():
        changed = (9).to_bytes(2, "little"), zlib.crc32(body).to_bytes(4, "little"), len(body).to_bytes(4, "little")
        entry = made.index(b"PK\x01\x02", directory)
        directory = entry + 46
        for method, crc, size, at in ((8, 14, 22, starts[name]), (10, 16, 24, entry)):
            made[at + method : at + method + 2] = changed[0]
            made[at + crc : at + crc + 4] = changed[1]
            made[at + size : at + size + 4] = changed[2]
    return bytes(made)


# --- open data --------------------------------------------------------------------------------------


def page(rows: Sequence[Mapping[str, object]]) -> bytes:
    """A page as Socrata writes it."""
    return b"[" + b"\n,".join(json.dumps(row).encode() for row in rows) + b"]\n"


def bundle(path: Any, replies: Sequence[bytes], *, status: int = 200) -> bytes:
    with BundleWriter(path) as writer:
        for number, body in enumerate(replies):
            writer.add(Member(f"page-{number}.json", "https://data.example/resource", status, "application/json"), body)
    return bytes(path.read_bytes())

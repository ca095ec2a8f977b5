"""Members of a ZIP, looked at and read without unpacking more than is asked for."""

from __future__ import annotations

import io
import zipfile

import pytest
from inflate64 import Inflater

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import zipped
from pw_pipelines.sources.registers import recognise
from tests.sources.register_files import corporation, deflate64_zip, lines
from tests.sources.register_files import zipped as zip_of

LONGEST_MATCH = 3 + 0xFFFF  # what one code 285 of Deflate64 repeats


def repeated(letter: str, matches: int) -> bytes:
    """One block of Deflate64 in its fixed code: a letter and that many longest repeats of it, 29 bits each."""
    bits = ["1", "10", f"{0x30 + ord(letter):08b}"]  # the last block; fixed code; the letter
    bits += ["11000101" + "1" * 16 + "00000"] * matches  # length code 285 with all its bits, distance 1
    written = "".join(bits) + "0" * 7
    return int(written[::-1], 2).to_bytes(-(-len(written) // 8), "little")


def head_of(packed: bytes, method: int) -> bytes:
    """A local header of a ZIP and what follows it, with no directory: all that a first look has."""
    made = bytearray(zip_of({"cordata0.txt": packed}, zipfile.ZIP_STORED))
    made[8:10] = method.to_bytes(2, "little")
    return bytes(made[: 30 + len("cordata0.txt") + len(packed)])


class Counted:
    """inflate64's own inflater; adds up what all of them gave."""

    given = 0

    def __init__(self) -> None:
        self._real = Inflater()

    @property
    def eof(self) -> bool:
        return bool(self._real.eof)

    def inflate(self, data: bytes) -> bytes:
        out = bytes(self._real.inflate(data))
        Counted.given += len(out)
        return out


def test_the_made_block_is_what_an_inflater_takes_it_for() -> None:
    assert Inflater().inflate(repeated("L", 2)) == b"L" * (1 + 2 * LONGEST_MATCH)


def test_a_first_look_unpacks_no_more_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped.inflate64, "Inflater", Counted)
    monkeypatch.setattr(Counted, "given", 0)
    packed = repeated("L", 2_000)  # 7 kB, which are 131 MB

    name, first = zipped.first_look(head_of(packed, zipped.DEFLATED64))

    assert (name, first) == ("cordata0.txt", b"L" * zipped.LOOK_BYTES)
    assert Counted.given < 2_000_000


@pytest.mark.parametrize("make", [deflate64_zip, zip_of, lambda parts: zip_of(parts, zipfile.ZIP_STORED)])
def test_a_first_look_sees_the_beginning_of_the_first_member_however_it_is_packed(make) -> None:
    body = lines([corporation(f"L{number:011d}", f"INVENTED {number * 7919} LLC") for number in range(300)])
    raw = make({"cordata0.txt": body, "cordata1.txt": lines([corporation()])})

    name, first = zipped.first_look(raw[: 1 << 16])

    assert name == "cordata0.txt"
    assert len(first) > 8_000
    assert body.startswith(first[:8_000])
    assert recognise("FL", raw[: 1 << 16], "cordata.zip").source == "sunbiz_cor"


def test_a_first_member_that_is_shorter_than_the_look_ends_where_it_ends() -> None:
    raw = zip_of({"a.txt": b"short", "b.txt": b"other"})
    assert zipped.first_look(raw) == ("a.txt", b"short")


def test_a_damaged_beginning_shows_nothing_but_its_name() -> None:
    assert zipped.first_look(head_of(b"\xff" * 100, zipped.DEFLATED)) == ("cordata0.txt", b"")


def test_a_file_without_a_directory_is_rejected() -> None:
    with pytest.raises(SourceRejected, match="no readable directory"):
        zipped.members(io.BytesIO(head_of(repeated("L", 1), zipped.DEFLATED64)), "sunbiz_cor")

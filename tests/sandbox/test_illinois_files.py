"""Illinois' data files as a person saves them: each record to the byte, and the count in the last line."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from pathlib import Path

import httpx
import pytest

from pw_pipelines.sandbox.companies import Companies
from pw_pipelines.sandbox.illinois_files import SETS, write_set
from pw_pipelines.sources.fixed_width import layout
from pw_pipelines.sources.registers import recognise
from tests.fixtures_registers import Registers
from tests.fixtures_sandbox import SEED

DAY = date(2026, 11, 22)
KINDS = {
    "llcallmst": "llc_master", "llcallnam": "llc_name", "llcallase": "llc_assumed_name", "llcallold": "llc_old_name",
    "llcallser": "llc_series", "cdxallmst": "corp_master", "cdxallnam": "corp_name",
    "cdxallaon": "corp_assumed_old_name",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_record_has_its_layouts_length_and_the_last_line_counts_them(name: str, tmp_path: Path) -> None:
    write_set(Companies(SEED, 0.1), DAY, name, tmp_path / "set.zip")
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        for member in archive.namelist():
            first, *records, last = archive.read(member).removesuffix(b"\r\n").split(b"\r\n")
            assert first.startswith(b"RUN DATE=20261122   FILE: ")
            assert {len(record) for record in records} == {layout(f"illinois_{KINDS[member[:-4]]}").length}, member
            assert re.fullmatch(rb"END OF FILE RECORD COUNT= (\d{7})", last)[1] == b"%07d" % len(records)  # type: ignore[index]


def test_a_person_finds_both_sets_and_they_are_known_for_what_they_are(registers: Registers) -> None:
    with httpx.Client(base_url=registers.settings.sandbox_url) as client:
        for path, source in zip(
            client.get("/illinois/").json()["files"], ("illinois_llc", "illinois_corp"), strict=True
        ):
            body = client.get(path).content
            assert recognise("IL", body[: 1 << 16], path.rsplit("/", 1)[1]).source == source
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                assert archive.testzip() is None
        assert client.get("/illinois/other.zip").status_code == 404
